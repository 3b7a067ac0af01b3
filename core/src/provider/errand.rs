//! What a user asks of a broker beside topics, and what comes of it.

use crate::signalling::SignallingError;

/// Errands of one connection whose outcome nobody has taken; one more is refused.
pub(crate) const MAX_ERRANDS: usize = 8;

/// Names an errand. Never used twice on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrandId(pub(crate) u64);

/// What a user asks of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errand {
    /// To hand the robot over to somebody who watches it.
    HandOver {
        /// To whom, by the id of its joining, as [`Roster::viewers`] has it; `None`: to the only one.
        to: Option<String>,
    },
    /// To say who operates the robot, and who watches it.
    Roster,
}

/// An errand that the broker has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrandDone {
    /// The viewer has the robot, and this connection is about to end.
    HandedOver,
    /// Who is there.
    Roster(Roster),
}

impl ErrandDone {
    /// The answer to [`Errand::Roster`].
    ///
    /// # Errors
    /// [`BrokerError::Unsupported`] when it is another one.
    pub fn roster(self) -> Result<Roster, BrokerError> {
        match self {
            ErrandDone::Roster(roster) => Ok(roster),
            ErrandDone::HandedOver => Err(BrokerError::Unsupported),
        }
    }
}

/// Who operates a robot and who watches it, by the ids that the broker gave to their joinings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Roster {
    /// Who operates it, if somebody does.
    pub operator: Option<String>,
    /// Who watches it. Brokers other than farwire's have none, or do not say so.
    pub viewers: Vec<String>,
    /// The own id, if the broker gave one: that of the operator, or one of the viewers'.
    pub you: Option<String>,
}

/// Why a broker has not done what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Only the operator of a robot hands it over.
    #[error("this connection does not drive a robot, so it has none to hand over")]
    NotOperator,
    /// There is no connection, or it was lost before the broker answered. Whether a robot was handed over is then not known.
    #[error("there is no connection to the broker, or it was lost before the broker answered")]
    NotConnected,
    /// Nobody of this name watches the robot; or nobody was named, and not exactly one does.
    #[error("the robot was not handed over: name one of those who watch it, as the roster lists them")]
    NoViewer,
    /// The viewer has not taken the robot in time. Its operator goes on.
    #[error("the robot was not handed over, since the viewer did not take it in time: you go on driving")]
    NotTaken,
    /// Another hand-over was asked for meanwhile, and counts instead.
    #[error("another hand-over was asked for meanwhile, and counts instead")]
    Superseded,
    /// The broker knows no such call.
    #[error("this broker does not know how; farwire's own does (`farwire serve`)")]
    Unsupported,
    /// The broker refuses for another reason, and nothing has changed.
    #[error("the broker refuses: {0}")]
    Refused(SignallingError),
    /// The broker's answer did not come, so that it may have done what it was asked for.
    #[error("whether the broker has done it is not known: {0}")]
    Unknown(SignallingError),
    /// So many errands wait already that there is no room for another.
    #[error("{MAX_ERRANDS} requests to the broker wait for their answers already: wait for one of them")]
    Busy,
}
