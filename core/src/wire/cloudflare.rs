//! The JSON of Cloudflare Realtime's DataChannel API, as both sides of it read and write it.
//!
//! Source: Cloudflare's public API reference of the Realtime SFU, read 2026-08.

use serde::{Deserialize, Serialize};

use super::object;
use crate::{Delivery, Reliability};

/// The channel that the SFU keeps for itself.
pub const SERVER_EVENTS: &str = "server-events";

/// Where the calls are, below `/apps/{app}` of the API's root.
pub mod path {
    /// `POST` makes a session, see [`Described`](super::Described).
    pub const NEW_SESSION: &str = "/sessions/new";

    /// Before the id of a session: `GET` tells its [`SessionState`](super::SessionState).
    pub const SESSIONS: &str = "/sessions/";

    /// After a session's id: `POST` takes [`Establish`](super::Establish).
    pub const ESTABLISH: &str = "/datachannels/establish";

    /// After a session's id: `PUT` takes [`Described`](super::Described).
    pub const RENEGOTIATE: &str = "/renegotiate";

    /// After a session's id: `POST` opens [`DataChannels`](super::DataChannels).
    pub const OPEN: &str = "/datachannels/new";

    /// After a session's id: `PUT` changes [`DataChannels`](super::DataChannels).
    pub const UPDATE: &str = "/datachannels/update";

    /// After a session's id: `PUT` closes [`DataChannels`](super::DataChannels).
    pub const CLOSE: &str = "/datachannels/close";
}

/// Error codes that decide what a client does.
pub mod code {
    /// 401: the secret is wrong.
    pub const UNAUTHORIZED: &str = "unauthorized";
    /// 404: there is no such app or path.
    pub const NOT_FOUND: &str = "not_found";
    /// 400: the body cannot be read.
    pub const DECODING_ERROR: &str = "decoding_error";
    /// 406: a field's value cannot be used.
    pub const INVALID_PARAMS: &str = "invalid_params";
    /// 406: an SDP cannot be used.
    pub const INVALID_SESSION_DESCRIPTION: &str = "invalid_session_description";
    /// 425: the session is not connected yet; 410: it is gone.
    pub const SESSION_ERROR: &str = "session_error";
    /// Item: nobody publishes this.
    pub const NOT_FOUND_TRACK: &str = "not_found_track_error";
    /// Item: the session publishes this already.
    pub const REPEATED_LOCAL_TRACK: &str = "repeated_local_track_error";
    /// Item: there is no such channel to close.
    pub const CLOSE_TRACK: &str = "close_track_error";
    /// The server is overloaded; try again.
    pub const TEMPORARILY_UNAVAILABLE: &str = "temporarily_unavailable_error";

    /// Nothing is wrong with the request but its time.
    pub const RETRYABLE_TRANSIENT: &str = "retryable_transient_error";

    /// Codes that may go away by themselves.
    pub const RETRYABLE: [&str; 5] = [
        RETRYABLE_TRANSIENT,
        TEMPORARILY_UNAVAILABLE,
        "transport_unavailable_error",
        "backend_error",
        "internal_error",
    ];
}

/// Which way a channel carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// This session publishes.
    Local,
    /// This session subscribes to another one's channel.
    Remote,
}

/// An SDP with its kind. Its `Debug` leaves out the SDP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDescription {
    /// `offer` or `answer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The SDP, which holds credentials.
    pub sdp: String,
}

impl std::fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionDescription").field("type", &self.kind).field("sdp", &self.sdp.len()).finish()
    }
}

/// Body of `POST /sessions/new`, which may be left out, and of `PUT /sessions/{id}/renegotiate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// A new session's first offer, or the answer to the SFU's offer.
    #[serde(default, deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub session_description: Option<SessionDescription>,
}

/// Answer to `POST /sessions/new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSession {
    /// The new session's id.
    pub session_id: String,
    /// The SFU's answer, if the request came with an offer.
    #[serde(default, deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub session_description: Option<SessionDescription>,
}

/// Body of `POST /sessions/{id}/datachannels/establish`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Establish {
    /// Always `server-events`, remote.
    #[serde(default, deserialize_with = "object::one")]
    pub data_channel: DataChannel,
    /// The client's offer, if it makes one.
    #[serde(default, deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub session_description: Option<SessionDescription>,
}

