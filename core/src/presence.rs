//! Who is at the other end of a broker's bridge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a robot has no operator any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatorLost {
    /// The broker says so: it left, was replaced, or its connection ended.
    Left,
    /// Nothing was heard of it for [`RobotConfig::operator_silence`](crate::broker::RobotConfig::operator_silence), while
    /// the broker still names it.
    Silent,
    /// The robot's own connection is lost.
    Disconnected,
    /// The broker does not know the robot's key or session any more.
    Rejected,
}

impl fmt::Display for OperatorLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OperatorLost::Left => "it left",
            OperatorLost::Silent => "nothing is heard of it",
            OperatorLost::Disconnected => "this robot's own connection is lost",
            OperatorLost::Rejected => "the broker does not know this robot's session or key any more",
        })
    }
}

/// A change of who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
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

/// Who is there, and if nobody is, why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Company {
    pub(crate) is_operated: bool,
    /// Latched until there is an operator again.
    pub(crate) operator_lost: Option<OperatorLost>,
    pub(crate) has_robot: bool,
}

impl Company {
    /// Takes a change; `false` if it is none.
    pub(crate) fn note(&mut self, presence: Presence) -> bool {
        let before = *self;
        match presence {
            Presence::OperatorPresent => (self.is_operated, self.operator_lost) = (true, None),
            Presence::OperatorLost(why) if self.is_operated => {
                (self.is_operated, self.operator_lost) = (false, Some(why));
            }
            Presence::OperatorLost(_) => {}
            Presence::RobotPresent => self.has_robot = true,
            Presence::RobotLost => self.has_robot = false,
        }
        *self != before
    }
}
