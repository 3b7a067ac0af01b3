//! Who keeps a live connection open, and what each user has of it.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwire_core::{Client, EndReason, RecvError, SubscriptionId, Topic, TopicError};

use crate::engine::Engine;
use crate::platform::Driver;

/// A live connection and how many leases it has.
pub(crate) struct Leased<D: Driver> {
    engine: Arc<Engine<D>>,
    leases: AtomicUsize,
}

/// One user's share in a connection: all that came of one call that connects. The last share that is closed or dropped
/// closes the connection.
pub struct Lease<D: Driver> {
    leased: Arc<Leased<D>>,
    closed: AtomicBool,
    subscriptions: Mutex<HashSet<SubscriptionId>>,
}

impl<D: Driver> Leased<D> {
    /// Closes the connection for all who have a share, and lets nobody join any more. `false`: it is closed already. What is
    /// to be waited for is left to [`finish`](Leased::finish).
    pub(crate) fn close(&self) -> bool {
        let was_open = self.leases.swap(0, Ordering::AcqRel) > 0;
        if was_open {
            self.engine.act(Client::close);
        }
        was_open
    }

    /// Waits for what is to be gone with it, if the driver does so.
    pub(crate) fn finish(&self) {
        self.engine.finish();
    }
}

impl<D: Driver> Lease<D> {
    /// The first share of a new connection.
    pub fn first(engine: Arc<Engine<D>>) -> Arc<Lease<D>> {
        Lease::of(Arc::new(Leased { engine, leases: AtomicUsize::new(1) }))
    }

    /// One more share; `None` if the connection is closed or over.
    pub(crate) fn join(leased: Arc<Leased<D>>) -> Option<Arc<Lease<D>>> {
        let join = |leases: usize| (leases > 0).then_some(leases + 1);
        leased.leases.fetch_update(Ordering::AcqRel, Ordering::Acquire, join).ok()?;
        let lease = Lease::of(leased);
        lease.ended().is_none().then_some(lease)
    }

    fn of(leased: Arc<Leased<D>>) -> Arc<Lease<D>> {
        Arc::new(Lease { leased, closed: AtomicBool::new(false), subscriptions: Mutex::default() })
    }

    /// The connection.
    pub fn engine(&self) -> &Arc<Engine<D>> {
        &self.leased.engine
    }

    /// What others can [`join`](Lease::join).
    pub(crate) fn leased(&self) -> &Arc<Leased<D>> {
        &self.leased
    }

    /// Whether this share was given up.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Why nothing more can be done with it, if so.
    pub fn ended(&self) -> Option<EndReason> {
        if self.is_closed() { Some(EndReason::Closed) } else { self.engine().lock().client.ended().cloned() }
    }

    /// Subscribes, as `ask` does, in the name of this share.
    pub(crate) fn subscribe<I>(
        &self,
        topic: Option<&Topic>,
        ask: impl FnOnce(&Engine<D>) -> Result<(SubscriptionId, I), TopicError>,
    ) -> Result<(SubscriptionId, I), TopicError> {
        let mut subscriptions = self.subscriptions();
        if self.is_closed() {
            return Err(TopicError::ended(topic));
        }
        let (id, inbox) = ask(self.engine())?;
        subscriptions.insert(id);
        Ok((id, inbox))
    }

    /// Ends a subscription of this share, if it is not over already.
    pub(crate) fn unsubscribe(&self, id: SubscriptionId) {
        if self.subscriptions().remove(&id) {
            self.engine().act(|client, _| client.cut(id, RecvError::Unsubscribed));
        }
    }

    /// Gives the share up: its subscriptions end, and if it is the last, the connection.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // None are left when the connection was closed for all.
        let one_less = |leases: usize| leases.checked_sub(1);
        if self.leased.leases.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less) == Ok(1) {
            self.engine().act(Client::close);
            return self.engine().finish();
        }
        let subscriptions = std::mem::take(&mut *self.subscriptions());
        for id in subscriptions {
            self.engine().act(|client, _| client.cut(id, RecvError::Closed(EndReason::Closed)));
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashSet<SubscriptionId>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<D: Driver> fmt::Debug for Lease<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
