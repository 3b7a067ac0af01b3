//! What a topic carries, as its publishers and subscribers in this process see it.

use std::borrow::Cow;

use farwire_core::demux::MessageType;
use farwire_core::lcm::{self, DecodeError, EncodeError};

use crate::Message;

/// Bytes as they are: what a [`Publisher`](crate::Publisher) and a [`Subscription`](crate::Subscription) are for unless
/// they name a message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {}

/// What a handle can be for: [`Raw`], or any LCM message type.
///
/// Both ends choose for themselves, since what is on the wire is the same: a typed message is its bytes.
pub trait Content: sealed::Codec<Self::Sent, Self::Received> + 'static {
    /// What is published: `[u8]`, or the message type.
    type Sent: ?Sized;
    /// What is received: a [`Message`], or the message type.
    type Received;
}

impl Content for Raw {
    type Sent = [u8];
    type Received = Message;
}

impl<T: lcm::Message + 'static> Content for T {
    type Sent = T;
    type Received = T;
}

pub(crate) mod sealed {
    use super::{Cow, DecodeError, EncodeError, Message, MessageType, Raw, lcm};

    /// How what is sent becomes bytes, and bytes what is received.
    pub trait Codec<Sent: ?Sized, Received>: Sized {
        /// The only messages that are received; `None`: all.
        const KIND: Option<MessageType>;

        fn write(sent: &Sent) -> Result<Cow<'_, [u8]>, EncodeError>;
        fn read(message: Message) -> Result<Received, DecodeError>;
    }

    impl Codec<[u8], Message> for Raw {
        const KIND: Option<MessageType> = None;

        fn write(sent: &[u8]) -> Result<Cow<'_, [u8]>, EncodeError> {
            Ok(Cow::Borrowed(sent))
        }

        fn read(message: Message) -> Result<Message, DecodeError> {
            Ok(message)
        }
    }

    impl<T: lcm::Message> Codec<T, T> for T {
        const KIND: Option<MessageType> = Some(MessageType::of::<T>());

        fn write(sent: &T) -> Result<Cow<'_, [u8]>, EncodeError> {
            sent.to_bytes().map(Cow::Owned)
        }

        fn read(message: Message) -> Result<T, DecodeError> {
            T::decode(&message)
        }
    }
}
