//! Messages that come by callback.

use std::future::poll_fn;
use std::time::Instant;

use farwire_core::{Mailbox, Receive};
use tokio::task::spawn_blocking;

use crate::mailbox::poll;
use crate::tasks::Tasks;

/// Messages that one visit to a thread for blocking work brings to the callback at most.
const CALLS_PER_VISIT: usize = 64;

farwire_driver::callback!(Tasks);

impl<T: Receive> Callback<T> {
    pub(crate) fn start(
        subscription: farwire_driver::Subscription<Tasks, T>,
        callback: impl FnMut(T::Received) + Send + 'static,
    ) -> Callback<T> {
        let mailbox = subscription.mailbox().clone();
        let runtime = subscription.engine().driver().runtime.clone();
        let (inner, mut caller) = farwire_driver::Callback::new(subscription, callback);
        runtime.spawn(async move {
            loop {
                // The message stays in the mailbox until the thread takes it, so that nothing is on its way when the
                // subscription ends.
                let look = |mailbox: &mut Mailbox<T::Held>| mailbox.has_news().then_some(());
                poll_fn(|context| poll(&mailbox, context, look)).await;
                let source = mailbox.clone();
                let visit = spawn_blocking(move || {
                    for _ in 0..CALLS_PER_VISIT {
                        match source.with(|mailbox| mailbox.take(Instant::now())) {
                            Some(Ok(message)) => caller.call(message),
                            Some(Err(error)) if error.is_passing() => {}
                            Some(Err(_)) => return None,
                            None => break,
                        }
                    }
                    Some(caller)
                });
                match visit.await {
                    Ok(Some(next)) => caller = next,
                    _ => return,
                }
            }
        });
        Callback { inner }
    }
}
