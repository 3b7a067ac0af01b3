//! One connection for all callers of a process with the same configuration.

use farwire_core::Dial;
use farwire_driver::{Attempt, ConnectError, Joined, Registry};

use crate::connection::{Connection, open};
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
                return connecting.finish(open(&dial).await).map(|inner| Connection { inner });
            }
        }
    }
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
