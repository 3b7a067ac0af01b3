//! Why a link does not do what was asked.

use super::StreamId;

/// Why a link does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The other end's SDP cannot be used. Its text is not repeated, since it holds credentials.
    #[error("the session description cannot be used: {0}")]
    Sdp(&'static str),
    /// The other end's SDP says what is not supported here. Its text is not repeated either.
    #[error("the session description is not acceptable: {0}")]
    Unacceptable(&'static str),
    /// The stream id is already in use on this link.
    #[error("stream id {0} is already in use")]
    IdInUse(StreamId),
    /// The channel is not open.
    #[error("stream {0} is not open")]
    NotOpen(StreamId),
    /// The message is larger than the other end receives.
    #[error("{len} bytes is more than the {max} bytes that the other end receives")]
    TooLarge {
        /// The message's bytes.
        len: usize,
        /// The negotiated maximum.
        max: usize,
    },
    /// SCTP took nothing; the text is str0m's.
    #[error("{0}")]
    Refused(String),
}
