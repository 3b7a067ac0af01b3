//! What a robot tells its operator, beside pongs and acknowledgements. Source: the kinds of DimOS 0.0.15.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::messages::Kind;

/// Bytes of the longest message on `map_unreliable`.
pub const MAX_MAP: usize = 32 * 1024;

/// How a robot does: the message `robot_telemetry`.
#[derive(Debug, Serialize)]
pub struct RobotTelemetry<'a> {
    /// Always the same.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Of the stream of drive commands; null while there is none.
    pub cmd: Option<DriveStats>,
    /// The battery's charge, from 0 to 100 %; null: not known.
    pub soc: Option<f64>,
    /// Whatever the robot has to say of its state.
    pub state: &'a Map<String, Value>,
    /// Seconds since 1970, by the robot's clock.
    pub robot_ts: f64,
    /// Figures that only this robot has.
    #[serde(flatten)]
    pub more: &'a Map<String, Value>,
}

/// Live statistics of the drive commands of late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DriveStats {
    /// From the operator's stamp to the robot's loop, in milliseconds; the median.
    pub latency_ms: f64,
    /// By how much the latency of one differs from that of the one before, in milliseconds; the mean.
    pub jitter_ms: f64,
    /// Commands per second.
    pub rate_hz: f64,
    /// Bits of commands per second.
    pub throughput_bps: f64,
}

/// What is around the robot: the message `map`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Map2d {
    /// Always the same.
    #[serde(rename = "type")]
    pub kind: MapKind,
    /// How the picture is made.
    pub fmt: MapFormat,
    /// Cells in a row.
    pub w: u32,
    /// Rows; the first has the lowest y.
    pub h: u32,
    /// The side of a cell, in m.
    pub res: f64,
    /// Where the first cell's corner is, in m.
    pub origin: [f64; 2],
    /// Seconds since 1970, by the robot's clock.
    pub stamp: f64,
    /// The picture, in base64.
    pub png_b64: String,
}

/// What the message says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapKind {
    /// A map.
    Map,
}

/// The only format that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapFormat {
    /// A PNG.
    Png,
}

/// Where the robot is: the message `odom`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Odom {
    /// Always the same.
    #[serde(rename = "type")]
    pub kind: OdomKind,
    /// In m.
    pub x: f64,
    /// In m.
    pub y: f64,
    /// The heading in rad, left of the x axis.
    pub yaw: f64,
    /// Seconds since 1970, by the robot's clock.
    pub ts: f64,
}

/// What the message says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OdomKind {
    /// A pose.
    Odom,
}

/// Any of them as JSON. Numbers that are not finite become null.
pub fn to_json(report: &impl Serialize) -> String {
    // Numbers and strings always have a JSON.
    serde_json::to_string(report).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Field by field, with the types that DimOS gives them.
    #[test]
    fn reports_look_as_dimos_has_them() {
        let state = Map::from_iter([("posture".to_owned(), json!("stand")), ("estopped".to_owned(), json!(false))]);
        let cmd = Some(DriveStats { latency_ms: 12.5, jitter_ms: 1.0, rate_hz: 20.0, throughput_bps: 12_320.0 });
        let (more, kind) = (Map::new(), Kind::RobotTelemetry);
        let telemetry =
            to_json(&RobotTelemetry { kind, cmd, soc: Some(81.5), state: &state, robot_ts: 1.5, more: &more });
        let expected = json!({
            "type": "robot_telemetry", "soc": 81.5, "robot_ts": 1.5,
            "cmd": {"latency_ms": 12.5, "jitter_ms": 1.0, "rate_hz": 20.0, "throughput_bps": 12_320.0},
            "state": {"posture": "stand", "estopped": false},
        });
        assert_eq!(serde_json::from_str::<Value>(&telemetry).expect("JSON"), expected);
        let none = to_json(&RobotTelemetry { kind, cmd: None, soc: None, state: &more, robot_ts: 1.5, more: &more });
        let expected = json!({"type": "robot_telemetry", "cmd": null, "soc": null, "state": {}, "robot_ts": 1.5});
        assert_eq!(serde_json::from_str::<Value>(&none).expect("JSON"), expected);
        let map = to_json(&Map2d {
            kind: MapKind::Map,
            fmt: MapFormat::Png,
            w: 4,
            h: 2,
            res: 0.05,
            origin: [-1.0, 2.0],
            stamp: 1.5,
            png_b64: "iVBO".to_owned(),
        });
        let expected = json!({"type": "map", "fmt": "png", "w": 4, "h": 2, "res": 0.05, "origin": [-1.0, 2.0],
            "stamp": 1.5, "png_b64": "iVBO"});
        assert_eq!(serde_json::from_str::<Value>(&map).expect("JSON"), expected);
        let odom = to_json(&Odom { kind: OdomKind::Odom, x: 1.0, y: -2.0, yaw: 0.5, ts: 1.5 });
        assert_eq!(odom, r#"{"type":"odom","x":1.0,"y":-2.0,"yaw":0.5,"ts":1.5}"#);
    }
}
