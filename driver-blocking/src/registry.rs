//! One connection for all callers of a process with the same configuration.

use std::sync::{Condvar, PoisonError};

use farwire_core::Dial;
use farwire_driver::{Attempt, ConnectError, Registry};

use crate::connection::{Connection, open};
use crate::threads::Threads;

static CONNECTIONS: Registry<Threads> = Registry::new();

/// [`connect`](crate::connect()), or a share in the live connection of this process with an equal configuration.
///
/// It is closed when the last of its users has dropped or closed theirs; the next call dials afresh, as it does when the
/// connection has ended by itself. One that was lost and is reconnecting is shared as it is. Callers that come while
/// one dials share its outcome.
///
/// # Errors
/// As for [`connect`](crate::connect()).
pub fn shared(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    CONNECTIONS.share(&dial.into(), open, wait).map(|inner| Connection { inner })
}

/// Blocks until another caller's attempt has an outcome.
fn wait(attempt: &Attempt<Condvar>) -> Result<(), ConnectError> {
    let mut outcome = attempt.outcome();
    loop {
        match &*outcome {
            Some(outcome) => return outcome.clone(),
            None => outcome = attempt.bell().wait(outcome).unwrap_or_else(PoisonError::into_inner),
        }
    }
}
