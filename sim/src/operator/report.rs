//! What a robot reports, as an operator needs it. Robots differ: what one leaves out is not known.

use farwire_core::teleop::Telemetry;
use serde_json::Value;

use crate::{Pose, Velocity};

/// Characters of a name or a state that are shown.
const MAX_WORD: usize = 32;

/// Characters of a sentence that are shown.
const MAX_TEXT: usize = 200;

/// Fields of its state that have a place of their own.
const KNOWN: [&str; 4] = ["mode", "posture", "why", "estopped"];

/// Further ones that are shown.
const MAX_MORE: usize = 8;

/// The state of a robot whose emergency stop is engaged.
const ESTOPPED: &str = "estopped";

/// The figures of one piece of telemetry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its name.
    pub robot: Option<String>,
    /// What it does, in a word.
    pub state: Option<String>,
    /// Whether the emergency stop is engaged.
    pub is_estopped: Option<bool>,
    /// Why it does not obey, if it does not.
    pub why: Option<String>,
    /// Where it is.
    pub pose: Option<Pose>,
    /// How fast it is.
    pub velocity: Option<Velocity>,
    /// From 0 to 1.
    pub battery: Option<f64>,
    /// Whether something is in its way.
    pub is_blocked: bool,
    /// What else it says of its state, in its own words: `rage off`, `light 0.5`.
    pub more: Vec<String>,
}

impl Report {
    /// What is said there, as far as it goes.
    pub fn of(telemetry: &Telemetry) -> Report {
        let message = &telemetry.message;
        let number = |path: &str| message.pointer(path).and_then(Value::as_f64);
        let text = |path: &str, longest| message.pointer(path).and_then(Value::as_str).map(|text| word(text, longest));
        let is_estopped = telemetry.is_estopped;
        let state = || match is_estopped {
            Some(true) => Some(ESTOPPED.to_owned()),
            _ => text("/state/mode", MAX_WORD).or_else(|| text("/state/posture", MAX_WORD)),
        };
        let pose = || Some(Pose { x: number("/pose/x")?, y: number("/pose/y")?, yaw: number("/pose/yaw")? });
        let velocity = || Some(Velocity { linear: number("/velocity/linear")?, angular: number("/velocity/angular")? });
        Report {
            robot: text("/robot", MAX_WORD),
            state: state(),
            is_estopped,
            why: text("/state/why", MAX_TEXT),
            pose: pose(),
            velocity: velocity(),
            battery: telemetry.soc.map(|percent| percent / 100.0),
            is_blocked: message.get("is_blocked") == Some(&Value::Bool(true)),
            more: telemetry
                .state
                .iter()
                .filter(|(name, _)| !KNOWN.contains(&name.as_str()))
                .filter_map(said)
                .take(MAX_MORE)
                .collect(),
        }
    }
}

/// A field of a robot's state, if a line has room for it.
fn said((name, value): (&String, &Value)) -> Option<String> {
    let value = match value {
        Value::Bool(is_on) => if *is_on { "on" } else { "off" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => word(text, MAX_WORD),
        _ => return None,
    };
    Some(format!("{} {value}", word(name, MAX_WORD).replace('_', " ")))
}

/// A text of somebody else's, fit for one line of a terminal: control characters there move cursors and worse.
fn word(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|character| if character.is_control() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use farwire_core::teleop::{Heard, Operator};
    use serde_json::json;

    use super::*;

    fn read(message: &Value) -> Report {
        let mut operator = Operator::new(Instant::now(), Duration::ZERO, 20.0);
        operator.handle_state(None, message.to_string().as_bytes());
        let Some(Heard::Telemetry(telemetry)) = operator.hear_next() else { panic!("telemetry") };
        Report::of(&telemetry)
    }

    #[test]
    fn telemetry_is_read_as_far_as_it_goes() {
        let full = json!({
            "type": "robot_telemetry", "robot_ts": 1.5, "robot": "rover", "soc": 50,
            "state": {"mode": "driving", "estopped": false, "why": "none"},
            "pose": {"x": 1, "y": 2.5, "yaw": 0.0}, "velocity": {"linear": 0.5, "angular": 0}, "is_blocked": true
        });
        let report = Report {
            robot: Some("rover".to_owned()),
            state: Some("driving".to_owned()),
            is_estopped: Some(false),
            why: Some("none".to_owned()),
            pose: Some(Pose { x: 1.0, y: 2.5, yaw: 0.0 }),
            velocity: Some(Velocity { linear: 0.5, angular: 0.0 }),
            battery: Some(0.5),
            is_blocked: true,
            more: Vec::new(),
        };
        assert_eq!(read(&full), report);
        let odd = json!({"type": "robot_telemetry", "pose": [1, 2], "soc": null, "state": 5});
        assert_eq!(read(&odd), Report::default());
        // As a DimOS robot says it.
        let dimos = json!({"type": "robot_telemetry", "cmd": null, "soc": 81.5, "robot_ts": 1.5, "state":
            {"posture": "stand", "rage": false, "obstacle_avoidance": true, "light": 0.5, "estopped": false}});
        let report = |state: &str, is_estopped| Report {
            state: Some(state.to_owned()),
            is_estopped: Some(is_estopped),
            battery: Some(0.815),
            more: ["light 0.5", "obstacle avoidance on", "rage off"].map(str::to_owned).to_vec(),
            ..Report::default()
        };
        assert_eq!(read(&dimos), report("stand", false));
        let mut stopped = dimos;
        stopped["state"]["estopped"] = true.into();
        assert_eq!(read(&stopped), report(ESTOPPED, true));
    }

    #[test]
    fn what_it_says_beyond_that_is_bounded() {
        let mut state: serde_json::Map<String, Value> =
            (0..40).map(|number| (format!("field_{number}"), json!("x".repeat(1000)))).collect();
        state.insert("a_list".to_owned(), json!([1]));
        state.insert("a\u{1b}".to_owned(), json!("b\u{1b}"));
        let report = read(&json!({"type": "robot_telemetry", "state": state}));
        assert_eq!((report.more.len(), report.more[0].as_str()), (MAX_MORE, "a? b?"));
        assert!(report.more.iter().all(|said| said.chars().count() <= 2 * MAX_WORD + 1), "{report:?}");
    }

    #[test]
    fn a_robot_does_not_write_to_the_terminal() {
        let nasty = json!({"type": "robot_telemetry", "robot": "\u{1b}[2J\u{9b}x", "state": {"mode": "s".repeat(500)}});
        let report = read(&nasty);
        assert_eq!(report.robot.as_deref(), Some("?[2J?x"));
        assert_eq!(report.state.map(|state| state.len()), Some(MAX_WORD));
    }
}
