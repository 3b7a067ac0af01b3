//! What robots and operators say to each other in JSON.

use std::borrow::Cow;

use serde::de::IntoDeserializer as _;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What a robot's subscribers of `state_reliable` get when the operator is gone, byte for byte as DimOS's robots get it.
/// It does not come over the network.
pub const OPERATOR_LOST: &str = r#"{"type": "operator_lost"}"#;

/// What a message is, by its field `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Operator to robot: to be answered by [`Kind::Pong`], with the operator's time as it was written.
    Ping,
    /// Operator to robot: what it has measured of the way and of the clocks.
    ClockReport,
    /// Operator to robot: the emergency stop, whatever else the message says.
    Estop,
    /// Operator to robot: releases it, which nothing else does.
    EstopClear,
    /// Operator to robot: a gait or a trick.
    SportCmd,
    /// Operator to robot.
    SetMode,
    /// Operator to robot.
    ObstacleAvoidance,
    /// Operator to robot.
    Light,
    /// Operator to robot: a place to go to.
    NavGoal,
    /// Operator to robot.
    NavCancel,
    /// Operator to robot.
    Gripper,
    /// Operator to robot: how fast commands are to be taken.
    TeleopScale,
    /// Operator to robot: which cameras to show.
    CameraSelect,
    /// Operator to robot: what the operator's player sees.
    VideoStats,
    /// Robot to operator: the answer to [`Kind::Ping`].
    Pong,
    /// Robot to operator: the answer to whatever came with a nonce.
    CmdAck,
    /// Robot to operator: how it does. Each robot has figures of its own.
    RobotTelemetry,
    /// Robot to operator, on `map_unreliable`: what is around it.
    Map,
    /// Robot to operator, on `map_unreliable`: where it is.
    Odom,
    /// On the robot alone, see [`OPERATOR_LOST`].
    OperatorLost,
}

impl Kind {
    /// The kind of this name; `None` for one that this version does not know.
    pub fn of(name: &str) -> Option<Kind> {
        let deserializer: serde::de::value::StrDeserializer<'_, NameError> = name.into_deserializer();
        Kind::deserialize(deserializer).ok()
    }
}

/// A message, to be written.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateMessage<'a> {
    /// See [`Kind::Ping`].
    Ping {
        /// The operator's time, in seconds since 1970.
        #[serde(serialize_with = "microseconds")]
        client_ts: f64,
    },
    /// See [`Kind::Pong`].
    Pong {
        /// The ping's, as it was written.
        client_ts: &'a RawValue,
        /// The robot's time, in seconds since 1970.
        #[serde(serialize_with = "microseconds")]
        robot_ts: f64,
    },
    /// See [`Kind::ClockReport`].
    ClockReport {
        /// The round trip, in milliseconds.
        #[serde(serialize_with = "thousandths")]
        rtt_ms: f64,
        /// How far the robot's clock is ahead of the operator's, in milliseconds.
        #[serde(serialize_with = "thousandths")]
        offset_ms: f64,
    },
    /// See [`Kind::Estop`].
    Estop {
        /// Comes back in the answer. DimOS's robots answer one that they have heard already again, and do nothing.
        nonce: u64,
    },
    /// See [`Kind::EstopClear`].
    EstopClear {
        /// As in [`StateMessage::Estop`].
        nonce: u64,
    },
    /// See [`Kind::CmdAck`].
    CmdAck {
        /// That of what is answered, as it was.
        nonce: &'a serde_json::Value,
        /// Whether it was done.
        ok: bool,
    },
}

impl StateMessage<'_> {
    /// The message as JSON.
    pub fn to_json(&self) -> String {
        // Numbers and what was JSON before always have a JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A message, as far as the clocks and the emergency stop need it.
#[derive(Debug, Deserialize)]
pub struct Received<'a> {
    /// What it is; `None`: nothing that this version knows.
    #[serde(rename = "type", deserialize_with = "by_name")]
    pub kind: Option<Kind>,
    /// The operator's time in a ping and its pong, as it was written, since it is to be sent back so.
    #[serde(default, borrow)]
    pub client_ts: Option<&'a RawValue>,
    /// The robot's time in a pong, in seconds since 1970.
    #[serde(default, deserialize_with = "number")]
    pub robot_ts: Option<f64>,
    /// The round trip in a report, in milliseconds.
    #[serde(default, deserialize_with = "number")]
    pub rtt_ms: Option<f64>,
}

