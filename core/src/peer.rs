//! A connection to an SFU or by way of a broker: the one object that a driver drives.
//!
//! ```text
//!            handle_datagram, handle_response, handle_timeout
//!                               │
//!  publish, subscribe ──▶     Peer     ──▶ poll: Transmit, Http, Event, WaitUntil
//! ```
//!
//! A driver calls [`Peer::poll`] and does what it says until it says [`Output::WaitUntil`]; then it waits for a
//! datagram, an answer, a command of its user, or the time that was named, hands that in, and polls again.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::broker::IceServer;
use crate::clock::{ClockEstimate, ClockNews, Stamper, SteadyClock, WallClock};
use crate::cloudflare::ApiError;
use crate::demux::{Demux, InsertError, MessageType};
use crate::dial::{Dial, Dialer, Source};
use crate::freshness::{Made, Refusals, Stamp};
use crate::http::{Failure, Request, RequestId, Response};
use crate::lcm::EncodeError;
use crate::link::{LinkError, LocalAddress};
use crate::listeners::Listeners;
use crate::presence::{Company, OperatorLost, Presence};
use crate::session::{ChannelKey, Session, SessionEvent, SessionOutput, StampClock};
use crate::{ConnectionStats, LastError, SessionStats, Stats, TopicError, TopicStats};
use crate::{Delivery, EndReason, Payload, Pushed, QueueLimits, SendQueue, SessionId, Topic};

/// Topics that one connection can have at the same time.
pub const MAX_TOPICS: usize = 1024;

/// Subscriptions that one connection can have at the same time.
pub const MAX_SUBSCRIPTIONS: usize = 1024;

/// How often the time of day is asked for: a system's clock is set at times.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Messages that go from the queues to SCTP between two drains.
const WRITES_PER_DRAIN: usize = 16;

/// Which of a connection's two UDP sockets. They differ because an SFU may serve both sessions from one address. Through a
/// broker there is one session, which publishes and subscribes on the first socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The socket of the session that publishes.
    Publish,
    /// The socket of the session that subscribes.
    Subscribe,
}

impl Side {
    /// Both, in the order in which [`Peer::new`] takes their addresses.
    pub const ALL: [Side; 2] = [Side::Publish, Side::Subscribe];
}

/// A topic that can be published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(u32);

/// One subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(u32);

/// What a driver is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send a datagram from the socket of that side.
    Transmit {
        /// The socket to send from.
        side: Side,
        /// Where to.
        destination: SocketAddr,
        /// What.
        datagram: Vec<u8>,
    },
    /// Make a request, and hand its answer to [`Peer::handle_response`].
    Http(Request),
    /// Tell the user.
    Event(Event),
    /// Wait for input or for this time, and hand it to [`Peer::handle_timeout`]. `None`: for input alone.
    WaitUntil(Option<Instant>, Reason),
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// ICE, DTLS, SCTP, or writes that are collected for a packet.
    Transport,
    /// An API call's turn, a repetition, or the time to connect.
    Signalling,
    /// No timer is running.
    Idle,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The connection is up, for the first time or again.
    Connected,
    /// The connection was lost, and is dialed again; [`Event::Connected`] follows when it is up. What waited to be sent is
    /// dropped and counted.
    Disconnected(EndReason),
    /// An attempt to dial again has failed, and others follow. Told once for as long as the reason is the same.
    DialFailed(EndReason),
    /// Somebody came or went at the far end of a broker's bridge.
    Presence(Presence),
    /// A robot's heartbeats fail, while its connection may be fine. Told once for a streak of failures.
    Failing(ApiError),
    /// The broker tells of something that a person has to see to, such as another robot with the same key. All goes on.
    Warning(String),
    /// Something about clocks that people should hear.
    Clock(ClockNews),
    /// The operator pressed the emergency stop: what was commanded before it counts no more.
    EmergencyStop,
    /// The SFU's channel for a subscription is open.
    Subscribed(SubscriptionId),
    /// The SFU closed the channel of a subscription, so messages may be missing even if delivery is reliable. It is asked
    /// for again; [`Event::Subscribed`] follows if it succeeds.
    Interrupted(SubscriptionId),
    /// A message for one subscription.
    Message {
        /// Whose it is.
        subscription: SubscriptionId,
        /// The topic that it came on.
        topic: Topic,
        /// What was published; empty for a subscription to new topics.
        payload: Payload,
    },
    /// A topic's channel is not to be had; told once until it succeeds.
    Trouble {
        /// Whose channel: the publisher's or the subscriber's.
        side: Side,
        /// The topic.
        topic: Topic,
        /// What the SFU said.
        error: ApiError,
        /// `true`: it is tried again until it succeeds. `false`: the topic is of no use on this connection.
        retrying: bool,
    },
    /// A topic that refused a message has room again.
    Writable(TopicId),
    /// The connection is over; nothing follows.
    Ended(EndReason),
}

