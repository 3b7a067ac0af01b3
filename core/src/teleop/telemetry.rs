//! What a robot reports of itself.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::guard::{Activity, Guard};
use crate::wire::teleop::{DRIVE_COUNTS, DriveCounts, DriveStats, Kind, RobotTelemetry, to_json};

/// Bytes of the longest telemetry; what the robot says of itself is left out of a longer one.
const MAX_TELEMETRY: usize = 16 * 1024;

/// What only the robot itself knows of its state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The battery's charge, from 0 to 100 %.
    pub soc: Option<f64>,
    /// Goes into `state`, beside `mode`, `estopped`, `why` and `drive_counts`. A `mode` counts while nothing keeps the robot from moving.
    pub state: Map<String, Value>,
    /// Goes beside `state`. What has the name of another field there is left out.
    pub more: Map<String, Value>,
}

impl Report {
    /// Sets a value in `state`.
    #[must_use]
    pub fn state(mut self, name: &str, value: impl Into<Value>) -> Report {
        self.state.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the battery's charge, from 0 to 100 %.
    #[must_use]
    pub fn soc(mut self, percent: f64) -> Report {
        self.soc = Some(percent);
        self
    }
}

/// The message of this moment; `driven`: what came of the stream of drive commands.
pub(super) fn telemetry(
    report: &Report,
    guard: &Guard,
    driven: (Option<DriveStats>, Option<DriveCounts>),
    now: Instant,
    robot_time: Duration,
) -> String {
    let (cmd, counts) = if guard.is_operated() { driven } else { (None, None) };
    let activity = guard.activity(now);
    let mut state = report.state.clone();
    let is_free = matches!(activity, Activity::Driving | Activity::Standing);
    if !(is_free && state.contains_key("mode")) {
        state.insert("mode".to_owned(), serde_json::to_value(activity).unwrap_or_default());
    }
    own(&mut state, guard, counts);
    let mut more = report.more.clone();
    for taken in ["type", "cmd", "soc", "state", "robot_ts"] {
        more.remove(taken);
    }
    let (kind, robot_ts) = (Kind::RobotTelemetry, robot_time.as_secs_f64());
    let json = to_json(&RobotTelemetry { kind, cmd, soc: report.soc, state: &state, robot_ts, more: &more });
    if json.len() <= MAX_TELEMETRY {
        return json;
    }
    state.clear();
    own(&mut state, guard, counts);
    to_json(&RobotTelemetry { kind, cmd, soc: report.soc, state: &state, robot_ts, more: &Map::new() })
}

/// What is the kit's to say.
fn own(state: &mut Map<String, Value>, guard: &Guard, counts: Option<DriveCounts>) {
    state.insert("estopped".to_owned(), guard.is_estopped().into());
    for (name, value) in [
        ("why", guard.refusal().map(Value::from)),
        (DRIVE_COUNTS, counts.and_then(|counts| serde_json::to_value(counts).ok())),
    ] {
        match value {
            Some(value) => drop(state.insert(name.to_owned(), value)),
            None => drop(state.remove(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(report: &Report, guard: &Guard) -> Value {
        let robot_time = Duration::from_millis(1_700_000_000_500);
        let driven = (None, Some(DriveCounts { sent: 20, received: 19 }));
        let json = telemetry(report, guard, driven, Instant::now(), robot_time);
        serde_json::from_str(&json).expect("JSON")
    }

    #[test]
    fn it_says_what_the_robot_says_and_what_the_guard_knows() {
        let mut guard = Guard::new(Duration::from_millis(300));
        guard.clock(true);
        let mut report = Report::default().soc(81.5).state("posture", "stand").state("mode", "dancing");
        report.state.insert("estopped".to_owned(), json!("never"));
        report.state.insert(DRIVE_COUNTS.to_owned(), json!("many"));
        report.more.insert("type".to_owned(), json!("odom"));
        report.more.insert("robot".to_owned(), json!("rover"));
        let told = read(&report, &guard);
        assert_eq!(
            told,
            json!({"type": "robot_telemetry", "cmd": null, "soc": 81.5, "robot_ts": 1_700_000_000.5, "robot": "rover",
                "state": {"posture": "stand", "mode": "no_operator", "estopped": false}})
        );
        guard.operator_came();
        let told = read(&report, &guard);
        assert_eq!(told["state"]["mode"], "dancing");
        assert_eq!(told["state"]["drive_counts"], json!({"sent": 20, "received": 19}), "of the present operator");
        guard.refused("too old");
        assert_eq!(
            (&read(&report, &guard)["state"]["mode"], &read(&report, &guard)["state"]["why"]),
            (&json!("refusing"), &json!("too old"))
        );
        guard.estop(true);
        let told = read(&report, &guard);
        assert_eq!((&told["state"]["mode"], &told["state"]["estopped"]), (&json!("estopped"), &json!(true)));
    }

    #[test]
    fn what_is_too_long_is_left_out_and_the_emergency_stop_is_not() {
        let mut guard = Guard::new(Duration::from_millis(300));
        guard.estop(true);
        let report = Report::default().state("diary", "x".repeat(MAX_TELEMETRY));
        let told = read(&report, &guard);
        assert_eq!(told["state"], json!({"estopped": true}));
    }
}
