//! How a subscription keeps what has not been received yet.

use std::time::Duration;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// What the transport promises; the publisher's is to be the same.
    pub delivery: Delivery,
    /// How messages are kept; `None`: [`Container::suited_to`] the delivery.
    pub container: Option<Container>,
    /// The age beyond which a message is not delivered; `None`: any age will do.
    pub stale_after: Option<Duration>,
    /// Whether a message's own stamp counts as well. `true` unless set.
    pub by_stamp: bool,
}

impl SubscribeOptions {
    /// Chooses how messages are kept.
    pub fn container(mut self, container: Container) -> SubscribeOptions {
        self.container = Some(container);
        self
    }

    /// Sets a deadline: a message that is older when it would be received is not delivered, but counted. Age counts from
    /// its arrival, or from the stamp in its `std_msgs.Header` if that says it is older.
    ///
    /// On a broker's bridge stamps are in **the robot's time**, on both sides: an operator stamps with the connection's
    /// `stamp()`, and the robot judges by its own clock, as DimOS does. Elsewhere it is taken that all clocks agree. A stamp
    /// more than 50 ms ahead is refused, as is one that is not newer than the last that was delivered of its type, so that
    /// nothing old can undo what overtook it, and a header without a stamp. What came before the connection or the operator
    /// was lost is not delivered either, nor what was stamped before an emergency stop (`estop` on `state_reliable`) arrived.
    /// [`TopicStats`](crate::TopicStats) counts each, and its `last_refusal` says why.
    ///
    /// When nothing younger has come for so long after a message, the subscriber is told once:
    /// [`RecvError::Stale`](crate::RecvError::Stale). For a robot that is the time to stop.
    pub fn stale_after(mut self, age: Duration) -> SubscribeOptions {
        self.stale_after = Some(age);
        self
    }

    /// Lets age count from a message's arrival alone, where clocks do not agree.
    pub fn by_arrival(mut self) -> SubscribeOptions {
        self.by_stamp = false;
        self
    }

    /// What was chosen, or what suits the delivery.
    pub(crate) fn chosen_container(&self) -> Container {
        self.container.unwrap_or_else(|| Container::suited_to(self.delivery))
    }
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Delivery::default().into()
    }
}

impl From<Delivery> for SubscribeOptions {
    fn from(delivery: Delivery) -> SubscribeOptions {
        SubscribeOptions { delivery, container: None, stale_after: None, by_stamp: true }
    }
}

impl From<Container> for SubscribeOptions {
    fn from(container: Container) -> SubscribeOptions {
        SubscribeOptions::default().container(container)
    }
}
