//! What a peer says: what to do, and what happened.

use std::net::SocketAddr;
use std::time::Instant;

#[cfg(doc)]
use super::Peer;
use crate::peer::{SubscriptionId, TopicId};
use crate::provider::errand::ErrandId;
use crate::signalling::{Request, SignallingError, StreamCommand};
use crate::{ConnectionEvent, Direction, Payload, Topic, TransportId};

/// What a driver is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send a datagram from a transport's socket.
    Transmit {
        /// The transport.
        transport: TransportId,
        /// Where to.
        destination: SocketAddr,
        /// What.
        datagram: Vec<u8>,
    },
    /// Make a request, and hand its answer to [`Peer::handle_response`](crate::Peer::handle_response).
    Http(Request),
    /// Open, use or close the connection's stream of lines, and hand what happens to it to
    /// [`Peer::handle_stream`](crate::Peer::handle_stream).
    Stream(StreamCommand),
    /// Tell the user.
    Event(Event),
    /// Wait for input or for this time, and hand it to [`Peer::handle_timeout`](crate::Peer::handle_timeout). `None`: for input
    /// alone.
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
    /// Something happened to the connection. When it is lost, what waits to be sent is dropped and counted. Nothing follows
    /// [`ConnectionEvent::Ended`].
    Connection(ConnectionEvent),
    /// The operator pressed the emergency stop: what was commanded before it counts no more.
    EmergencyStop,
    /// [`Peer::take_errand`] has what came of an errand.
    Errand(ErrandId),
    /// The SFU's channel for a subscription is open.
    Subscribed(SubscriptionId),
    /// The SFU closed the channel of a subscription, so messages may be missing even if delivery is reliable. It is asked
    /// for again; [`Event::Subscribed`] follows if it succeeds.
    Interrupted(SubscriptionId),
    /// A topic that is new to a subscription to new ones.
    NewTopic {
        /// Whose it is.
        subscription: SubscriptionId,
        /// The topic.
        topic: Topic,
    },
    /// A message for one subscription.
    Message {
        /// Whose it is.
        subscription: SubscriptionId,
        /// The topic that it came on.
        topic: Topic,
        /// What was published.
        payload: Payload,
    },
    /// A topic's channel is not to be had; told once until it succeeds.
    Trouble {
        /// Whose channel: the publisher's or the subscriber's.
        direction: Direction,
        /// The topic.
        topic: Topic,
        /// What the SFU said.
        error: SignallingError,
        /// `true`: it is tried again until it succeeds. `false`: the topic is of no use on this connection.
        retrying: bool,
    },
    /// A topic that refused a message has room again.
    Writable(TopicId),
}

impl From<ConnectionEvent> for Event {
    fn from(event: ConnectionEvent) -> Event {
        Event::Connection(event)
    }
}