/// What became of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepted {
    /// It was handed to the transport.
    Sent,
    /// It waits in the topic's queue.
    Queued,
    /// It waits in the topic's queue, and the oldest there were dropped for it.
    ReplacedOldest,
    /// It was dropped, and counted: nobody can get it now, since the connection is being dialed again, or nobody is at the
    /// far end of a broker's bridge.
    Dropped,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Larger than the SFU receives.
    #[error("topic {topic:?}: a message of {len} bytes is larger than the {max} bytes that the SFU takes; split it")]
    TooLarge {
        /// The topic.
        topic: Topic,
        /// The message's bytes.
        len: usize,
        /// The negotiated maximum.
        max: usize,
    },
    /// The queue of a reliable topic is full.
    #[error("topic {topic:?}: the send queue is full ({messages} messages, {bytes} bytes): publish more slowly")]
    QueueFull {
        /// The topic.
        topic: Topic,
        /// Messages in the queue.
        messages: usize,
        /// Bytes in the queue.
        bytes: usize,
    },
    /// Published as text, which it is not.
    #[error(
        "topic {topic:?}: text is UTF-8, and these bytes are not from byte {valid_up_to} on: publish them as binary"
    )]
    NotText {
        /// The topic.
        topic: Topic,
        /// Bytes that are text.
        valid_up_to: usize,
    },
    /// The message has no encoding.
    #[error("topic {topic:?}: {error}")]
    Encode {
        /// The topic.
        topic: Topic,
        /// What is wrong with it.
        error: EncodeError,
    },
    /// The SFU does not give this topic a channel.
    #[error("topic {topic:?}: {error}")]
    Refused {
        /// The topic.
        topic: Topic,
        /// What the SFU said.
        error: ApiError,
    },
    /// The connection is over.
    #[error("topic {topic:?}: {reason}")]
    Ended {
        /// The topic.
        topic: Topic,
        /// Why.
        reason: EndReason,
    },
    /// No such topic on this connection.
    #[error("this topic belongs to another connection")]
    UnknownTopic,
}

#[derive(Debug)]
struct TopicState {
    name: Topic,
    delivery: Delivery,
    publication: Option<Publication>,
    reception: Option<Reception>,
    stats: TopicStats,
    /// A message has come, and those who listen for new topics were told.
    heard: bool,
}

impl TopicState {
    fn stats(&self) -> TopicStats {
        let publication = self.publication.as_ref();
        TopicStats {
            queued: publication.map_or(0, |publication| publication.queue.len()),
            queued_bytes: publication.map_or(0, |publication| publication.queue.bytes()),
            publishing: publication.is_some_and(|publication| publication.open),
            subscribed: self.reception.as_ref().is_some_and(|reception| reception.open),
            ..self.stats.clone()
        }
    }
}

#[derive(Debug)]
struct Publication {
    key: ChannelKey,
    queue: SendQueue,
    open: bool,
    /// Whether the topic is in `backlog`.
    in_backlog: bool,
    /// A message was refused since the queue was last roomy.
    refused: bool,
    failed: Option<ApiError>,
}

#[derive(Debug)]
struct Reception {
    /// `None` until this connection's own publication, to which it subscribes, is there.
    key: Option<ChannelKey>,
    open: bool,
    subscribers: Vec<SubscriptionId>,
}

/// A connection: to an SFU over two sessions, of which one publishes and one subscribes, or over one by way of a broker.
///
/// See the [module](self) for how to drive it.
pub struct Peer {
    dialer: Dialer,
    source: Source,
    /// One for each side, or one for both.
    sessions: Vec<Box<dyn Session>>,
    /// What sessions before these counted.
    former: [SessionStats; 2],
    is_up: bool,
    /// It was up, and is being dialed again.
    is_lost: bool,
    /// Times that it was lost.
    losses: u64,
    lost_by: Option<LastError>,
    /// Why the latest attempt to dial again failed, if that was told.
    dial_failed: Option<EndReason>,
    clock: SteadyClock,
    stamper: Stamper,
    company: Company,
    /// The last words of sessions that are gone.
    farewells: VecDeque<Output>,
    topics: HashMap<TopicId, TopicState>,
    by_name: HashMap<Topic, TopicId>,
    by_key: HashMap<ChannelKey, TopicId>,
    subscriptions: HashMap<SubscriptionId, TopicId>,
    demux: Box<Demux<TopicId, SubscriptionId, MAX_SUBSCRIPTIONS>>,
    listeners: Listeners,
    /// Topics with queued messages and an open channel, in the order of their turns.
    backlog: VecDeque<TopicId>,
    /// Messages in all queues.
    queued: usize,
    next_id: u32,
    outbox: VecDeque<Event>,
    ended: Option<EndReason>,
    end_told: bool,
    /// What ended the connection, unless it was closed here.
    ended_by: Option<LastError>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("topics", &self.topics.len()).field("up", &self.is_up).finish_non_exhaustive()
    }
}

