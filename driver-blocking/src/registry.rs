//! One connection for all callers of a process with the same configuration.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use farwire_core::Dial;
use farwire_core::lease::Leased;

use crate::handle::{Handle, Lease};
use crate::{ConnectError, Connection, connect};

static CONNECTIONS: LazyLock<Mutex<HashMap<Dial, Entry>>> = LazyLock::new(Mutex::default);

enum Entry {
    Live(Weak<Leased<Handle>>),
    Dialing(Arc<Attempt>),
}

/// A caller that dials, and others who wait for what comes of it.
#[derive(Default)]
struct Attempt {
    outcome: Mutex<Option<Outcome>>,
    done: Condvar,
}

#[derive(Clone)]
enum Outcome {
    /// There is a connection to join, or at least a reason to look again.
    LookAgain,
    Failed(ConnectError),
}

/// [`connect`], or a share in the live connection of this process with an equal configuration.
///
/// It is closed when the last of its users has dropped or closed theirs; the next call dials afresh, as it does when the
/// connection has ended by itself. One that was lost and is being dialed again is shared as it is. Callers that come while one dials share its outcome.
///
/// # Errors
/// As for [`connect`].
pub fn shared(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    let dial = dial.into();
    loop {
        let attempt = {
            let mut connections = lock();
            let live = match connections.get(&dial) {
                Some(Entry::Live(handle)) => handle.upgrade(),
                Some(Entry::Dialing(attempt)) => {
                    let attempt = Arc::clone(attempt);
                    drop(connections);
                    attempt.wait()?;
                    continue;
                }
                None => None,
            };
            if let Some(lease) = live.and_then(Lease::join) {
                return Ok(Connection::new(lease));
            }
            Dialing::begin(&mut connections, &dial)
        };
        return attempt.finish(connect(dial));
    }
}

fn lock() -> MutexGuard<'static, HashMap<Dial, Entry>> {
    CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attempt {
    fn wait(&self) -> Result<(), ConnectError> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(Outcome::LookAgain) => return Ok(()),
                Some(Outcome::Failed(error)) => return Err(error.clone()),
                None => outcome = self.done.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// The right to dial. Dropped without an outcome, it makes those who wait look again.
struct Dialing {
    dial: Dial,
    attempt: Arc<Attempt>,
    outcome: Outcome,
    connected: Option<Weak<Leased<Handle>>>,
}

impl Dialing {
    fn begin(connections: &mut HashMap<Dial, Entry>, dial: &Dial) -> Dialing {
        // Those that are over would pile up.
        connections.retain(|_, entry| match entry {
            Entry::Live(handle) => handle.strong_count() > 0,
            Entry::Dialing(_) => true,
        });
        let attempt = Arc::<Attempt>::default();
        connections.insert(dial.clone(), Entry::Dialing(Arc::clone(&attempt)));
        Dialing { dial: dial.clone(), attempt, outcome: Outcome::LookAgain, connected: None }
    }

    fn finish(mut self, result: Result<Connection, ConnectError>) -> Result<Connection, ConnectError> {
        match &result {
            Ok(connection) => self.connected = Some(Arc::downgrade(connection.lease().leased())),
            Err(error) => self.outcome = Outcome::Failed(error.clone()),
        }
        result
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        match self.connected.take() {
            Some(handle) => lock().insert(self.dial.clone(), Entry::Live(handle)),
            None => lock().remove(&self.dial),
        };
        *self.attempt.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.outcome.clone());
        self.attempt.done.notify_all();
    }
}
