//! What happens to a connection: what a peer says, subscriptions to events receive, and logs tell.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock::ClockWarning;
use crate::presence::{OperatorLost, Presence};
use crate::signalling::SignallingError;
use crate::{EndReason, SessionId};

/// What happened to a connection. It shows itself as a text for people, and serialises with its reasons as such texts; none
/// has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// It is up, for the first time or again. A robot is registered; an operator's robot answers.
    Connected {
        /// The publishing session's id; through a broker, of the broker's session of the robot.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// It was lost, and reconnects until it is up.
    Reconnecting {
        /// What happened.
        #[serde(serialize_with = "as_text")]
        reason: EndReason,
    },
    /// An attempt to reconnect has failed, and others follow. Told once for as long as the reason is the same.
    ReconnectFailed {
        /// What happened.
        #[serde(serialize_with = "as_text")]
        reason: EndReason,
    },
    /// A robot has an operator, who is heard.
    OperatorPresent,
    /// A robot has no operator any more.
    OperatorLost {
        /// Why.
        reason: OperatorLost,
    },
    /// The robot is handed over to this operator, which only watched it until now: what it publishes reaches the robot from now
    /// on.
    HandedOver,
    /// An operator's robot answers.
    RobotPresent,
    /// An operator's robot does not answer any more.
    RobotLost,
    /// A robot's or an operator's heartbeats fail, while its connection may be fine. Told once for a streak of failures.
    HeartbeatFailing {
        /// What the broker said, or why it said nothing.
        #[serde(serialize_with = "as_text")]
        reason: SignallingError,
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
        #[serde(serialize_with = "as_text")]
        reason: EndReason,
    },
}

impl fmt::Display for ConnectionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionEvent::Connected { session: None } => f.write_str("connected"),
            ConnectionEvent::Connected { session: Some(session) } => {
                write!(f, "connected; publishing as session {session}")
            }
            ConnectionEvent::Reconnecting { reason } => write!(f, "connection lost: {reason}; reconnecting"),
            ConnectionEvent::ReconnectFailed { reason } => write!(f, "still not connected: {reason}; reconnecting"),
            ConnectionEvent::OperatorPresent => f.write_str("an operator is there"),
            ConnectionEvent::OperatorLost { reason } => write!(f, "the operator is lost: {reason}"),
            ConnectionEvent::HandedOver => f.write_str("the robot was handed over: this operator drives it now"),
            ConnectionEvent::RobotPresent => f.write_str("the robot answers"),
            ConnectionEvent::RobotLost => f.write_str("the robot does not answer"),
            ConnectionEvent::HeartbeatFailing { reason } => write!(f, "heartbeats fail: {reason}"),
            ConnectionEvent::ClockSet { by_ms } => ClockWarning::Set { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::FarClockSet { by_ms } => ClockWarning::FarSet { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::ClocksApart { by_ms } => ClockWarning::Apart { by_ms: *by_ms }.fmt(f),
            ConnectionEvent::Warning { what } => write!(f, "the broker warns: {what}"),
            ConnectionEvent::Ended { reason: EndReason::Closed } => f.write_str("the connection was closed"),
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

impl From<ClockWarning> for ConnectionEvent {
    fn from(warning: ClockWarning) -> ConnectionEvent {
        match warning {
            ClockWarning::Set { by_ms } => ConnectionEvent::ClockSet { by_ms },
            ClockWarning::FarSet { by_ms } => ConnectionEvent::FarClockSet { by_ms },
            ClockWarning::Apart { by_ms } => ConnectionEvent::ClocksApart { by_ms },
        }
    }
}

impl ConnectionEvent {
    /// Whether it is up, or who is there, is not as it was before.
    pub(crate) fn changes_state(&self) -> bool {
        matches!(
            self,
            ConnectionEvent::Connected { .. }
                | ConnectionEvent::Reconnecting { .. }
                | ConnectionEvent::OperatorPresent
                | ConnectionEvent::OperatorLost { .. }
                | ConnectionEvent::HandedOver
                | ConnectionEvent::RobotPresent
                | ConnectionEvent::RobotLost
                | ConnectionEvent::Ended { .. }
        )
    }
}

/// Reasons are told as texts, which say the way out.
fn as_text<S: Serializer>(reason: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &ConnectionEvent) -> String {
        serde_json::to_string(event).expect("has an encoding")
    }

    #[test]
    fn has_its_reason_as_text_in_json() {
        let lost = ConnectionEvent::OperatorLost { reason: OperatorLost::Silent };
        assert_eq!(json(&lost), r#"{"event":"operator_lost","reason":"silent"}"#);
        let ended = ConnectionEvent::Ended { reason: EndReason::Closed };
        assert_eq!(json(&ended), r#"{"event":"ended","reason":"closed"}"#);
        assert_eq!(json(&ConnectionEvent::Connected { session: None }), r#"{"event":"connected"}"#);
        let connected = ConnectionEvent::Connected { session: SessionId::new("abc") };
        assert_eq!(json(&connected), r#"{"event":"connected","session":"abc"}"#);
    }
}
