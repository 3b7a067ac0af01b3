//! What the caller cannot have.

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is open, or its last use has not ended at both ends.
    #[error("stream {0} is in use; take another, or wait until it is closed")]
    InUse(u16),
    /// The ends have not agreed on so many streams.
    #[error("stream {stream}: the other end takes streams below {count} only")]
    NoSuchStream {
        /// The one that was asked for.
        stream: u16,
        /// How many there are.
        count: u16,
    },
    /// Label and protocol are longer than [`MAX_NAMES`](crate::MAX_NAMES).
    #[error("label and protocol have {0} bytes; {max} are allowed", max = crate::MAX_NAMES)]
    Names(usize),
    /// The association is over, or shutting down.
    #[error("the association is over")]
    Ended,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The stream was not opened, or is being closed.
    #[error("stream {0} is not open")]
    NotOpen(u16),
    /// The far end does not take messages of this size.
    #[error("a message of {len} bytes; the other end takes {max}")]
    TooLarge {
        /// The message's bytes.
        len: usize,
        /// The most that is taken.
        max: usize,
    },
    /// [`send_buffer`](crate::Config::send_buffer) is full; [`Event::Writable`](crate::Event::Writable) follows.
    #[error("the send buffer is full; wait until there is room")]
    Full,
    /// A part that does not follow what was sent before on this stream.
    #[error("stream {0}: a part of a message that was not begun, or another message before its end")]
    OutOfTurn(u16),
    /// A message cannot be given in parts: the association is not connected yet, or the far end knows no partial reliability
    /// (RFC 3758), so that it could not be told that a message has no end.
    #[error("stream {0}: messages cannot be sent in parts, as the other end could not be told that one is given up")]
    NoParts(u16),
    /// The association is over, or shutting down.
    #[error("the association is over")]
    Ended,
}
