//! What the robot tells the person who started it, once for each change, beside what
//! [`teleop::Change`](farwire_core::teleop::Change) says.

use std::fmt;

use serde::Serialize;

use crate::Pose;

/// Something that is different now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// The broker is not there yet; it is dialed until it is.
    Waiting {
        /// What happened.
        why: String,
    },
    /// The robot has registered, and waits for an operator.
    Connected {
        /// Its root.
        broker: String,
    },
    /// The connection is lost; it is reconnecting.
    Reconnecting {
        /// What happened.
        why: String,
    },
    /// The broker does not answer, though the connection stands.
    HeartbeatFailing {
        /// What it said, or why it said nothing.
        why: String,
    },
    /// The broker tells of something that a person has to see to.
    Warning {
        /// What it is.
        what: String,
    },
    /// A clock was set, or is far off.
    Clock {
        /// Which, and by how much.
        what: String,
    },
    /// It came to a standstill after it was stopped.
    Stands {
        /// Where.
        pose: Pose,
    },
    /// Something is in its way.
    Blocked {
        /// Where the robot is.
        pose: Pose,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Waiting { why } => write!(f, "waiting for the broker: {why}"),
            Change::Connected { broker } => write!(f, "connected to {broker}; waiting for an operator"),
            Change::Reconnecting { why } => write!(f, "connection lost, reconnecting: {why}"),
            Change::HeartbeatFailing { why } => write!(f, "the broker does not answer: {why}"),
            Change::Warning { what } => write!(f, "the broker warns: {what}"),
            Change::Clock { what } => f.write_str(what),
            Change::Stands { pose } => write!(f, "stands at {}", Place(*pose)),
            Change::Blocked { pose } => write!(f, "something is in the way at {}", Place(*pose)),
        }
    }
}

/// A pose as people read it.
struct Place(Pose);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pose { x, y, yaw } = self.0;
        write!(f, "({x:.2}, {y:.2}) m, heading {:.0}°", yaw.to_degrees())
    }
}

/// A change with its time, for scripts.
#[derive(Debug, Serialize)]
pub struct Timed<'a, C> {
    /// Seconds since 1970.
    pub robot_ts: f64,
    /// The change.
    #[serde(flatten)]
    pub change: &'a C,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_lines_for_people_and_objects_for_scripts() {
        let stands = Change::Stands { pose: Pose { x: 1.0, y: -0.5, yaw: std::f64::consts::FRAC_PI_2 } };
        assert_eq!(stands.to_string(), "stands at (1.00, -0.50) m, heading 90°");
        let json = |change| serde_json::to_string(&Timed { robot_ts: 1.5, change }).expect("plain data");
        let waiting = Change::Waiting { why: "no broker".to_owned() };
        assert_eq!(json(&waiting), r#"{"robot_ts":1.5,"event":"waiting","why":"no broker"}"#);
        assert!(json(&stands).contains(r#""pose":{"x":1.0,"y":-0.5,"#));
    }
}
