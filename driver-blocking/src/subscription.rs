//! The receiving end of a topic.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire_core::client::Inbox as _;
use farwire_core::signalling::SignallingError;
use farwire_core::{Raw, Receive, RecvError, SubscriptionId, Topic};

use crate::Callback;
use crate::handle::Lease;
use crate::mailbox::SharedMailbox;
use crate::shared::Shared;

/// Receives one topic. Dropping it unsubscribes.
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
/// Several threads may receive from one subscription; each message then goes to one of them. It keeps the connection
/// open.
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

    /// Waits for the next message.
    ///
    /// # Errors
    /// On a reliable topic, [`RecvError::Lagged`] or [`RecvError::Interrupted`] once where messages are missing. On any,
    /// [`RecvError::Closed`] or [`RecvError::Refused`] when nothing more will come; what has arrived is received first.
    pub fn recv(&self) -> Result<T::Received, RecvError> {
        loop {
            if let Some(received) = self.read(self.lease.live().shared.receive(&self.mailbox, None)?) {
                return Ok(received);
            }
        }
    }

    /// Waits for the next message, for at most `timeout`.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv), and [`RecvError::Timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T::Received, RecvError> {
        // Only typed subscriptions skip messages, and need to know what is left then.
        let start = T::KIND.map(|_| Instant::now());
        loop {
            let left = start.map_or(timeout, |start| timeout.saturating_sub(start.elapsed()));
            if let Some(received) = self.read(self.lease.live().shared.receive(&self.mailbox, Some(left))?) {
                return Ok(received);
            }
        }
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.next().transpose()? {
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
    /// [`RecvError::Closed`] or [`RecvError::Refused`] when nothing more will come.
    pub fn latest(&self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.with(|mailbox| mailbox.take_latest(Instant::now())).transpose()? {
            if let Some(received) = self.read(message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Waits until the SFU's channel to this subscription is open, for at most `timeout`. Messages that reach the SFU
    /// half a round trip later, or after, are delivered here.
    ///
    /// # Errors
    /// [`RecvError::Timeout`], of which [`trouble`](Self::trouble) may know the cause, and [`RecvError::Closed`] or
    /// [`RecvError::Refused`] when it will not open.
    pub fn wait_open(&self, timeout: Duration) -> Result<(), RecvError> {
        self.mailbox.wait_open(timeout)
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

    /// Calls `callback` for each message, on a thread of its own, until the [`Callback`] is dropped or nothing more will
    /// come. Gaps are skipped; [`Callback::dropped`] counts them.
    ///
    /// That nothing fresh has come for a [`stale_after`](crate::SubscribeOptions::stale_after) is not told either: receive by
    /// hand where that means to stop.
    ///
    /// A callback that blocks is called again when it has returned, and meanwhile the messages wait in the mailbox. One
    /// that panics is called again with the next message; see [`Callback::panics`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn on_message(self, callback: impl FnMut(T::Received) + Send + 'static) -> std::io::Result<Callback<T>> {
        Callback::start(self, callback)
    }

    /// Waits for each message in turn, until nothing more will come. Gaps are skipped; [`dropped`](Self::dropped)
    /// counts them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { subscription: self }
    }

    /// What a callback's thread needs, without a share in the connection.
    pub(crate) fn source(&self) -> (Arc<Shared>, SubscriptionId, SharedMailbox<T::Held>) {
        (Arc::clone(&self.lease.live().shared), self.id, self.mailbox.clone())
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

impl<'a, T: Receive> IntoIterator for &'a Subscription<T> {
    type Item = T::Received;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The messages of a [`Subscription`]; see [`Subscription::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Receive = Raw> {
    subscription: &'a Subscription<T>,
}

impl<T: Receive> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Iter { subscription: self.subscription }
    }
}

impl<T: Receive> Iterator for Iter<'_, T> {
    type Item = T::Received;

    fn next(&mut self) -> Option<T::Received> {
        loop {
            match self.subscription.recv() {
                Ok(message) => return Some(message),
                Err(error) if error.is_passing() => {}
                Err(_) => return None,
            }
        }
    }
}