impl Peer {
    /// Dials at the first [`Peer::poll`]. `local` holds the addresses of the two sockets, in the order of [`Side::ALL`];
    /// for a socket that is bound to all interfaces, any address of the machine will do. `seed` jitters repetitions: one
    /// for each connection, or many would ask an SFU again at the same time.
    pub fn new(dial: impl Into<Dial>, local: [impl Into<LocalAddress>; 2], seed: u64, now: Instant) -> Peer {
        let mut dialer = Dialer::new(dial.into(), local.map(Into::into), seed);
        Peer {
            source: dialer.source(),
            sessions: dialer.dial(now),
            dialer,
            former: Default::default(),
            is_up: false,
            is_lost: false,
            losses: 0,
            lost_by: None,
            dial_failed: None,
            clock: SteadyClock::new(now),
            stamper: Stamper::default(),
            company: Company::default(),
            farewells: VecDeque::new(),
            topics: HashMap::new(),
            by_name: HashMap::new(),
            by_key: HashMap::new(),
            subscriptions: HashMap::new(),
            demux: Box::default(),
            listeners: Listeners::default(),
            backlog: VecDeque::new(),
            queued: 0,
            next_id: 0,
            outbox: VecDeque::new(),
            ended: None,
            end_told: false,
            ended_by: None,
        }
    }

    /// Tells the time of day, which robots tell operators, and by which stamps are judged. To be called before the first
    /// [`Peer::poll`], and when [`Peer::is_clock_due`].
    ///
    /// A clock that was set is told of as [`Event::Clock`]. While somebody at the far end goes by it, time goes on as it was
    /// before, and the system's clock is followed when they are gone: a step stops nobody, and makes nothing stale fresh.
    /// `Some`: the time that stamps are judged by went back by so much.
    pub fn set_clock(&mut self, clock: WallClock) -> Option<Duration> {
        if let Some(by) = self.clock.read(clock) {
            self.outbox.push_back(Event::Clock(ClockNews::Set { by_ms: ClockNews::milliseconds(by) }));
        }
        if self.sessions.iter().any(|session| session.keeps_clock()) {
            return None;
        }
        let jump = self.clock.follow();
        let clock = self.clock.kept();
        self.sessions.iter_mut().for_each(|session| session.set_clock(clock));
        jump.and_then(|by| Duration::try_from_secs_f64(-by).ok())
    }

