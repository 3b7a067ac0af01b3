//! Why a connection is over.

use std::fmt;
use std::time::Duration;

use crate::link::{Link, LinkEnd};
use crate::signalling::{Retry, SignallingError};

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reaching the server: it has not answered yet. The text says what that may mean.
    Contact(&'static str),
    /// Agreeing with the server, which has answered, or with who is behind it. The text says on what.
    Signalling(&'static str),
    /// Reaching the far end over UDP.
    Transport,
    /// Reaching the far end over UDP, in an IP version that this machine does not have.
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
            Stage::Contact(text) | Stage::Signalling(text) => text,
            Stage::Transport => "the API answers, but the SFU's UDP address is not reached (is UDP blocked?)",
            Stage::IpVersion => {
                "the API answers, but the SFU's UDP address is in an IP version (IPv6 or IPv4) that this machine does not have"
            }
        })
    }
}

/// Who or what a connection is to is not there, although signalling works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Unavailable {
    code: &'static str,
    text: String,
    is_passing: bool,
}

impl Unavailable {
    /// `code` says for programs what it is, and is the same for what is the same to a person; `text` says so for
    /// people, with the way out. `is_passing`: reconnecting may help.
    pub fn new(code: &'static str, text: String, is_passing: bool) -> Unavailable {
        Unavailable { code, text, is_passing }
    }

    /// What it is, for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// Why a connection is over, or was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// It was closed here.
    #[error("closed")]
    Closed,
    /// A server refused, or did not answer as documented.
    #[error("{0}")]
    Api(SignallingError),
    /// The transport ended.
    #[error("the connection to the SFU is over: {0}")]
    Transport(LinkEnd),
    /// Who or what the connection is to is not there.
    #[error("{0}")]
    Unavailable(Unavailable),
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
    /// Whether reconnecting may help. What a server refuses, a person has to put right; what is no answer of the
    /// server is no refusal.
    pub fn is_passing(&self) -> bool {
        match self {
            EndReason::Closed => false,
            EndReason::Api(error) => !error.is_refusal() || error.is_session_gone(),
            EndReason::Transport(_) | EndReason::TimedOut { .. } => true,
            EndReason::Unavailable(problem) => problem.is_passing,
        }
    }
}

impl Retry {
    /// Whether reconnecting helps after such an end, as far as that does not depend on the provider.
    pub fn after(end: &EndReason) -> Retry {
        match end {
            EndReason::Closed => Retry::Never,
            // Somebody else has what this connection had: to ask again would be to wait for it behind a person's back.
            EndReason::Api(error) if error.refusal_status() == Some(409) && error.is_refusal() => Retry::Never,
            end if end.is_passing() => Retry::Soon,
            _ => Retry::Refused,
        }
    }
}
