//! What every driver does with a [`Peer`]: keeps the mailboxes of its subscriptions, and says who is to be woken.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::clock::{ClockNews, WallClock};
use crate::cloudflare::ApiError;
use crate::demux::MessageType;
use crate::freshness::Made;
use crate::http::{Failure, Request, RequestId, Response};
use crate::lcm::{fingerprint_of, stamp, stamp_at};
use crate::link::LocalAddress;
use crate::presence::Presence;
use crate::{
    Accepted, ConnectionEvent, Container, Delivery, Dial, EndReason, Event, Mailbox, Message, Output, Peer,
    PublishError, RecvError, SessionId, Side, Stats, SubscribeOptions, SubscriptionId, Topic, TopicError, TopicId,
    TopicStats, WhenFull,
};

/// Subscriptions to events that one connection can have at the same time.
const MAX_EVENT_LISTENERS: usize = 64;

/// Events that such a subscription keeps until they are received; the oldest give way.
const EVENTS_KEPT: usize = 64;

/// A [`Mailbox`] as a driver shares it between threads or tasks. Clones are the same mailbox.
pub trait Inbox: Clone {
    /// Changes the mailbox, alone. Says whether somebody waits for it, and is to be woken.
    fn update(&self, change: impl FnOnce(&mut Mailbox)) -> bool;
}

/// What a driver is to do after a turn, in the order of the fields.
#[derive(Debug)]
#[must_use = "what is not done is lost"]
pub struct Turn<I> {
    /// Mailboxes that have something new, and somebody who waits for it and is to be woken.
    pub changed: Vec<I>,
    /// Datagrams to send.
    pub datagrams: Vec<Datagram>,
    /// Mailboxes whose channels have opened: [`Mailbox::note_opened`], then wake. After the datagrams, since an
    /// acknowledgement among them makes the SFU deliver.
    pub opened: Vec<I>,
    /// Requests to make; their answers go to [`Client::handle_response`].
    pub requests: Vec<Request>,
    /// What is worth a line in a log.
    pub notices: Vec<Notice>,
    /// Something happened that callers may wait for: connected, room in a queue, flushed, or over.
    pub news: bool,
    /// When [`Client::handle_timeout`] is to be called; `None`: no timer is running.
    pub deadline: Option<Instant>,
    /// The connection is over, and nothing follows.
    pub over: bool,
}

/// What is worth a line in a log. It names no secret and no payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The connection is up, for the first time or again.
    Connected {
        /// The publishing session's id.
        session: Option<SessionId>,
    },
    /// The connection was lost, and is dialed again.
    Reconnecting(EndReason),
    /// An attempt to dial again has failed, and others follow.
    DialFailed(EndReason),
    /// Somebody came or went at the far end of a broker's bridge.
    Presence(Presence),
    /// Something about clocks.
    Clock(ClockNews),
    /// An operator pressed the emergency stop.
    EmergencyStop,
    /// A robot's heartbeats fail.
    HeartbeatFailing(ApiError),
    /// The broker tells of something that a person has to see to.
    Warning(String),
    /// A topic's messages arrive from now on.
    Subscribed(Topic),
    /// The SFU closed the channel of a topic's subscriptions, and is asked for it again.
    Interrupted(Topic),
    /// The SFU gives a topic no channel.
    Trouble {
        /// Whose channel: the publisher's or the subscriber's.
        side: Side,
        /// The topic.
        topic: Topic,
        /// What the SFU said.
        error: ApiError,
        /// Whether it is tried again.
        retrying: bool,
    },
    /// The connection is over.
    Ended(EndReason),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Connected { session: Some(session) } => write!(f, "connected; publishing as session {session}"),
            Notice::Connected { session: None } => f.write_str("connected"),
            Notice::Reconnecting(reason) => write!(f, "connection lost: {reason}; dialing again"),
            Notice::DialFailed(reason) => write!(f, "still not connected: {reason}; dialing again"),
            Notice::Presence(presence) => ConnectionEvent::from(*presence).fmt(f),
            Notice::Clock(news) => news.fmt(f),
            Notice::EmergencyStop => f.write_str("the operator says: emergency stop"),
            Notice::HeartbeatFailing(error) => write!(f, "heartbeats fail: {error}"),
            Notice::Warning(what) => write!(f, "the broker warns: {what}"),
            Notice::Subscribed(topic) => write!(f, "topic {topic:?}: subscribed"),
            Notice::Interrupted(topic) => {
                write!(f, "topic {topic:?}: the SFU closed the subscription's channel; asking for it again")
            }
            Notice::Trouble { side, topic, error, retrying } => {
                let what = if *side == Side::Publish { "publish" } else { "subscribe" };
                let then = if *retrying { "trying again" } else { "given up" };
                write!(f, "topic {topic:?}: cannot {what}: {error}; {then}")
            }
            Notice::Ended(EndReason::Closed) => f.write_str("the connection was closed"),
            Notice::Ended(reason) => write!(f, "the connection is over: {reason}"),
        }
    }
}