    /// Whether it is time to tell the time of day again: once a second.
    pub fn is_clock_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.clock.read_at()) >= CLOCK_EVERY
    }

    /// Whether subscriptions are to what this connection itself publishes.
    pub(crate) fn loops_back(&self) -> bool {
        self.source == Source::Own
    }

    /// Takes a datagram from the socket of `side`. `false`: it was not for this connection, and is to be counted.
    pub fn handle_datagram(&mut self, now: Instant, side: Side, source: SocketAddr, datagram: &[u8]) -> bool {
        self.session(side).handle_datagram(now, source, datagram)
    }

    /// Takes the answer to a request, or why there is none.
    pub fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        let side = Side::ALL[(id.0 % 2) as usize];
        self.session(side).handle_response(now, id, result);
    }

    /// To be called when the time has come that [`Peer::poll`] named; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        for session in &mut self.sessions {
            session.handle_timeout(now);
        }
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, now: Instant) -> Output {
        loop {
            if let Some(event) = self.outbox.pop_front() {
                return Output::Event(event);
            }
            if let Some(output) = self.farewells.pop_front() {
                return output;
            }
            if self.dialer.redials_at().is_some_and(|at| at <= now) && self.ended.is_none() {
                self.dial_again(now);
            }
            let mut wait = (self.dialer.redials_at(), Reason::Signalling);
            let mut progressed = false;
            for (session, side) in Side::ALL.into_iter().enumerate().take(self.sessions.len()) {
                match self.sessions[session].poll(now) {
                    SessionOutput::Transmit(destination, datagram) => {
                        return Output::Transmit { side, destination, datagram };
                    }
                    SessionOutput::Http(request) => return Output::Http(request),
                    SessionOutput::Event(event) => {
                        self.handle_session_event(now, side, event);
                        progressed = true;
                    }
                    SessionOutput::WaitUntil(Some(at), transport) if wait.0.is_none_or(|earliest| at < earliest) => {
                        wait = (Some(at), if transport { Reason::Transport } else { Reason::Signalling });
                    }
                    SessionOutput::WaitUntil(..) => {}
                }
            }
            if progressed || self.pump(now) {
                continue;
            }
            if wait.0.is_none() {
                wait.1 = Reason::Idle;
            }
            // Told last, so that the farewell to the SFU is out before a driver stops.
            match &self.ended {
                Some(reason) if !self.end_told => {
                    self.end_told = true;
                    return Output::Event(Event::Ended(reason.clone()));
                }
                Some(_) => return Output::WaitUntil(None, Reason::Idle),
                None => return Output::WaitUntil(wait.0, wait.1),
            }
        }
    }

    /// Makes a topic publishable; its channel is opened once, however often this is called.
    ///
    /// # Errors
    /// When the connection has ended or is full, or has the topic with another delivery.
    pub fn topic(&mut self, now: Instant, name: &Topic, delivery: Delivery) -> Result<TopicId, TopicError> {
        let id = self.topic_state(name, Side::Publish, delivery)?;
        self.publish_on(now, id);
        Ok(id)
    }

    /// The delivery that a topic has. Through a broker it is the channel's own, whatever was asked for.
    pub fn delivery(&self, id: TopicId) -> Option<Delivery> {
        self.topics.get(&id).map(|topic| topic.delivery)
    }

    /// Publishes a message, as binary or as text, which is UTF-8. [`Peer::poll`] is to be called next.
    ///
    /// # Errors
    /// When the message was not taken; see [`PublishError`].
    pub fn publish(&mut self, now: Instant, id: TopicId, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        let Some(topic) = self.topics.get_mut(&id) else { return Err(PublishError::UnknownTopic) };
        let Some(publication) = &mut topic.publication else { return Err(PublishError::UnknownTopic) };
        let Some(session) = self.sessions.first_mut() else { return Err(PublishError::UnknownTopic) };
        let result = 'sent: {
            if let Some(reason) = &self.ended {
                break 'sent Err(PublishError::Ended { topic: topic.name.clone(), reason: reason.clone() });
            }
            if let Some(error) = &publication.failed {
                break 'sent Err(PublishError::Refused { topic: topic.name.clone(), error: error.clone() });
            }
            let max = session.link().max_message();
            if bytes.len() > max {
                break 'sent Err(PublishError::TooLarge { topic: topic.name.clone(), len: bytes.len(), max });
            }
            if !binary && let Err(error) = std::str::from_utf8(bytes) {
                break 'sent Err(PublishError::NotText { topic: topic.name.clone(), valid_up_to: error.valid_up_to() });
            }
            if publication.open && publication.queue.is_empty() && session.link().has_room(bytes.len()) {
                match session.write(now, publication.key, binary, bytes) {
                    Ok(()) => break 'sent Ok(Accepted::Sent),
                    Err(LinkError::NotOpen(_)) => publication.open = false,
                    // What SCTP cannot take now may go later.
                    Err(_) => {}
                }
            }
            if self.is_lost || !(publication.open || session.queues_until_open()) {
                topic.stats.unheard += 1;
                break 'sent Ok(Accepted::Dropped);
            }
            let payload = Payload { bytes: Bytes::copy_from_slice(bytes), binary };
            match publication.queue.push(payload) {
                Pushed::Queued => {
                    self.queued += 1;
                    Ok(Accepted::Queued)
                }
                Pushed::Replaced(dropped) => {
                    self.queued = self.queued + 1 - dropped;
                    topic.stats.replaced += dropped as u64;
                    Ok(Accepted::ReplacedOldest)
                }
                Pushed::Refused => {
                    publication.refused = true;
                    let (messages, bytes) = (publication.queue.len(), publication.queue.bytes());
                    Err(PublishError::QueueFull { topic: topic.name.clone(), messages, bytes })
                }
            }
        };
        match &result {
            Ok(Accepted::Sent) => topic.stats.note_sent(bytes.len()),
            Ok(_) => {}
            Err(error) => topic.stats.note_refused(error),
        }
        if publication.open && !publication.queue.is_empty() && !publication.in_backlog {
            publication.in_backlog = true;
            self.backlog.push_back(id);
        }
        result
    }

    /// Subscribes to every message of a topic of the configured publisher, or of this connection itself. The topic need
    /// not exist yet.
    ///
    /// # Errors
    /// When the connection has ended or is full, or has the topic with another delivery.
    pub fn subscribe(&mut self, now: Instant, name: &Topic, delivery: Delivery) -> Result<SubscriptionId, TopicError> {
        self.subscribe_to(now, name, delivery, None)
    }

    /// [`subscribe`](Peer::subscribe), but only to the messages that begin with the fingerprint of a type.
    ///
    /// # Errors
    /// As for [`subscribe`](Peer::subscribe), and when the topic has subscriptions for another type with the same
    /// fingerprint.
    pub fn subscribe_typed(
        &mut self,
        now: Instant,
        name: &Topic,
        delivery: Delivery,
        kind: MessageType,
    ) -> Result<SubscriptionId, TopicError> {
        self.subscribe_to(now, name, delivery, Some(kind))
    }

    fn subscribe_to(
        &mut self,
        now: Instant,
        name: &Topic,
        delivery: Delivery,
        kind: Option<MessageType>,
    ) -> Result<SubscriptionId, TopicError> {
        let id = self.topic_state(name, Side::Subscribe, delivery)?;
        let subscription = SubscriptionId(self.fresh_id());
        if let Err(error) = self.demux.insert(id, kind, subscription) {
            self.forget_if_unused(id);
            return Err(match error {
                InsertError::SameFingerprint { .. } => TopicError::SameFingerprint { topic: name.clone(), error },
                _ => TopicError::TooManySubscriptions { topic: name.clone(), limit: MAX_SUBSCRIPTIONS },
            });
        }
        self.subscriptions.insert(subscription, id);
        if self.loops_back() {
            self.publish_on(now, id);
        }
        if let Some(topic) = self.topics.get_mut(&id) {
            let new = Reception { key: None, open: false, subscribers: Vec::new() };
            let reception = topic.reception.get_or_insert(new);
            reception.subscribers.push(subscription);
            if reception.open {
                self.outbox.push_back(Event::Subscribed(subscription));
            }
        }
        self.receive_on(now, id);
        Ok(subscription)
    }

    /// Subscribes to every message of every topic that has subscriptions of its own, each once however many they are.
    ///
    /// # Errors
    /// When the connection has ended, or listens so often already.
    pub fn subscribe_all(&mut self) -> Result<SubscriptionId, TopicError> {
        let id = self.listener_id()?;
        self.listeners.insert_all(id)?;
        Ok(id)
    }

    /// Subscribes to the names of the topics that have subscriptions of their own, each told once, at its first message
    /// or, if that has come, now.
    ///
    /// # Errors
    /// When the connection has ended, or listens so often already.
    pub fn subscribe_new_topics(&mut self) -> Result<SubscriptionId, TopicError> {
        let id = self.listener_id()?;
        self.listeners.insert_new_topics(id)?;
        for topic in self.topics.values().filter(|topic| topic.heard) {
            self.listeners.tell_new(&topic.name, &mut self.outbox);
        }
        Ok(id)
    }

    pub(crate) fn listener_id(&mut self) -> Result<SubscriptionId, TopicError> {
        match self.ended {
            Some(_) => Err(TopicError::ConnectionEnded),
            None => Ok(SubscriptionId(self.fresh_id())),
        }
    }

    /// Ends a subscription: no event of it follows. The topic's last one closes its channel.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        if self.listeners.remove(id) {
            return self.forget_events_of(id);
        }
        let Some(topic_id) = self.subscriptions.remove(&id) else { return };
        self.demux.remove(id);
        self.forget_events_of(id);
        let Some(topic) = self.topics.get_mut(&topic_id) else { return };
        if let Some(reception) = &mut topic.reception {
            reception.subscribers.retain(|subscriber| *subscriber != id);
            if reception.subscribers.is_empty() {
                let key = reception.key;
                topic.reception = None;
                if let Some(key) = key {
                    self.by_key.remove(&key);
                    self.session(Side::Subscribe).close_channel(key);
                }
            }
        }
        self.forget_if_unused(topic_id);
    }

    /// Counts messages that a subscription's mailbox dropped, in [`TopicStats::unread`] and [`TopicStats::stale`].
    pub(crate) fn note_unread(&mut self, id: SubscriptionId, dropped: u64, refusals: Refusals) {
        let topic = self.subscriptions.get(&id).and_then(|topic| self.topics.get_mut(topic));
        if let Some(topic) = topic {
            topic.stats.unread += dropped;
            refusals.add_to(&mut topic.stats);
        }
    }

    fn forget_events_of(&mut self, id: SubscriptionId) {
        self.outbox.retain(|event| match event {
            Event::Message { subscription: of, .. } | Event::Subscribed(of) | Event::Interrupted(of) => *of != id,
            _ => true,
        });
    }

    /// Counts a message that a typed subscription got and that is none of its type, in [`TopicStats::undecodable`].
    pub fn note_undecodable(&mut self, id: SubscriptionId) {
        let topic = self.subscriptions.get(&id).and_then(|topic| self.topics.get_mut(topic));
        if let Some(topic) = topic {
            topic.stats.undecodable += 1;
        }
    }

    /// The delivery of a subscription to one topic.
    pub(crate) fn delivery_of(&self, id: SubscriptionId) -> Option<Delivery> {
        self.delivery(*self.subscriptions.get(&id)?)
    }

    /// The topic of a subscription to one.
    pub fn topic_of(&self, id: SubscriptionId) -> Option<&Topic> {
        self.topics.get(self.subscriptions.get(&id)?).map(|topic| &topic.name)
    }

    /// The id of the publishing session, which a subscriber in another process needs; `None` until the SFU gave one. It is
    /// another one when the connection was dialed again. Through a broker it is the broker's session of the robot.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.sessions.first()?.id()
    }

    /// Whether the connection is up now.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// For a robot: whether somebody operates it and is heard.
    pub fn is_operated(&self) -> bool {
        self.company.is_operated
    }

    /// For a robot: why there is no operator any more. `None` while there is one, or if there was none yet.
    pub fn operator_lost(&self) -> Option<OperatorLost> {
        self.company.operator_lost
    }

    /// For an operator: whether the robot answers.
    pub fn has_robot(&self) -> bool {
        self.company.has_robot
    }

    /// What is known of the clock at the far end of a broker's bridge.
    pub fn far_clock(&self, now: Instant) -> Option<ClockEstimate> {
        self.sessions.first()?.far_clock(now)
    }

    /// STUN and TURN servers that a broker named for a robot.
    pub fn ice_servers(&self) -> &[IceServer] {
        self.sessions.first().map_or(&[], |session| session.ice_servers())
    }

    /// The stamp for a message that is made now, as time since 1970 in whole microseconds, newer than any that was given out before.
    ///
    /// On a broker's bridge it is in the robot's time. What is not known of that for sure is taken off, about half the
    /// fastest round trip, so that no stamp lies in the future of a robot that refuses those. `None`: the robot's time is not known yet.
    pub fn stamp(&mut self, now: Instant) -> Option<Duration> {
        let StampClock { offset, uncertainty } = self.sessions.first()?.stamp_clock(now)?;
        let unix = self.clock.kept().unix(now) + offset - uncertainty.as_secs_f64();
        Some(self.stamper.stamp(unix))
    }

    /// What a stamp in a message that came says of it.
    pub(crate) fn judge(&self, now: Instant, kind: u64, at: Duration) -> Made {
        let Some(clock) = self.sessions.first().and_then(|session| session.stamp_clock(now)) else {
            return Made::Untold;
        };
        let age = self.clock.kept().unix(now) + clock.offset - at.as_secs_f64();
        Made::Stamped(Stamp { kind, at, age, uncertainty: clock.uncertainty })
    }

    /// The time that stamps are judged by.
    pub(crate) fn judging_time(&self, now: Instant) -> Duration {
        let offset = self.sessions.first().and_then(|session| session.stamp_clock(now)).unwrap_or_default().offset;
        Duration::try_from_secs_f64(self.clock.kept().unix(now) + offset).unwrap_or_default()
    }

    /// Whether everything that was published has been acknowledged, or given up by a lossy transport.
    pub fn is_flushed(&mut self) -> bool {
        self.queued == 0 && !self.is_lost && self.session(Side::Publish).link().in_flight() == 0
    }

    /// Why the connection is over, if it is.
    pub fn ended(&self) -> Option<&EndReason> {
        self.ended.as_ref()
    }

    /// Everything that this connection counts, as of now; it can be read at any time, after the end as well.
    pub fn stats(&self) -> Stats {
        let [mut publish, mut subscribe] = self.former.clone();
        let mut sessions = self.sessions.iter().map(|session| session.stats());
        publish.go_on(&sessions.next().unwrap_or_default());
        match sessions.next() {
            Some(session) => subscribe.go_on(&session),
            None => subscribe.up = publish.up,
        }
        if self.ended.is_some() {
            (publish.up, subscribe.up) = (false, false);
        }
        let troubles = self.sessions.iter().filter_map(|session| session.trouble());
        let last_error = troubles.chain(&self.ended_by).chain(&self.lost_by).max_by_key(|error| error.at).cloned();
        Stats {
            connection: ConnectionStats { publish, subscribe, losses: self.losses, last_error },
            topics: self.topics.values().map(|topic| (topic.name.clone(), topic.stats())).collect(),
        }
    }

    /// The counters of a topic on this connection.
    pub fn topic_stats(&self, name: &Topic) -> Option<TopicStats> {
        self.topics.get(self.by_name.get(name)?).map(TopicState::stats)
    }

    /// Ends the connection at once and tells the SFU. What is still queued is not sent. [`Peer::poll`] has the last
    /// datagrams.
    pub fn close(&mut self, now: Instant) {
        self.end(now, EndReason::Closed);
    }

    /// The session of that side.
    fn session(&mut self, side: Side) -> &mut dyn Session {
        let last = self.sessions.len() - 1;
        &mut *self.sessions[(side as usize).min(last)]
    }

    fn topic_state(&mut self, name: &Topic, side: Side, asked: Delivery) -> Result<TopicId, TopicError> {
        if self.ended.is_some() {
            return Err(TopicError::Ended { topic: name.clone() });
        }
        let delivery = self.session(side).admits(side, name, asked)?;
        if let Some(id) = self.by_name.get(name) {
            return match self.topics.get(id).map(|topic| topic.delivery) {
                Some(in_use) if in_use != delivery => {
                    Err(TopicError::DeliveryConflict { topic: name.clone(), in_use, asked: delivery })
                }
                _ => Ok(*id),
            };
        }
        if self.topics.len() >= MAX_TOPICS {
            return Err(TopicError::TooMany { topic: name.clone(), limit: MAX_TOPICS });
        }
        let id = TopicId(self.fresh_id());
        let stats = TopicStats::default();
        let topic =
            TopicState { name: name.clone(), delivery, publication: None, reception: None, stats, heard: false };
        self.topics.insert(id, topic);
        self.by_name.insert(name.clone(), id);
        Ok(id)
    }

    fn forget_if_unused(&mut self, id: TopicId) {
        let Some(topic) = self.topics.get(&id) else { return };
        if topic.publication.is_none() && topic.reception.is_none() {
            self.by_name.remove(&topic.name);
            self.topics.remove(&id);
        }
    }

    fn fresh_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    fn publish_on(&mut self, now: Instant, id: TopicId) {
        let key = ChannelKey(self.fresh_id());
        let Some(topic) = self.topics.get_mut(&id).filter(|topic| topic.publication.is_none()) else { return };
        topic.publication = Some(Publication {
            key,
            queue: SendQueue::new(QueueLimits::suited_to(topic.delivery)),
            open: false,
            in_backlog: false,
            refused: false,
            failed: None,
        });
        self.by_key.insert(key, id);
        let (name, delivery) = (topic.name.clone(), topic.delivery);
        self.session(Side::Publish).open(now, key, &name, None, delivery);
    }

    /// Asks for the subscribing channel of a topic as soon as its publisher is known.
    fn receive_on(&mut self, now: Instant, id: TopicId) {
        let key = ChannelKey(self.fresh_id());
        let own = self.session_id().cloned();
        let Some(topic) = self.topics.get_mut(&id) else { return };
        let Some(reception) = topic.reception.as_mut().filter(|reception| reception.key.is_none()) else { return };
        let publisher = match &self.source {
            Source::Session(session) => Some(session.clone()),
            Source::Bridge => None,
            Source::Own => match own.filter(|_| topic.publication.as_ref().is_some_and(|publication| publication.open))
            {
                Some(own) => Some(own),
                None => return,
            },
        };
        reception.key = Some(key);
        self.by_key.insert(key, id);
        let (name, delivery) = (topic.name.clone(), topic.delivery);
        self.session(Side::Subscribe).open(now, key, &name, publisher.as_ref(), delivery);
    }

    fn handle_session_event(&mut self, now: Instant, side: Side, event: SessionEvent) {
        match event {
            SessionEvent::Connected => {
                if self.sessions.iter().all(|session| session.is_up()) {
                    (self.is_up, self.is_lost) = (true, false);
                    self.dialer.connected(now);
                    self.outbox.push_back(Event::Connected);
                }
            }
            SessionEvent::Presence(presence) => {
                if self.company.note(presence) {
                    self.outbox.push_back(Event::Presence(presence));
                }
            }
            SessionEvent::Clock(news) => self.outbox.push_back(Event::Clock(news)),
            SessionEvent::EmergencyStop => self.outbox.push_back(Event::EmergencyStop),
            SessionEvent::Failing(error) => self.outbox.push_back(Event::Failing(error)),
            SessionEvent::Warning(what) => self.outbox.push_back(Event::Warning(what)),
            SessionEvent::Opened(key) => self.channel_opened(now, key),
            SessionEvent::Message(key, payload) => {
                let Some(id) = self.by_key.get(&key).copied() else { return };
                let Some(topic) = self.topics.get_mut(&id).filter(|topic| topic.reception.is_some()) else { return };
                topic.stats.note_received(payload.bytes.len());
                if !self.listeners.is_empty() {
                    if !std::mem::replace(&mut topic.heard, true) {
                        self.listeners.tell_new(&topic.name, &mut self.outbox);
                    }
                    self.listeners.tell_all(&topic.name, &payload, &mut self.outbox);
                }
                topic.heard = true;
                let message =
                    |subscription| Event::Message { subscription, topic: topic.name.clone(), payload: payload.clone() };
                match self.demux.receivers(id, &payload.bytes) {
                    Ok(all) => self.outbox.extend(all.map(message)),
                    Err(miss) => topic.stats.note_missed(miss),
                }
            }
            SessionEvent::Closed(key) => {
                let queues = self.session(side).queues_until_open();
                let Some(id) = self.by_key.get(&key).copied() else { return };
                let Some(topic) = self.topics.get_mut(&id) else { return };
                topic.stats.interruptions += 1;
                if let Some(reception) = topic.reception.as_mut().filter(|reception| reception.key == Some(key)) {
                    reception.open = false;
                    self.outbox.extend(reception.subscribers.iter().map(|id| Event::Interrupted(*id)));
                }
                if let Some(publication) = topic.publication.as_mut().filter(|publication| publication.key == key) {
                    publication.open = false;
                    if !queues {
                        self.drop_queued(id);
                    }
                }
            }
            SessionEvent::Trouble(key, error, retrying) => {
                let Some(topic) = self.by_key.get(&key).and_then(|id| self.topics.get_mut(id)) else { return };
                topic.stats.last_error = Some(LastError::new(now, &error));
                let publication = topic.publication.as_mut().filter(|publication| publication.key == key);
                let side = if publication.is_some() { Side::Publish } else { side };
                if let (false, Some(publication)) = (retrying, publication) {
                    publication.failed = Some(error.clone());
                }
                self.outbox.push_back(Event::Trouble { side, topic: topic.name.clone(), error, retrying });
            }
            SessionEvent::Ended(_) if self.dialer.redials_at().is_some() => {}
            SessionEvent::Ended(reason) => {
                if self.ended.is_none() && self.dialer.lost(now, &reason) {
                    self.hang_up(now, reason);
                } else {
                    self.end(now, reason);
                }
            }
        }
    }

    /// Leaves sessions that are of no use any more, to dial again when the dialer says so.
    fn hang_up(&mut self, now: Instant, reason: EndReason) {
        self.lost_by = Some(LastError::new(now, &reason));
        let was_up = std::mem::take(&mut self.is_up);
        self.is_lost = true;
        // Sessions have told what they had to tell before their end; what is left is for the far end.
        for index in 0..self.sessions.len() {
            let side = Side::ALL[index];
            self.sessions[index].close(now, false);
            loop {
                match self.sessions[index].poll(now) {
                    SessionOutput::Transmit(destination, datagram) => {
                        self.farewells.push_back(Output::Transmit { side, destination, datagram });
                    }
                    SessionOutput::Http(_) => {}
                    SessionOutput::Event(event) => self.handle_session_event(now, side, event),
                    SessionOutput::WaitUntil(..) => break,
                }
            }
        }
        let ids: Vec<TopicId> = self.topics.keys().copied().collect();
        for id in ids {
            self.drop_queued(id);
            let Some(topic) = self.topics.get_mut(&id) else { continue };
            if let Some(publication) = &mut topic.publication {
                publication.open = false;
                publication.failed = None;
            }
            if let Some(reception) = &mut topic.reception {
                if let Some(key) = reception.key.take() {
                    self.by_key.remove(&key);
                }
                if std::mem::take(&mut reception.open) {
                    topic.stats.interruptions += 1;
                    self.outbox.extend(reception.subscribers.iter().map(|id| Event::Interrupted(*id)));
                }
            }
        }
        if was_up {
            self.losses += 1;
            self.dial_failed = None;
            self.outbox.push_back(Event::Disconnected(reason));
        } else if !self.dial_failed.as_ref().is_some_and(|told| is_alike(told, &reason)) {
            self.dial_failed = Some(reason.clone());
            self.outbox.push_back(Event::DialFailed(reason));
        }
    }

    /// Dials, and asks for every channel that there was.
    fn dial_again(&mut self, now: Instant) {
        for (former, session) in self.former.iter_mut().zip(&self.sessions) {
            former.go_on(&session.stats());
        }
        self.sessions = self.dialer.dial(now);
        let clock = self.clock.kept();
        self.sessions.iter_mut().for_each(|session| session.set_clock(clock));
        let mut ids: Vec<TopicId> = self.topics.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let Some(topic) = self.topics.get(&id) else { continue };
            if let Some(publication) = &topic.publication {
                let (key, name, delivery) = (publication.key, topic.name.clone(), topic.delivery);
                self.session(Side::Publish).open(now, key, &name, None, delivery);
            }
            self.receive_on(now, id);
        }
    }

    /// Drops what waits to be sent on a topic: it would be late by an unknown time.
    fn drop_queued(&mut self, id: TopicId) {
        let Some(topic) = self.topics.get_mut(&id) else { return };
        let Some(publication) = &mut topic.publication else { return };
        while publication.queue.pop().is_some() {
            self.queued -= 1;
            topic.stats.unheard += 1;
        }
        if std::mem::take(&mut publication.in_backlog) {
            self.backlog.retain(|waiting| *waiting != id);
        }
        if std::mem::take(&mut publication.refused) {
            self.outbox.push_back(Event::Writable(id));
        }
    }

    fn channel_opened(&mut self, now: Instant, key: ChannelKey) {
        let Some(id) = self.by_key.get(&key).copied() else { return };
        let Some(topic) = self.topics.get_mut(&id) else { return };
        if let Some(reception) = topic.reception.as_mut().filter(|reception| reception.key == Some(key)) {
            reception.open = true;
            self.outbox.extend(reception.subscribers.iter().map(|subscriber| Event::Subscribed(*subscriber)));
        }
        if let Some(publication) = topic.publication.as_mut().filter(|publication| publication.key == key) {
            publication.open = true;
            if !publication.queue.is_empty() && !publication.in_backlog {
                publication.in_backlog = true;
                self.backlog.push_back(id);
            }
            self.receive_on(now, id);
        }
    }

    /// Moves queued messages to SCTP, topic by topic in turn, while there is room. `true` if any went.
    fn pump(&mut self, now: Instant) -> bool {
        let mut written = 0;
        let mut without_room = 0;
        while written < WRITES_PER_DRAIN && without_room < self.backlog.len() {
            let Some(id) = self.backlog.pop_front() else { break };
            let Some(topic) = self.topics.get_mut(&id) else { continue };
            let Some(publication) = &mut topic.publication else { continue };
            let Some(session) = self.sessions.first_mut() else { break };
            let Some(front) = publication.queue.front().filter(|_| publication.open) else {
                publication.in_backlog = false;
                continue;
            };
            if !session.link().has_room(front.bytes.len()) {
                without_room += 1;
                self.backlog.push_back(id);
                continue;
            }
            let len = front.bytes.len();
            match session.write(now, publication.key, front.binary, &front.bytes) {
                Ok(()) => {
                    topic.stats.note_sent(len);
                    written += 1;
                }
                Err(LinkError::NotOpen(_)) => {
                    publication.open = false;
                    publication.in_backlog = false;
                    continue;
                }
                Err(LinkError::TooLarge { .. }) => {
                    topic.stats.refused += 1;
                    topic.stats.too_large += 1;
                }
                // SCTP takes nothing now; the next acknowledgement or the end of the link settles it.
                Err(_) => {
                    without_room += 1;
                    self.backlog.push_back(id);
                    continue;
                }
            }
            publication.queue.pop();
            self.queued -= 1;
            without_room = 0;
            if publication.refused && publication.queue.is_roomy() {
                publication.refused = false;
                self.outbox.push_back(Event::Writable(id));
            }
            if publication.queue.is_empty() {
                publication.in_backlog = false;
            } else {
                self.backlog.push_back(id);
            }
        }
        written > 0 || !self.outbox.is_empty()
    }

    fn end(&mut self, now: Instant, reason: EndReason) {
        if self.ended.is_some() {
            return;
        }
        self.ended_by = (reason != EndReason::Closed).then(|| LastError::new(now, &reason));
        self.ended = Some(reason);
        self.is_up = false;
        for session in &mut self.sessions {
            session.close(now, true);
        }
        for topic in self.topics.values_mut() {
            topic.publication.iter_mut().for_each(|publication| publication.open = false);
            topic.reception.iter_mut().for_each(|reception| reception.open = false);
        }
        self.backlog.clear();
    }
}

/// Whether two failures are the same to a person, whatever time each took.
fn is_alike(a: &EndReason, b: &EndReason) -> bool {
    match (a, b) {
        (EndReason::TimedOut { stage: a, .. }, EndReason::TimedOut { stage: b, .. }) => a == b,
        (EndReason::Operator(a), EndReason::Operator(b)) => std::mem::discriminant(a) == std::mem::discriminant(b),
        _ => a == b,
    }
}
