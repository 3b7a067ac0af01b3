//! What an operator without a screen is told, line by line.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sight {
    /// The broker or the robot is not there yet; they are dialed until they are.
    Waiting {
        /// What happened.
        why: String,
    },
    /// The connection is up.
    Connected,
    /// The connection is lost; it is reconnecting.
    Reconnecting {
        /// What happened.
        why: String,
    },
    /// The robot answers.
    RobotPresent,
    /// The robot does not answer any more.
    RobotLost,
    /// The robot was handed over to this end, which only watched it.
    HandedOver,
    /// A step of the script begins.
    Step {
        /// As it was written.
        step: String,
    },
    /// The robot's telemetry, as it came.
    Telemetry {
        /// The JSON.
        telemetry: Value,
    },
    /// A map came.
    Map {
        /// Cells in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The side of a cell, in m.
        resolution: f64,
    },
    /// The robot said where it is.
    Odom {
        /// In m.
        x: f64,
        /// In m.
        y: f64,
        /// In rad.
        yaw: f64,
    },
    /// The robot is in another state than before.
    State {
        /// The state, in a word.
        state: String,
        /// Why it does not obey, if it does not.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A clock was set, or is far off.
    Clock {
        /// Which, and by how much.
        what: String,
    },
    /// The robot answered an emergency stop, or its release.
    EstopAcknowledged {
        /// Whether it was the stop, and not its release.
        engaged: bool,
        /// Whether it did what it was told. A DimOS robot whose actuator failed is stopped all the same.
        ok: bool,
    },
    /// The script is over.
    Done {
        /// Commands that were sent.
        commands_sent: u64,
        /// Commands that nobody could get.
        commands_dropped: u64,
        /// The fastest round trip of late, once it was measured.
        round_trip_ms: Option<f64>,
    },
}

impl Sight {
    /// Whether it comes so often that only scripts want it.
    pub fn is_frequent(&self) -> bool {
        matches!(self, Sight::Telemetry { .. } | Sight::Map { .. } | Sight::Odom { .. })
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sight::Waiting { why } => write!(f, "waiting for the robot: {why}"),
            Sight::Connected => f.write_str("connected"),
            Sight::Reconnecting { why } => write!(f, "connection lost, reconnecting: {why}"),
            Sight::RobotPresent => f.write_str("the robot answers"),
            Sight::RobotLost => f.write_str("the robot does not answer any more"),
            Sight::HandedOver => f.write_str("the robot was handed over to you"),
            Sight::Step { step } => write!(f, "now: {step}"),
            Sight::Telemetry { telemetry } => write!(f, "{telemetry}"),
            Sight::Map { width, height, resolution } => {
                write!(f, "a map of {width} x {height} cells of {resolution} m")
            }
            Sight::Odom { x, y, yaw } => write!(f, "at ({x:.2}, {y:.2}) m, heading {:.0}°", yaw.to_degrees()),
            Sight::State { state, why: None } => write!(f, "the robot is {state}"),
            Sight::State { state, why: Some(why) } => write!(f, "the robot is {state}: commands {why}"),
            Sight::Clock { what } => f.write_str(what),
            Sight::EstopAcknowledged { engaged: true, ok: true } => {
                f.write_str("the robot says: emergency stop engaged")
            }
            Sight::EstopAcknowledged { engaged: true, ok: false } => {
                f.write_str("the robot says: EMERGENCY STOP FAILED; it is said again")
            }
            Sight::EstopAcknowledged { engaged: false, ok: true } => {
                f.write_str("the robot says: emergency stop released")
            }
            Sight::EstopAcknowledged { engaged: false, ok: false } => {
                f.write_str("the robot says: the emergency stop was not released")
            }
            Sight::Done { commands_sent, commands_dropped, round_trip_ms } => {
                write!(f, "done: {commands_sent} commands sent, {commands_dropped} that nobody could get")?;
                round_trip_ms.map_or(Ok(()), |round_trip| write!(f, ", round trip {round_trip:.1} ms"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_read_objects_and_people_words() {
        let json = |sight: &Sight| serde_json::to_string(sight).expect("plain data");
        assert_eq!(json(&Sight::RobotLost), r#"{"event":"robot_lost"}"#);
        let telemetry = Sight::Telemetry { telemetry: serde_json::json!({"state": "driving"}) };
        assert_eq!(json(&telemetry), r#"{"event":"telemetry","telemetry":{"state":"driving"}}"#);
        let done = Sight::Done { commands_sent: 20, commands_dropped: 1, round_trip_ms: Some(1.25) };
        assert_eq!(done.to_string(), "done: 20 commands sent, 1 that nobody could get, round trip 1.2 ms");
        assert!(json(&done).contains(r#""round_trip_ms":1.25"#));
        assert!(telemetry.is_frequent() && !done.is_frequent());
    }
}
