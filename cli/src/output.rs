//! What goes to the terminal: results on stdout, notes on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes one line to stdout, at once.
pub(crate) fn line(line: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| write_failed(&error))
}

/// Writes one JSON object as one line to stdout, at once.
pub(crate) fn json(object: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string(object).map_err(|error| Failure::failed(format_args!("cannot write JSON: {error}")))?)
}

/// Writes one line to stderr. A stderr that nobody reads is no reason to stop.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What a failed write to stdout means for the command.
pub(crate) fn write_failed(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::failed(format_args!("cannot write to stdout: {error}")),
    }
}
