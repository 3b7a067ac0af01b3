//! The SFU as a state machine.

mod calls;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use farwire_core::Payload;
use farwire_core::link::{Certificate, LinkEnd, LinkEvent, LinkOutput, StreamId, connectivity_check, is_stun};
use farwire_core::signalling::{Method, RequestId, Response};
use sha1::{Digest, Sha1};
use tracing::{debug, info, warn};

use crate::error::Refusal;
use crate::intake::{Crowd, Round};
use crate::limits::{DRAIN_WITHIN, REUSE_WITHIN};
use crate::paths::Admission;
use crate::session::{Delivered, Session, SessionKey, Stream};
use crate::{Config, Stats};

/// Outputs of one session before the others have their turn.
const OUTPUTS_PER_TURN: usize = 256;

/// A request of the API.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The path, from `/v1` on; a query is ignored.
    pub path: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What a driver is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send a datagram.
    Transmit(SocketAddr, Vec<u8>),
    /// Answer a request.
    Response(RequestId, Response),
    /// Wait for input, or for this time and hand it to [`Sfu::handle_timeout`].
    WaitUntil(Option<Instant>),
}

/// A DataChannel SFU behind one UDP address.
///
/// Drive it as any state machine of farwire: hand in what came, then call [`Sfu::poll`] until it answers
/// [`Output::WaitUntil`].
pub struct Sfu {
    config: Config,
    /// The address that clients are told.
    address: SocketAddr,
    certificate: Option<Certificate>,
    seed: [u8; 32],
    next_key: u32,
    sessions: HashMap<SessionKey, Session>,
    by_id: HashMap<String, SessionKey>,
    by_ufrag: HashMap<String, SessionKey>,
    by_address: HashMap<SocketAddr, SessionKey>,
    /// Sessions with something to do, each once.
    dirty: VecDeque<SessionKey>,
    timers: BTreeSet<(Instant, SessionKey)>,
    outbox: VecDeque<Output>,
    /// Datagrams of sessions that brought messages for others, acknowledgements mostly: the messages go first.
    later: VecDeque<Output>,
    /// Whose datagrams are in `later`.
    later_of: Vec<SessionKey>,
    /// Ends whenever [`Sfu::poll`] says to wait.
    round: Round,
    /// Sessions with datagrams that wait for their turn.
    crowd: Crowd,
    stats: Stats,
}

