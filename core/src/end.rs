//! Why a connection is over.

use std::fmt;
use std::time::Duration;

use crate::broker::OperatorProblem;
use crate::cloudflare::ApiError;
use crate::link::{Link, LinkEnd};

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Registering with the broker.
    Register,
    /// Finding and joining the robot at the broker.
    Join,
    /// Being bridged to the robot by the broker.
    Bridge,
    /// Asking the API for a session.
    Create,
    /// Exchanging session descriptions over the API.
    Establish,
    /// Reaching the SFU over UDP.
    Transport,
    /// Reaching the SFU over UDP, in an IP version that this machine does not have.
    IpVersion,
}

impl Stage {
    /// The stage of a link that waits for its transport.
    pub(crate) fn of_transport(link: &Link) -> Stage {
        if link.is_apart() { Stage::IpVersion } else { Stage::Transport }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Register => "the broker does not answer (is its URL right, and the broker up?)",
            Stage::Join => "the broker does not let this operator join in time (is its URL right, and the broker up?)",
            Stage::Bridge => "the broker took this operator in, but made no bridge to the robot",
            Stage::Create => "the SFU's API does not answer (is the URL right, and the server up?)",
            Stage::Establish => "the SFU's API made a session but does not answer its offer",
            Stage::Transport => "the API answers, but the SFU's UDP address is not reached (is UDP blocked?)",
            Stage::IpVersion => {
                "the API answers, but the SFU's UDP address is in an IP version (IPv6 or IPv4) that this machine does not have"
            }
        })
    }
}

/// Why a connection is over, or was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// It was closed here.
    #[error("closed")]
    Closed,
    /// The SFU's API refused, or did not answer as documented.
    #[error("{0}")]
    Api(ApiError),
    /// The transport ended.
    #[error("the connection to the SFU is over: {0}")]
    Transport(LinkEnd),
    /// An operator has no robot.
    #[error("{0}")]
    Operator(OperatorProblem),
    /// It did not come up in time.
    #[error("not connected within {after:?}: {stage}")]
    TimedOut {
        /// How far it had come.
        stage: Stage,
        /// The time that it had.
        after: Duration,
    },
}

impl EndReason {
    /// Whether dialing again may help. What a server refuses, a person has to put right; what is no answer of the server
    /// is no refusal.
    pub fn is_passing(&self) -> bool {
        match self {
            EndReason::Closed => false,
            EndReason::Api(error) => !error.is_refusal() || error.is_session_gone(),
            EndReason::Transport(_) | EndReason::TimedOut { .. } => true,
            EndReason::Operator(problem) => {
                !matches!(problem, OperatorProblem::UnknownRobot { .. } | OperatorProblem::NotOne { .. })
            }
        }
    }
}
