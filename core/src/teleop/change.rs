//! What a robot tells the person who started it, once for each change.

use std::fmt;

use serde::Serialize;

/// Something that is different now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Somebody operates the robot.
    OperatorCame {
        /// Whether the emergency stop is engaged still.
        is_estopped: bool,
    },
    /// Nobody does any more.
    OperatorLost {
        /// Why.
        why: String,
    },
    /// No command came for too long.
    Stale {
        /// The time after which it stops, in milliseconds.
        after_ms: u64,
    },
    /// Commands come, and none of them is obeyed.
    Refusing {
        /// What is wrong with them.
        why: String,
    },
    /// It was told to move, for the first time or after it was stopped.
    Driving,
    /// The emergency stop was engaged.
    EstopEngaged,
    /// The emergency stop was released.
    EstopReleased,
    /// The emergency stop is engaged, and what was to stop the actuators says that it failed.
    EstopFailed,
    /// The robot's own loop was away for so long, and nothing could be passed on to it.
    LoopBlocked {
        /// In milliseconds.
        for_ms: u64,
    },
    /// Other cameras are to be shown.
    CamerasSelected {
        /// Their names.
        cameras: Vec<String>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::OperatorCame { is_estopped: false } => f.write_str("an operator is here"),
            Change::OperatorCame { is_estopped: true } => {
                f.write_str("an operator is here; the emergency stop is still engaged")
            }
            Change::OperatorLost { why } => write!(f, "operator lost, stopping: {why}"),
            Change::Stale { after_ms } => write!(f, "no fresh command for {after_ms} ms, stopping"),
            Change::Refusing { why } => write!(f, "commands are refused: {why}"),
            Change::Driving => f.write_str("driving"),
            Change::EstopEngaged => f.write_str("EMERGENCY STOP engaged; stands until the operator releases it"),
            Change::EstopReleased => f.write_str("emergency stop released; waiting for a command"),
            Change::EstopFailed => f.write_str("EMERGENCY STOP: the actuators did not stop as they were told to"),
            Change::LoopBlocked { for_ms } => write!(f, "the robot's own loop was away for {for_ms} ms"),
            Change::CamerasSelected { cameras } => write!(f, "cameras: {}", cameras.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_lines_for_people_and_objects_for_scripts() {
        let json = |change: &Change| serde_json::to_string(change).expect("plain data");
        assert_eq!(json(&Change::Driving), r#"{"event":"driving"}"#);
        assert_eq!(json(&Change::Stale { after_ms: 300 }), r#"{"event":"stale","after_ms":300}"#);
        let lost = Change::OperatorLost { why: "it left".to_owned() };
        assert_eq!(json(&lost), r#"{"event":"operator_lost","why":"it left"}"#);
        assert_eq!(lost.to_string(), "operator lost, stopping: it left");
    }
}
