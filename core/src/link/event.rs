//! What a link has to say: what to do, what happened, and why it is over.

use std::net::SocketAddr;
use std::time::Instant;

#[cfg(doc)]
use super::Link;
use super::{StreamId, Violation};
use crate::Payload;

/// What [`Link::poll`] has to say.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkOutput {
    /// Send this datagram to that address from the link's socket.
    Transmit(SocketAddr, Vec<u8>),
    /// Something happened.
    Event(LinkEvent),
    /// Nothing more until there is a datagram, a call or this time; `None`: no timer is running.
    WaitUntil(Option<Instant>),
}

/// What happened on a link.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkEvent {
    /// ICE and DTLS are up.
    Connected,
    /// A channel that [`Link::open`] asked for can be written to. It says nothing about the far end.
    Opened(StreamId),
    /// A message arrived.
    Message(StreamId, Payload),
    /// A channel is gone, and its stream id free again.
    Closed(StreamId),
    /// The connection is over; nothing follows.
    Ended(LinkEnd),
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkEnd {
    /// [`Link::close`] was called.
    #[error("closed")]
    Local,
    /// The far end closed it.
    #[error("closed by the other end")]
    Remote,
    /// Nothing was heard from the far end for seconds, or connectivity was never reached. Not a server's end.
    #[error("no contact with the other end")]
    Lost,
    /// The far end sent what no sender does that keeps SCTP's rules, and what would cost without bound.
    #[error("ended for the other end's breach of SCTP: {0}")]
    Violation(Violation),
    /// The same, as farwire's SCTP says it.
    #[error("ended for the other end's breach of SCTP: {0}")]
    Breach(farwire_sctp::Violation),
    /// The transport gave up; the text is str0m's.
    #[error("{0}")]
    Failed(String),
}