impl<'a> Received<'a> {
    /// Reads a message of at most so many bytes; `None` for what is longer or no such message.
    pub fn parse(message: &'a [u8], longest: usize) -> Option<Received<'a>> {
        // serde would take a list for the fields in their order.
        let may_be = message.len() <= longest && message.trim_ascii_start().starts_with(b"{");
        may_be.then(|| serde_json::from_slice(message).ok()).flatten()
    }
}

fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    let name: Cow<'de, str> = Cow::deserialize(deserializer)?;
    Ok(Kind::of(&name))
}

/// What is no number says nothing, and the rest of the message counts: an emergency stop is one, whatever else it says.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let text: &'de RawValue = Deserialize::deserialize(deserializer)?;
    Ok(text.get().parse().ok())
}

fn microseconds<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1e6).round() / 1e6)
}

fn thousandths<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_look_as_dimos_has_them() {
        let client_ts = RawValue::from_string("1754300000.123456789012".to_owned()).expect("JSON");
        for (message, text) in [
            (
                StateMessage::Ping { client_ts: 1_754_300_000.123_456_7 },
                r#"{"type":"ping","client_ts":1754300000.123457}"#,
            ),
            (
                StateMessage::Pong { client_ts: &client_ts, robot_ts: 5.5 },
                r#"{"type":"pong","client_ts":1754300000.123456789012,"robot_ts":5.5}"#,
            ),
            (
                StateMessage::ClockReport { rtt_ms: 1.234_56, offset_ms: -0.000_1 },
                r#"{"type":"clock_report","rtt_ms":1.235,"offset_ms":-0.0}"#,
            ),
            (StateMessage::Estop { nonce: 7 }, r#"{"type":"estop","nonce":7}"#),
            (StateMessage::EstopClear { nonce: 8 }, r#"{"type":"estop_clear","nonce":8}"#),
            (StateMessage::CmdAck { nonce: &json!("n"), ok: true }, r#"{"type":"cmd_ack","nonce":"n","ok":true}"#),
        ] {
            assert_eq!(message.to_json(), text);
            assert!(Received::parse(text.as_bytes(), 4096).is_some_and(|read| read.kind.is_some()), "{text}");
        }
        let lost = Received::parse(OPERATOR_LOST.as_bytes(), 4096).and_then(|read| read.kind);
        assert_eq!(lost, Some(Kind::OperatorLost));
    }

    #[test]
    fn an_emergency_stop_is_one_whatever_else_it_says() {
        for more in
            ["", r#","nonce":[1]"#, r#","rtt_ms":"5""#, r#","robot_ts":{"a":1},"client_ts":null"#, r#","rtt_ms":null"#]
        {
            for space in ["", " \r\n\t"] {
                let text = format!(r#"{space}{{"type":"estop"{more}}}"#);
                let read = Received::parse(text.as_bytes(), 4096).map(|read| (read.kind, read.rtt_ms));
                assert_eq!(read, Some((Some(Kind::Estop), None)), "{text}");
            }
        }
        let report = Received::parse(br#"{"type":"clock_report","rtt_ms":1.5e1}"#, 4096).expect("a report");
        assert_eq!(report.rtt_ms, Some(15.0));
    }

    #[test]
    fn a_ping_is_read_whatever_else_it_says() {
        let ping = br#"{"client_ts":"any text","type":"p\u0069ng","more":[1]}"#;
        let read = Received::parse(ping, 4096).expect("a ping");
        assert_eq!((read.kind, read.client_ts.map(RawValue::get)), (Some(Kind::Ping), Some("\"any text\"")));
        assert!(Received::parse(ping, 8).is_none(), "longer");
        assert!(Received::parse(br#"{"type":"other"}"#, 4096).is_some_and(|read| read.kind.is_none()));
        for none in ["", "[]", r#"["ping",1]"#, r#"{"type":5}"#, r#"{"type":{"ping":null}}"#, r#"{"client_ts":1}"#] {
            assert!(Received::parse(none.as_bytes(), 4096).is_none(), "{none}");
        }
    }
}
