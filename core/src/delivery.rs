//! What the transport promises for the messages of a topic.

use std::fmt;

use str0m::channel::Reliability as Partial;

/// The delivery policy of a topic. Publisher and subscribers must use the same one (Cloudflare's rule).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Delivery {
    /// Whether messages arrive in the order in which they were sent.
    pub ordered: bool,
    /// How long the transport tries to deliver one.
    pub reliability: Reliability,
}

/// How long the transport tries to deliver a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reliability {
    /// Until it arrives or the connection ends.
    Reliable,
    /// Until it was sent again this many times; 0 sends it once.
    MaxRetransmits(u16),
    /// For this many milliseconds. Near the round-trip time this sends each message many times over: prefer
    /// [`Delivery::LOSSY`].
    MaxPacketLifeTime(u16),
}

impl Delivery {
    /// Unordered, sent once: for state where the next message replaces this one. The default.
    pub const LOSSY: Delivery = Delivery { ordered: false, reliability: Reliability::MaxRetransmits(0) };

    /// Every message, in order: for commands and events.
    pub const RELIABLE: Delivery = Delivery { ordered: true, reliability: Reliability::Reliable };

    /// Any combination that the API knows.
    ///
    /// Ordered with few retransmits stalls for up to a second at each loss: prefer [`Delivery::LOSSY`].
    pub fn new(ordered: bool, reliability: Reliability) -> Delivery {
        Delivery { ordered, reliability }
    }

    /// Whether nothing may be lost on the way.
    pub fn is_reliable(self) -> bool {
        self.reliability == Reliability::Reliable
    }

    pub(crate) fn as_str0m(self) -> Partial {
        match self.reliability {
            Reliability::Reliable => Partial::Reliable,
            Reliability::MaxRetransmits(retransmits) => Partial::MaxRetransmits { retransmits },
            Reliability::MaxPacketLifeTime(lifetime) => Partial::MaxPacketLifetime { lifetime },
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery::LOSSY
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.ordered { "ordered" } else { "unordered" };
        match self.reliability {
            Reliability::Reliable => write!(f, "reliable {order} delivery"),
            Reliability::MaxRetransmits(n) => write!(f, "{order} delivery with {n} retransmits"),
            Reliability::MaxPacketLifeTime(ms) => write!(f, "{order} delivery within {ms} ms"),
        }
    }
}
