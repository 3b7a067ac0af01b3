//! Lines on a stream, as plain values: signalling for servers that push.

use std::fmt;

use super::Failure;

/// The longest line in bytes, without its end, in either direction. A driver that receives a longer one ends the
/// stream with [`Failure::TooLarge`].
pub const MAX_LINE: usize = 256 * 1024;

/// The lines that a driver queues while a stream is not open yet or does not take them. One more ends the stream with
/// [`Failure::Broken`].
pub const MAX_QUEUED_LINES: usize = 64;

/// Names a stream. Never used twice by one state machine, so what an earlier stream still has to say is none of a
/// later one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey(pub u64);

/// What a driver is to do with a connection's stream, of which there is one at a time.
///
/// Its `Debug` leaves out what is said on the stream, which may hold credentials.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamCommand {
    /// Open a stream to `tcp://host:port` or `tls://host:port`. One that is still open is closed before. Either
    /// [`StreamEvent::Opened`] or [`StreamEvent::Closed`] follows.
    Connect {
        /// The new stream.
        stream: StreamKey,
        /// Where to.
        url: String,
    },
    /// Send a line, which is at most [`MAX_LINE`] bytes long and holds no line feed; the driver ends it with one. It
    /// may be said before the stream is open.
    Send {
        /// The stream; if it is not there any more, the line goes nowhere.
        stream: StreamKey,
        /// The line.
        line: String,
    },
    /// Close the stream when what was said before is sent; no event follows.
    Close {
        /// The stream.
        stream: StreamKey,
    },
}

impl StreamCommand {
    /// The stream that the command is for.
    pub fn stream(&self) -> StreamKey {
        match self {
            StreamCommand::Connect { stream, .. }
            | StreamCommand::Send { stream, .. }
            | StreamCommand::Close { stream } => *stream,
        }
    }
}

impl fmt::Debug for StreamCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamCommand::Connect { stream, url } => {
                f.debug_struct("Connect").field("stream", &stream.0).field("url", url).finish()
            }
            StreamCommand::Send { stream, line } => {
                f.debug_struct("Send").field("stream", &stream.0).field("line", &line.len()).finish()
            }
            StreamCommand::Close { stream } => f.debug_struct("Close").field("stream", &stream.0).finish(),
        }
    }
}

/// What happened to a stream.
///
/// Its `Debug` leaves out what was said on the stream, which may hold credentials.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// It is open: lines can come and go.
    Opened {
        /// The stream.
        stream: StreamKey,
    },
    /// A line came.
    Line {
        /// The stream.
        stream: StreamKey,
        /// The line without its end, a line feed or a carriage return and a line feed. What is no UTF-8 ends the
        /// stream.
        line: String,
    },
    /// It is closed, or was never open; nothing follows.
    Closed {
        /// The stream.
        stream: StreamKey,
        /// Why.
        why: Failure,
    },
}

impl StreamEvent {
    /// The stream that the event is about.
    pub fn stream(&self) -> StreamKey {
        match self {
            StreamEvent::Opened { stream } | StreamEvent::Line { stream, .. } | StreamEvent::Closed { stream, .. } => {
                *stream
            }
        }
    }
}

impl fmt::Debug for StreamEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamEvent::Opened { stream } => f.debug_struct("Opened").field("stream", &stream.0).finish(),
            StreamEvent::Line { stream, line } => {
                f.debug_struct("Line").field("stream", &stream.0).field("line", &line.len()).finish()
            }
            StreamEvent::Closed { stream, why } => {
                f.debug_struct("Closed").field("stream", &stream.0).field("why", why).finish()
            }
        }
    }
}
