//! The sending end of a topic.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire_core::{Accepted, Content, Delivery, EndReason, PublishError, Raw, Topic, TopicId};

use crate::handle::Lease;

/// Publishes one topic. Clones publish the same topic, in whatever order their threads get to it.
///
/// `T` is what it publishes: bytes, or messages of one LCM type. It keeps the connection open.
pub struct Publisher<T: Content = Raw> {
    lease: Arc<Lease>,
    id: TopicId,
    topic: Topic,
    delivery: Delivery,
    content: PhantomData<fn(T)>,
}

impl Publisher {
    /// How long [`publish`](Self::publish) waits for room in the queue of a reliable topic.
    pub const MAX_WAIT: Duration = Duration::from_secs(5);

    /// [`publish`](Self::publish), as text: subscribers in a browser get a string.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_text(&self, message: &str) -> Result<Accepted, PublishError> {
        self.publish_patiently(false, message.as_bytes())
    }
}

impl<T: Content> Publisher<T> {
    pub(crate) fn new(lease: Arc<Lease>, id: TopicId, topic: Topic, delivery: Delivery) -> Publisher<T> {
        Publisher { lease, id, topic, delivery, content: PhantomData }
    }

    /// Publishes a message, as binary.
    ///
    /// It is sent before this returns, or waits in the topic's queue while the channel is being opened or the network
    /// is slower than the publisher; the answer says which. When the queue is full, a lossy topic drops its oldest
    /// message, and a reliable one blocks this call until there is room, for at most
    /// [`MAX_WAIT`](Publisher::MAX_WAIT).
    ///
    /// # Errors
    /// When the message was not taken: it has no encoding or is too large, the queue stayed full, the SFU refuses the
    /// topic, or the connection has ended.
    pub fn publish(&self, message: &T::Sent) -> Result<Accepted, PublishError> {
        self.publish_patiently(true, &self.bytes(message)?)
    }

    /// [`publish`](Self::publish), but never waits: a full queue of a reliable topic is an error at once.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn try_publish(&self, message: &T::Sent) -> Result<Accepted, PublishError> {
        self.publish_now(true, &self.bytes(message)?)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.topic.as_str()
    }

    fn bytes<'a>(&self, message: &'a T::Sent) -> Result<Cow<'a, [u8]>, PublishError> {
        T::write(message).map_err(|error| PublishError::Encode { topic: self.topic.clone(), error })
    }

    fn publish_now(&self, binary: bool, message: &[u8]) -> Result<Accepted, PublishError> {
        if self.lease.is_closed() {
            return Err(PublishError::Ended { topic: self.topic.clone(), reason: EndReason::Closed });
        }
        self.lease.live().shared.publish(self.id, binary, message)
    }

    fn publish_patiently(&self, binary: bool, message: &[u8]) -> Result<Accepted, PublishError> {
        let result = self.publish_now(binary, message);
        if !matches!(result, Err(PublishError::QueueFull { .. })) || !self.delivery.is_reliable() {
            return result;
        }
        let deadline = Instant::now().checked_add(Publisher::MAX_WAIT);
        loop {
            let waited = self.lease.live().shared.wait_writable(self.id, deadline);
            let result = self.publish_now(binary, message);
            // Another publisher may have taken the room.
            if !waited || !matches!(result, Err(PublishError::QueueFull { .. })) {
                return result;
            }
        }
    }
}

impl<T: Content> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Publisher::new(Arc::clone(&self.lease), self.id, self.topic.clone(), self.delivery)
    }
}

impl<T: Content> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
