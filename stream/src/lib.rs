//! Carries the signalling of [`farwire_core`] as lines on a stream, to `tcp://host:port` or `tls://host:port`.
//!
//! What is said, and when to connect again, is core's. This crate carries lines: UTF-8 text of at most
//! [`MAX_LINE`](farwire_core::signalling::MAX_LINE) bytes that ends with a line feed. It has two streams that differ only in how
//! they wait: [`LineStream`] has a thread (feature `blocking`), [`AsyncLineStream`] is a task (feature `tokio`). Both trust whom
//! [`farwire_http::Trust`] does, connect within [`CONNECT_TIMEOUT`], queue at most
//! [`MAX_QUEUED_LINES`](farwire_core::signalling::MAX_QUEUED_LINES) lines to send, and say as an event why they ended.
//!
//! A server that does not read its lines lets the queue overflow, which ends the stream. One that sends faster than its lines
//! are taken waits, as the next is read once the last was taken.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "blocking")]
mod blocking;
mod lines;
mod outgoing;
mod target;

use std::time::Duration;

#[cfg(feature = "tokio")]
pub use crate::asynchronous::AsyncLineStream;
#[cfg(feature = "blocking")]
pub use crate::blocking::LineStream;

/// A stream of lines, however it waits. Dropping it closes it.
pub trait Lines {
    /// Sends a line, once the stream is open. It never waits: a line too many ends the stream.
    fn send(&self, line: String);

    /// Closes the stream when what was said before is sent, or after [`CLOSE_TIMEOUT`]. It does not wait for that, and nothing
    /// is told of the stream any more.
    fn close(&self);
}

/// How long a stream may take to open: the look-up of the name, TCP and TLS together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stream that is closed goes on to send what was said before.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long a connection may be idle before the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
