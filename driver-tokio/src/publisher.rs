//! The sending end of a topic.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use farwire_core::{Accepted, Content, EndReason, PublishError, Raw, Topic, TopicId};

use crate::handle::Lease;

/// Publishes one topic. Clones publish the same topic, in whatever order their tasks get to it.
///
/// `T` is what it publishes: bytes, or messages of one LCM type. It keeps the connection open.
pub struct Publisher<T: Content = Raw> {
    lease: Arc<Lease>,
    id: TopicId,
    topic: Topic,
    content: PhantomData<fn(T)>,
}

impl Publisher {
    /// [`publish`](Self::publish), as text: subscribers in a browser get a string.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_text(&self, message: &str) -> Result<Accepted, PublishError> {
        self.publish_bytes(false, message.as_bytes())
    }
}

impl<T: Content> Publisher<T> {
    pub(crate) fn new(lease: Arc<Lease>, id: TopicId, topic: Topic) -> Publisher<T> {
        Publisher { lease, id, topic, content: PhantomData }
    }

    /// Publishes a message, as binary. It never waits, and needs no runtime.
    ///
    /// It is sent before this returns, or waits in the topic's queue while the channel is being opened or the network
    /// is slower than the publisher; the answer says which. When the queue is full, a lossy topic drops its oldest
    /// message, and a reliable one refuses this one: wait until it is [`ready`](Self::ready).
    ///
    /// # Errors
    /// When the message was not taken: it has no encoding or is too large, the queue is full, the SFU refuses the
    /// topic, or the connection has ended.
    pub fn publish(&self, message: &T::Sent) -> Result<Accepted, PublishError> {
        let bytes: Cow<'_, [u8]> =
            T::write(message).map_err(|error| PublishError::Encode { topic: self.topic.clone(), error })?;
        self.publish_bytes(true, &bytes)
    }

    /// Waits until the topic's queue has room, if it was full. Other publishers of the topic may take it first.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn ready(&self) -> Result<(), PublishError> {
        let ended = |reason| Err(PublishError::Ended { topic: self.topic.clone(), reason });
        if self.lease.is_closed() {
            return ended(EndReason::Closed);
        }
        match self.lease.live().shared.wait_until(|client| client.is_writable(self.id)).await {
            true => Ok(()),
            false => ended(self.lease.ended().unwrap_or(EndReason::Closed)),
        }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.topic.as_str()
    }

    fn publish_bytes(&self, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        if self.lease.is_closed() {
            return Err(PublishError::Ended { topic: self.topic.clone(), reason: EndReason::Closed });
        }
        self.lease.live().shared.act(|client, now| client.publish(now, self.id, binary, bytes))
    }
}

impl<T: Content> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Publisher::new(Arc::clone(&self.lease), self.id, self.topic.clone())
    }
}

impl<T: Content> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("topic", &self.topic).finish_non_exhaustive()
    }
}