/// A datagram that the peer wants sent.
#[derive(Debug)]
pub struct Datagram {
    /// The socket to send from.
    pub side: Side,
    /// Where to.
    pub destination: SocketAddr,
    /// What.
    pub contents: Vec<u8>,
}

impl Datagram {
    /// The number of its socket in [`Side::ALL`], its destination and its contents.
    pub fn parts(&self) -> (usize, SocketAddr, &[u8]) {
        (self.side as usize, self.destination, &self.contents)
    }
}

/// A connection with mailboxes for its subscriptions.
///
/// After each call but the reading ones, [`Client::turn`] says what to do.
#[derive(Debug)]
pub struct Client<I> {
    peer: Peer,
    connected: bool,
    ended: Option<EndReason>,
    /// The end has been dealt with: the peer is left alone.
    over: bool,
    inboxes: HashMap<SubscriptionId, Slot<I>>,
    /// Those with messages that their mailboxes do not have yet.
    filled: Vec<SubscriptionId>,
    /// Those whose messages grow stale.
    timed: Vec<SubscriptionId>,
    /// Those that are told what happens to the connection.
    event_listeners: Vec<SubscriptionId>,
    /// Topics whose queue was full, and has not been roomy since.
    full: HashSet<TopicId>,
    turn: Turn<I>,
}

#[derive(Debug)]
struct Slot<I> {
    inbox: I,
    arrived: Vec<Message>,
    stamps: Stamps,
    /// When its latest message grows stale.
    fresh_until: Option<Instant>,
}

/// Where a subscription's messages say when they were made.
#[derive(Debug, Clone, Copy)]
enum Stamps {
    /// It does not matter.
    Ignored,
    /// At this offset.
    At(usize),
    /// Where their types have it.
    Any,
}

impl Stamps {
    /// Where a subscription's messages, of this type or of any, say what it wants to know of them.
    fn of(options: &SubscribeOptions, kind: Option<MessageType>) -> Stamps {
        match kind.map(|kind| kind.stamp_at()) {
            _ if options.stale_after.is_none() || !options.by_stamp => Stamps::Ignored,
            Some(at) => at.map_or(Stamps::Ignored, Stamps::At),
            None => Stamps::Any,
        }
    }

    /// When a message says that it was made.
    fn made(self, now: Instant, message: &[u8], peer: &Peer) -> Made {
        let at = match self {
            Stamps::Ignored => None,
            Stamps::At(at) => Some(at),
            Stamps::Any => stamp_at(message),
        };
        match (at, fingerprint_of(message)) {
            (Some(at), Some(kind)) => match stamp(message, at) {
                Some(made) => peer.judge(now, kind, made),
                None => Made::Unstamped,
            },
            _ => Made::Untold,
        }
    }
}

impl<I> Default for Turn<I> {
    fn default() -> Self {
        Turn {
            changed: Vec::new(),
            datagrams: Vec::new(),
            opened: Vec::new(),
            requests: Vec::new(),
            notices: Vec::new(),
            news: false,
            deadline: None,
            over: false,
        }
    }
}

