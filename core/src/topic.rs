//! Topics: what users publish to and subscribe to.

use std::fmt;
use std::sync::Arc;

/// The longest topic, in bytes of UTF-8.
pub const MAX_TOPIC: usize = 1024;

/// A checked topic name: 1 to 1,024 bytes of any UTF-8 text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Checks a topic name.
    ///
    /// # Errors
    /// When `name` is empty or longer than 1,024 bytes.
    pub fn new(name: &str) -> Result<Topic, TopicError> {
        match name.len() {
            0 => Err(TopicError::Empty),
            1..=MAX_TOPIC => Ok(Topic(name.into())),
            len => Err(TopicError::TooLong { start: name.chars().take(24).collect(), len }),
        }
    }

    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Topic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Why a topic cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The empty name.
    #[error("topic \"\": a topic needs at least one character")]
    Empty,
    /// More than [`MAX_TOPIC`] bytes.
    #[error("topic {start:?}…: {len} bytes is too long, at most {MAX_TOPIC} are possible")]
    TooLong {
        /// The first characters of the name.
        start: String,
        /// Its length in bytes.
        len: usize,
    },
    /// What this connection is to has no channel for the topic, or not in this direction.
    #[error("topic {topic:?}: {why}")]
    NotCarried {
        /// The topic.
        topic: Topic,
        /// Which topics there are.
        why: String,
    },
    /// The topic is in use on this connection with another delivery.
    #[error("topic {topic:?}: already in use with {in_use}, so it cannot be opened with {asked}")]
    DeliveryConflict {
        /// The topic.
        topic: Topic,
        /// The delivery that it has.
        in_use: crate::Delivery,
        /// The delivery that was asked for.
        asked: crate::Delivery,
    },
    /// More topics than one connection can hold.
    #[error("topic {topic:?}: this connection already has {limit} channels, which is the limit")]
    TooMany {
        /// The topic that found no place.
        topic: Topic,
        /// The bound.
        limit: usize,
    },
    /// The topic has subscriptions for another type with the same fingerprint, so that messages of the two could not be
    /// told apart.
    #[error("topic {topic:?}: {error}")]
    SameFingerprint {
        /// The topic.
        topic: Topic,
        /// Which two types.
        error: crate::demux::InsertError,
    },
    /// More subscriptions than one connection can hold.
    #[error("topic {topic:?}: this connection already has {limit} subscriptions, which is the limit")]
    TooManySubscriptions {
        /// The topic that found no place.
        topic: Topic,
        /// The bound.
        limit: usize,
    },
    /// More subscriptions to all topics, or to new ones, than one connection can hold.
    #[error("this connection already has {limit} such subscriptions, which is the limit")]
    TooManyListeners {
        /// The bound.
        limit: usize,
    },
    /// The connection has ended, so there is nothing to subscribe to.
    #[error("the connection has ended")]
    ConnectionEnded,
    /// The connection has ended.
    #[error("topic {topic:?}: the connection has ended")]
    Ended {
        /// The topic.
        topic: Topic,
    },
}

impl TopicError {
    /// The connection has ended, for a topic or for a subscription to many.
    pub fn ended(topic: Option<&Topic>) -> TopicError {
        match topic {
            Some(topic) => TopicError::Ended { topic: topic.clone() },
            None => TopicError::ConnectionEnded,
        }
    }
}
