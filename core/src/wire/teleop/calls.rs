//! The bodies of the broker's HTTP calls and of their answers.
//!
//! Nothing here is `Debug`: descriptions and TURN credentials are secrets.

use serde::{Deserialize, Deserializer, Serialize};

use super::channels::Channel;
use super::ice::{self, IceServer};
use super::leaving::LeaveReason;
use super::listed::RobotState;
use super::role::Role;
use crate::link::StreamId;

/// Body of `POST /sessions`, by a robot.
#[derive(Serialize, Deserialize)]
pub struct Register {
    /// Which robot it is, which the broker knows from its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robot_id: Option<String>,
    /// What operators are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robot_name: Option<String>,
    /// The kind of robot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robot_type: Option<String>,
    /// The robot's offer.
    pub sdp_offer: String,
    /// farwire's own: the same for every registration of one connection, so that the broker tells it from another robot
    /// with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// farwire's own: the connection was registered before, so another robot that registered meanwhile keeps its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// Answer to [`Register`].
#[derive(Serialize, Deserialize)]
pub struct Registered {
    /// The robot's session.
    pub session_id: String,
    /// The session's id on the SFU, which nobody needs who has not the SFU's secret.
    #[serde(default, skip_deserializing)]
    pub cf_session_id: Option<String>,
    /// The SFU's answer to the offer.
    pub sdp_answer: String,
    /// As in [`IceServers`], but what would have to be waited for is left out.
    #[serde(default, serialize_with = "ice::with_credentials", skip_deserializing)]
    pub ice_servers: Vec<IceServer>,
}

/// Answer to a heartbeat: all ids, or none while nobody operates; then those of what the robot publishes, if somebody
/// watches it.
///
/// A broker says of the commands' channel at least that there is none: an answer without that is another program's.
#[derive(Default, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    /// Always `true`.
    #[serde(default)]
    pub ack: bool,
    /// Of `cmd_unreliable`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cmd_channel_subscriber_id: Option<StreamId>,
    /// Of `state_reliable`.
    #[serde(default)]
    pub state_channel_subscriber_id: Option<StreamId>,
    /// Of `state_reliable_back`.
    #[serde(default)]
    pub state_back_channel_publisher_id: Option<StreamId>,
    /// Of `map_unreliable`.
    #[serde(default)]
    pub map_channel_publisher_id: Option<StreamId>,
    /// The SFU's offer, when there is media for the robot.
    #[serde(default)]
    pub renegotiate_offer: Option<String>,
    /// farwire's own: why there is no operator any more, one of [`code`](super::code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_ended: Option<String>,
    /// farwire's own: an operator's channels are not told yet, and will be soon, so that a robot may ask again at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub operator_coming: bool,
    /// farwire's own: what a person has to see to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl HeartbeatAnswer {
    /// With these ids, in the order of [`Channel::ALL`].
    pub fn new(ids: Option<[StreamId; 4]>) -> HeartbeatAnswer {
        let id = |channel: Channel| ids.map(|ids| ids[channel as usize]);
        HeartbeatAnswer {
            ack: true,
            cmd_channel_subscriber_id: id(Channel::Cmd),
            state_channel_subscriber_id: id(Channel::State),
            state_back_channel_publisher_id: id(Channel::Back),
            map_channel_publisher_id: id(Channel::Map),
            ..HeartbeatAnswer::default()
        }
    }

    /// With the ids of what the robot publishes alone, [`Channel::Back`] and [`Channel::Map`]: nobody operates it, and
    /// somebody watches.
    pub fn watched(self, [back, map]: [StreamId; 2]) -> HeartbeatAnswer {
        HeartbeatAnswer { state_back_channel_publisher_id: Some(back), map_channel_publisher_id: Some(map), ..self }
    }

    /// The id of a channel.
    pub fn id(&self, channel: Channel) -> Option<StreamId> {
        match channel {
            Channel::Cmd => self.cmd_channel_subscriber_id,
            Channel::State => self.state_channel_subscriber_id,
            Channel::Back => self.state_back_channel_publisher_id,
            Channel::Map => self.map_channel_publisher_id,
        }
    }
}

/// Body of `renegotiate-robot` and `renegotiate-answer`.
#[derive(Serialize, Deserialize)]
pub struct SdpAnswer {
    /// The answer to the SFU's offer.
    pub sdp_answer: String,
}

