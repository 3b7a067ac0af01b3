//! What the broker knows of robots and operators.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use farwire_core::link::StreamId;
use farwire_core::signalling::RequestId;
use farwire_core::wire::teleop::RobotFigures;

use super::sfu_sessions::SfuSessionKey;
use crate::end_reason::EndReason;
use crate::key::KeyId;
use crate::record::Bridge;

/// One robot's session.
pub(super) struct Robot {
    pub(super) id: String,
    pub(super) key: KeyId,
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    /// Which connection of the robot it is, if the robot says so.
    pub(super) instance: Option<String>,
    pub(super) sfu_session: SfuSessionKey,
    pub(super) state: RobotState,
    pub(super) heard: Instant,
    /// In seconds since 1970, if the time of day was known.
    pub(super) created: Option<u64>,
    /// What the latest heartbeat said.
    pub(super) figures: RobotFigures,
    pub(super) operator: Option<Operator>,
    /// Those who watch, at most [`Config::max_viewers`](crate::Config::max_viewers).
    pub(super) viewers: Vec<Viewer>,
    /// The operator hands it over to one of them.
    pub(super) handing_over: Option<HandingOver>,
    /// What it publishes, for its operator and its viewers.
    pub(super) outbound: Outbound,
    /// Who will be once the SFU has taken it; the present one stays until then.
    pub(super) joining: Option<Joining>,
    /// Why the latest operator is gone.
    pub(super) operator_ended: Option<EndReason>,
    /// When another robot with this one's key or id was noticed last.
    pub(super) rival_at: Option<Instant>,
    /// The robot knows of the present bridge.
    pub(super) told: bool,
    /// The next heartbeat is answered without ids, whoever may operate by then.
    pub(super) owes_null: bool,
    pub(super) used: BTreeSet<StreamId>,
    pub(super) timer: Instant,
}

/// A robot's next session, of which the SFU has not said yet whether it takes it.
pub(super) struct Registering {
    pub(super) request: RequestId,
    pub(super) key: KeyId,
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) instance: Option<String>,
    pub(super) sfu_session: SfuSessionKey,
    pub(super) due: Instant,
}

pub(super) enum RobotState {
    /// From the broker before; the SFU has not said yet whether it has the session.
    Unverified,
    Live,
}

/// One operator's time with a robot.
pub(super) struct Operator {
    pub(super) id: String,
    pub(super) key: KeyId,
    pub(super) sfu_session: SfuSessionKey,
    pub(super) state: OperatorState,
    /// By when something has to have come of its state, unless it is bridged.
    pub(super) due: Instant,
    /// Of its latest heartbeat, if it ever made one: not every program makes them.
    pub(super) heard: Option<Instant>,
}

/// An operator of which the SFU has not said yet whether it takes it.
pub(super) struct Joining {
    pub(super) request: RequestId,
    pub(super) key: KeyId,
    pub(super) sfu_session: SfuSessionKey,
    pub(super) due: Instant,
}

pub(super) enum OperatorState {
    Joined,
    Bridging(Bridging),
    Bridged(Bridge),
}

impl Operator {
    pub(super) fn due(&self) -> Option<Instant> {
        (!matches!(self.state, OperatorState::Bridged(_))).then_some(self.due)
    }

    /// When it has been silent for too long.
    pub(super) fn silent_at(&self, timeout: Duration) -> Option<Instant> {
        self.heard.map(|heard| heard + timeout)
    }
}

impl OperatorState {
    /// Whether it has channels, or is getting them.
    pub(super) fn has_channels(&self) -> bool {
        !matches!(self, OperatorState::Joined)
    }
}

/// A robot that is being handed over: its operator goes on until the viewer takes it.
pub(super) struct HandingOver {
    pub(super) request: RequestId,
    pub(super) to: SfuSessionKey,
    pub(super) due: Instant,
}

/// The channels that a robot publishes on, which its operator and its viewers share.
pub(super) enum Outbound {
    Closed,
    /// In this round.
    Opening(u64),
    /// The ids of [`Channel::Back`](farwire_core::wire::teleop::Channel::Back) and `Map` at the robot's end, and whether it was
    /// told them.
    Open([StreamId; 2], bool),
}

/// Somebody who watches a robot.
pub(super) struct Viewer {
    pub(super) id: String,
    pub(super) key: KeyId,
    pub(super) sfu_session: SfuSessionKey,
    pub(super) state: ViewerState,
    /// By when something has to have come of its state, unless it is bridged.
    pub(super) due: Instant,
    /// Of its latest heartbeat, if it ever made one.
    pub(super) heard: Option<Instant>,
}

pub(super) enum ViewerState {
    /// The SFU has not said yet whether it takes it.
    Joining(RequestId),
    Joined,
    Bridging {
        round: u64,
        /// Its channels are asked for, since the robot's are open.
        is_asked: bool,
        waiting: Vec<RequestId>,
    },
    /// The ids of what it has at its own end.
    Bridged([StreamId; 2]),
}

impl Viewer {
    /// Whether it has channels, or is getting them.
    pub(super) fn has_channels(&self) -> bool {
        matches!(self.state, ViewerState::Bridging { .. } | ViewerState::Bridged(_))
    }

    /// Whether the SFU has taken it.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.state, ViewerState::Joining(_))
    }

    /// When something of it is due.
    pub(super) fn due(&self, timeout: Duration) -> Option<Instant> {
        let state = (!matches!(self.state, ViewerState::Bridged(_))).then_some(self.due);
        let silent = self.heard.map(|heard| heard + timeout);
        state.into_iter().chain(silent).min()
    }
}

/// A bridge that is being built.
pub(super) struct Bridging {
    pub(super) round: u64,
    pub(super) waiting: Vec<RequestId>,
    pub(super) robot: [Option<StreamId>; 4],
    pub(super) operator: [Option<StreamId>; 4],
    /// What both publish is there, and what they subscribe to is asked for.
    pub(super) subscribing: bool,
}
