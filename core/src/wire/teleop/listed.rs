//! The list of robots, as the hosted broker has it and with what farwire's own adds.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::super::Object;
use super::figures::RobotFigures;

/// The query of `GET /sessions` that also lists robots which have no session: farwire's own.
pub const WITH_OFFLINE: &str = "offline=true";

/// How robots and operators reach the SFU.
const TRANSPORT: &str = "webrtc";

/// Answer to `GET /sessions`, by an operator: an array. It is also read from an object's field `sessions`.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Listed(pub Vec<ListedRobot>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Listed, D::Error> {
        #[derive(Deserialize)]
        struct Wrapped {
            sessions: Vec<Object<ListedRobot>>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Bare(Vec<Object<ListedRobot>>),
            Wrapped(Object<Wrapped>),
        }
        let (Either::Bare(robots) | Either::Wrapped(Object(Wrapped { sessions: robots }))) =
            Either::deserialize(deserializer)?;
        Ok(Listed(robots.into_iter().map(|Object(robot)| robot).collect()))
    }
}

/// One robot of [`Listed`], and the answer to `GET {SESSIONS}/{session}/status`.
#[derive(Serialize, Deserialize)]
pub struct ListedRobot {
    /// Its session; without one it is listed only if that is asked for ([`WITH_OFFLINE`]).
    #[serde(default)]
    pub session_id: Option<String>,
    /// Which robot.
    pub robot_id: String,
    /// What it calls itself.
    #[serde(default, skip_deserializing)]
    pub robot_name: Option<String>,
    /// Whether it can be joined.
    #[serde(default)]
    pub state: RobotState,
    /// How it is reached.
    #[serde(default = "transport", skip_deserializing)]
    pub transport: &'static str,
    /// Who operates it: the joining, by the id that the broker gave it.
    #[serde(default, skip_deserializing)]
    pub operator_id: Option<String>,
    /// How the robot says that it does.
    #[serde(flatten, skip_deserializing)]
    pub figures: Figures,
    /// When its session was made, as RFC 3339 has it.
    #[serde(default, skip_deserializing)]
    pub created_at: Option<String>,
    /// farwire's own: what kind of robot it says to be.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub robot_type: Option<String>,
    /// farwire's own: whether the operator is the one who asks.
    #[serde(default, skip_deserializing)]
    pub operated_by_you: bool,
    /// farwire's own: who watches it, as [`ListedRobot::operator_id`] says who operates it.
    #[serde(default, skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub viewers: Vec<String>,
    /// farwire's own: why it has no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// farwire's own: the broker was restarted and waits for the SFU's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
    /// farwire's own: seconds since the last heartbeat.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub heard_seconds_ago: Option<f64>,
}

impl ListedRobot {
    /// A robot of which nothing else is known.
    pub fn new(robot_id: String, state: RobotState) -> ListedRobot {
        ListedRobot {
            session_id: None,
            robot_id,
            robot_name: None,
            state,
            transport: TRANSPORT,
            operator_id: None,
            figures: Figures::default(),
            created_at: None,
            robot_type: None,
            operated_by_you: false,
            viewers: Vec::new(),
            ended: None,
            unverified: false,
            heard_seconds_ago: None,
        }
    }
}

fn transport() -> &'static str {
    TRANSPORT
}

/// A robot's figures in a list: the hosted broker's two are always there, the others only if they are known.
#[derive(Default, Serialize)]
pub struct Figures {
    rtt_ms: Option<f64>,
    packet_loss_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_bitrate_kbps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_rate_hz: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_state: Option<String>,
}

impl From<RobotFigures> for Figures {
    fn from(figures: RobotFigures) -> Figures {
        let RobotFigures { rtt_ms, packet_loss_pct, video_bitrate_kbps, command_rate_hz, safety_state } = figures;
        Figures { rtt_ms, packet_loss_pct, video_bitrate_kbps, command_rate_hz, safety_state }
    }
}

/// Whether a robot can be joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobotState {
    /// It can be joined.
    Idle,
    /// Somebody operates it.
    Active,
    /// It has no session, or the broker does not know yet whether it still has one.
    Disconnected,
    /// Something that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What an operator reads of `GET {SESSIONS}/{session}/status`: who is with the robot. What is of another type says nothing.
#[derive(Default, Deserialize)]
pub struct Attended {
    /// As [`ListedRobot::operator_id`].
    #[serde(default, deserialize_with = "text")]
    pub operator_id: Option<String>,
    /// As [`ListedRobot::viewers`].
    #[serde(default, deserialize_with = "texts")]
    pub viewers: Vec<String>,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let listed = Value::deserialize(deserializer)?;
    let texts = listed.as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}

/// A time in seconds since 1970, as RFC 3339 has it.
pub fn rfc3339(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Days of a year that begins in March, so that a leap day is its last (H. Hinnant, "chrono-compatible low-level date
    // algorithms").
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_robot_has_the_hosted_brokers_fields() {
        let mut robot = ListedRobot::new("r".into(), RobotState::Idle);
        let bare = json!([{
            "session_id": null, "robot_id": "r", "robot_name": null, "state": "idle", "transport": "webrtc",
            "operator_id": null, "rtt_ms": null, "packet_loss_pct": null, "created_at": null, "operated_by_you": false,
        }]);
        assert_eq!(serde_json::to_value(Listed(vec![robot])).expect("plain data"), bare);
        robot = ListedRobot::new("r".into(), RobotState::Active);
        robot.figures =
            RobotFigures { rtt_ms: Some(1.5), safety_state: Some("ok".into()), ..Default::default() }.into();
        let written = serde_json::to_value(&robot).expect("plain data");
        assert_eq!((&written["rtt_ms"], &written["safety_state"]), (&json!(1.5), &json!("ok")));
        assert!(written.get("command_rate_hz").is_none());
    }

    #[test]
    fn the_list_is_an_array_or_in_an_object() {
        let robot =
            r#"{"robot_id":"r","state":"new","session_id":"s","robot_name":7,"rtt_ms":{},"heard_seconds_ago":[]}"#;
        for text in [format!("[{robot}]"), format!(r#"{{"sessions":[{robot}],"truncated":1}}"#)] {
            let Listed(robots) = serde_json::from_str(&text).expect("a list");
            assert_eq!((robots.len(), robots[0].state), (1, RobotState::Unknown), "{text}");
            assert_eq!(robots[0].session_id.as_deref(), Some("s"));
        }
        let odd = r#"{"operator_id":7,"viewers":["a",7,null],"state":[]}"#;
        let Attended { operator_id, viewers } = serde_json::from_str(odd).expect("a status");
        assert_eq!((operator_id, viewers), (None, vec!["a".to_owned()]));
        assert!(serde_json::from_str::<Listed>("[]").is_ok_and(|Listed(robots)| robots.is_empty()));
        for text in ["{}", "7", "[7]", r#"[["s","r"]]"#, r#"{"sessions":{}}"#, r#"[[{"robot_id":"r"}]]"#] {
            assert!(serde_json::from_str::<Listed>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(unix), text);
        }
    }
}
