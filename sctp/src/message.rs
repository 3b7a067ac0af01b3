//! Messages, and what is promised of them.

use std::time::Duration;

use bytes::Bytes;

/// What a message is to its reader: the payload protocol identifiers of RFC 8831, section 8. That an empty message needs one
/// of its own is none of the caller's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// UTF-8, which is not checked here.
    Text,
    /// Bytes.
    Binary,
    /// A protocol identifier that WebRTC does not know.
    Other(u32),
}

/// Which part of a message some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// The beginning; more follows on this stream, before any other ordered message.
    First,
    /// What follows it.
    Middle,
    /// The end.
    Last,
    /// No bytes: the rest of the message does not come. Its sender has given it up.
    Aborted,
}

/// A message, or a part of a large one, from the far end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The stream on which it came.
    pub stream: u16,
    /// What it is.
    pub kind: Kind,
    /// Which part of the message; anything but [`Part::Whole`] only for messages larger than
    /// [`max_whole`](crate::Config::max_whole).
    pub part: Part,
    /// Whether it came on its own, without order. Parts of ordered and of unordered messages may alternate.
    pub unordered: bool,
    /// The message's number among those of its stream that came in parts, so that parts of unordered ones can be told apart.
    pub message: u32,
    /// The payload.
    pub bytes: Bytes,
}

/// When a message is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reliability {
    /// Never.
    #[default]
    Reliable,
    /// After it was sent again this often (RFC 7496, RFC 8831).
    Retransmits(u16),
    /// When this much time has passed since it was given to be sent (RFC 3758).
    Lifetime(Duration),
}

/// How messages of a stream are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Delivery {
    /// Whether they are received in the order in which they were sent.
    pub ordered: bool,
    /// When one is given up. Where the far end cannot (RFC 3758), never.
    pub reliability: Reliability,
    /// One that has waited this long here and of which nothing was sent yet is dropped; the far end never hears of it.
    pub max_age: Option<Duration>,
}

impl Default for Delivery {
    fn default() -> Delivery {
        Delivery { ordered: true, reliability: Reliability::Reliable, max_age: None }
    }
}

impl Delivery {
    /// Ordered and never given up.
    pub const fn reliable() -> Delivery {
        Delivery { ordered: true, reliability: Reliability::Reliable, max_age: None }
    }

    /// Unordered and sent once.
    pub const fn lossy() -> Delivery {
        Delivery { ordered: false, reliability: Reliability::Retransmits(0), max_age: None }
    }

    /// In order or not.
    #[must_use]
    pub const fn ordered(self, ordered: bool) -> Delivery {
        Delivery { ordered, ..self }
    }

    /// Given up like this.
    #[must_use]
    pub const fn reliability(self, reliability: Reliability) -> Delivery {
        Delivery { reliability, ..self }
    }

    /// Dropped when it has waited for so long before its first packet.
    #[must_use]
    pub const fn max_age(self, max_age: Option<Duration>) -> Delivery {
        Delivery { max_age, ..self }
    }
}

/// Which stream goes first when several have something to send: the highest number. Those of the same number take turns.
///
/// Without interleaving a message that has begun is finished first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub u16);

impl Priority {
    /// What may wait: W3C's `very-low` (RFC 8831, section 6.4).
    pub const BULK: Priority = Priority(128);
    /// W3C's `low`, which is its default.
    pub const NORMAL: Priority = Priority(256);
    /// W3C's `high`.
    pub const CONTROL: Priority = Priority(1024);
}

impl Default for Priority {
    fn default() -> Priority {
        Priority::NORMAL
    }
}

/// A data channel as its opener describes it (RFC 8832).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Channel {
    /// How its messages are sent. [`Delivery::max_age`] is not told to the far end.
    pub delivery: Delivery,
    /// Who goes first.
    pub priority: Priority,
    /// Its name.
    pub label: String,
    /// What is spoken on it.
    pub protocol: String,
}

impl Channel {
    /// A channel without a name.
    pub fn new(delivery: Delivery) -> Channel {
        Channel { delivery, ..Channel::default() }
    }

    /// Who goes first.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Channel {
        Channel { priority, ..self }
    }

    /// Its name: with the protocol at most [`MAX_NAMES`] bytes.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Channel {
        Channel { label: label.into(), ..self }
    }

    /// What is spoken on it.
    #[must_use]
    pub fn protocol(self, protocol: impl Into<String>) -> Channel {
        Channel { protocol: protocol.into(), ..self }
    }
}

/// How many bytes a channel's label and protocol may have together. A channel with more, from the far end, is closed.
pub const MAX_NAMES: usize = 1024;
