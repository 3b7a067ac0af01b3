//! The broker's JSON, as robots and operators send and get it. Unknown fields are ignored.
//!
//! Nothing here is `Debug`: descriptions hold credentials.

use serde::{Deserialize, Serialize};

use crate::channels::Ids;
use crate::config::IceServer;
use crate::key::RobotId;
use crate::why::Why;

/// Body of `POST /sessions`.
#[derive(Deserialize)]
pub(crate) struct Register {
    pub(crate) robot_id: Option<String>,
    #[serde(default)]
    pub(crate) robot_name: Option<String>,
    pub(crate) robot_type: Option<String>,
    pub(crate) sdp_offer: String,
    /// The same for every registration of one connection.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    /// It was registered before, and does not take another one's place.
    #[serde(default)]
    pub(crate) again: bool,
}

#[derive(Serialize)]
pub(crate) struct Registered<'a> {
    pub(crate) session_id: &'a str,
    pub(crate) sdp_answer: &'a str,
}

/// Answer to a heartbeat: all ids, or none while nobody operates.
#[derive(Serialize)]
pub(crate) struct Heartbeat {
    cmd_channel_subscriber_id: Option<u16>,
    state_channel_subscriber_id: Option<u16>,
    state_back_channel_publisher_id: Option<u16>,
    map_channel_publisher_id: Option<u16>,
    /// Why there is no operator any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_ended: Option<&'static str>,
    /// What a person has to see to.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl Heartbeat {
    pub(crate) fn new(ids: Option<Ids>, ended: Option<Why>, warning: Option<&'static str>) -> Heartbeat {
        let id = |place: usize| ids.and_then(|ids| ids.get(place).copied());
        Heartbeat {
            cmd_channel_subscriber_id: id(0),
            state_channel_subscriber_id: id(1),
            state_back_channel_publisher_id: id(2),
            map_channel_publisher_id: id(3),
            operator_ended: ended.filter(|_| ids.is_none()).map(Why::code),
            warning,
        }
    }
}

/// Body of `join`.
#[derive(Deserialize)]
pub(crate) struct Join {
    pub(crate) role: Option<String>,
    pub(crate) sdp_offer: String,
    #[serde(default)]
    pub(crate) takeover: bool,
}

#[derive(Serialize)]
pub(crate) struct Joined<'a> {
    pub(crate) sdp_answer: &'a str,
    /// Names this joining; `bridge-datachannel` and `leave` may carry it, and then mean no later one.
    pub(crate) operator_id: &'a str,
}

/// Body of `bridge-datachannel` and `leave`.
#[derive(Default, Deserialize)]
pub(crate) struct OfOperator {
    pub(crate) operator_id: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Bridged {
    cmd_channel_id: u16,
    state_channel_id: u16,
    state_back_channel_id: u16,
    map_channel_id: u16,
    video_status: &'static str,
}

impl Bridged {
    pub(crate) fn new([cmd, state, back, map]: Ids) -> Bridged {
        Bridged {
            cmd_channel_id: cmd,
            state_channel_id: state,
            state_back_channel_id: back,
            map_channel_id: map,
            video_status: "unavailable",
        }
    }
}

#[derive(Serialize)]
pub(crate) struct IceServers<'a> {
    pub(crate) ice_servers: &'a [IceServer],
}

/// Answer to `GET /sessions`.
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    pub(crate) sessions: Vec<Robot<'a>>,
    /// There are more robots than one answer lists.
    pub(crate) truncated: bool,
}

#[derive(Serialize)]
pub(crate) struct Robot<'a> {
    pub(crate) robot_id: &'a RobotId,
    pub(crate) state: State,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) robot_name: Option<&'a str>,
    pub(crate) robot_type: Option<&'a str>,
    /// Whether the operator is the one who asks.
    pub(crate) operated_by_you: bool,
    /// Why it has no session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<&'static str>,
    /// Since the last heartbeat.
    pub(crate) heard_seconds_ago: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It has no session.
    Offline,
    /// It can be joined.
    Available,
    /// Somebody has joined.
    Operated,
    /// The broker was restarted and waits for the SFU's word.
    Unverified,
}
