//! Who keeps a live connection open, and what each user has of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{EndReason, RecvError, SubscriptionId, Topic, TopicError};

/// A driver's live connection, which several users can share.
pub trait Live {
    /// Ends the connection at once and tells the SFU. Called once, by the last lease.
    fn close(&self);

    /// Ends one subscription.
    fn cut(&self, id: SubscriptionId, why: RecvError);

    /// Why the connection is over, if it is.
    fn ended(&self) -> Option<EndReason>;
}

/// A live connection and how many leases it has.
#[derive(Debug)]
pub struct Leased<L> {
    /// The connection.
    pub live: L,
    leases: AtomicUsize,
}

/// One user's share in a connection: all that came of one call that connects. The last share that is closed or dropped
/// closes the connection.
#[derive(Debug)]
pub struct Lease<L: Live> {
    leased: Arc<Leased<L>>,
    closed: AtomicBool,
    subscriptions: Mutex<HashSet<SubscriptionId>>,
}

impl<L: Live> Lease<L> {
    /// The first share of a new connection.
    pub fn first(live: L) -> Arc<Lease<L>> {
        Lease::of(Arc::new(Leased { live, leases: AtomicUsize::new(1) }))
    }

    /// One more share; `None` if the connection is closed or over.
    pub fn join(leased: Arc<Leased<L>>) -> Option<Arc<Lease<L>>> {
        let join = |leases: usize| (leases > 0).then_some(leases + 1);
        leased.leases.fetch_update(Ordering::AcqRel, Ordering::Acquire, join).ok()?;
        let lease = Lease::of(leased);
        lease.ended().is_none().then_some(lease)
    }

    fn of(leased: Arc<Leased<L>>) -> Arc<Lease<L>> {
        Arc::new(Lease { leased, closed: AtomicBool::new(false), subscriptions: Mutex::default() })
    }

    /// The connection.
    pub fn live(&self) -> &L {
        &self.leased.live
    }

    /// What others can [`join`](Lease::join).
    pub fn leased(&self) -> &Arc<Leased<L>> {
        &self.leased
    }

    /// Whether this share was given up.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Why nothing more can be done with it, if so.
    pub fn ended(&self) -> Option<EndReason> {
        if self.is_closed() { Some(EndReason::Closed) } else { self.live().ended() }
    }

    /// Subscribes, as `ask` does, in the name of this share.
    ///
    /// # Errors
    /// When this share is closed, and those of `ask`.
    pub fn subscribe<I>(
        &self,
        topic: Option<&Topic>,
        ask: impl FnOnce(&L) -> Result<(SubscriptionId, I), TopicError>,
    ) -> Result<(SubscriptionId, I), TopicError> {
        let mut subscriptions = self.subscriptions();
        if self.is_closed() {
            return Err(TopicError::ended(topic));
        }
        let (id, inbox) = ask(self.live())?;
        subscriptions.insert(id);
        Ok((id, inbox))
    }

    /// Ends a subscription of this share, if it is not over already.
    pub fn unsubscribe(&self, id: SubscriptionId) {
        if self.subscriptions().remove(&id) {
            self.live().cut(id, RecvError::Unsubscribed);
        }
    }

    /// Gives the share up: its subscriptions end, and if it is the last, the connection.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.leased.leases.fetch_sub(1, Ordering::AcqRel) == 1 {
            return self.live().close();
        }
        let subscriptions = std::mem::take(&mut *self.subscriptions());
        for id in subscriptions {
            self.live().cut(id, RecvError::Closed(EndReason::Closed));
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashSet<SubscriptionId>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Live> Drop for Lease<L> {
    fn drop(&mut self) {
        self.close();
    }
}
