//! One connection for all callers of a process with the same configuration.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use farwire_core::{Dial, EndReason};

use crate::connection::Connection;
use crate::error::ConnectError;
use crate::lease::{Lease, Leased};
use crate::platform::{Bell, Driver};

/// The connections that callers share, of which a driver has one static. Those that are over are forgotten when another one is
/// made.
pub struct Registry<D: Driver>(LazyLock<Mutex<HashMap<Dial, Entry<D>>>>);

enum Entry<D: Driver> {
    Live(Weak<Leased<D>>),
    /// The connection that dials is there once its sockets are.
    Connecting(Arc<Attempt<D::Bell>>, Option<Weak<Leased<D>>>),
}

/// What a caller finds.
pub enum Joined<D: Driver> {
    /// A live connection.
    Live(Connection<D>),
    /// Somebody who connects: to be waited for, and then to be looked again.
    Wait(Arc<Attempt<D::Bell>>),
    /// Nobody, so it is this caller who connects.
    Connect(Connecting<D>),
}

/// A caller that connects, and others who wait for what comes of it.
#[derive(Default)]
pub struct Attempt<B> {
    outcome: Mutex<Option<Result<(), ConnectError>>>,
    bell: B,
}

/// The right to connect. Dropped without an outcome, it makes those who wait look again.
pub struct Connecting<D: Driver> {
    registry: &'static Registry<D>,
    dial: Dial,
    attempt: Arc<Attempt<D::Bell>>,
    failed: Option<ConnectError>,
    connected: Option<Weak<Leased<D>>>,
}

impl<D: Driver> Registry<D> {
    /// An empty one.
    pub const fn new() -> Registry<D> {
        Registry(LazyLock::new(Mutex::default))
    }

    /// Looks for a connection with an equal configuration.
    pub fn join(&'static self, dial: &Dial) -> Joined<D> {
        let mut connections = self.lock();
        let live = match connections.get(dial) {
            Some(Entry::Live(leased)) => leased.upgrade(),
            Some(Entry::Connecting(attempt, _)) => return Joined::Wait(Arc::clone(attempt)),
            None => None,
        };
        if let Some(lease) = live.and_then(Lease::join) {
            return Joined::Live(Connection::new(lease));
        }
        // Those that are over would pile up.
        connections.retain(|_, entry| match entry {
            Entry::Live(leased) => leased.strong_count() > 0,
            Entry::Connecting(..) => true,
        });
        let attempt = Arc::<Attempt<D::Bell>>::default();
        connections.insert(dial.clone(), Entry::Connecting(Arc::clone(&attempt), None));
        Joined::Connect(Connecting { registry: self, dial: dial.clone(), attempt, failed: None, connected: None })
    }

    /// A share in the connection with an equal configuration, or in one that `begin` makes and `up` blocks for until it is up.
    /// `wait` blocks until an attempt of somebody else has an outcome.
    ///
    /// # Errors
    /// Those of `begin` and `up`, here or at the caller that was waited for.
    pub fn share(
        &'static self,
        dial: &Dial,
        begin: impl FnOnce(&Dial) -> Result<Arc<Lease<D>>, ConnectError>,
        up: impl FnOnce(Arc<Lease<D>>) -> Result<Connection<D>, ConnectError>,
        wait: impl Fn(&Attempt<D::Bell>) -> Result<(), ConnectError>,
    ) -> Result<Connection<D>, ConnectError> {
        loop {
            match self.join(dial) {
                Joined::Live(connection) => return Ok(connection),
                Joined::Wait(attempt) => wait(&attempt)?,
                Joined::Connect(connecting) => {
                    let begun = connecting.begun(begin(dial));
                    return connecting.finish(begun.and_then(up));
                }
            }
        }
    }

    /// Closes every connection for all who share it, and gives up what dials: whoever connects or waits for that is told
    /// [`EndReason::Closed`]. Who looks for a connection after that finds none.
    pub fn shut_down(&self) {
        let connections = std::mem::take(&mut *self.lock());
        // Without the lock: what a connection's end wakes may look for another one.
        let mut closed = Vec::new();
        for entry in connections.into_values() {
            let leased = match entry {
                Entry::Live(leased) => leased.upgrade(),
                Entry::Connecting(attempt, leased) => {
                    attempt.settle(Err(ConnectError::Ended(EndReason::Closed)));
                    leased.and_then(|leased| leased.upgrade())
                }
            };
            closed.extend(leased.filter(|leased| leased.close()));
        }
        // All are told before one is waited for, so that their farewells go out together.
        closed.iter().for_each(|leased| leased.finish());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Dial, Entry<D>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> Default for Registry<D> {
    fn default() -> Self {
        Registry::new()
    }
}

impl<B> Attempt<B> {
    /// What came of it; `None`: nothing yet, and [`bell`](Attempt::bell) rings then. `Ok`: it is to be looked again.
    pub fn outcome(&self) -> MutexGuard<'_, Option<Result<(), ConnectError>>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings when there is an outcome.
    pub fn bell(&self) -> &B {
        &self.bell
    }
}

impl<B: Bell> Attempt<B> {
    /// Tells those who wait, unless they were told before.
    fn settle(&self, outcome: Result<(), ConnectError>) {
        self.outcome().get_or_insert(outcome);
        self.bell.ring();
    }
}

impl<D: Driver> Connecting<D> {
    /// A connection has begun to dial, so that [`Registry::shut_down`] can end it.
    ///
    /// # Errors
    /// That of `begun`, which is given back; and if it was shut down already, that it is closed.
    pub fn begun(&self, begun: Result<Arc<Lease<D>>, ConnectError>) -> Result<Arc<Lease<D>>, ConnectError> {
        let lease = begun?;
        let is_wanted = match self.registry.lock().get_mut(&self.dial) {
            Some(Entry::Connecting(attempt, leased)) if Arc::ptr_eq(attempt, &self.attempt) => {
                *leased = Some(Arc::downgrade(lease.leased()));
                true
            }
            _ => false,
        };
        if is_wanted { Ok(lease) } else { Err(ConnectError::Ended(EndReason::Closed)) }
    }

    /// Tells those who wait what came of it.
    ///
    /// # Errors
    /// That of `result`, which is given back.
    pub fn finish(mut self, result: Result<Connection<D>, ConnectError>) -> Result<Connection<D>, ConnectError> {
        match &result {
            Ok(connection) => self.connected = Some(Arc::downgrade(connection.lease().leased())),
            Err(error) => self.failed = Some(error.clone()),
        }
        result
    }
}

impl<D: Driver> Drop for Connecting<D> {
    fn drop(&mut self) {
        let mut connections = self.registry.lock();
        // Once it was shut down, the place may be somebody else's.
        let is_own =
            |entry: &Entry<D>| matches!(entry, Entry::Connecting(attempt, _) if Arc::ptr_eq(attempt, &self.attempt));
        if connections.get(&self.dial).is_some_and(is_own) {
            match self.connected.take() {
                Some(leased) => connections.insert(self.dial.clone(), Entry::Live(leased)),
                None => connections.remove(&self.dial),
            };
        }
        drop(connections);
        self.attempt.settle(self.failed.take().map_or(Ok(()), Err));
    }
}

#[cfg(test)]
mod tests;