/// Answer to `turn-credentials`.
#[derive(Serialize, Deserialize)]
pub struct IceServers {
    /// STUN and TURN servers. What is none is left out when this is read.
    #[serde(default, serialize_with = "ice::with_credentials", deserialize_with = "those_that_are_one")]
    pub ice_servers: Vec<IceServer>,
}

fn those_that_are_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IceServer>, D::Error> {
    let servers = Vec::<serde_json::Value>::deserialize(deserializer)?.into_iter();
    Ok(servers.filter_map(|server| serde_json::from_value(server).ok()).collect())
}

/// Body of `join`.
#[derive(Serialize, Deserialize)]
pub struct Join {
    /// As what; an operator, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The operator's offer.
    pub sdp_offer: String,
    /// farwire's own: another operator is to give way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takeover: bool,
}

/// Answer to [`Join`].
#[derive(Serialize, Deserialize)]
pub struct Joined {
    /// The session's id on the SFU, which nobody needs who has not the SFU's secret.
    #[serde(default, skip_deserializing)]
    pub cf_session_id: Option<String>,
    /// The SFU's answer to the offer.
    pub sdp_answer: String,
    /// The same of the robot.
    #[serde(default, skip_deserializing)]
    pub robot_cf_session_id: Option<String>,
    /// As in [`Registered`].
    #[serde(default, serialize_with = "ice::with_credentials", skip_deserializing)]
    pub ice_servers: Vec<IceServer>,
    /// As what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// farwire's own: names this joining; the calls that follow may carry it, and then mean no other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
}

/// Answer to `leave`.
#[derive(Serialize)]
pub struct Left {
    /// The robot's session.
    pub session_id: String,
    /// How the robot is now.
    pub state: RobotState,
}

/// Answer to `op-heartbeat`, and to `hand-over`.
#[derive(Serialize, Deserialize)]
pub struct Acknowledged {
    /// Always `true`.
    pub ack: bool,
    /// farwire's own, to a viewer's heartbeat: [`Role::Operator`], when the operator hands the robot over to it. It has it once
    /// it bridges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Body of `hand-over`, which may be left out: farwire's own. It is answered when the viewer has taken the robot.
#[derive(Default, Serialize, Deserialize)]
pub struct HandOver {
    /// To which viewer, by the id of its joining; if it is not said, to the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which joining hands over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
}

/// Body of `bridge-datachannel`, `op-heartbeat` and `leave`, which may be left out.
#[derive(Default, Serialize, Deserialize)]
pub struct OfOperator {
    /// As what its sender is there. It tells apart two joinings that are not named.
    #[serde(default, deserialize_with = "Role::read")]
    pub role: Role,
    /// farwire's own: which joining is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
    /// Of `leave`: why.
    #[serde(default, deserialize_with = "LeaveReason::read", skip_serializing_if = "Option::is_none")]
    pub reason: Option<LeaveReason>,
}

impl OfOperator {
    /// About one joining, or about the latest.
    pub fn new(operator_id: Option<String>) -> OfOperator {
        OfOperator { role: Role::Operator, operator_id, reason: None }
    }

    /// With another role.
    pub fn role(self, role: Role) -> OfOperator {
        OfOperator { role, ..self }
    }

    /// With the reason of a leave.
    pub fn because(self, reason: LeaveReason) -> OfOperator {
        OfOperator { reason: Some(reason), ..self }
    }
}

/// Answer to `bridge-datachannel`: the ids at the operator's end, or at a viewer's.
///
/// A broker says of the commands' channel at least that there is none: an answer without that is another program's.
#[derive(Serialize, Deserialize)]
pub struct Bridged {
    /// Of `cmd_unreliable`, which a viewer does not have.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cmd_channel_id: Option<StreamId>,
    /// Of `state_reliable`.
    #[serde(default)]
    pub state_channel_id: Option<StreamId>,
    /// Of `state_reliable_back`.
    #[serde(default)]
    pub state_back_channel_id: Option<StreamId>,
    /// Of `map_unreliable`.
    #[serde(default)]
    pub map_channel_id: Option<StreamId>,
    /// The SFU's offer of the robot's video; farwire's broker makes none.
    #[serde(skip_deserializing)]
    pub video_offer: Option<String>,
    /// Why there is none, in the hosted broker's words.
    #[serde(default = "no_video", skip_deserializing)]
    pub video_status: &'static str,
}

fn no_video() -> &'static str {
    "no_published_track"
}

impl Bridged {
    /// With these ids, in the order of [`Channel::ALL`], and no video.
    pub fn new([cmd, state, back, map]: [StreamId; 4]) -> Bridged {
        Bridged {
            cmd_channel_id: Some(cmd),
            state_channel_id: Some(state),
            state_back_channel_id: Some(back),
            map_channel_id: Some(map),
            video_offer: None,
            video_status: no_video(),
        }
    }

