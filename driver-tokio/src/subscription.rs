//! The receiving end of a topic.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use farwire_core::client::Inbox as _;
use farwire_core::signalling::SignallingError;
use farwire_core::{Raw, Receive, RecvError, SubscriptionId, Topic};
use futures_core::Stream;
use tokio::task::coop;

use crate::Callback;
use crate::handle::Lease;
use crate::mailbox::SharedMailbox;
use crate::shared::Shared;

/// Receives one topic: a [`Stream`], or [`recv`](Self::recv). Dropping it unsubscribes.
///
/// `T` is what it receives: every message as bytes, or only the messages of one LCM type. Those that have the type's
/// fingerprint but are none of it are skipped, and counted in
/// [`TopicStats::undecodable`](crate::TopicStats::undecodable).
///
/// Messages wait in a mailbox until they are received; its bound, and what happens when that is not enough, are those of
/// the [`Container`](crate::Container) that it was subscribed with. Unless chosen, on a reliable topic it holds 65,536
/// messages and 64 MiB, on any other 1,024 messages and 8 MiB; then the oldest are dropped and counted, and the next
/// receive on a reliable topic says [`RecvError::Lagged`].
///
/// As a stream it gives the messages and skips gaps, which [`dropped`](Self::dropped) counts, and ends when nothing more
/// will come. It keeps the connection open.
pub struct Subscription<T: Receive = Raw> {
    lease: Arc<Lease>,
    id: SubscriptionId,
    mailbox: SharedMailbox<T::Held>,
    topic: Option<Topic>,
    content: PhantomData<fn() -> T>,
}

impl<T: Receive> Subscription<T> {
    pub(crate) fn new(lease: Arc<Lease>, id: SubscriptionId, mailbox: SharedMailbox<T::Held>) -> Subscription<T> {
        let topic = mailbox.with(|mailbox| mailbox.topic().cloned());
        Subscription { lease, id, mailbox, topic, content: PhantomData }
    }

    /// Waits for the next message. Dropping the future loses none.
    ///
    /// # Errors
    /// On a reliable topic, [`RecvError::Lagged`] or [`RecvError::Interrupted`] once where messages are missing. On any,
    /// the reason why nothing more will come; what has arrived is received first.
    pub async fn recv(&mut self) -> Result<T::Received, RecvError> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// [`recv`](Self::recv), for futures that are written by hand.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<T::Received, RecvError>> {
        // A mailbox that is never empty would keep its task from letting others run.
        let budget = ready!(coop::poll_proceed(context));
        loop {
            let message = ready!(self.mailbox.poll(context, |mailbox| mailbox.take(Instant::now())));
            budget.made_progress();
            if let Some(received) = message.map(|message| self.read(message)).transpose() {
                return Poll::Ready(received);
            }
        }
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.with(|mailbox| mailbox.take(Instant::now())).transpose()? {
            if let Some(received) = self.read(message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// The newest message, if one is there. The older ones are dropped and counted, whether or not the newest can be
    /// decoded; gaps before it are not told.
    ///
    /// # Errors
    /// The reason why nothing more will come.
    pub fn latest(&mut self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.with(|mailbox| mailbox.take_latest(Instant::now())).transpose()? {
            if let Some(received) = self.read(message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Waits until the SFU's channel to this subscription is open. Messages that reach the SFU half a round trip later,
    /// or after, are delivered here. [`trouble`](Self::trouble) may know why it does not open.
    ///
    /// # Errors
    /// The reason why it will not open.
    pub async fn opened(&mut self) -> Result<(), RecvError> {
        poll_fn(|context| self.mailbox.poll(context, |mailbox| mailbox.opened())).await
    }

    /// Why the channel is not open yet, if the SFU has said so; it is still being tried.
    pub fn trouble(&self) -> Option<SignallingError> {
        self.mailbox.with(|mailbox| mailbox.trouble().cloned())
    }

    /// Messages that were not delivered because they were older than the deadline of
    /// [`SubscribeOptions::stale_after`](crate::SubscribeOptions::stale_after).
    pub fn stale(&self) -> u64 {
        self.mailbox.with(|mailbox| mailbox.stale())
    }

    /// Messages dropped unread: because the mailbox was full, or by [`latest`](Self::latest).
    pub fn dropped(&self) -> u64 {
        self.mailbox.with(|mailbox| mailbox.dropped())
    }

    /// Why no more messages will come after those that wait, if so.
    pub fn ended(&self) -> Option<RecvError> {
        self.mailbox.with(|mailbox| mailbox.ended().cloned())
    }

    /// The topic; empty, which no topic is, for a subscription to many.
    pub fn topic(&self) -> &str {
        self.topic.as_ref().map_or("", Topic::as_str)
    }

    /// Calls `callback` for each message, on a thread for blocking work, until the [`Callback`] is dropped or nothing more
    /// will come. Gaps are skipped; [`Callback::dropped`] counts them.
    ///
    /// That nothing fresh has come for a [`stale_after`](crate::SubscribeOptions::stale_after) is not told either: receive by
    /// hand where that means to stop.
    ///
    /// A callback that blocks is called again when it has returned, and meanwhile the messages wait in the mailbox. One
    /// that panics is called again with the next message; see [`Callback::panics`].
    pub fn on_message(self, callback: impl FnMut(T::Received) + Send + 'static) -> Callback<T> {
        Callback::start(self, callback)
    }

    /// What a callback's task needs, without a share in the connection.
    pub(crate) fn source(&self) -> (Arc<Shared>, SubscriptionId, SharedMailbox<T::Held>) {
        (Arc::clone(&self.lease.live().shared), self.id, self.mailbox.clone())
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.lease.live().runtime
    }

    /// `None`: it is none of the type, which is counted.
    fn read(&self, held: T::Held) -> Option<T::Received> {
        let received = T::read(held);
        if received.is_err() {
            self.lease.live().shared.lock().client.note_undecodable(self.id);
        }
        received.ok()
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

impl<T: Receive> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.mailbox.with(|mailbox| mailbox.clear(RecvError::Unsubscribed));
        self.mailbox.wake();
        // The last handle's end closes the connection, and every channel with it.
        if Arc::strong_count(&self.lease) > 1 {
            self.lease.unsubscribe(self.id);
        }
    }
}

impl<T: Receive> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("topic", &self.topic()).finish_non_exhaustive()
    }
}