impl Establish {
    /// A client's offer.
    pub fn with_offer(sdp: String) -> Establish {
        Establish {
            data_channel: DataChannel {
                location: Some(Location::Remote),
                data_channel_name: Some(SERVER_EVENTS.to_owned()),
                ..DataChannel::default()
            },
            session_description: Some(SessionDescription { kind: "offer".into(), sdp }),
        }
    }
}

/// Answer to `establish`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Established {
    /// Whether the client has to answer the SFU's offer.
    #[serde(default)]
    pub requires_immediate_renegotiation: bool,
    /// The `server-events` channel.
    #[serde(default, deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub data_channel: Option<DataChannel>,
    /// The SFU's answer or offer.
    #[serde(default, deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub session_description: Option<SessionDescription>,
}

/// Body and answer of `datachannels/new`, `datachannels/update` and `datachannels/close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataChannels {
    /// One entry for each channel.
    #[serde(deserialize_with = "object::many")]
    pub data_channels: Vec<DataChannel>,
}

impl DataChannels {
    /// What `datachannels/close` takes: the stream ids on the session.
    pub fn closing(ids: &[u16]) -> DataChannels {
        let entry = |id: &u16| DataChannel { id: Some(*id), ..DataChannel::default() };
        DataChannels { data_channels: ids.iter().map(entry).collect() }
    }
}

/// One channel in any of the API's lists. Which fields are there depends on the call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataChannel {
    /// Publish or subscribe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The publisher's session, in remote entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The channel's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_channel_name: Option<String>,
    /// The SCTP stream id on this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// In order or not; absent: in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// Retransmissions at most; absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retransmits: Option<u16>,
    /// Milliseconds at most; absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_packet_life_time: Option<u16>,
    /// Deliver nothing before the subscriber's first message, which the SFU consumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for_ack: Option<bool>,
    /// Whether this subscriber's messages go to the publisher; one subscriber of a channel at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_reply: Option<bool>,
    /// `active`, `inactive` or `initializing`, in a session's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What is wrong with this entry alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

impl DataChannel {
    /// An entry that asks for a channel.
    pub fn wanted(location: Location, name: &str, delivery: Delivery) -> DataChannel {
        let (retransmits, life_time) = match delivery.reliability {
            Reliability::Reliable => (None, None),
            Reliability::MaxRetransmits(n) => (Some(n), None),
            Reliability::MaxPacketLifeTime(ms) => (None, Some(ms)),
        };
        DataChannel {
            location: Some(location),
            data_channel_name: Some(name.to_owned()),
            ordered: Some(delivery.ordered),
            max_retransmits: retransmits,
            max_packet_life_time: life_time,
            ..DataChannel::default()
        }
    }

    /// The delivery that an entry asks for; `None` when it names both bounds, of which the API allows one.
    pub fn delivery(&self) -> Option<Delivery> {
        let reliability = match (self.max_retransmits, self.max_packet_life_time) {
            (None, None) => Reliability::Reliable,
            (Some(n), None) => Reliability::MaxRetransmits(n),
            (None, Some(ms)) => Reliability::MaxPacketLifeTime(ms),
            (Some(_), Some(_)) => return None,
        };
        Some(Delivery::new(self.ordered.unwrap_or(true), reliability))
    }
}

/// Answer to `GET /sessions/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionState {
    /// Media tracks, of which a data session has none.
    #[serde(default)]
    pub tracks: Vec<serde_json::Value>,
    /// The session's channels.
    #[serde(default, deserialize_with = "object::many")]
    pub data_channels: Vec<DataChannel>,
}

/// What every failed request is answered with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// One of [`code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_look_as_documented() {
        let mut entry = DataChannel::wanted(Location::Local, "t", Delivery::LOSSY);
        let json = serde_json::to_string(&entry).expect("plain data");
        assert_eq!(json, r#"{"location":"local","dataChannelName":"t","ordered":false,"maxRetransmits":0}"#);
        assert_eq!(entry.delivery(), Some(Delivery::LOSSY));
        entry.max_packet_life_time = Some(5);
        assert_eq!(entry.delivery(), None);
    }

    #[test]
    fn what_dimos_sends_is_reliable_ordered() {
        let entry: DataChannel =
            serde_json::from_str(r#"{"location":"remote","sessionId":"s","dataChannelName":"t"}"#).expect("JSON");
        assert_eq!(entry.delivery(), Some(Delivery::RELIABLE));
    }
}