    /// With the ids of what a viewer has: [`Channel::Back`] and [`Channel::Map`].
    pub fn watching([back, map]: [StreamId; 2]) -> Bridged {
        Bridged { cmd_channel_id: None, state_channel_id: None, ..Bridged::new([0, 0, back, map]) }
    }

    /// The id of a channel.
    pub fn id(&self, channel: Channel) -> Option<StreamId> {
        match channel {
            Channel::Cmd => self.cmd_channel_id,
            Channel::State => self.state_channel_id,
            Channel::Back => self.state_back_channel_id,
            Channel::Map => self.map_channel_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &impl Serialize) -> serde_json::Value {
        serde_json::to_value(value).expect("plain data")
    }

    #[test]
    fn what_dimos_does_not_have_is_not_said_unless_it_is_needed() {
        let mut register = Register {
            robot_id: None,
            robot_name: Some("rover".into()),
            robot_type: None,
            sdp_offer: "v=0".into(),
            instance: Some("i".into()),
            again: false,
        };
        assert_eq!(written(&register), json!({"robot_name": "rover", "sdp_offer": "v=0", "instance": "i"}));
        register.again = true;
        assert_eq!(written(&register)["again"], true);
        assert_eq!(written(&OfOperator::default()), json!({"role": "operator"}));
        assert_eq!(written(&OfOperator::new(Some("o".into()))), json!({"role": "operator", "operator_id": "o"}));
        let leave = OfOperator::new(None).because(LeaveReason::UserInitiated);
        let viewer = OfOperator::new(None).role(Role::Viewer);
        assert_eq!(written(&viewer), json!({"role": "viewer"}));
        assert_eq!(written(&leave), json!({"role": "operator", "reason": "user_initiated"}));
        let join = Join { role: Some(Role::Operator), sdp_offer: "v=0".into(), takeover: false };
        assert_eq!(written(&join), json!({"role": "operator", "sdp_offer": "v=0"}));
        assert!(serde_json::from_str::<OfOperator>(r#"{"role": 7}"#).is_ok(), "nobody reads it");
    }

    #[test]
    fn a_heartbeat_tells_all_ids_or_none_and_one_of_another_program_is_none() {
        let names = [
            "cmd_channel_subscriber_id",
            "state_channel_subscriber_id",
            "state_back_channel_publisher_id",
            "map_channel_publisher_id",
        ];
        let (none, all) = (written(&HeartbeatAnswer::new(None)), written(&HeartbeatAnswer::new(Some([2, 3, 4, 5]))));
        for (name, (id, channel)) in names.into_iter().zip((2..).zip(Channel::ALL)) {
            assert_eq!((&none[name], &all[name]), (&json!(null), &json!(id)), "{name}");
            let read: HeartbeatAnswer = serde_json::from_value(all.clone()).expect("its own form");
            assert_eq!(read.id(channel), Some(id));
        }
        assert_eq!((none.as_object().map(serde_json::Map::len), &none["ack"]), (Some(6), &json!(true)));
        assert!(serde_json::from_str::<HeartbeatAnswer>("{}").is_err());
        assert!(serde_json::from_str::<HeartbeatAnswer>(r#"{"cmd_channel_subscriber_id":null}"#).is_ok());
    }

    #[test]
    fn what_one_end_does_not_read_may_be_anything() {
        let bridged: Bridged = serde_json::from_str(r#"{"cmd_channel_id":2,"video_status":{}}"#).expect("a bridge");
        assert_eq!((bridged.id(Channel::Cmd), bridged.id(Channel::Map)), (Some(2), None));
        assert!(serde_json::from_str::<Bridged>(r#"{"map_channel_id":2}"#).is_err());
        let watching = serde_json::to_string(&Bridged::watching([4, 5])).expect("plain data");
        let watching: Bridged = serde_json::from_str(&watching).expect("its own form");
        assert_eq!(Channel::ALL.map(|channel| watching.id(channel)), [None, None, Some(4), Some(5)]);
        let servers: IceServers =
            serde_json::from_str(r#"{"ice_servers":[7,{"urls":"stun:s"},{"urls":[]}]}"#).expect("a list");
        assert_eq!(servers.ice_servers.len(), 2);
        assert!(serde_json::from_str::<IceServers>("{}").expect("none").ice_servers.is_empty());
    }
}
