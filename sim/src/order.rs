//! What an operator says on the reliable channel, in DimOS's words, and what a robot answers.

use farwire_core::wire::teleop::{Kind, StateMessage};
use serde_json::Value;

/// Bytes of the longest nonce, as JSON, that is sent back.
const MAX_NONCE: usize = 256;

/// Commands of DimOS's operators that this robot does not have. It says so, where it is asked by a nonce.
const UNKNOWN_HERE: [Kind; 8] = [
    Kind::SportCmd,
    Kind::SetMode,
    Kind::ObstacleAvoidance,
    Kind::Light,
    Kind::NavGoal,
    Kind::NavCancel,
    Kind::Gripper,
    Kind::TeleopScale,
];

/// What a robot takes to heart of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The emergency stop, whatever else the message says.
    Estop,
    /// Nothing else releases it.
    EstopClear,
    /// farwire's own word, not the operator's: there is none any more.
    OperatorLost,
    /// Something else that is to be done, and that this robot cannot do.
    Other,
}

/// An order, and what its answer is to be known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// What is to be done.
    pub order: Order,
    /// `None`: no answer is asked for.
    nonce: Option<Value>,
}

impl Ordered {
    /// Reads a message. Pings, reports, kinds that nobody knows and what is no JSON are no orders.
    pub fn parse(message: &[u8]) -> Option<Ordered> {
        let mut message: Value = serde_json::from_slice(message).ok()?;
        let order = match Kind::of(message.get("type")?.as_str()?)? {
            Kind::Estop => Order::Estop,
            Kind::EstopClear => Order::EstopClear,
            Kind::OperatorLost => Order::OperatorLost,
            kind if UNKNOWN_HERE.contains(&kind) => Order::Other,
            _ => return None,
        };
        let nonce = message.get_mut("nonce").map(Value::take).filter(|nonce| !nonce.is_null());
        Some(Ordered { order, nonce })
    }

    /// The robot's answer, if one is asked for. It is known by the nonce, which comes back as it was.
    pub fn answer(self, ok: bool) -> Option<String> {
        let nonce = self.nonce?;
        (nonce.to_string().len() <= MAX_NONCE).then(|| StateMessage::CmdAck { nonce: &nonce, ok }.to_json())
    }
}

impl Order {
    /// The message, with a nonce of its own: DimOS answers a repeated one each time. `None` for what no operator says.
    pub fn to_json(self, nonce: u64) -> Option<String> {
        match self {
            Order::Estop => Some(StateMessage::Estop { nonce }.to_json()),
            Order::EstopClear => Some(StateMessage::EstopClear { nonce }.to_json()),
            Order::OperatorLost | Order::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use farwire_core::wire::teleop::OPERATOR_LOST;
    use serde_json::json;

    use super::*;

    fn order(text: &str) -> Option<Order> {
        Ordered::parse(text.as_bytes()).map(|ordered| ordered.order)
    }

    #[test]
    fn an_emergency_stop_is_one_whatever_else_it_says() {
        for stop in [
            r#"{"type":"estop"}"#,
            r#"{"type":"estop","nonce":1}"#,
            r#"{"type":"estop","engaged":true}"#,
            r#"{"type":"estop","engaged":false}"#,
            r#"{"type":"estop","clear":true,"nonce":[]}"#,
        ] {
            assert_eq!(order(stop), Some(Order::Estop), "{stop}");
        }
        assert_eq!(order(r#"{"type":"estop_clear","nonce":2}"#), Some(Order::EstopClear));
        assert_eq!(order(r#"{"type": "operator_lost"}"#), Some(Order::OperatorLost));
        assert_eq!(order(r#"{"type":"light","brightness":1}"#), Some(Order::Other));
        for none in [
            "",
            "{",
            "estop",
            r#""estop""#,
            r#"{"type":"ping","client_ts":1}"#,
            r#"{"type":"ESTOP_CLEAR"}"#,
            r#"{"type":"estop_cleared"}"#,
            r#"{"type":5}"#,
            "[]",
            "\u{0}",
        ] {
            assert_eq!(order(none), None, "{none}");
        }
    }

    #[test]
    fn an_answer_is_known_by_its_nonce() {
        let answer = |text: &str, ok| Ordered::parse(text.as_bytes()).expect("an order").answer(ok);
        let json = |text: Option<String>| serde_json::from_str::<Value>(&text.expect("an answer")).expect("JSON");
        assert_eq!(json(answer(r#"{"type":"estop","nonce":1}"#, true)), json!({"type":"cmd_ack","nonce":1,"ok":true}));
        for nonce in [json!("n-1"), json!(9_007_199_254_740_991_u64), json!({"a": [1.5]}), json!(false)] {
            let order = json!({"type": "estop_clear", "nonce": nonce}).to_string();
            assert_eq!(json(answer(&order, false)), json!({"type":"cmd_ack","nonce":nonce,"ok":false}));
        }
        assert_eq!(answer(r#"{"type":"estop"}"#, true), None);
        assert_eq!(answer(r#"{"type":"estop","nonce":null}"#, true), None);
        assert_eq!(answer(&json!({"type": "estop", "nonce": "n".repeat(300)}).to_string(), true), None);
    }

    #[test]
    fn orders_are_read_as_written() {
        for order in [Order::Estop, Order::EstopClear] {
            let ordered = Ordered::parse(order.to_json(7).expect("an operator's word").as_bytes());
            assert_eq!(ordered, Some(Ordered { order, nonce: Some(json!(7)) }));
        }
        let lost = Ordered { order: Order::OperatorLost, nonce: None };
        assert_eq!(Ordered::parse(OPERATOR_LOST.as_bytes()), Some(lost));
    }
}
