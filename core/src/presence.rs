//! Who is at the other end of a broker's bridge.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ConnectionEvent;

/// Why a robot has no operator any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatorLost {
    /// The broker or the SFU says so: it left, was replaced, or its connection ended. If the broker then says which, that is
    /// told as well.
    Left,
    /// Nothing was heard of it for [`RobotConfig::operator_silence`](crate::broker::RobotConfig::operator_silence), while
    /// the broker still names it.
    Silent,
    /// The robot's own connection is lost.
    Disconnected,
    /// The broker does not know the robot's key or session any more.
    Rejected,
    /// The operator's token was revoked.
    TokenRevoked,
    /// Another operator took over.
    TakenOver,
    /// The robot's own key was revoked.
    KeyRevoked,
    /// Another robot registered with this robot's key or id, and has its place.
    Displaced,
}

impl OperatorLost {
    /// Whether it says more than that the operator is gone.
    pub(crate) fn is_cause(self) -> bool {
        !matches!(self, OperatorLost::Left | OperatorLost::Silent | OperatorLost::Disconnected)
    }
}

impl fmt::Display for OperatorLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OperatorLost::Left => "it left, or was put out",
            OperatorLost::Silent => "nothing is heard of it",
            OperatorLost::Disconnected => "this robot's own connection is lost",
            OperatorLost::Rejected => "the broker does not know this robot's session or key any more",
            OperatorLost::TokenRevoked => "its token was revoked",
            OperatorLost::TakenOver => "another operator took over",
            OperatorLost::KeyRevoked => "this robot's key was revoked",
            OperatorLost::Displaced => "another robot registered with this robot's key or id",
        })
    }
}

/// A change of who is there, as sessions tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Told to a robot: somebody operates it, and is heard.
    OperatorPresent,
    /// Told to a robot: nobody does any more.
    OperatorLost(OperatorLost),
    /// Told to an operator: the robot answers.
    RobotPresent,
    /// Told to an operator: the robot has not answered for
    /// [`OperatorConfig::robot_silence`](crate::broker::OperatorConfig::robot_silence), or the connection is lost.
    RobotLost,
}

impl Presence {
    /// What an event says of who is there, if it does.
    pub(crate) fn of(event: &ConnectionEvent) -> Option<Presence> {
        match event {
            ConnectionEvent::OperatorPresent => Some(Presence::OperatorPresent),
            ConnectionEvent::OperatorLost { reason } => Some(Presence::OperatorLost(*reason)),
            ConnectionEvent::RobotPresent => Some(Presence::RobotPresent),
            ConnectionEvent::RobotLost => Some(Presence::RobotLost),
            _ => None,
        }
    }
}

/// Who is there, and if nobody is, why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PresenceState {
    pub(crate) is_operated: bool,
    /// Latched until there is an operator again.
    pub(crate) operator_lost: Option<OperatorLost>,
    pub(crate) has_robot: bool,
}

impl PresenceState {
    /// Takes a change; `false` if it is none.
    pub(crate) fn note(&mut self, presence: Presence) -> bool {
        let before = *self;
        match presence {
            Presence::OperatorPresent => (self.is_operated, self.operator_lost) = (true, None),
            Presence::OperatorLost(why) if self.is_operated => {
                (self.is_operated, self.operator_lost) = (false, Some(why));
            }
            // The cause may be known only after the loss.
            Presence::OperatorLost(why)
                if why.is_cause() && self.operator_lost.is_some_and(|known| !known.is_cause()) =>
            {
                self.operator_lost = Some(why);
            }
            Presence::OperatorLost(_) => {}
            Presence::RobotPresent => self.has_robot = true,
            Presence::RobotLost => self.has_robot = false,
        }
        *self != before
    }
}
