//! Why an operator has no robot.

use crate::wire::teleop::ListedRobot;
use crate::{EndReason, Unavailable};

/// As many robots as an error lists.
const MAX_SHOWN: usize = 8;

/// What to do when the broker does not say why a robot is not there.
const UNKNOWN: &str = "start it, or see whether it has a network";

/// What [`Unavailable::code`] says of a robot that was handed over.
pub(super) const HANDED_OVER: &str = "handed_over";

/// Why an operator has no robot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorProblem {
    /// The broker lists no such robot for this token.
    #[error("robot {robot:?}: this token may not operate it, or there is no such robot; the broker lists {listed}")]
    UnknownRobot {
        /// The robot that was named.
        robot: String,
        /// Those that the token may operate.
        listed: String,
    },
    /// No robot was named, and the token is not for exactly one.
    #[error("no robot was named, and this token may operate {listed}: name one of them")]
    NotOne {
        /// Those that the token may operate.
        listed: String,
    },
    /// The robot has no session with the broker.
    #[error("robot {robot:?} is not connected to the broker: {}", why.as_deref().unwrap_or(UNKNOWN))]
    Offline {
        /// The robot.
        robot: String,
        /// Why its latest session there ended, if the broker says so.
        why: Option<String>,
    },
    /// The broker was restarted, and waits for the SFU's word about the robot.
    #[error("robot {robot:?}: the broker was restarted and is still checking whether it is there")]
    Unverified {
        /// The robot.
        robot: String,
    },
    /// The bridge is there, but the robot does not answer.
    #[error("the robot does not answer: it is bridged, but no pong came for {seconds} s")]
    Silent {
        /// For how long.
        seconds: u64,
    },
    /// A viewer has the robot, because this operator handed it over.
    #[error("the robot was handed over to a viewer: dial again to watch it (`view`), or to take it back (`takeover`)")]
    HandedOver,
    /// The SFU closed a channel of the bridge.
    #[error("the bridge to the robot was closed: the robot is gone, or another operator took over")]
    Closed,
}

impl OperatorProblem {
    /// What [`Unavailable::code`] says of it.
    pub fn code(&self) -> &'static str {
        match self {
            OperatorProblem::UnknownRobot { .. } => "unknown_robot",
            OperatorProblem::NotOne { .. } => "not_one_robot",
            OperatorProblem::Offline { .. } => "robot_offline",
            OperatorProblem::Unverified { .. } => "robot_unverified",
            OperatorProblem::Silent { .. } => "robot_silent",
            OperatorProblem::HandedOver => HANDED_OVER,
            OperatorProblem::Closed => "bridge_closed",
        }
    }
}

impl OperatorProblem {
    /// The same for one that has had its robot: what the broker does not list any more may only be away, and is listed again.
    pub(super) fn passing(self) -> EndReason {
        EndReason::Unavailable(Unavailable::new(self.code(), self.to_string(), true))
    }
}

impl From<OperatorProblem> for EndReason {
    fn from(problem: OperatorProblem) -> EndReason {
        let lasts = matches!(
            problem,
            OperatorProblem::UnknownRobot { .. } | OperatorProblem::NotOne { .. } | OperatorProblem::HandedOver
        );
        EndReason::Unavailable(Unavailable::new(problem.code(), problem.to_string(), !lasts))
    }
}

/// Robots as an error lists them.
pub(super) fn shown(robots: &[ListedRobot]) -> String {
    if robots.is_empty() {
        return "none".to_owned();
    }
    let names = robots.iter().take(MAX_SHOWN).map(|robot| {
        let name: String = robot.robot_id.chars().filter(|c| !c.is_control()).take(128).collect();
        format!("{name:?}")
    });
    let mut text = names.collect::<Vec<_>>().join(", ");
    if robots.len() > MAX_SHOWN {
        text.push_str(&format!(" and {} more", robots.len() - MAX_SHOWN));
    }
    text
}
