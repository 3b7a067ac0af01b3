//! What a peer needs of its sessions, however their channels come about.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::broker::IceServer;
use crate::clock::{ClockEstimate, ClockNews, WallClock};
use crate::cloudflare::ApiError;
use crate::http::{Failure, Request, RequestId, Response};
use crate::link::{Link, LinkError};
use crate::presence::Presence;
use crate::{Delivery, EndReason, LastError, Payload, SessionId, SessionStats, Side, Topic, TopicError};

/// Names a channel to its session's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ChannelKey(pub(crate) u32);

/// A PeerConnection, and the signalling that makes it and its channels.
pub(crate) trait Session: Send {
    /// Whether a topic can be used in this direction, and with which delivery.
    fn admits(&self, side: Side, topic: &Topic, asked: Delivery) -> Result<Delivery, TopicError>;

    /// Whether messages wait for a channel that is not open yet; if not, nobody is there who could get them.
    fn queues_until_open(&self) -> bool;

    /// Wants a channel; `publisher` makes it a subscription to that session's. [`SessionEvent::Opened`] follows.
    fn open(&mut self, now: Instant, key: ChannelKey, topic: &Topic, publisher: Option<&SessionId>, delivery: Delivery);

    /// Wants a channel no longer.
    fn close_channel(&mut self, key: ChannelKey);

    /// Writes to an open channel; see [`Link::write`].
    fn write(&mut self, now: Instant, key: ChannelKey, binary: bool, bytes: &[u8]) -> Result<(), LinkError>;

    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool;

    fn handle_timeout(&mut self, now: Instant);

    /// Takes the answer to a request of this session; any other is ignored.
    fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>);

    fn poll(&mut self, now: Instant) -> SessionOutput;

    /// Ends the connection. `farewell`: for good, so that the server is told as well as the transport.
    fn close(&mut self, now: Instant, farewell: bool);

    fn link(&mut self) -> &mut Link;

    fn is_up(&self) -> bool;

    /// The session's id, once it has one.
    fn id(&self) -> Option<&SessionId>;

    /// Its counters now.
    fn stats(&self) -> SessionStats;

    /// The last call to the API that went wrong.
    fn trouble(&self) -> Option<&LastError>;

    /// The time of day, for those who tell it to the far end.
    fn set_clock(&mut self, _clock: WallClock) {}

    /// STUN and TURN servers that the server named.
    fn ice_servers(&self) -> &[IceServer] {
        &[]
    }

    /// What is known now of the clock of who is at the far end.
    fn far_clock(&self, _now: Instant) -> Option<ClockEstimate> {
        None
    }

    /// Whether somebody goes by the clock as it was told here, so that it must not jump.
    fn keeps_clock(&self) -> bool {
        false
    }

    /// The clock that stamps are in, as far as it is known: on a broker's bridge it is the robot's, and elsewhere everybody
    /// has the same.
    fn stamp_clock(&self, _now: Instant) -> Option<StampClock> {
        Some(StampClock::default())
    }
}

/// A clock, as seen from the own one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct StampClock {
    /// What it shows more than the own one, in seconds.
    pub(crate) offset: f64,
    /// By how much that may be wrong.
    pub(crate) uncertainty: Duration,
}

#[derive(Debug)]
pub(crate) enum SessionOutput {
    Transmit(SocketAddr, Vec<u8>),
    Http(Request),
    Event(SessionEvent),
    /// The time of the next timer, and whether it is the transport's.
    WaitUntil(Option<Instant>, bool),
}

#[derive(Debug)]
pub(crate) enum SessionEvent {
    Connected,
    Opened(ChannelKey),
    /// The channel is not to be had, told once for a streak of failures; `true`: it is still being tried.
    Trouble(ChannelKey, ApiError, bool),
    Message(ChannelKey, Payload),
    /// The far end closed the channel, which may open again.
    Closed(ChannelKey),
    /// Somebody came or went at the far end.
    Presence(Presence),
    /// Something about clocks that people should hear.
    Clock(ClockNews),
    /// The operator pressed the emergency stop.
    EmergencyStop,
    /// The session's calls fail, while its connection may be fine. Told once for a streak of failures.
    Failing(ApiError),
    /// The server tells of something that a person has to see to, while all goes on.
    Warning(String),
    Ended(EndReason),
}
