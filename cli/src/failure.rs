//! How a command ends when it does not end well.

use std::fmt::{self, Display};
use std::process::ExitCode;

/// Why a command ended early; as text, what a person is told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for something that cannot be: exit code 2.
    Usage(String),
    /// It tried and could not: exit code 1.
    Failed(String),
    /// A file that is needed is not what it was: exit code 1, and nothing is done without it.
    Damaged(String),
    /// Whoever read our output has had enough (`farwire sub odom | head -1`): no failure at all.
    OutputClosed,
}

impl Failure {
    pub(crate) fn usage(what: impl Display) -> Failure {
        Failure::Usage(what.to_string())
    }

    pub(crate) fn failed(what: impl Display) -> Failure {
        Failure::Failed(what.to_string())
    }

    /// Tells the person, and says what the process exits with.
    pub(crate) fn report(self) -> ExitCode {
        let code = match self {
            Failure::Usage(_) => 2,
            Failure::Failed(_) | Failure::Damaged(_) => 1,
            Failure::OutputClosed => return ExitCode::SUCCESS,
        };
        crate::output::note(format_args!("error: {self}"));
        ExitCode::from(code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(what) | Failure::Failed(what) | Failure::Damaged(what) => f.write_str(what),
            Failure::OutputClosed => f.write_str("nobody reads the output any more"),
        }
    }
}
