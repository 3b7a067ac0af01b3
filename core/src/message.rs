//! What a subscription receives.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

use crate::{Payload, Topic};

/// A received message. It dereferences to its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    topic: Topic,
    payload: Payload,
}

impl Message {
    /// A message of a topic.
    pub fn new(topic: Topic, payload: Payload) -> Message {
        Message { topic, payload }
    }

    /// The topic that it came on.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Whether the publisher sent it as text, not as binary.
    pub fn is_text(&self) -> bool {
        !self.payload.binary
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.payload.bytes
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.payload.bytes
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.payload.bytes
    }
}

/// Shows the topic, the length and the kind; messages may be large or private.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_text() { "text" } else { "binary" };
        write!(f, "Message({:?}, {} bytes of {kind})", self.topic, self.len())
    }
}
