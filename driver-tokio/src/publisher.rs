//! The sending end of a topic.

use farwire_core::{Accepted, Content, PublishError};

use crate::tasks::Tasks;
use crate::wait::wait_until;

farwire_driver::publisher! {
    /// Publishes one topic. Clones publish the same topic, in whatever order their tasks get to it.
    Tasks;
    ///
    /// [`publish`](Self::publish) never waits, and needs no runtime. When the queue of a reliable topic is full it refuses the
    /// message: wait until it is [`ready`](Self::ready).
}

impl<T: Content> Publisher<T> {
    /// Waits until the topic's queue has room, if it was full. Other publishers of the topic may take it first.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn ready(&self) -> Result<(), PublishError> {
        self.inner.check()?;
        let id = self.inner.id();
        match wait_until(self.inner.engine(), |client| client.is_writable(id)).await {
            true => Ok(()),
            false => Err(self.inner.ended()),
        }
    }

    fn publish_bytes(&self, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        self.inner.publish(binary, bytes)
    }
}
