//! A connection, whatever its provider: the one object that a driver drives.
//!
//! ```text
//!   handle_datagram, handle_response, handle_stream, handle_timeout
//!                               │
//!  publish, subscribe ──▶     Peer     ──▶ poll: Transmit, Http, Stream, Event, WaitUntil
//! ```
//!
//! A driver calls [`Peer::poll`] and does what it says until it says [`Output::WaitUntil`]; then it waits for a
//! datagram, an answer, a line, a command of its user, or the time that was named, hands that in, and polls again.
//!
//! A peer keeps its topics and subscriptions for as long as it lives. Below them it has one session at a time, which is one
//! attempt to connect with a [provider](crate::provider): when a connection that was up is lost, the next session gets the
//! same topics.

mod channels;
mod clock;
mod errands;
mod error;
mod inbound;
mod lifecycle;
mod listeners;
mod outbound;
mod output;
mod sessions;
mod topics;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use crate::clock::{Stamper, SteadyClock};
use crate::link::LocalAddress;
use crate::presence::{OperatorLost, PresenceState};
use crate::provider::session::SessionOutput;
use crate::signalling::{Failure, RequestId, Response, StreamEvent};
use crate::wire::teleop::DriveCounts;
use crate::{
    ConnectionEvent, Delivery, Dial, Direction, IceServer, SessionId, Stats, Topic, TopicError, TopicStats, TransportId,
};

pub use self::error::PublishError;
pub use self::inbound::{MAX_SUBSCRIPTIONS, SubscriptionId};
pub use self::outbound::Accepted;
pub use self::output::{Event, Output, Reason};
pub use self::topics::{MAX_TOPICS, TopicId};

use self::errands::Errands;
use self::inbound::Inbound;
use self::lifecycle::Life;
use self::outbound::Outbound;
use self::sessions::Sessions;
use self::topics::{TopicState, Topics};

/// A connection, to whatever a [`Dial`] names: to an SFU over two transports, of which one publishes and one subscribes, by way
/// of a broker over one, or as another provider has it.
///
/// See the [module](self) for how to drive it.
pub struct Peer {
    sessions: Sessions,
    life: Life,
    clock: SteadyClock,
    stamper: Stamper,
    presence: PresenceState,
    topics: Topics,
    outbound: Outbound,
    inbound: Inbound,
    errands: Errands,
    /// What happened, and was not told yet.
    outbox: VecDeque<Event>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("topics", &self.topics.len()).field("up", &self.life.is_up).finish_non_exhaustive()
    }
}

impl Peer {
    /// Connects at the first [`Peer::poll`]. `local` holds the addresses of the sockets, one for each of
    /// [`Dial::transports`], in the order of their [`TransportId`]s; for a socket that is bound to all interfaces, any
    /// address of the machine will do. `seed` jitters repetitions: one for each connection, or many would ask an SFU
    /// again at the same time.
    pub fn new(
        dial: impl Into<Dial>,
        local: impl IntoIterator<Item = impl Into<LocalAddress>>,
        seed: u64,
        now: Instant,
    ) -> Peer {
        let local = local.into_iter().map(Into::into).collect();
        Peer {
            sessions: Sessions::new(dial.into(), local, seed, now),
            inbound: Inbound::default(),
            errands: Errands::default(),
            life: Life::default(),
            clock: SteadyClock::new(now),
            stamper: Stamper::default(),
            presence: PresenceState::default(),
            topics: Topics::default(),
            outbound: Outbound::default(),
            outbox: VecDeque::new(),
        }
    }

