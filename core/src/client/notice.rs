//! What is worth a line in a log.

use std::fmt;

use crate::signalling::SignallingError;
use crate::{ConnectionEvent, Direction, Topic};

/// What is worth a line in a log. It names no secret and no payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Something happened to the connection.
    Connection(ConnectionEvent),
    /// An operator pressed the emergency stop.
    EmergencyStop,
    /// A topic's messages arrive from now on.
    Subscribed(Topic),
    /// The SFU closed the channel of a topic's subscriptions, and is asked for it again.
    Interrupted(Topic),
    /// The SFU gives a topic no channel.
    Trouble {
        /// Whose channel: the publisher's or the subscriber's.
        direction: Direction,
        /// The topic.
        topic: Topic,
        /// What the SFU said.
        error: SignallingError,
        /// Whether it is tried again.
        retrying: bool,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Connection(event) => event.fmt(f),
            Notice::EmergencyStop => f.write_str("the operator says: emergency stop"),
            Notice::Subscribed(topic) => write!(f, "topic {topic:?}: subscribed"),
            Notice::Interrupted(topic) => {
                write!(f, "topic {topic:?}: the SFU closed the subscription's channel; asking for it again")
            }
            Notice::Trouble { direction, topic, error, retrying } => {
                let what = if *direction == Direction::Publish { "publish" } else { "subscribe" };
                let then = if *retrying { "trying again" } else { "given up" };
                write!(f, "topic {topic:?}: cannot {what}: {error}; {then}")
            }
        }
    }
}
