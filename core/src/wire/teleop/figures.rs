//! What a robot says of itself with its heartbeats.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::super::Object;

/// The longest text that says how safe a robot is, in bytes.
const MAX_SAFETY_STATE: usize = 64;

/// Body of a robot's heartbeat, which may be left out: how it does, as far as it knows. What cannot be counts as unknown, so
/// that no figure costs a robot its sign of life.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RobotFigures {
    /// The round trip to the SFU, in milliseconds; at most ten minutes.
    #[serde(default, deserialize_with = "up_to_600_000", skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Packets that are lost, in percent.
    #[serde(default, deserialize_with = "up_to_100", skip_serializing_if = "Option::is_none")]
    pub packet_loss_pct: Option<f64>,
    /// What the robot sends of video, in kilobits per second; at most 10 Gbit/s.
    #[serde(default, deserialize_with = "up_to_10_000_000", skip_serializing_if = "Option::is_none")]
    pub video_bitrate_kbps: Option<f64>,
    /// Commands that arrive per second; at most 100,000.
    #[serde(default, deserialize_with = "up_to_100_000", skip_serializing_if = "Option::is_none")]
    pub command_rate_hz: Option<f64>,
    /// Whether it may move, in the robot's own words; at most 64 bytes without control characters.
    #[serde(default, deserialize_with = "word", skip_serializing_if = "Option::is_none")]
    pub safety_state: Option<String>,
}

impl RobotFigures {
    /// Those in a heartbeat's body; none, if it is none.
    pub fn of(body: &[u8]) -> RobotFigures {
        serde_json::from_slice(body).map_or_else(|_| RobotFigures::default(), |Object(figures)| figures)
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, most: f64) -> Result<Option<f64>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_f64().filter(|number| (0.0..=most).contains(number)))
}

fn up_to_100<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, 100.0)
}

fn up_to_100_000<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, 100_000.0)
}

fn up_to_600_000<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, 600_000.0)
}

fn up_to_10_000_000<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, 10_000_000.0)
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Value::String(text) = Value::deserialize(deserializer)? else { return Ok(None) };
    let is_good = (1..=MAX_SAFETY_STATE).contains(&text.len()) && !text.chars().any(char::is_control);
    Ok(is_good.then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_unknown_and_costs_nothing_else() {
        let all = br#"{"rtt_ms":12.5,"packet_loss_pct":0,"video_bitrate_kbps":2500,"command_rate_hz":50,"safety_state":"ok"}"#;
        let read = RobotFigures::of(all);
        assert_eq!((read.rtt_ms, read.packet_loss_pct, read.command_rate_hz), (Some(12.5), Some(0.0), Some(50.0)));
        assert_eq!((read.video_bitrate_kbps, read.safety_state.as_deref()), (Some(2500.0), Some("ok")));
        let long = format!(r#"{{"rtt_ms":1,"safety_state":"{}"}}"#, "x".repeat(65));
        for text in [
            r#"{"rtt_ms":1,"packet_loss_pct":101}"#,
            r#"{"rtt_ms":1,"packet_loss_pct":-0.1,"command_rate_hz":null}"#,
            r#"{"rtt_ms":1,"command_rate_hz":1e300,"video_bitrate_kbps":"9","safety_state":7}"#,
            r#"{"rtt_ms":1,"safety_state":"a\u001b[2J","more":{}}"#,
            &long,
        ] {
            assert_eq!(
                RobotFigures::of(text.as_bytes()),
                RobotFigures { rtt_ms: Some(1.0), ..RobotFigures::default() },
                "{text}"
            );
        }
        for none in ["", "null", "[1,2,3,4,\"x\"]", "{", "{}"] {
            assert_eq!(RobotFigures::of(none.as_bytes()), RobotFigures::default(), "{none}");
        }
    }
}
