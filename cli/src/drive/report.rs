//! What a robot reports, as an operator needs it. Robots differ: what one leaves out is not known.

use serde_json::Value;

use crate::teleop::{Pose, Velocity};

/// Characters of a name or a state that are shown.
const MAX_WORD: usize = 32;

/// A message of a robot that an operator looks at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Telemetry(Report),
    /// The answer to an emergency stop.
    Acknowledged {
        engaged: bool,
    },
}

/// The figures of one piece of telemetry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Report {
    pub(super) robot: Option<String>,
    pub(super) state: Option<String>,
    pub(super) pose: Option<Pose>,
    pub(super) velocity: Option<Velocity>,
    /// From 0 to 1.
    pub(super) battery: Option<f64>,
    pub(super) is_blocked: bool,
}

impl Said {
    /// Reads a message; pongs and what is not known are none.
    pub(super) fn parse(message: &Value) -> Option<Said> {
        match message.get("type")?.as_str()? {
            "robot_telemetry" => Some(Said::Telemetry(Report::of(message))),
            "cmd_ack" if message.get("command").and_then(Value::as_str) == Some("estop") => {
                Some(Said::Acknowledged { engaged: message.get("engaged") != Some(&Value::Bool(false)) })
            }
            _ => None,
        }
    }
}

impl Report {
    fn of(message: &Value) -> Report {
        let number = |path: &str| message.pointer(path).and_then(Value::as_f64);
        let text = |path: &str| message.pointer(path).and_then(Value::as_str).map(word);
        let pose = || Some(Pose { x: number("/pose/x")?, y: number("/pose/y")?, yaw: number("/pose/yaw")? });
        let velocity = || Some(Velocity { linear: number("/velocity/linear")?, angular: number("/velocity/angular")? });
        Report {
            robot: text("/robot"),
            state: text("/state"),
            pose: pose(),
            velocity: velocity(),
            battery: number("/battery"),
            is_blocked: message.get("is_blocked") == Some(&Value::Bool(true)),
        }
    }
}

/// A text of somebody else's, fit for one line of a terminal: control characters there move cursors and worse.
fn word(text: &str) -> String {
    text.chars().take(MAX_WORD).map(|character| if character.is_control() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn telemetry_is_read_as_far_as_it_goes() {
        let full = json!({
            "type": "robot_telemetry", "robot_ts": 1.5, "robot": "rover", "state": "driving", "battery": 0.5,
            "pose": {"x": 1, "y": 2.5, "yaw": 0.0}, "velocity": {"linear": 0.5, "angular": 0}, "is_blocked": true
        });
        let report = Report {
            robot: Some("rover".to_owned()),
            state: Some("driving".to_owned()),
            pose: Some(Pose { x: 1.0, y: 2.5, yaw: 0.0 }),
            velocity: Some(Velocity { linear: 0.5, angular: 0.0 }),
            battery: Some(0.5),
            is_blocked: true,
        };
        assert_eq!(Said::parse(&full), Some(Said::Telemetry(report)));
        let odd = json!({"type": "robot_telemetry", "pose": [1, 2], "battery": {"volts": 12}, "state": 5});
        assert_eq!(Said::parse(&odd), Some(Said::Telemetry(Report::default())));
    }

    #[test]
    fn other_messages_are_told_apart() {
        let ack = |engaged| json!({"type": "cmd_ack", "command": "estop", "engaged": engaged});
        assert_eq!(Said::parse(&ack(true)), Some(Said::Acknowledged { engaged: true }));
        assert_eq!(Said::parse(&ack(false)), Some(Said::Acknowledged { engaged: false }));
        for none in [json!({"type": "pong"}), json!({"type": "cmd_ack"}), json!({}), json!([]), json!(null)] {
            assert_eq!(Said::parse(&none), None);
        }
    }

    #[test]
    fn a_robot_does_not_write_to_the_terminal() {
        let nasty = json!({"type": "robot_telemetry", "robot": "\u{1b}[2J\u{9b}x", "state": "s".repeat(500)});
        let Some(Said::Telemetry(report)) = Said::parse(&nasty) else { panic!("telemetry") };
        assert_eq!(report.robot.as_deref(), Some("?[2J?x"));
        assert_eq!(report.state.map(|state| state.len()), Some(MAX_WORD));
    }
}
