//! What a topic carries, as its publishers and subscribers in this process see it.

use std::borrow::Cow;

use crate::demux::MessageType;
#[cfg(feature = "lcm")]
use crate::lcm;
use crate::lcm::{DecodeError, EncodeError};
use crate::{ConnectionEvent, Held, Message, Topic};

/// Bytes as they are: what a driver's publisher and subscription are for unless they name a message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {}

/// The names of topics instead of what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicNames {}

/// What happens to the connection instead of what topics carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {}

/// What a subscription can be for: [`Raw`], any LCM message type, [`TopicNames`], or [`Events`].
pub trait Receive: 'static {
    /// What is received: a [`Message`], the message type, a [`Topic`], or a [`ConnectionEvent`].
    type Received: Send + 'static;

    /// What waits in the subscription's mailbox until it is received: a [`Message`] for all that come on topics.
    type Held: Held;

    /// The only messages that are for such a subscription; `None`: all.
    const KIND: Option<MessageType>;

    /// Makes what is received of what waited.
    ///
    /// # Errors
    /// When a message has the type's fingerprint and is none of it.
    fn read(held: Self::Held) -> Result<Self::Received, DecodeError>;
}

/// What a publisher can be for: [`Raw`], or any LCM message type.
///
/// Both ends choose for themselves, since what is on the wire is the same: a typed message is its bytes.
pub trait Content: Receive<Held = Message> {
    /// What is published: `[u8]`, or the message type.
    type Sent: ?Sized;

    /// The bytes of what is published.
    ///
    /// # Errors
    /// When it has no encoding.
    fn write(sent: &Self::Sent) -> Result<Cow<'_, [u8]>, EncodeError>;
}

impl Receive for Raw {
    type Received = Message;
    type Held = Message;

    const KIND: Option<MessageType> = None;

    fn read(message: Message) -> Result<Message, DecodeError> {
        Ok(message)
    }
}

impl Content for Raw {
    type Sent = [u8];

    fn write(sent: &[u8]) -> Result<Cow<'_, [u8]>, EncodeError> {
        Ok(Cow::Borrowed(sent))
    }
}

impl Receive for TopicNames {
    type Received = Topic;
    type Held = Topic;

    const KIND: Option<MessageType> = None;

    fn read(topic: Topic) -> Result<Topic, DecodeError> {
        Ok(topic)
    }
}

impl Receive for Events {
    type Received = ConnectionEvent;
    type Held = ConnectionEvent;

    const KIND: Option<MessageType> = None;

    fn read(event: ConnectionEvent) -> Result<ConnectionEvent, DecodeError> {
        Ok(event)
    }
}

#[cfg(feature = "lcm")]
impl<T: lcm::Message + Send + 'static> Receive for T {
    type Received = T;
    type Held = Message;

    const KIND: Option<MessageType> = Some(MessageType::of::<T>());

    fn read(message: Message) -> Result<T, DecodeError> {
        T::decode(&message)
    }
}

#[cfg(feature = "lcm")]
impl<T: lcm::Message + Send + 'static> Content for T {
    type Sent = T;

    fn write(sent: &T) -> Result<Cow<'_, [u8]>, EncodeError> {
        sent.to_bytes().map(Cow::Owned)
    }
}
