//! What an operator says on the reliable channel, as JSON.

use serde_json::{Value, json};

/// What a robot takes to heart of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The emergency stop: engaged, or released again.
    Estop {
        /// Whether the robot must stand.
        engaged: bool,
    },
    /// farwire's own word, not the operator's: there is none any more.
    OperatorLost,
}

impl Order {
    /// Reads a message. Pings, reports and what is no JSON are no orders.
    ///
    /// An emergency stop that says anything but that it is released is one.
    pub(crate) fn parse(message: &[u8]) -> Option<Order> {
        let message: Value = serde_json::from_slice(message).ok()?;
        match message.get("type")?.as_str()? {
            "estop" => Some(Order::Estop { engaged: message.get("engaged") != Some(&Value::Bool(false)) }),
            "operator_lost" => Some(Order::OperatorLost),
            _ => None,
        }
    }

    /// The message.
    pub(crate) fn to_json(self) -> String {
        match self {
            Order::Estop { engaged } => json!({"type": "estop", "engaged": engaged}),
            Order::OperatorLost => json!({"type": "operator_lost"}),
        }
        .to_string()
    }
}

/// The robot's answer to an emergency stop.
pub(crate) fn acknowledgement(engaged: bool, robot_ts: f64) -> String {
    json!({"type": "cmd_ack", "command": "estop", "engaged": engaged, "robot_ts": robot_ts}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_word_releases() {
        let parse = |text: &str| Order::parse(text.as_bytes());
        let engaged = Some(Order::Estop { engaged: true });
        assert_eq!(parse(r#"{"type":"estop","engaged":false}"#), Some(Order::Estop { engaged: false }));
        for stop in [
            r#"{"type":"estop"}"#,
            r#"{"type":"estop","engaged":true}"#,
            r#"{"type":"estop","engaged":null}"#,
            r#"{"type":"estop","engaged":"false"}"#,
            r#"{"type":"estop","engaged":0}"#,
        ] {
            assert_eq!(parse(stop), engaged, "{stop}");
        }
        assert_eq!(parse(r#"{"type": "operator_lost"}"#), Some(Order::OperatorLost));
        for none in ["", "{", "estop", r#""estop""#, r#"{"type":"ping","client_ts":1}"#, r#"{"type":5}"#, "[]", "\u{0}"]
        {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn orders_are_read_as_written() {
        for order in [Order::Estop { engaged: true }, Order::Estop { engaged: false }, Order::OperatorLost] {
            assert_eq!(Order::parse(order.to_json().as_bytes()), Some(order));
        }
    }
}
