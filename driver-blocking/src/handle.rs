//! Who keeps a connection open.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use farwire_core::{EndReason, RecvError, SubscriptionId, Topic, TopicError};

use crate::mailbox::SharedMailbox;
use crate::shared::Shared;

/// A live connection. It is closed when its last lease ends, or when it is dropped.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) session_id: String,
    thread: Mutex<Option<JoinHandle<()>>>,
    leases: AtomicUsize,
}

/// One user's share in a connection: all that came of one call that connects.
pub(crate) struct Lease {
    pub(crate) handle: Arc<Handle>,
    closed: AtomicBool,
    subscriptions: Mutex<HashSet<SubscriptionId>>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, thread: JoinHandle<()>) -> Handle {
        Handle { shared, session_id: String::new(), thread: Mutex::new(Some(thread)), leases: AtomicUsize::new(0) }
    }

    fn close(&self) {
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has ended the connection already.
            let _ = thread.join();
        }
        self.shared.join_requests();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl Lease {
    /// The first share of a new connection.
    pub(crate) fn first(handle: Handle) -> Arc<Lease> {
        handle.leases.store(1, Ordering::Relaxed);
        Lease::of(Arc::new(handle))
    }

    /// One more share, if the connection is still open.
    pub(crate) fn join(handle: Arc<Handle>) -> Option<Arc<Lease>> {
        let join = |leases: usize| (leases > 0).then_some(leases + 1);
        handle.leases.fetch_update(Ordering::AcqRel, Ordering::Acquire, join).ok()?;
        let lease = Lease::of(handle);
        lease.ended().is_none().then_some(lease)
    }

    fn of(handle: Arc<Handle>) -> Arc<Lease> {
        Arc::new(Lease { handle, closed: AtomicBool::new(false), subscriptions: Mutex::default() })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Why nothing more can be done with it, if so.
    pub(crate) fn ended(&self) -> Option<EndReason> {
        match self.is_closed() {
            true => Some(EndReason::Closed),
            false => self.handle.shared.lock().client.ended().cloned(),
        }
    }

    /// Subscribes, as `ask` does.
    pub(crate) fn subscribe(
        &self,
        topic: Option<&Topic>,
        ask: impl FnOnce(&Shared) -> Result<(SubscriptionId, SharedMailbox), TopicError>,
    ) -> Result<(SubscriptionId, SharedMailbox), TopicError> {
        let mut subscriptions = self.subscriptions();
        if self.is_closed() {
            return Err(TopicError::ended(topic));
        }
        let (id, mailbox) = ask(&self.handle.shared)?;
        subscriptions.insert(id);
        Ok((id, mailbox))
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) {
        // Otherwise it is over already.
        if self.subscriptions().remove(&id) {
            self.handle.shared.cut(id, RecvError::Unsubscribed);
        }
    }

    /// Gives the share up; the last one closes the connection.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.handle.leases.fetch_sub(1, Ordering::AcqRel) == 1 {
            return self.handle.close();
        }
        for id in std::mem::take(&mut *self.subscriptions()) {
            self.handle.shared.cut(id, RecvError::Closed(EndReason::Closed));
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashSet<SubscriptionId>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close();
    }
}
