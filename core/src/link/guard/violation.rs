//! Why a connection is ended for what its far end sends.

/// Why a connection was ended: the far end sent what no sender does that keeps SCTP's rules, and that costs the receiver
/// without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent on, past the window, while a chunk was missing.
    #[error("data far beyond the receive window, while a chunk before it was missing")]
    BeyondWindow,
    /// It sent two different chunks under one sequence number.
    #[error("two different chunks under one sequence number")]
    Contradiction,
    /// It did not go on with messages that it began, or left out numbers of ordered messages.
    #[error("fragments or ordered messages that can never be delivered")]
    Stuck,
    /// It cut a message into too many fragments.
    #[error("a message in too many fragments")]
    Fragments,
    /// It sent data on too many streams.
    #[error("data on too many streams")]
    Streams,
    /// It started the association over and over.
    #[error("too many attempts to start the association")]
    Inits,
    /// It flooded the connection with control chunks.
    #[error("a flood of control chunks")]
    Controls,
}

impl Violation {
    /// All of them, by number.
    pub(in crate::link) const ALL: [Violation; 7] = [
        Violation::BeyondWindow,
        Violation::Contradiction,
        Violation::Stuck,
        Violation::Fragments,
        Violation::Streams,
        Violation::Inits,
        Violation::Controls,
    ];
}
