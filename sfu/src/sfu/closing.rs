//! How channels end.

use std::time::Instant;

use farwire_core::link::StreamId;
use tracing::{debug, warn};

use super::Sfu;
use crate::limits::DRAIN_WITHIN;
use crate::session::{SessionKey, Stream};

impl Sfu {
    /// Closes the reliable subscriptions that have lost a message because it is larger than its receiver takes: whoever
    /// subscribed with that promise is to see that it was broken. Lossy ones go on.
    pub(super) fn close_too_large(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let max = session.link.max_message();
        for stream in std::mem::take(&mut session.too_large) {
            let stream = match self.sessions.get(&key).and_then(|session| session.streams.get(&stream)) {
                Some(Stream::Subscription(_)) => Some((key, stream)),
                Some(Stream::Publication { replies, .. }) => replies.holder,
                None => None,
            };
            let Some((key, stream)) = stream else { continue };
            let Some(session) = self.sessions.get(&key) else { continue };
            if let Some(Stream::Subscription(subscription)) = session.streams.get(&stream)
                && subscription.reliable
            {
                self.stats.outsized += 1;
                let session = session.short_id();
                warn!(session, stream, max, "subscription closed: a message is larger than its receiver takes");
                self.close_stream(now, key, stream);
            }
        }
    }

    /// Closes the subscriptions whose publishers are gone, once everything that those had published is delivered.
    pub(super) fn close_drained(&mut self, now: Instant, key: SessionKey) {
        let drained = self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.drained));
        for stream in drained.unwrap_or_default() {
            self.close_stream(now, key, stream);
        }
    }

    /// Closes a subscription whose publisher is gone: a reliable one when what waits for it is delivered.
    pub(super) fn end_subscription(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        match session.streams.get_mut(&stream) {
            Some(Stream::Subscription(subscription))
                if subscription.reliable && subscription.gate.is_none() && !subscription.outgoing.is_empty() =>
            {
                subscription.drain_until = Some(now + DRAIN_WITHIN);
                session.reschedule();
                self.mark(key);
            }
            _ => self.close_stream(now, key, stream),
        }
    }

    /// Closes a channel from this end and forgets it.
    pub(super) fn close_stream(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.link.close_channel(stream);
        }
        self.mark(key);
        self.drop_stream(now, key, stream);
    }

    /// Forgets a channel. What is subscribed to it is closed.
    pub(super) fn drop_stream(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        match session.streams.remove(&stream) {
            Some(Stream::Publication { name, subscribers, replies }) => {
                debug!(session = session.short_id(), stream, channel = name, "no longer published");
                self.stats.publications -= 1;
                replies.outgoing.abandon(&mut self.stats);
                session.published.remove(&name);
                for (subscriber, to) in subscribers {
                    self.end_subscription(now, subscriber, to);
                }
            }
            Some(Stream::Subscription(subscription)) => {
                debug!(session = session.short_id(), stream, channel = subscription.name, "no longer subscribed");
                self.stats.subscriptions -= 1;
                subscription.outgoing.abandon(&mut self.stats);
                session.subscribed.remove(&subscription.publisher);
                session.reschedule();
                let (publisher, from) = subscription.publisher;
                let Some(session) = self.sessions.get_mut(&publisher) else { return };
                session.backpressure.leave((key, stream));
                if let Some(Stream::Publication { subscribers, .. }) = session.streams.get_mut(&from) {
                    subscribers.retain(|subscriber| *subscriber != (key, stream));
                }
                self.mark(publisher);
            }
            None => {}
        }
    }
}
