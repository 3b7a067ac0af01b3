//! The sending end of a topic.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire_core::{Accepted, Delivery, PublishError, Topic, TopicId};

use crate::connection::Handle;

/// Publishes one topic. Clones publish the same topic, in whatever order their threads get to it.
///
/// It keeps the connection open.
#[derive(Clone)]
pub struct Publisher {
    handle: Arc<Handle>,
    id: TopicId,
    topic: Topic,
    delivery: Delivery,
}

impl Publisher {
    /// How long [`publish`](Self::publish) waits for room in the queue of a reliable topic.
    pub const MAX_WAIT: Duration = Duration::from_secs(5);

    pub(crate) fn new(handle: Arc<Handle>, id: TopicId, topic: Topic, delivery: Delivery) -> Publisher {
        Publisher { handle, id, topic, delivery }
    }

    /// Publishes a binary message.
    ///
    /// It is sent before this returns, or waits in the topic's queue while the channel is being opened or the network
    /// is slower than the publisher; the answer says which. When the queue is full, a lossy topic drops its oldest
    /// message, and a reliable one blocks this call until there is room, for at most [`MAX_WAIT`](Self::MAX_WAIT).
    ///
    /// # Errors
    /// When the message was not taken: it is too large, the queue stayed full, the SFU refuses the topic, or the
    /// connection has ended.
    pub fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        self.publish_patiently(true, message)
    }

    /// [`publish`](Self::publish), but never waits: a full queue of a reliable topic is an error at once.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn try_publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        self.handle.shared.publish(self.id, true, message)
    }

    /// [`publish`](Self::publish), as text: subscribers in a browser get a string.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_text(&self, message: &str) -> Result<Accepted, PublishError> {
        self.publish_patiently(false, message.as_bytes())
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.topic.as_str()
    }

    fn publish_patiently(&self, binary: bool, message: &[u8]) -> Result<Accepted, PublishError> {
        let shared = &self.handle.shared;
        let result = shared.publish(self.id, binary, message);
        if !matches!(result, Err(PublishError::QueueFull { .. })) || !self.delivery.is_reliable() {
            return result;
        }
        let deadline = Instant::now().checked_add(Self::MAX_WAIT);
        loop {
            let waited = shared.wait_writable(self.id, deadline);
            let result = shared.publish(self.id, binary, message);
            // Another publisher may have taken the room.
            if !waited || !matches!(result, Err(PublishError::QueueFull { .. })) {
                return result;
            }
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
