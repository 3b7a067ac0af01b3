//! The sending end of a topic.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use farwire_core::{Accepted, Content, Delivery, EndReason, PublishError, Raw, Topic, TopicId};

use crate::engine::Engine;
use crate::lease::Lease;
use crate::platform::Driver;

/// Publishes one topic. It keeps the connection open.
pub struct Publisher<D: Driver, T: Content = Raw> {
    lease: Arc<Lease<D>>,
    id: TopicId,
    topic: Topic,
    delivery: Delivery,
    content: PhantomData<fn(T)>,
}

impl<D: Driver, T: Content> Publisher<D, T> {
    pub(crate) fn new(lease: Arc<Lease<D>>, id: TopicId, topic: Topic, delivery: Delivery) -> Publisher<D, T> {
        Publisher { lease, id, topic, delivery, content: PhantomData }
    }

    /// The connection.
    pub fn engine(&self) -> &Engine<D> {
        self.lease.engine()
    }

    /// The topic.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The topic's number on its connection.
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// How the topic is delivered.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The bytes of a message.
    ///
    /// # Errors
    /// [`PublishError::Encode`], when the message cannot be encoded.
    pub fn bytes<'a>(&self, message: &'a T::Sent) -> Result<Cow<'a, [u8]>, PublishError> {
        T::write(message).map_err(|error| PublishError::Encode { topic: self.topic.clone(), error })
    }

    /// Publishes bytes without waiting for room.
    ///
    /// # Errors
    /// When the message was not taken; see [`PublishError`].
    pub fn publish(&self, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        self.check()?;
        self.engine().act(|client, now| client.publish(now, self.id, binary, bytes))
    }

    /// Whether the share in the connection is still there.
    ///
    /// # Errors
    /// [`PublishError::Ended`], for that it was closed.
    pub fn check(&self) -> Result<(), PublishError> {
        if self.lease.is_closed() { Err(self.ended()) } else { Ok(()) }
    }

    /// The error for that the connection is over.
    pub fn ended(&self) -> PublishError {
        PublishError::Ended { topic: self.topic.clone(), reason: self.lease.ended().unwrap_or(EndReason::Closed) }
    }
}

impl<D: Driver, T: Content> Clone for Publisher<D, T> {
    fn clone(&self) -> Self {
        Publisher::new(Arc::clone(&self.lease), self.id, self.topic.clone(), self.delivery)
    }
}

impl<D: Driver, T: Content> fmt::Debug for Publisher<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
