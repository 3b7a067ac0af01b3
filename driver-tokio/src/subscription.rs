//! The receiving end of a topic.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use farwire_core::{Receive, RecvError};
use futures_core::Stream;
use tokio::task::coop;

use crate::callback::Callback;
use crate::mailbox::poll;
use crate::tasks::Tasks;

farwire_driver::subscription! {
    /// Receives one topic: a [`Stream`], or [`recv`](Self::recv). Dropping it unsubscribes.
    Tasks;
    /// As a stream it gives the messages and skips gaps, which [`dropped`](Self::dropped) counts, and ends when nothing more
    /// will come. It keeps the connection open.
}

impl<T: Receive> Subscription<T> {
    /// Waits for the next message. Dropping the future loses none.
    ///
    /// # Errors
    /// On a reliable topic, [`RecvError::Lagged`] or [`RecvError::Interrupted`] once where messages are missing. On any,
    /// the reason why nothing more will come; what has arrived is received first.
    pub async fn recv(&mut self) -> Result<T::Received, RecvError> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// [`recv`](Self::recv), for futures that are written by hand. Its waker may be called while the connection sends: it is to
    /// schedule, and not to poll or publish right there.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<T::Received, RecvError>> {
        // A mailbox that is never empty would keep its task from letting others run.
        let budget = ready!(coop::poll_proceed(context));
        loop {
            let message = ready!(poll(self.inner.mailbox(), context, |mailbox| mailbox.take(Instant::now())));
            budget.made_progress();
            if let Some(received) = message.map(|message| self.inner.read(message)).transpose() {
                return Poll::Ready(received);
            }
        }
    }

    /// Waits until the SFU's channel to this subscription is open. Messages that reach the SFU half a round trip later,
    /// or after, are delivered here. [`trouble`](Self::trouble) may know why it does not open.
    ///
    /// # Errors
    /// The reason why it will not open.
    pub async fn opened(&mut self) -> Result<(), RecvError> {
        poll_fn(|context| poll(self.inner.mailbox(), context, |mailbox| mailbox.opened())).await
    }

    /// Calls `callback` for each message, on a thread for blocking work, until the [`Callback`] is dropped or nothing more
    /// will come.
    pub fn on_message(self, callback: impl FnMut(T::Received) + Send + 'static) -> Callback<T> {
        Callback::start(self.inner, callback)
    }
}

impl<T: Receive> Stream for Subscription<T> {
    type Item = T::Received;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T::Received>> {
        let subscription = self.get_mut();
        loop {
            match ready!(subscription.poll_recv(context)) {
                Ok(received) => return Poll::Ready(Some(received)),
                Err(error) if error.is_passing() => {}
                Err(_) => return Poll::Ready(None),
            }
        }
    }
}
