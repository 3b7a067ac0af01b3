//! Messages that come by callback.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use farwire_core::{Raw, Receive, SubscriptionId};

use crate::engine::Engine;
use crate::platform::Driver;
use crate::subscription::Subscription;

/// A subscription whose messages go to a callback, until it is dropped.
pub struct Callback<D: Driver, T: Receive = Raw> {
    subscription: Subscription<D, T>,
    panics: Arc<AtomicU64>,
}

/// Calls the callback, wherever a driver has it done. It has no share in the connection.
pub struct Caller<D: Driver, T: Receive, F> {
    engine: Arc<Engine<D>>,
    id: SubscriptionId,
    panics: Arc<AtomicU64>,
    callback: F,
    content: std::marker::PhantomData<fn(T)>,
}

impl<D: Driver, T: Receive> Callback<D, T> {
    /// A subscription for a callback, and what calls it.
    pub fn new<F>(subscription: Subscription<D, T>, callback: F) -> (Callback<D, T>, Caller<D, T, F>)
    where
        F: FnMut(T::Received) + Send + 'static,
    {
        let panics = Arc::new(AtomicU64::new(0));
        let caller = Caller {
            engine: Arc::clone(subscription.engine()),
            id: subscription.id(),
            panics: Arc::clone(&panics),
            callback,
            content: std::marker::PhantomData,
        };
        (Callback { subscription, panics }, caller)
    }

    /// The subscription.
    pub fn subscription(&self) -> &Subscription<D, T> {
        &self.subscription
    }

    /// How often the callback has panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

impl<D: Driver, T: Receive, F: FnMut(T::Received)> Caller<D, T, F> {
    /// The connection.
    pub fn engine(&self) -> &Engine<D> {
        &self.engine
    }

    /// Calls the callback for what waited. One that is none of its type, and a panic, are counted.
    pub fn call(&mut self, held: T::Held) {
        let Ok(received) = T::read(held) else {
            return self.engine.lock().client.note_undecodable(self.id);
        };
        // What the callback broke in its own state is its own to see to.
        if catch_unwind(AssertUnwindSafe(|| (self.callback)(received))).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<D: Driver, T: Receive> fmt::Debug for Callback<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

impl<D: Driver, T: Receive, F> fmt::Debug for Caller<D, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
