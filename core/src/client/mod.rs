//! What every driver does with a [`Peer`]: it keeps a mailbox for each subscription, and wakes those who wait for one.
//!
//! ```text
//!  handle_datagram, handle_response, handle_stream, handle_timeout
//!                               │
//!  publish, subscribe ──▶    Client    ──▶ turn: who is to be woken, what to send and to ask, when to look again
//!                               │
//!                           mailboxes, which receivers read without the client
//! ```
//!
//! A driver puts a [`Client`] behind a lock. After each call that may change something it asks for the [`Turn`], and does what
//! that says. How mailboxes are locked and their receivers woken is the driver's to say, by [`Share`] and [`Inbox`]; how
//! many messages a mailbox holds, and when they are too old, are decided here.

mod happened;
mod inbox;
mod messages;
mod notice;
mod stamps;
mod subscriptions;
mod turn;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::clock::WallClock;
use crate::link::LocalAddress;
use crate::provider::errand::{BrokerError, Errand, ErrandDone, ErrandId};
use crate::signalling::{Failure, RequestId, Response, StreamEvent};
use crate::{
    Accepted, ConnectionEvent, Delivery, Dial, EndReason, Output, Peer, PublishError, Stats, SubscriptionId, Topic,
    TopicError, TopicId, TopicStats, TransportId,
};

pub use self::inbox::{Changed, Inbox, Share};
pub use self::notice::Notice;
pub use self::turn::{Datagram, Turn};

use self::messages::Messages;

/// A connection with mailboxes for its subscriptions, which the driver shares as `S` says.
///
/// After each call but the reading ones, [`Client::turn`] says what to do.
#[derive(Debug)]
pub struct Client<S: Share> {
    peer: Peer,
    share: S,
    connected: bool,
    ended: Option<EndReason>,
    /// The end has been dealt with: the peer is left alone.
    over: bool,
    messages: Messages<S>,
    /// Of those that are told of new topics.
    new_topics: HashMap<SubscriptionId, S::Inbox<Topic>>,
    /// Of those that are told what happens to the connection.
    events: HashMap<SubscriptionId, S::Inbox<ConnectionEvent>>,
    /// Topics whose queue was full, and has not been roomy since.
    full: HashSet<TopicId>,
    turn: Turn<S>,
}

impl<S: Share> Client<S> {
    /// Dials at the first [`Client::turn`]. `local` holds the addresses of the sockets, one for each of
    /// [`Dial::transports`]; `seed` jitters retries, and `share` puts mailboxes behind the driver's lock.
    pub fn new(
        dial: impl Into<Dial>,
        local: impl IntoIterator<Item = impl Into<LocalAddress>>,
        seed: u64,
        share: S,
        now: Instant,
    ) -> Client<S> {
        Client {
            peer: Peer::new(dial, local, seed, now),
            share,
            connected: false,
            ended: None,
            over: false,
            messages: Messages::default(),
            new_topics: HashMap::new(),
            events: HashMap::new(),
            full: HashSet::new(),
            turn: Turn::default(),
        }
    }

    /// Tells the time of day; see [`Peer::set_clock`].
    pub fn set_clock(&mut self, clock: WallClock) {
        if let Some(by) = self.peer.set_clock(clock) {
            self.messages.put_clock_back(by);
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

    /// Takes a datagram from a transport's socket.
    pub fn handle_datagram(&mut self, now: Instant, transport: TransportId, source: SocketAddr, datagram: &[u8]) {
        self.peer.handle_datagram(now, transport, source, datagram);
    }

    /// Takes the answer to a request, or why there is none.
    pub fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        self.peer.handle_response(now, id, result);
    }

    /// Takes what happened to the connection's stream of lines.
    pub fn handle_stream(&mut self, now: Instant, event: StreamEvent) {
        self.peer.handle_stream(now, event);
    }

    /// To be called when the time has come that a [`Turn`] named; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.peer.handle_timeout(now);
    }

    /// Lets the peer work until it waits, and says what is to be done.
    pub fn turn(&mut self, now: Instant) -> Turn<S> {
        while !self.over {
            match self.peer.poll(now) {
                Output::Transmit { transport, destination, datagram: contents } => {
                    self.turn.datagrams.push(Datagram { transport, destination, contents });
                }
                Output::Http(request) => self.turn.requests.push(request),
                Output::Stream(command) => self.turn.stream.push(command),
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
        let fresh_until = self.messages.notice_stale(now, &mut self.turn.changed);
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

    /// Asks the broker for something; see [`Peer::errand`].
    ///
    /// # Errors
    /// As there.
    pub fn errand(&mut self, now: Instant, errand: Errand) -> Result<ErrandId, BrokerError> {
        self.peer.errand(now, errand)
    }

    /// What came of an errand; see [`Peer::take_errand`].
    pub fn take_errand(&mut self, id: ErrandId) -> Option<Result<ErrandDone, BrokerError>> {
        self.peer.take_errand(id)
    }

    /// Nobody waits for an errand any more; see [`Peer::forget_errand`].
    pub fn forget_errand(&mut self, id: ErrandId) {
        self.peer.forget_errand(id);
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
        self.messages.add_to(&mut stats.topics);
        stats
    }

    /// The counters of one topic, if this connection has it.
    pub fn topic_stats(&self, name: &Topic) -> Option<TopicStats> {
        let mut stats = self.peer.topic_stats(name)?;
        self.messages.add_to_topic(name, &mut stats);
        Some(stats)
    }

    /// Whether everything that was published has been acknowledged, or given up by a lossy transport.
    pub fn is_flushed(&mut self) -> bool {
        self.peer.is_flushed()
    }
}
