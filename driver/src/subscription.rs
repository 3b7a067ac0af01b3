//! The receiving end of a topic.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use farwire_core::client::Inbox;
use farwire_core::{Mailbox, Raw, Receive, RecvError, SubscriptionId, Topic};

use crate::engine::Engine;
use crate::lease::Lease;
use crate::platform::{Driver, InboxOf};

/// Receives one topic, or several. Dropping it unsubscribes. It keeps the connection open.
pub struct Subscription<D: Driver, T: Receive = Raw> {
    lease: Arc<Lease<D>>,
    id: SubscriptionId,
    mailbox: InboxOf<D, T>,
    topic: Option<Topic>,
    content: PhantomData<fn() -> T>,
}

impl<D: Driver, T: Receive> Subscription<D, T> {
    pub(crate) fn new(lease: Arc<Lease<D>>, id: SubscriptionId, mailbox: InboxOf<D, T>) -> Subscription<D, T> {
        let topic = mailbox.with(|mailbox| mailbox.topic().cloned());
        Subscription { lease, id, mailbox, topic, content: PhantomData }
    }

    /// The connection.
    pub fn engine(&self) -> &Arc<Engine<D>> {
        self.lease.engine()
    }

    /// Its number on its connection.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Its mailbox.
    pub fn mailbox(&self) -> &InboxOf<D, T> {
        &self.mailbox
    }

    /// The topic; `None` for a subscription to many.
    pub fn topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// What is received of what waited; `None`: it is none of the type, which is counted.
    pub fn read(&self, held: T::Held) -> Option<T::Received> {
        let received = T::read(held);
        if received.is_err() {
            self.engine().lock().client.note_undecodable(self.id);
        }
        received.ok()
    }

    /// The next that can be read, without waiting; `take` takes it from the mailbox.
    ///
    /// # Errors
    /// What `take` finds instead.
    pub fn take_with(
        &self,
        take: impl Fn(&mut Mailbox<T::Held>, Instant) -> Option<Result<T::Held, RecvError>>,
    ) -> Result<Option<T::Received>, RecvError> {
        while let Some(held) = self.mailbox.with(|mailbox| take(mailbox, Instant::now())).transpose()? {
            if let Some(received) = self.read(held) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }
}

impl<D: Driver, T: Receive> Drop for Subscription<D, T> {
    fn drop(&mut self) {
        self.mailbox.update(|mailbox| mailbox.clear(RecvError::Unsubscribed));
        self.mailbox.wake();
        // The last handle's end closes the connection, and every channel with it.
        if Arc::strong_count(&self.lease) > 1 {
            self.lease.unsubscribe(self.id);
        }
    }
}

impl<D: Driver, T: Receive> fmt::Debug for Subscription<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = self.topic.as_ref().map_or("", Topic::as_str);
        f.debug_struct("Subscription").field("topic", &topic).finish_non_exhaustive()
    }
}
