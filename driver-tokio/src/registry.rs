//! One connection for all callers of a process with the same configuration.

use farwire_core::Dial;
use farwire_driver::{Attempt, ConnectError, Joined, Registry};

use crate::connection::{Connection, begin, up};
use crate::tasks::{Rings, Tasks};

static CONNECTIONS: Registry<Tasks> = Registry::new();

/// [`connect`](crate::connect()), or a share in the live connection of this process with an equal configuration.
///
/// It is closed when the last of its users has dropped or closed theirs; the next call dials afresh, as it does when the
/// connection has ended by itself. One that was lost and is reconnecting is shared as it is. Callers that come while one
/// dials share its outcome; if that one gives up, another of them dials.
///
/// The connection lives on the runtime of the caller that dialed. When that is shut down, it ends for all, and the next
/// call dials on its own.
///
/// # Errors
/// As for [`connect`](crate::connect()).
pub async fn shared(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    let dial = dial.into();
    loop {
        match CONNECTIONS.join(&dial) {
            Joined::Live(inner) => return Ok(Connection { inner }),
            Joined::Wait(attempt) => wait(&attempt).await?,
            Joined::Connect(connecting) => {
                let connected = match connecting.begun(begin(&dial)) {
                    Ok(lease) => up(lease).await,
                    Err(error) => Err(error),
                };
                return connecting.finish(connected).map(|inner| Connection { inner });
            }
        }
    }
}

/// Closes every connection that [`shared`] gave in this process, for all who have it, as [`Connection::close`] closes one: at
/// once, with a farewell to each server, which goes out although nobody waits for it. For a program's end, in which handles may
/// still be held that nobody drops.
///
/// Whoever waits on a connection is told [`EndReason::Closed`](crate::EndReason::Closed). So are those whose call of [`shared`]
/// has not returned yet: what dials is given up. A call after that dials afresh. Connections that
/// [`connect`](crate::connect()) gave are left alone, and those of another driver. It can be called at any time, on a runtime or
/// elsewhere, and again; it does not wait for anything.
pub fn shutdown_all() {
    CONNECTIONS.shut_down();
}

async fn wait(attempt: &Attempt<Rings>) -> Result<(), ConnectError> {
    loop {
        let rung = attempt.bell().0.notified();
        let outcome = attempt.outcome().clone();
        match outcome {
            Some(outcome) => return outcome,
            None => rung.await,
        }
    }
}