impl<I: Inbox> Client<I> {
    /// Dials at the first [`Client::turn`]. `local` holds the addresses of the two sockets, in the order of
    /// [`Side::ALL`]; `seed` jitters retries.
    pub fn new(dial: impl Into<Dial>, local: [impl Into<LocalAddress>; 2], seed: u64, now: Instant) -> Client<I> {
        Client {
            peer: Peer::new(dial, local, seed, now),
            connected: false,
            ended: None,
            over: false,
            inboxes: HashMap::new(),
            filled: Vec::new(),
            timed: Vec::new(),
            event_listeners: Vec::new(),
            full: HashSet::new(),
            turn: Turn::default(),
        }
    }

    /// Tells the time of day; see [`Peer::set_clock`].
    pub fn set_clock(&mut self, clock: WallClock) {
        if let Some(by) = self.peer.set_clock(clock) {
            for id in &self.timed {
                if let Some(slot) = self.inboxes.get(id) {
                    slot.inbox.update(|mailbox| mailbox.put_clock_back(by));
                }
            }
        }
    }

    /// The stamp for a message that is made now; see [`Peer::stamp`].
    pub fn stamp(&mut self, now: Instant) -> Option<Duration> {
        self.peer.stamp(now)
    }

    /// Whether it is time to tell the time of day again.
    pub fn is_clock_due(&self, now: Instant) -> bool {
        self.peer.is_clock_due(now)
    }

    /// Takes a datagram from the socket of `side`.
    pub fn handle_datagram(&mut self, now: Instant, side: Side, source: SocketAddr, datagram: &[u8]) {
        self.peer.handle_datagram(now, side, source, datagram);
    }

