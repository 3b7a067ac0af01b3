//! What outlives the process: enough to go on with the sessions that the SFU still has.

use farwire_core::link::StreamId;
use serde::{Deserialize, Serialize};

use crate::channels::Ids;
use crate::key::{KeyId, RobotId};
use crate::keys::Keys;

/// Everything that a broker starts with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Known {
    /// Its keys and tokens.
    pub keys: Keys,
    /// The sessions of the broker before it.
    pub sessions: Vec<SessionRecord>,
    /// Sessions on the SFU that the broker before it had still to close.
    pub unclosed: Vec<String>,
}

impl Known {
    /// Keys, sessions, and what is to be closed.
    pub fn new(keys: Keys, sessions: Vec<SessionRecord>, unclosed: Vec<String>) -> Known {
        Known { keys, sessions, unclosed }
    }
}

/// One robot's session. There is one for each robot at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Its id, as the robot and its operators call it.
    pub id: String,
    /// Whose it is.
    pub robot: RobotId,
    /// With which of its keys.
    pub key: KeyId,
    /// What the robot calls itself.
    pub name: Option<String>,
    /// What kind of robot it says to be.
    pub kind: Option<String>,
    /// Which connection of the robot it is, if the robot says so.
    #[serde(default)]
    pub instance: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub created: Option<u64>,
    /// Its session on the SFU.
    pub sfu_session: String,
    /// Stream ids that the robot has had, which it is never given again.
    pub used: Vec<StreamId>,
    /// Whether the robot is yet to hear that an operator is gone.
    pub owes_null: bool,
    /// Who operates it.
    pub operator: Option<OperatorRecord>,
}

/// An operator of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperatorRecord {
    /// The id of its joining.
    pub id: String,
    /// Its token.
    pub key: KeyId,
    /// Its session on the SFU.
    pub sfu_session: String,
    /// The channels between the two.
    pub bridge: Option<Bridge>,
    /// Whether it makes heartbeats, so that none means that it is gone.
    #[serde(default)]
    pub heartbeats: bool,
}

/// The stream ids of the four channels, in the order `cmd_unreliable`, `state_reliable`, `state_reliable_back`,
/// `map_unreliable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bridge {
    /// At the robot's end.
    pub robot: Ids,
    /// At the operator's end.
    pub operator: Ids,
}