    /// Takes a datagram from a transport's socket. `false`: it was not for this connection, and is to be counted.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        transport: TransportId,
        source: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        self.sessions.live.handle_datagram(now, transport, source, datagram)
    }

    /// Takes the answer to a request, or why there is none.
    pub fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        self.sessions.live.handle_response(now, id, result);
    }

    /// Takes what happened to the stream of lines that [`Output::Stream`] asked for; an event of an earlier one is
    /// ignored.
    pub fn handle_stream(&mut self, now: Instant, event: StreamEvent) {
        self.sessions.live.handle_stream(now, event);
    }

    /// To be called when the time has come that [`Peer::poll`] named; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.sessions.live.handle_timeout(now);
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, now: Instant) -> Output {
        loop {
            if let Some(event) = self.outbox.pop_front() {
                return Output::Event(event);
            }
            if let Some(output) = self.sessions.farewells.pop_front() {
                return output;
            }
            if self.sessions.reconnect.at().is_some_and(|at| at <= now) && self.life.ended.is_none() {
                self.dial_again(now);
            }
            let mut wait = (self.sessions.reconnect.at(), Reason::Signalling);
            match self.sessions.live.poll(now) {
                SessionOutput::Transmit(transport, destination, datagram) => {
                    return Output::Transmit { transport, destination, datagram };
                }
                SessionOutput::Http(request) => return Output::Http(*request),
                SessionOutput::Stream(command) => return Output::Stream(command),
                SessionOutput::Event(event) => {
                    self.handle_session_event(now, event);
                    continue;
                }
                SessionOutput::WaitUntil(Some(at), transport) if wait.0.is_none_or(|earliest| at < earliest) => {
                    wait = (Some(at), if transport { Reason::Transport } else { Reason::Signalling });
                }
                SessionOutput::WaitUntil(..) => {}
            }
            if self.pump(now) {
                continue;
            }
            // Told last, so that the farewell to the SFU is out before a driver stops.
            if let Some(reason) = self.life.take_end() {
                return Output::Event(ConnectionEvent::Ended { reason }.into());
            }
            return match wait {
                _ if self.life.ended.is_some() => Output::WaitUntil(None, Reason::Idle),
                (None, _) => Output::WaitUntil(None, Reason::Idle),
                (at, reason) => Output::WaitUntil(at, reason),
            };
        }
    }

    /// The id of the publishing session, which a subscriber in another process needs; `None` until the SFU gave one.
    /// It is another one when the connection was re-established. Through a broker it is the broker's session of the
    /// robot.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.sessions.live.session_id()
    }

    /// For a robot: whether somebody operates it and is heard.
    pub fn is_operated(&self) -> bool {
        self.presence.is_operated
    }

    /// For a robot: why there is no operator any more. `None` while there is one, or if there was none yet.
    pub fn operator_lost(&self) -> Option<OperatorLost> {
        self.presence.operator_lost
    }

    /// For a robot: how many of its operator's drive commands came and how many did not, by the numbers in their headers, since
    /// that operator came. `None` as long as nobody has operated it, and for an operator that does not number them, as DimOS's
    /// do not.
    pub fn drive_counts(&self) -> Option<DriveCounts> {
        self.sessions.live.drive_counts()
    }

    /// For an operator: whether the robot answers.
    pub fn has_robot(&self) -> bool {
        self.presence.has_robot
    }

    /// For an operator: whether it only watches, so that nothing that it publishes reaches the robot. It is `false` from
    /// [`ConnectionEvent::HandedOver`] on, until the connection is lost.
    pub fn watches(&self) -> bool {
        self.sessions.live.watches()
    }

    /// STUN and TURN servers that a broker named for a robot or an operator.
    pub fn ice_servers(&self) -> &[IceServer] {
        self.sessions.live.ice_servers()
    }

    /// Everything that this connection counts, as of now; it can be read at any time, after the end as well.
    pub fn stats(&self) -> Stats {
        Stats { connection: self.connection_stats(), topics: self.topics.stats() }
    }

    /// The counters of a topic on this connection.
    pub fn topic_stats(&self, name: &Topic) -> Option<TopicStats> {
        self.topics.named(name).map(TopicState::stats)
    }

    /// The topic of this name, to be used in this direction.
    fn find_or_add_topic(
        &mut self,
        name: &Topic,
        direction: Direction,
        asked: Delivery,
    ) -> Result<TopicId, TopicError> {
        if self.life.ended.is_some() {
            return Err(TopicError::Ended { topic: name.clone() });
        }
        let delivery = self.sessions.live.admits(direction, name, asked)?;
        self.topics.find_or_add(name, delivery)
    }
}
