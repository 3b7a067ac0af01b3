//! Messages that come by callback.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use farwire_core::{Raw, Receive, RecvError};

use crate::Subscription;

/// A subscription whose messages go to a callback; see [`Subscription::on_message`].
///
/// Dropping it unsubscribes: no call begins after that. It does not wait for one that is running, so it may be dropped
/// by the callback itself. It keeps the connection open.
pub struct Callback<T: Receive = Raw> {
    subscription: Subscription<T>,
    panics: Arc<AtomicU64>,
}

impl<T: Receive> Callback<T> {
    pub(crate) fn start(
        subscription: Subscription<T>,
        mut callback: impl FnMut(T::Received) + Send + 'static,
    ) -> io::Result<Callback<T>> {
        let panics = Arc::new(AtomicU64::new(0));
        let (shared, id, mailbox) = subscription.source();
        let count = Arc::clone(&panics);
        let work = move || {
            loop {
                let message = match shared.receive(&mailbox, None) {
                    Ok(message) => message,
                    Err(error) if error.is_passing() => continue,
                    Err(_) => return,
                };
                let Ok(received) = T::read(message) else {
                    shared.lock().client.note_undecodable(id);
                    continue;
                };
                // What the callback broke in its own state is its own to see to.
                if catch_unwind(AssertUnwindSafe(|| callback(received))).is_err() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        thread::Builder::new().name("farwire-callback".into()).spawn(work)?;
        Ok(Callback { subscription, panics })
    }

    /// How often the callback has panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Messages that were dropped because the mailbox was full.
    pub fn dropped(&self) -> u64 {
        self.subscription.dropped()
    }

    /// Why no more messages will come, if so.
    pub fn ended(&self) -> Option<RecvError> {
        self.subscription.ended()
    }
}

impl<T: Receive> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