    /// Takes the answer to a request, or why there is none.
    pub fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        self.peer.handle_response(now, id, result);
    }

    /// To be called when the time has come that a [`Turn`] named; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.peer.handle_timeout(now);
    }

    /// Lets the peer work until it waits, and says what is to be done.
    pub fn turn(&mut self, now: Instant) -> Turn<I> {
        while !self.over {
            match self.peer.poll(now) {
                Output::Transmit { side, destination, datagram: contents } => {
                    self.turn.datagrams.push(Datagram { side, destination, contents });
                }
                Output::Http(request) => self.turn.requests.push(request),
                Output::Event(event) => self.handle_event(now, event),
                Output::WaitUntil(deadline, _) => {
                    self.turn.deadline = deadline;
                    self.over = self.ended.is_some();
                    if !self.over {
                        break;
                    }
                }
            }
        }
        self.deliver(now);
        let fresh_until = self.notice_stale(now);
        let mut turn = std::mem::take(&mut self.turn);
        turn.deadline = [turn.deadline, fresh_until].into_iter().flatten().min();
        if self.over {
            // What would follow the end is of no use to anybody.
            turn.requests.retain(|request| request.is_farewell);
            turn.deadline = None;
            turn.over = true;
        }
        turn
    }

    /// Makes a topic publishable.
    ///
    /// # Errors
    /// As for [`Peer::topic`].
    pub fn topic(&mut self, now: Instant, name: &Topic, delivery: Delivery) -> Result<TopicId, TopicError> {
        self.peer.topic(now, name, delivery)
    }

    /// Publishes a message.
    ///
    /// # Errors
    /// As for [`Peer::publish`].
    pub fn publish(
        &mut self,
        now: Instant,
        topic: TopicId,
        binary: bool,
        bytes: &[u8],
    ) -> Result<Accepted, PublishError> {
        let result = self.peer.publish(now, topic, binary, bytes);
        if let Err(PublishError::QueueFull { .. }) = result {
            self.full.insert(topic);
        }
        result
    }

    /// Whether the topic's queue has room, after it was full.
    pub fn is_writable(&self, topic: TopicId) -> bool {
        !self.full.contains(&topic)
    }

    /// Subscribes to a topic's messages of one type, or to all. `share` puts the mailbox behind the driver's lock.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_typed`]; nothing is registered then.
    pub fn subscribe(
        &mut self,
        now: Instant,
        topic: &Topic,
        options: SubscribeOptions,
        kind: Option<MessageType>,
        share: impl FnOnce(Mailbox) -> I,
    ) -> Result<(SubscriptionId, I), TopicError> {
        let id = match kind {
            Some(kind) => self.peer.subscribe_typed(now, topic, options.delivery, kind)?,
            None => self.peer.subscribe(now, topic, options.delivery)?,
        };
        let delivery = self.peer.delivery_of(id).unwrap_or(options.delivery);
        let stamps = Stamps::of(&options, kind);
        let mailbox = Mailbox::new(Some(topic.clone()), SubscribeOptions { delivery, ..options });
        Ok((id, self.insert(id, mailbox, stamps, share)))
    }

    /// Subscribes to every message of every topic that this connection subscribes to otherwise.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_all`].
    pub fn subscribe_all(
        &mut self,
        options: SubscribeOptions,
        share: impl FnOnce(Mailbox) -> I,
    ) -> Result<(SubscriptionId, I), TopicError> {
        let id = self.peer.subscribe_all()?;
        let stamps = Stamps::of(&options, None);
        Ok((id, self.insert(id, Mailbox::new(None, options), stamps, share)))
    }

    /// Subscribes to the names of topics, each at its first message.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_new_topics`].
    pub fn subscribe_new_topics(
        &mut self,
        share: impl FnOnce(Mailbox) -> I,
    ) -> Result<(SubscriptionId, I), TopicError> {
        let id = self.peer.subscribe_new_topics()?;
        Ok((id, self.insert(id, Mailbox::new(None, Delivery::RELIABLE.into()), Stamps::Ignored, share)))
    }

    /// Subscribes to what happens to the connection, the newest 64 events of it.
    ///
    /// # Errors
    /// When the connection has ended, or there are 64 such subscriptions.
    pub fn subscribe_events(&mut self, share: impl FnOnce(Mailbox) -> I) -> Result<(SubscriptionId, I), TopicError> {
        if self.event_listeners.len() >= MAX_EVENT_LISTENERS {
            return Err(TopicError::TooManyListeners { limit: MAX_EVENT_LISTENERS });
        }
        let id = self.peer.listener_id()?;
        let container = Container::queue(EVENTS_KEPT, WhenFull::DropOldest);
        let options = SubscribeOptions::from(Delivery::RELIABLE).container(container);
        self.event_listeners.push(id);
        Ok((id, self.insert(id, Mailbox::new(None, options), Stamps::Ignored, share)))
    }

    /// Ends a subscription: nothing of it is received when this returns, not even what had arrived.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        self.cut(id, RecvError::Unsubscribed);
    }

    /// [`Client::unsubscribe`], for another reason.
    pub fn cut(&mut self, id: SubscriptionId, why: RecvError) {
        self.timed.retain(|timed| *timed != id);
        self.event_listeners.retain(|listener| *listener != id);
        if let Some(slot) = self.inboxes.remove(&id) {
            let (mut dropped, mut refusals) = Default::default();
            let awaited = slot.inbox.update(|mailbox| {
                (dropped, refusals) = (mailbox.dropped(), mailbox.refusals());
                mailbox.clear(why);
            });
            self.peer.note_unread(id, dropped, refusals);
            self.turn.changed.extend(awaited.then_some(slot.inbox));
        }
        self.peer.unsubscribe(id);
    }

    /// Counts a message that turned out to be none of its subscription's type.
    pub fn note_undecodable(&mut self, id: SubscriptionId) {
        self.peer.note_undecodable(id);
    }

    /// Ends the connection at once and tells the SFU.
    pub fn close(&mut self, now: Instant) {
        if self.ended.is_none() {
            self.peer.close(now);
        }
    }

    /// The driver cannot go on: ends the connection for this reason, and tells the SFU.
    pub fn fail(&mut self, now: Instant, reason: EndReason) {
        self.finish(now, reason);
        self.peer.close(now);
    }

    /// [`Client::fail`] without another call of the peer, after one has panicked.
    pub fn abandon(&mut self, now: Instant, reason: EndReason) {
        self.finish(now, reason);
        self.over = true;
    }

    /// The connection has been up; [`Peer::is_up`] says whether it is.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Why the connection is over, if it is.
    pub fn ended(&self) -> Option<&EndReason> {
        self.ended.as_ref()
    }

    /// The peer, to read from.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// All counters: the peer's, and what the mailboxes dropped.
    pub fn stats(&self) -> Stats {
        let mut stats = self.peer.stats();
        for slot in self.inboxes.values() {
            slot.inbox.update(|mailbox| {
                if let Some(topic) = mailbox.topic().and_then(|topic| stats.topics.get_mut(topic)) {
                    topic.unread += mailbox.dropped();
                    mailbox.refusals().add_to(topic);
                    topic.waiting += mailbox.len();
                }
            });
        }
        stats
    }

    /// The counters of one topic, if this connection has it.
    pub fn topic_stats(&self, name: &Topic) -> Option<TopicStats> {
        let mut stats = self.peer.topic_stats(name)?;
        for slot in self.inboxes.values() {
            slot.inbox.update(|mailbox| {
                if mailbox.topic() == Some(name) {
                    stats.unread += mailbox.dropped();
                    mailbox.refusals().add_to(&mut stats);
                    stats.waiting += mailbox.len();
                }
            });
        }
        Some(stats)
    }

    /// Whether everything that was published has been acknowledged, or given up by a lossy transport.
    pub fn is_flushed(&mut self) -> bool {
        self.peer.is_flushed()
    }

    fn insert(&mut self, id: SubscriptionId, mailbox: Mailbox, stamps: Stamps, share: impl FnOnce(Mailbox) -> I) -> I {
        if mailbox.has_deadline() {
            self.timed.push(id);
        }
        let inbox = share(mailbox);
        self.inboxes.insert(id, Slot { inbox: inbox.clone(), arrived: Vec::new(), stamps, fresh_until: None });
        inbox
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Message { subscription, topic, payload } => {
                self.take_in(subscription, Message::new(topic, payload));
            }
            Event::Connected => {
                self.connected = true;
                self.turn.news = true;
                let session = self.peer.session_id().cloned();
                self.turn.notices.push(Notice::Connected { session });
                self.tell(ConnectionEvent::Connected);
            }
            Event::Disconnected(reason) => {
                self.outdate(now);
                self.turn.news = true;
                self.tell(ConnectionEvent::Reconnecting { reason: reason.to_string() });
                self.turn.notices.push(Notice::Reconnecting(reason));
            }
            Event::DialFailed(reason) => {
                self.tell(ConnectionEvent::DialFailed { reason: reason.to_string() });
                self.turn.notices.push(Notice::DialFailed(reason));
            }
            Event::Presence(presence) => {
                if matches!(presence, Presence::OperatorLost(_)) {
                    self.outdate(now);
                }
                self.turn.news = true;
                self.tell(presence.into());
                self.turn.notices.push(Notice::Presence(presence));
            }
            Event::Clock(news) => {
                self.tell(news.into());
                self.turn.notices.push(Notice::Clock(news));
            }
            Event::EmergencyStop => {
                self.outdate(now);
                self.turn.notices.push(Notice::EmergencyStop);
            }
            Event::Failing(error) => {
                self.tell(ConnectionEvent::HeartbeatFailing { reason: error.to_string() });
                self.turn.notices.push(Notice::HeartbeatFailing(error));
            }
            Event::Warning(what) => {
                self.tell(ConnectionEvent::Warning { what: what.clone() });
                self.turn.notices.push(Notice::Warning(what));
            }
            Event::Subscribed(id) => {
                self.turn.opened.extend(self.inboxes.get(&id).map(|slot| slot.inbox.clone()));
                self.turn.notices.extend(self.peer.topic_of(id).cloned().map(Notice::Subscribed));
            }
            Event::Interrupted(id) => {
                // What came before it stays before it.
                self.deliver(now);
                self.turn.notices.extend(self.peer.topic_of(id).cloned().map(Notice::Interrupted));
                if let Some(slot) = self.inboxes.get(&id)
                    && slot.inbox.update(Mailbox::note_interrupted)
                {
                    self.turn.changed.push(slot.inbox.clone());
                }
            }
            Event::Trouble { side, topic, error, retrying } => {
                let concerned = side == Side::Subscribe || self.peer.loops_back();
                for slot in self.inboxes.values().filter(|_| concerned) {
                    let awaited = slot.inbox.update(|mailbox| match retrying {
                        _ if mailbox.topic() != Some(&topic) => {}
                        true => mailbox.note_trouble(error.clone()),
                        false => mailbox.end(RecvError::Refused(error.clone())),
                    });
                    self.turn.changed.extend(awaited.then(|| slot.inbox.clone()));
                }
                self.turn.notices.push(Notice::Trouble { side, topic, error, retrying });
            }
            Event::Writable(topic) => {
                self.full.remove(&topic);
                self.turn.news = true;
            }
            Event::Ended(reason) => self.finish(now, reason),
        }
    }

    /// Collects a message for a subscription.
    fn take_in(&mut self, id: SubscriptionId, message: Message) {
        let Some(slot) = self.inboxes.get_mut(&id) else { return };
        if slot.arrived.is_empty() {
            self.filled.push(id);
        }
        slot.arrived.push(message);
    }

    /// Tells those who listen what happened to the connection.
    fn tell(&mut self, event: ConnectionEvent) {
        if self.event_listeners.is_empty() {
            return;
        }
        let Some(message) = event.into_message() else { return };
        for id in self.event_listeners.clone() {
            self.take_in(id, message.clone());
        }
    }

    /// Hands over what was collected, so that each mailbox is locked once a turn.
    fn deliver(&mut self, now: Instant) {
        for id in self.filled.drain(..) {
            let Some(slot) = self.inboxes.get_mut(&id) else { continue };
            let (mut overflowed, arrived, stamps, peer) = (None, &mut slot.arrived, slot.stamps, &self.peer);
            let fresh_until = &mut slot.fresh_until;
            let awaited = slot.inbox.update(|mailbox| {
                for message in arrived.drain(..) {
                    let made = stamps.made(now, &message, peer);
                    mailbox.deliver(now, message, made);
                }
                *fresh_until = mailbox.fresh_until();
                overflowed = mailbox.ended().is_some().then(|| (mailbox.dropped(), mailbox.refusals()));
            });
            self.turn.changed.extend(awaited.then(|| slot.inbox.clone()));
            if let Some((dropped, refusals)) = overflowed {
                self.inboxes.remove(&id);
                self.timed.retain(|timed| *timed != id);
                self.peer.note_unread(id, dropped, refusals);
                self.peer.unsubscribe(id);
            }
        }
    }

    /// Tells the receivers of mailboxes in which nothing fresh is left, and says when to look again.
    fn notice_stale(&mut self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for id in &self.timed {
            let Some(slot) = self.inboxes.get_mut(id) else { continue };
            let Some(until) = slot.fresh_until else { continue };
            if until > now {
                next = Some(next.map_or(until, |next| next.min(until)));
                continue;
            }
            slot.fresh_until = None;
            if slot.inbox.update(|mailbox| mailbox.note_time(now)) {
                self.turn.changed.push(slot.inbox.clone());
            }
        }
        next
    }

    /// What arrived so far is from before something was lost: it is not to be acted upon.
    fn outdate(&mut self, now: Instant) {
        self.deliver(now);
        let floor = self.peer.judging_time(now);
        for id in &self.timed {
            let Some(slot) = self.inboxes.get_mut(id) else { continue };
            slot.fresh_until = None;
            if slot.inbox.update(|mailbox| mailbox.outdate(floor)) {
                self.turn.changed.push(slot.inbox.clone());
            }
        }
    }

    /// Tells everyone that the connection is over. The first reason stands.
    fn finish(&mut self, now: Instant, reason: EndReason) {
        if self.ended.is_none() {
            self.tell(ConnectionEvent::Ended { reason: reason.to_string() });
            self.deliver(now);
            for (_, slot) in self.inboxes.drain() {
                if slot.inbox.update(|mailbox| mailbox.end(RecvError::Closed(reason.clone()))) {
                    self.turn.changed.push(slot.inbox);
                }
            }
            self.turn.notices.push(Notice::Ended(reason.clone()));
            self.ended = Some(reason);
            self.turn.news = true;
        }
    }
}
