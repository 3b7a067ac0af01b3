//! Messages from publishers to subscribers and back, and who holds whom back.

use std::time::Instant;

use farwire_core::Payload;
use farwire_core::link::StreamId;
use tracing::warn;

use super::Sfu;
use crate::backpressure::LOSSY_REST;
use crate::session::{Delivered, SessionKey, Stream};

impl Sfu {
    /// Hands a message to every subscriber of the channel on which it came.
    pub(super) fn forward(&mut self, now: Instant, key: SessionKey, stream: StreamId, payload: &Payload) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let arrival = session.arrival;
        let subscribers = match session.streams.get_mut(&stream) {
            Some(Stream::Publication { subscribers, .. }) => std::mem::take(subscribers),
            Some(Stream::Subscription(subscription)) => {
                // The subscriber's first message opens the gate; later ones are replies.
                if subscription.gate.take().is_some() {
                    session.reschedule();
                    return;
                }
                let publication = subscription.publisher;
                return self.reply(now, (key, stream), publication, (arrival, payload));
            }
            None => return,
        };
        self.stats.received += 1;
        self.stats.received_bytes += payload.bytes.len() as u64;
        let (mut overflowed, mut holding) = (Vec::new(), Vec::new());
        let (mut full, mut has_taker) = (None, false);
        for (subscriber, to) in &subscribers {
            let Some(session) = self.sessions.get_mut(subscriber) else { continue };
            match session.deliver(*to, arrival, payload, &mut self.stats) {
                Delivered::Taken => has_taker = true,
                Delivered::TakenAndFull => full = Some((*subscriber, *to)),
                Delivered::TakenAndHolds => holding.push((*subscriber, *to, session.link.acked())),
                Delivered::Overflowed => overflowed.push((*subscriber, *to)),
            }
            if !std::mem::replace(&mut session.is_dirty, true) {
                self.dirty.push_back(*subscriber);
            }
        }
        if let Some(session) = self.sessions.get_mut(&key) {
            for (subscriber, to, acked) in holding {
                session.backpressure.join(now, (subscriber, to), acked);
                session.reschedule();
            }
            if let Some(Stream::Publication { subscribers: place, .. }) = session.streams.get_mut(&stream) {
                *place = subscribers;
            }
        }
        for (subscriber, to) in overflowed {
            self.overflow(now, subscriber, to);
        }
        if let Some(full) = full.filter(|_| !has_taker) {
            self.hold_lossy(now, key, full);
        }
    }

    /// Holds a publisher back for a moment whose messages nobody takes as fast, so that it drops them itself: newer ones can replace
    /// them there. Not one that others hear as well, and not for somebody far away, whom a moment does not help.
    fn hold_lossy(&mut self, now: Instant, publisher: SessionKey, (key, stream): (SessionKey, StreamId)) {
        let is_held = self.sessions.get(&publisher).is_none_or(|session| session.backpressure.is_on());
        if is_held || self.has_several_subscribers(publisher) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let is_near = session.link.is_near();
        let Some(Stream::Subscription(subscription)) = session.streams.get_mut(&stream) else { return };
        if !is_near {
            return;
        }
        subscription.holds = true;
        let acked = session.link.acked();
        if let Some(session) = self.sessions.get_mut(&publisher) {
            session.backpressure.join_lossy(now, (key, stream), acked);
            session.reschedule();
        }
    }

    /// Hands a subscriber's message to the publisher, if this subscriber may reply.
    pub(super) fn reply(
        &mut self,
        now: Instant,
        from: (SessionKey, StreamId),
        (publisher, to): (SessionKey, StreamId),
        (arrival, payload): (Instant, &Payload),
    ) {
        let Some(session) = self.sessions.get_mut(&publisher) else { return };
        match session.take_reply(to, from, arrival, payload, &mut self.stats) {
            Delivered::Overflowed => self.overflow(now, from.0, from.1),
            Delivered::Taken | Delivered::TakenAndHolds | Delivered::TakenAndFull => self.mark(publisher),
        }
    }

    /// Closes a subscription, since messages cannot be taken for it that it must not lose.
    pub(super) fn overflow(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        self.stats.overflowed += 1;
        if let Some(session) = self.sessions.get(&key) {
            warn!(session = session.short_id(), stream, "subscription closed: its reliable queue is full");
        }
        self.close_stream(now, key, stream);
    }

    /// Lets the publishers go on for whom this session's subscriptions have become short again.
    pub(super) fn release_publishers(&mut self, key: SessionKey) {
        let released = self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.released));
        for (stream, publisher) in released.unwrap_or_default() {
            if let Some(session) = self.sessions.get_mut(&publisher) {
                session.backpressure.leave((key, stream));
                session.reschedule();
            }
            self.mark(publisher);
        }
    }

    /// Lets a publisher go on for which somebody holds it back in vain.
    pub(super) fn check_backpressure(&mut self, now: Instant, key: SessionKey) {
        let Some(mut backpressure) =
            self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.backpressure))
        else {
            return;
        };
        let shared = self.has_several_subscribers(key);
        let acked = |of| self.sessions.get(&of).map_or(0, |session| session.link.acked());
        for (subscriber, stream) in backpressure.check(now, shared, acked) {
            let session = self.sessions.get_mut(&subscriber);
            if let Some(Stream::Subscription(in_vain)) = session.and_then(|session| session.streams.get_mut(&stream)) {
                in_vain.holds = false;
                match in_vain.reliable {
                    true => in_vain.is_given_up = true,
                    false => in_vain.rests_until = Some(now + LOSSY_REST),
                }
            }
        }
        if let Some(session) = self.sessions.get_mut(&key) {
            session.backpressure = backpressure;
        }
        self.mark(key);
    }

    pub(super) fn has_several_subscribers(&self, key: SessionKey) -> bool {
        let streams = self.sessions.get(&key).into_iter().flat_map(|session| session.streams.values());
        let lists = streams.filter_map(|stream| match stream {
            Stream::Publication { subscribers, .. } => Some(subscribers),
            Stream::Subscription(_) => None,
        });
        let mut subscribers = lists.flatten().map(|(key, _)| *key);
        let first = subscribers.next();
        subscribers.any(|subscriber| Some(subscriber) != first)
    }
}
