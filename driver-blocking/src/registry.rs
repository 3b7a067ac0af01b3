//! One connection for all callers of a process with the same configuration.

use std::sync::{Condvar, PoisonError};

use farwire_core::Dial;
use farwire_driver::{Attempt, ConnectError, Registry};

use crate::connection::{Connection, begin, up};
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
    CONNECTIONS.share(&dial.into(), begin, up, wait).map(|inner| Connection { inner })
}

/// Closes every connection that [`shared`] gave in this process, for all who have it, as [`Connection::close`] closes one: at
/// once, with a farewell to each server. For a program's end, in which handles may still be held that nobody drops. It returns
/// when the connections' threads are gone and the farewells are said, all of them together, or their time is over.
///
/// Whoever waits on a connection is told [`EndReason::Closed`](crate::EndReason::Closed). So are those whose call of [`shared`]
/// has not returned yet: what dials is given up. A call after that dials afresh. Connections that
/// [`connect`](crate::connect()) gave are left alone, and those of another driver. It can be called at any time, by any thread,
/// and again.
pub fn shutdown_all() {
    CONNECTIONS.shut_down();
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
