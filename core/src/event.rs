//! What happens to a connection, as a subscription.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::ClockNews;
use crate::demux::MessageType;
use crate::lcm::DecodeError;
use crate::presence::{OperatorLost, Presence};
use crate::{Message, Payload, Receive, Topic};

/// What happened to a connection. Texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// It is up, for the first time or again. A robot is registered; an operator's robot answers.
    Connected,
    /// It was lost, and is dialed again until it is up.
    Reconnecting {
        /// What happened.
        reason: String,
    },
    /// An attempt to dial again has failed, and others follow. Told once for as long as the reason is the same.
    DialFailed {
        /// What happened.
        reason: String,
    },
    /// A robot has an operator, who is heard.
    OperatorPresent,
    /// A robot has no operator any more.
    OperatorLost {
        /// Why.
        reason: OperatorLost,
    },
    /// An operator's robot answers.
    RobotPresent,
    /// An operator's robot does not answer any more.
    RobotLost,
    /// A robot's heartbeats fail, while its connection may be fine. Told once for a streak of failures.
    HeartbeatFailing {
        /// What the broker said, or why it said nothing.
        reason: String,
    },
    /// The system's clock here was set. Who is connected goes on by the time as it was before, until the operator leaves.
    ClockSet {
        /// By so many milliseconds; negative: back.
        by_ms: i64,
    },
    /// The far end's clock was set; that is known by now.
    FarClockSet {
        /// By so many milliseconds; negative: back.
        by_ms: i64,
    },
    /// The far end's clock is more than a minute from the one here. Told once for each robot or operator.
    ClocksApart {
        /// The far clock minus the own one, in milliseconds.
        by_ms: i64,
    },
    /// The broker tells a robot of something that a person has to see to, such as another robot with the same key. All goes
    /// on. Told once for as long as it lasts.
    Warning {
        /// What it is.
        what: String,
    },
    /// It is over, and nothing follows.
    Ended {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for ConnectionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionEvent::Connected => f.write_str("connected"),
            ConnectionEvent::Reconnecting { reason } => write!(f, "connection lost: {reason}; dialing again"),
            ConnectionEvent::DialFailed { reason } => write!(f, "still not connected: {reason}; dialing again"),
            ConnectionEvent::OperatorPresent => f.write_str("an operator is there"),
            ConnectionEvent::OperatorLost { reason } => write!(f, "the operator is lost: {reason}"),
            ConnectionEvent::RobotPresent => f.write_str("the robot answers"),
            ConnectionEvent::RobotLost => f.write_str("the robot does not answer"),
            ConnectionEvent::HeartbeatFailing { reason } => write!(f, "heartbeats fail: {reason}"),
            ConnectionEvent::ClockSet { by_ms } => ClockNews::Set { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::FarClockSet { by_ms } => ClockNews::FarSet { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::ClocksApart { by_ms } => ClockNews::Apart { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::Warning { what } => write!(f, "the broker warns: {what}"),
            ConnectionEvent::Ended { reason } => write!(f, "the connection is over: {reason}"),
        }
    }
}

impl From<Presence> for ConnectionEvent {
    fn from(presence: Presence) -> ConnectionEvent {
        match presence {
            Presence::OperatorPresent => ConnectionEvent::OperatorPresent,
            Presence::OperatorLost(reason) => ConnectionEvent::OperatorLost { reason },
            Presence::RobotPresent => ConnectionEvent::RobotPresent,
            Presence::RobotLost => ConnectionEvent::RobotLost,
        }
    }
}

impl From<ClockNews> for ConnectionEvent {
    fn from(news: ClockNews) -> ConnectionEvent {
        match news {
            ClockNews::Set { by_ms } => ConnectionEvent::ClockSet { by_ms },
            ClockNews::FarSet { by_ms } => ConnectionEvent::FarClockSet { by_ms },
            ClockNews::Apart { by_ms } => ConnectionEvent::ClocksApart { by_ms },
        }
    }
}

/// What happens to the connection instead of what topics carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {}

impl Receive for Events {
    type Received = ConnectionEvent;

    const KIND: Option<MessageType> = None;

    fn read(message: Message) -> Result<ConnectionEvent, DecodeError> {
        // Core wrote it itself.
        let unreadable = || ConnectionEvent::Ended { reason: "unknown".to_owned() };
        Ok(serde_json::from_slice(&message).unwrap_or_else(|_| unreadable()))
    }
}

impl ConnectionEvent {
    /// As mailboxes carry it.
    pub(crate) fn into_message(self) -> Option<Message> {
        let topic = Topic::new("connection").ok()?;
        let bytes = Bytes::from(serde_json::to_vec(&self).ok()?);
        Some(Message::new(topic, Payload { bytes, binary: false }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_mailbox() {
        for event in [
            ConnectionEvent::Connected,
            ConnectionEvent::Reconnecting { reason: "\"x\"\n".to_owned() },
            ConnectionEvent::OperatorLost { reason: OperatorLost::Silent },
            ConnectionEvent::Ended { reason: String::new() },
        ] {
            let message = event.clone().into_message().expect("has an encoding");
            assert_eq!(Events::read(message), Ok(event));
        }
    }
}
