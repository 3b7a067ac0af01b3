//! How a subscription keeps what has not been received yet.

use crate::Delivery;

/// The bound of a subscription's mailbox, and what happens when that is reached.
///
/// ```
/// use farwire_core::{Container, WhenFull};
///
/// let history = Container::queue(100, WhenFull::DropNewest);
/// let newest = Container::ring(1);
/// let frames = Container::ring(30).bytes(4 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Container {
    /// Messages at most, at least 1.
    pub messages: usize,
    /// Bytes of payload at most, unless a single message is larger: 64 MiB unless set. A larger message is kept alone.
    pub bytes: usize,
    /// What gives way.
    pub when_full: WhenFull,
}

/// What gives way when a subscription's mailbox is full. Each message that is dropped is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// The oldest messages. On a reliable topic the receiver is told of the gap.
    DropOldest,
    /// The message that has just come. On a reliable topic the receiver is told of the gap.
    DropNewest,
    /// The subscription: it ends with an error after what it holds.
    Close,
    /// The oldest messages, of which no receiver is told: it wants the newest.
    Replace,
}

impl Container {
    const MAX_BYTES: usize = 64 << 20;

    /// A queue of so many messages.
    pub fn queue(messages: usize, when_full: WhenFull) -> Container {
        Container { messages: messages.max(1), bytes: Container::MAX_BYTES, when_full }
    }

    /// A ring of the so many latest messages.
    pub fn ring(messages: usize) -> Container {
        Container::queue(messages, WhenFull::Replace)
    }

    /// Sets the bound in bytes of payload.
    pub fn bytes(mut self, bytes: usize) -> Container {
        self.bytes = bytes;
        self
    }

    /// What a subscription has unless it chooses: on a reliable topic a queue of 65,536 messages and 64 MiB, since every
    /// message counts and a receiver may be late by much; on any other 1,024 messages and 8 MiB, since newer state
    /// replaces older. The oldest give way.
    pub fn suited_to(delivery: Delivery) -> Container {
        if delivery.is_reliable() {
            Container::queue(65_536, WhenFull::DropOldest)
        } else {
            Container::queue(1024, WhenFull::DropOldest).bytes(8 << 20)
        }
    }
}

/// How to subscribe. A [`Delivery`] alone will do where the rest is as usual.
///
/// ```
/// use farwire_core::{Container, Delivery, SubscribeOptions};
///
/// let options = SubscribeOptions::from(Delivery::RELIABLE).container(Container::ring(10));
/// # assert_eq!(options.delivery, Delivery::RELIABLE);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// What the transport promises; the publisher's is to be the same.
    pub delivery: Delivery,
    /// How messages are kept; `None`: [`Container::suited_to`] the delivery.
    pub container: Option<Container>,
}

impl SubscribeOptions {
    /// Chooses how messages are kept.
    pub fn container(mut self, container: Container) -> SubscribeOptions {
        self.container = Some(container);
        self
    }

    /// What was chosen, or what suits the delivery.
    pub(crate) fn chosen_container(&self) -> Container {
        self.container.unwrap_or_else(|| Container::suited_to(self.delivery))
    }
}

impl From<Delivery> for SubscribeOptions {
    fn from(delivery: Delivery) -> SubscribeOptions {
        SubscribeOptions { delivery, container: None }
    }
}

impl From<Container> for SubscribeOptions {
    fn from(container: Container) -> SubscribeOptions {
        SubscribeOptions::default().container(container)
    }
}
