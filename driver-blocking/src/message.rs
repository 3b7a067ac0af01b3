//! What a subscription receives.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use farwire_core::Payload;

/// A received message. It dereferences to its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Payload);

impl Message {
    pub(crate) fn new(payload: Payload) -> Message {
        Message(payload)
    }

    /// Whether the publisher sent it as text, not as binary.
    pub fn is_text(&self) -> bool {
        !self.0.binary
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0.bytes
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// Shows the length and the kind; messages may be large or private.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_text() { "text" } else { "binary" };
        write!(f, "Message({} bytes of {kind})", self.len())
    }
}
