//! The broker's JSON. Unknown fields are ignored.
//!
//! Nothing here is `Debug`: descriptions and TURN credentials are secrets.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::link::StreamId;

#[derive(Serialize)]
pub(super) struct Register<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) robot_id: Option<&'a str>,
    pub(super) robot_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) robot_type: Option<&'a str>,
    pub(super) sdp_offer: &'a str,
    /// The same for every registration of one connection, so that the broker tells it from another robot with this key.
    pub(super) instance: &'a str,
    /// The connection was registered before, so another robot that registered meanwhile keeps its place.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) again: bool,
}

#[derive(Deserialize)]
pub(super) struct Registered {
    pub(super) session_id: String,
    pub(super) sdp_answer: String,
}

/// A broker says of the commands' channel at least that there is none: an answer without that is another program's.
#[derive(Deserialize)]
pub(super) struct Heartbeat {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) cmd_channel_subscriber_id: Option<StreamId>,
    #[serde(default)]
    pub(super) state_channel_subscriber_id: Option<StreamId>,
    #[serde(default)]
    pub(super) state_back_channel_publisher_id: Option<StreamId>,
    #[serde(default)]
    pub(super) map_channel_publisher_id: Option<StreamId>,
    #[serde(default)]
    pub(super) renegotiate_offer: Option<String>,
    /// Why there is no operator any more: farwire's broker says so.
    #[serde(default)]
    pub(super) operator_ended: Option<String>,
    /// What a person has to see to: farwire's broker says so.
    #[serde(default)]
    pub(super) warning: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) sdp_answer: &'a str,
}

#[derive(Deserialize)]
pub(super) struct IceServers {
    #[serde(default)]
    pub(super) ice_servers: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) sessions: Vec<ListedRobot>,
}

#[derive(Deserialize)]
pub(super) struct ListedRobot {
    pub(super) robot_id: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) session_id: Option<String>,
    /// Why it has no session: farwire's broker says so.
    #[serde(default)]
    pub(super) ended: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Join<'a> {
    pub(super) role: &'static str,
    pub(super) sdp_offer: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) takeover: bool,
}

#[derive(Deserialize)]
pub(super) struct Joined {
    pub(super) sdp_answer: String,
    #[serde(default)]
    pub(super) operator_id: Option<String>,
}

/// Body of `bridge-datachannel` and `leave`.
#[derive(Serialize)]
pub(super) struct OfOperator<'a> {
    pub(super) role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operator_id: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct Bridged {
    pub(super) cmd_channel_id: StreamId,
    #[serde(default)]
    pub(super) state_channel_id: Option<StreamId>,
    #[serde(default)]
    pub(super) state_back_channel_id: Option<StreamId>,
    #[serde(default)]
    pub(super) map_channel_id: Option<StreamId>,
}

/// An answer of which nothing is read.
#[derive(Deserialize)]
pub(super) struct Anything {}

/// A message on the state channels. The time is kept as it was written, since it is to be sent back so.
#[derive(Deserialize)]
pub(super) struct StateMessage<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) client_ts: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) robot_ts: Option<f64>,
    #[serde(default)]
    pub(super) rtt_ms: Option<f64>,
}
