//! Why a connection is over.

use std::fmt;
use std::time::Duration;

use crate::cloudflare::ApiError;
use crate::link::LinkEnd;

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Asking the API for a session.
    Create,
    /// Exchanging session descriptions over the API.
    Establish,
    /// Reaching the SFU over UDP.
    Transport,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Create => "the SFU's API does not answer (is the URL right, and the server up?)",
            Stage::Establish => "the SFU's API made a session but does not answer its offer",
            Stage::Transport => "the API answers, but the SFU's UDP address is not reached (is UDP blocked?)",
        })
    }
}

/// Why a connection is over. It does not come back by itself.
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
    /// It did not come up in time.
    #[error("not connected within {after:?}: {stage}")]
    TimedOut {
        /// How far it had come.
        stage: Stage,
        /// The time that it had.
        after: Duration,
    },
}
