//! One connection for all callers of a process with the same configuration.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use farwire_core::Dial;

use crate::connection::Connection;
use crate::error::ConnectError;
use crate::lease::{Lease, Leased};
use crate::platform::{Bell, Driver};

/// The connections that callers share, of which a driver has one static. Those that are over are forgotten when another one is
/// made.
pub struct Registry<D: Driver>(LazyLock<Mutex<HashMap<Dial, Entry<D>>>>);

enum Entry<D: Driver> {
    Live(Weak<Leased<D>>),
    Connecting(Arc<Attempt<D::Bell>>),
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
            Some(Entry::Connecting(attempt)) => return Joined::Wait(Arc::clone(attempt)),
            None => None,
        };
        if let Some(lease) = live.and_then(Lease::join) {
            return Joined::Live(Connection::new(lease));
        }
        // Those that are over would pile up.
        connections.retain(|_, entry| match entry {
            Entry::Live(leased) => leased.strong_count() > 0,
            Entry::Connecting(_) => true,
        });
        let attempt = Arc::<Attempt<D::Bell>>::default();
        connections.insert(dial.clone(), Entry::Connecting(Arc::clone(&attempt)));
        Joined::Connect(Connecting { registry: self, dial: dial.clone(), attempt, failed: None, connected: None })
    }

    /// A share in the connection with an equal configuration, or in one that `connect` makes. `wait` blocks until an attempt of
    /// somebody else has an outcome.
    ///
    /// # Errors
    /// Those of `connect`, here or at the caller that was waited for.
    pub fn share(
        &'static self,
        dial: &Dial,
        connect: impl FnOnce(&Dial) -> Result<Connection<D>, ConnectError>,
        wait: impl Fn(&Attempt<D::Bell>) -> Result<(), ConnectError>,
    ) -> Result<Connection<D>, ConnectError> {
        loop {
            match self.join(dial) {
                Joined::Live(connection) => return Ok(connection),
                Joined::Wait(attempt) => wait(&attempt)?,
                Joined::Connect(connecting) => return connecting.finish(connect(dial)),
            }
        }
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

impl<D: Driver> Connecting<D> {
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
        match self.connected.take() {
            Some(leased) => self.registry.lock().insert(self.dial.clone(), Entry::Live(leased)),
            None => self.registry.lock().remove(&self.dial),
        };
        *self.attempt.outcome() = Some(self.failed.take().map_or(Ok(()), Err));
        self.attempt.bell.ring();
    }
}
