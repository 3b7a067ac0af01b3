//! One connection for all callers of a process with the same configuration.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use farwire_core::Dial;
use farwire_core::lease::Leased;
use tokio::sync::watch;

use crate::handle::{Handle, Lease};
use crate::{ConnectError, Connection, connect};

static CONNECTIONS: LazyLock<Mutex<HashMap<Dial, Entry>>> = LazyLock::new(Mutex::default);

enum Entry {
    Live(Weak<Leased<Handle>>),
    /// A caller dials; why it failed, if it did, or nothing when it has done otherwise.
    Dialing(watch::Receiver<Option<ConnectError>>),
}

/// [`connect`], or a share in the live connection of this process with an equal configuration.
///
/// It is closed when the last of its users has dropped or closed theirs; the next call dials afresh, as it does when the
/// connection has ended by itself. One that was lost and is being dialed again is shared as it is. Callers that come while one dials share its outcome; if that one gives up, another of
/// them dials.
///
/// The connection lives on the runtime of the caller that dialed. When that is shut down, it ends for all, and the next
/// call dials on its own.
///
/// # Errors
/// As for [`connect`].
pub async fn shared(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    let dial = dial.into();
    loop {
        let mut outcome = match join(&dial) {
            Joined::Live(connection) => return Ok(connection),
            Joined::Dial(dialing) => return dialing.finish(connect(dial).await),
            Joined::Wait(outcome) => outcome,
        };
        // The sender is gone when the caller has connected or given up: look again.
        if let Ok(failed) = outcome.wait_for(Option::is_some).await
            && let Some(error) = &*failed
        {
            return Err(error.clone());
        }
    }
}

enum Joined {
    Live(Connection),
    Wait(watch::Receiver<Option<ConnectError>>),
    Dial(Dialing),
}

fn join(dial: &Dial) -> Joined {
    let mut connections = lock();
    let live = match connections.get(dial) {
        Some(Entry::Live(leased)) => leased.upgrade(),
        Some(Entry::Dialing(outcome)) => return Joined::Wait(outcome.clone()),
        None => None,
    };
    match live.and_then(Lease::join) {
        Some(lease) => Joined::Live(Connection::new(lease)),
        None => Joined::Dial(Dialing::begin(&mut connections, dial)),
    }
}

fn lock() -> MutexGuard<'static, HashMap<Dial, Entry>> {
    CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to dial. Dropped without an outcome, it makes those who wait look again.
struct Dialing {
    dial: Dial,
    outcome: watch::Sender<Option<ConnectError>>,
    connected: Option<Weak<Leased<Handle>>>,
}

impl Dialing {
    fn begin(connections: &mut HashMap<Dial, Entry>, dial: &Dial) -> Dialing {
        // Those that are over would pile up.
        connections.retain(|_, entry| match entry {
            Entry::Live(leased) => leased.strong_count() > 0,
            Entry::Dialing(_) => true,
        });
        let (sender, receiver) = watch::channel(None);
        connections.insert(dial.clone(), Entry::Dialing(receiver));
        Dialing { dial: dial.clone(), outcome: sender, connected: None }
    }

    fn finish(mut self, result: Result<Connection, ConnectError>) -> Result<Connection, ConnectError> {
        match &result {
            Ok(connection) => self.connected = Some(Arc::downgrade(connection.lease().leased())),
            Err(error) => {
                self.outcome.send_replace(Some(error.clone()));
            }
        }
        result
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        match self.connected.take() {
            Some(leased) => lock().insert(self.dial.clone(), Entry::Live(leased)),
            None => lock().remove(&self.dial),
        };
    }
}