impl std::fmt::Debug for Sfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sfu").field("address", &self.address).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Sfu {
    /// An SFU whose clients send datagrams to `address`. The ids of sessions are derived from `seed`, which is to be
    /// random where they are not to be guessed.
    pub fn new(config: Config, address: SocketAddr, seed: [u8; 32]) -> Sfu {
        Sfu {
            config,
            address,
            certificate: Certificate::generate(),
            seed,
            next_key: 0,
            sessions: HashMap::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            dirty: VecDeque::new(),
            timers: BTreeSet::new(),
            outbox: VecDeque::new(),
            later: VecDeque::new(),
            later_of: Vec::new(),
            round: 0,
            crowd: Crowd::default(),
            stats: Stats::default(),
        }
    }

    /// Takes a datagram. `false`: it belongs to no session.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        self.stats.datagrams += 1;
        // A connectivity check names its session, so it also finds one that moved to an address known for another.
        let check = connectivity_check(datagram);
        let named = check.as_ref().and_then(|check| self.by_ufrag.get(check.receiver)).copied();
        let check = check.filter(|_| named.is_some());
        let Some(key) = named.or_else(|| self.by_address.get(&source).copied()) else {
            self.stats.stray += 1;
            return false;
        };
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        match &check {
            Some(check) => match session.paths.admit(now, source, check) {
                Admission::Admitted => {}
                Admission::Replayed => {
                    self.stats.replayed += 1;
                    return false;
                }
                Admission::Excess => {
                    self.stats.excess_checks += 1;
                    return false;
                }
            },
            None if session.hold.is_on() || !session.intake.may_read(self.round) => {
                let kept = session.intake.keep(now, source, datagram);
                self.stats.crowded += u64::from(!kept);
                self.postpone(now, key);
                return kept;
            }
            None => {}
        }
        session.arrival = now;
        let accepted = session.link.handle_datagram(now, source, datagram);
        match check {
            _ if !accepted => self.stats.stray += 1,
            Some(check) => {
                // Its integrity has been verified, so the address is the session's.
                session.heard = now;
                if let Some(address) = session.paths.checked(now, source, &check)
                    && self.by_address.get(&address) == Some(&key)
                {
                    self.by_address.remove(&address);
                }
                self.by_address.insert(source, key);
            }
            None => {}
        }
        match session.awaits_ack {
            true => self.mark_first(key),
            false => self.mark(key),
        }
        accepted
    }

    /// To be called when the time that [`Sfu::poll`] named has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, key)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            if let Some(session) = self.sessions.get_mut(&key) {
                session.timer = None;
                session.link.handle_timeout(now);
            }
            self.mark(key);
        }
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, now: Instant) -> Output {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            match self.dirty.pop_front() {
                Some(key) => {
                    self.crowd.others_had_a_turn();
                    self.serve(now, key);
                }
                None if !self.later.is_empty() => {
                    self.later_of.clear();
                    std::mem::swap(&mut self.outbox, &mut self.later);
                }
                None if self.crowd.pauses() => return Output::WaitUntil(Some(now)),
                None => match self.crowd.next() {
                    Some(key) => self.read(now, key),
                    None => return Output::WaitUntil(self.end_round(now)),
                },
            }
        }
    }

    /// Goes on at once if datagrams wait.
    fn end_round(&mut self, now: Instant) -> Option<Instant> {
        self.round += 1;
        let sessions = &self.sessions;
        let waiting = |key| sessions.get(&key).map_or(0, |session| session.intake.waiting());
        match self.crowd.begin_round(waiting) {
            true => Some(now),
            false => self.timers.first().map(|(at, _)| *at),
        }
    }

    /// The session's datagrams that wait have their turn in the next round. Not if it is held back, or may not send yet, as
    /// what it received would only pile up; then it has a turn of its own when that ends.
    fn postpone(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let may_read = !session.hold.is_on() && session.pace.wait(now).is_none();
        if may_read && session.intake.is_waiting() && !session.intake.is_crowd {
            session.intake.is_crowd = true;
            self.crowd.postpone(key);
        }
    }

    /// Reads a share of the session's datagrams that wait, and gives it a turn.
    fn read(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.intake.is_crowd = false;
        let may_read = !session.hold.is_on() && session.pace.wait(now).is_none();
        while may_read && let Some((arrival, source, datagram)) = session.intake.release(self.round) {
            session.arrival = arrival;
            let accepted = session.link.handle_datagram(now, source, &datagram);
            self.stats.stray += u64::from(!accepted);
        }
        session.is_dirty = true;
        self.serve(now, key);
    }

    /// Ends all sessions and tells their clients; [`Sfu::poll`] has the last datagrams.
    pub fn close(&mut self, now: Instant) {
        for (key, session) in &mut self.sessions {
            session.link.close(now);
            session.intake.is_crowd = false;
            if !std::mem::replace(&mut session.is_dirty, true) {
                self.dirty.push_back(*key);
            }
        }
    }

    /// Ends one session and tells its client; [`Sfu::poll`] has the last datagrams. For a program that made the session and
    /// has no more use for it: the API has no such call. `false`: there is no such session.
    pub fn end_session(&mut self, now: Instant, id: &str) -> bool {
        let Some(key) = self.by_id.get(id).copied() else { return false };
        if let Some(session) = self.sessions.get_mut(&key) {
            session.link.close(now);
            session.has_ended = true;
        }
        self.mark(key);
        true
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats { sessions: self.sessions.len(), ..self.stats }
    }

    fn mark(&mut self, key: SessionKey) {
        let session = self.sessions.get_mut(&key);
        if session.is_some_and(|session| !std::mem::replace(&mut session.is_dirty, true)) {
            self.dirty.push_back(key);
        }
    }

    /// The session's turn comes before the others', so that an acknowledgement counts for what came after it.
    fn mark_first(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if std::mem::replace(&mut session.is_dirty, true) {
            self.dirty.retain(|other| *other != key);
        }
        self.dirty.push_front(key);
    }

    fn respond(&mut self, id: RequestId, response: Response) {
        if response.status >= 400 {
            self.stats.refused += 1;
            debug!(status = response.status, "call refused");
        }
        self.outbox.push_back(Output::Response(id, response));
    }

    /// 128 bits, as many as Cloudflare's ids have, that tell nothing about other ids to those who do not know the seed.
    fn fresh_id(&mut self) -> (SessionKey, String) {
        self.next_key = self.next_key.wrapping_add(1);
        let digest = Sha1::new().chain_update(self.seed).chain_update(self.next_key.to_be_bytes()).finalize();
        let id = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (SessionKey(self.next_key), id)
    }

    /// One session's turn: its transport's output, its events, its queues, its deadlines.
    fn serve(&mut self, now: Instant, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key)
            && session.intake.is_crowd
            && !session.awaits_ack
        {
            // It has its turn when the rest of its datagrams is read.
            session.is_dirty = false;
            return;
        }
        let mut turn = OUTPUTS_PER_TURN;
        let mut datagrams = Vec::new();
        let transport = loop {
            let Some(session) = self.sessions.get_mut(&key) else { return };
            if let Some(at) = session.pace.wait(now) {
                break Some(at);
            }
            match session.link.poll(now) {
                LinkOutput::Transmit(to, datagram) => {
                    // A check is answered where it came from.
                    let best = if is_stun(&datagram) { None } else { session.paths.best(now) };
                    let to = best.unwrap_or(to);
                    session.pace.spend(datagram.len());
                    datagrams.push(Output::Transmit(to, datagram));
                }
                LinkOutput::Event(event) => self.handle_event(now, key, event),
                LinkOutput::WaitUntil(_) if session.pump(now, &mut self.stats) => {
                    self.leave_holds(key);
                    self.close_too_large(now, key);
                    self.close_drained(now, key);
                }
                LinkOutput::WaitUntil(at) => break at,
                _ => {}
            }
            turn -= 1;
            if turn == 0 {
                // Still dirty: it comes again after the others.
                self.send(key, datagrams);
                self.dirty.push_back(key);
                return;
            }
        };
        self.send(key, datagrams);
        self.postpone(now, key);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        self.stats.refused_packets += session.link.take_refused();
        // What is done from here on may give it another turn.
        session.is_dirty = false;
        if session.due.is_some_and(|due| due <= now) {
            self.expire(now, key);
        }
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.has_ended {
            return self.remove(now, key);
        }
        let timer = transport.into_iter().chain(session.due).min();
        if timer != session.timer {
            if let Some(old) = session.timer {
                self.timers.remove(&(old, key));
            }
            session.timer = timer;
            self.timers.extend(timer.map(|at| (at, key)));
        }
    }

    /// Puts a session's datagrams in line, in their order, behind what it brought for others.
    fn send(&mut self, key: SessionKey, datagrams: Vec<Output>) {
        let is_late = self.later_of.contains(&key);
        if is_late || !self.dirty.is_empty() {
            self.later.extend(datagrams);
            if !is_late {
                self.later_of.push(key);
            }
        } else {
            self.outbox.extend(datagrams);
        }
    }

    fn handle_event(&mut self, now: Instant, key: SessionKey, event: LinkEvent) {
        match event {
            LinkEvent::Message(stream, payload) => self.forward(now, key, stream, &payload),
            LinkEvent::Connected => {
                let Some(session) = self.sessions.get_mut(&key) else { return };
                info!(session = session.short_id(), "connected");
                session.connected = true;
                session.heard = now;
                session.connect_by = None;
                let waiting = std::mem::take(&mut session.waiting);
                session.reschedule();
                for (_, request, change) in waiting {
                    let response = self.change(now, key, change);
                    self.respond(request, response);
                }
            }
            LinkEvent::Closed(stream) => self.drop_stream(now, key, stream),
            LinkEvent::Ended(why) => {
                if let Some(session) = self.sessions.get_mut(&key) {
                    if let LinkEnd::Violation(violation) = why {
                        self.stats.violations += 1;
                        warn!(session = session.short_id(), reason = %violation, "session ended: its client breaks SCTP's rules");
                    }
                    session.has_ended = true;
                }
            }
            _ => {}
        }
    }

    /// Hands a message to every subscriber of the channel on which it came.
    fn forward(&mut self, now: Instant, key: SessionKey, stream: StreamId, payload: &Payload) {
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
        for (subscriber, to) in &subscribers {
            let Some(session) = self.sessions.get_mut(subscriber) else { continue };
            match session.deliver(*to, arrival, payload, &mut self.stats) {
                Delivered::Taken => {}
                Delivered::TakenAndHolds => holding.push((*subscriber, *to, session.link.acked())),
                Delivered::Overflowed => overflowed.push((*subscriber, *to)),
            }
            if !std::mem::replace(&mut session.is_dirty, true) {
                self.dirty.push_back(*subscriber);
            }
        }
        if let Some(session) = self.sessions.get_mut(&key) {
            for (subscriber, to, acked) in holding {
                session.hold.join(now, (subscriber, to), acked);
                session.reschedule();
            }
            if let Some(Stream::Publication { subscribers: place, .. }) = session.streams.get_mut(&stream) {
                *place = subscribers;
            }
        }
        for (subscriber, to) in overflowed {
            self.overflow(now, subscriber, to);
        }
    }

    /// Hands a subscriber's message to the publisher, if this subscriber may reply.
    fn reply(
        &mut self,
        now: Instant,
        from: (SessionKey, StreamId),
        (publisher, to): (SessionKey, StreamId),
        (arrival, payload): (Instant, &Payload),
    ) {
        let Some(session) = self.sessions.get_mut(&publisher) else { return };
        match session.take_reply(to, from, arrival, payload, &mut self.stats) {
            Delivered::Overflowed => self.overflow(now, from.0, from.1),
            Delivered::Taken | Delivered::TakenAndHolds => self.mark(publisher),
        }
    }

    /// Closes a subscription, since messages cannot be taken for it that it must not lose.
    fn overflow(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        self.stats.overflowed += 1;
        if let Some(session) = self.sessions.get(&key) {
            warn!(session = session.short_id(), stream, "subscription closed: its reliable queue is full");
        }
        self.close_stream(now, key, stream);
    }

    /// Closes the reliable subscriptions that have lost a message because it is larger than its receiver takes: whoever
    /// subscribed with that promise is to see that it was broken. Lossy ones go on.
    fn close_too_large(&mut self, now: Instant, key: SessionKey) {
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
    fn close_drained(&mut self, now: Instant, key: SessionKey) {
        let drained = self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.drained));
        for stream in drained.unwrap_or_default() {
            self.close_stream(now, key, stream);
        }
    }

    /// Closes a subscription whose publisher is gone: a reliable one when what waits for it is delivered.
    fn end_subscription(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
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
    fn close_stream(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.link.close_channel(stream);
        }
        self.mark(key);
        self.drop_stream(now, key, stream);
    }

    /// Forgets a channel. What is subscribed to it is closed.
    fn drop_stream(&mut self, now: Instant, key: SessionKey, stream: StreamId) {
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
                session.hold.leave((key, stream));
                if let Some(Stream::Publication { subscribers, .. }) = session.streams.get_mut(&from) {
                    subscribers.retain(|subscriber| *subscriber != (key, stream));
                }
                self.mark(publisher);
            }
            None => {}
        }
    }

    /// Lets the publishers go on for whom this session's subscriptions have become short again.
    fn leave_holds(&mut self, key: SessionKey) {
        let released = self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.released));
        for (stream, publisher) in released.unwrap_or_default() {
            if let Some(session) = self.sessions.get_mut(&publisher) {
                session.hold.leave((key, stream));
                session.reschedule();
            }
            self.mark(publisher);
        }
    }

    /// Lets a publisher go on for which somebody holds it back in vain.
    fn check_hold(&mut self, now: Instant, key: SessionKey) {
        let Some(mut hold) = self.sessions.get_mut(&key).map(|session| std::mem::take(&mut session.hold)) else {
            return;
        };
        let shared = self.has_several_subscribers(key);
        let acked = |of| self.sessions.get(&of).map_or(0, |session| session.link.acked());
        for (subscriber, stream) in hold.check(now, shared, acked) {
            let session = self.sessions.get_mut(&subscriber);
            if let Some(Stream::Subscription(in_vain)) = session.and_then(|session| session.streams.get_mut(&stream)) {
                in_vain.holds = false;
                in_vain.is_given_up = true;
            }
        }
        if let Some(session) = self.sessions.get_mut(&key) {
            session.hold = hold;
        }
        self.mark(key);
    }

    fn has_several_subscribers(&self, key: SessionKey) -> bool {
        let streams = self.sessions.get(&key).into_iter().flat_map(|session| session.streams.values());
        let lists = streams.filter_map(|stream| match stream {
            Stream::Publication { subscribers, .. } => Some(subscribers),
            Stream::Subscription(_) => None,
        });
        let mut subscribers = lists.flatten().map(|(key, _)| *key);
        let first = subscribers.next();
        subscribers.any(|subscriber| Some(subscriber) != first)
    }

    /// What has not happened in time: the connection, a sign of life, a call's transport, a subscriber's acknowledgement;
    /// and what has had to wait until now.
    fn expire(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let is_lost = session.connected && session.heard + REUSE_WITHIN <= now;
        if is_lost || session.connect_by.is_some_and(|by| by <= now) {
            let why = if is_lost { "nothing was heard from it" } else { "it did not connect in time" };
            info!(session = session.short_id(), why, "given up");
            self.stats.lost += u64::from(is_lost);
            session.link.close(now);
            session.has_ended = true;
            return;
        }
        let late = session.waiting.iter().take_while(|(at, ..)| *at <= now).count();
        let late: Vec<_> = session.waiting.drain(..late).collect();
        let is_due = |by: Option<Instant>| by.is_some_and(|by| by <= now);
        let overdue: Vec<StreamId> = session
            .streams
            .iter()
            .filter(|(_, stream)| matches!(stream, Stream::Subscription(s) if is_due(s.gate) || is_due(s.drain_until)))
            .map(|(id, _)| *id)
            .collect();
        for (_, request, _) in late {
            self.respond(request, Refusal::not_connected().response());
        }
        for stream in overdue {
            self.close_stream(now, key, stream);
        }
        self.check_hold(now, key);
        self.call_delayed(now, key);
        if let Some(session) = self.sessions.get_mut(&key) {
            session.reschedule();
        }
    }

    fn remove(&mut self, now: Instant, key: SessionKey) {
        let streams: Vec<StreamId> =
            self.sessions.get(&key).into_iter().flat_map(|session| session.streams.keys().copied()).collect();
        for stream in streams {
            self.drop_stream(now, key, stream);
        }
        let Some(session) = self.sessions.remove(&key) else { return };
        info!(session = session.short_id(), sessions = self.sessions.len(), "removed");
        self.stats.unconnected += u64::from(!session.connected);
        self.stats.stray += session.intake.waiting() as u64;
        self.by_id.remove(&session.id);
        self.by_ufrag.remove(&session.ufrag);
        for address in session.paths.addresses() {
            if self.by_address.get(&address) == Some(&key) {
                self.by_address.remove(&address);
            }
        }
        if let Some(at) = session.timer {
            self.timers.remove(&(at, key));
        }
        let waiting = session.waiting.iter().map(|(_, request, _)| *request);
        let delayed = session.delayed.iter().map(|(_, request, ..)| *request);
        for request in waiting.chain(delayed).collect::<Vec<_>>() {
            self.respond(request, Refusal::gone().response());
        }
    }
}

#[cfg(test)]
mod tests;
