//! Messages that come by callback.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use farwire_core::{Mailbox, Raw, Receive, RecvError};
use tokio::task::spawn_blocking;

use crate::Subscription;

/// Messages that one visit to a thread for blocking work brings to the callback at most.
const CALLS_PER_VISIT: usize = 64;

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
    ) -> Callback<T> {
        let panics = Arc::new(AtomicU64::new(0));
        let (shared, id, mailbox) = subscription.source();
        let count = Arc::clone(&panics);
        let mut call = move |held: T::Held| {
            let Ok(received) = T::read(held) else { return shared.lock().client.note_undecodable(id) };
            // What the callback broke in its own state is its own to see to.
            if catch_unwind(AssertUnwindSafe(|| callback(received))).is_err() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        subscription.runtime().spawn(async move {
            loop {
                // The message stays in the mailbox until the thread takes it, so that nothing is on its way when the
                // subscription ends.
                let look = |mailbox: &mut Mailbox<T::Held>| mailbox.has_news().then_some(());
                poll_fn(|context| mailbox.poll(context, look)).await;
                let source = mailbox.clone();
                let visit = spawn_blocking(move || {
                    for _ in 0..CALLS_PER_VISIT {
                        match source.with(|mailbox| mailbox.take(Instant::now())) {
                            Some(Ok(message)) => call(message),
                            Some(Err(error)) if error.is_passing() => {}
                            Some(Err(_)) => return None,
                            None => break,
                        }
                    }
                    Some(call)
                });
                match visit.await {
                    Ok(Some(next)) => call = next,
                    _ => return,
                }
            }
        });
        Callback { subscription, panics }
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
