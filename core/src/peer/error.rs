//! Why a message is not published.

use crate::lcm::EncodeError;
use crate::signalling::SignallingError;
use crate::{EndReason, Topic};

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
        error: SignallingError,
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
