//! How messages wait for a transport: in bounded queues, one for each channel, which a pump empties in turns. A peer's topics
//! and the sessions of an SFU use the same.
//!
//! A [`Link`](crate::link::Link) takes little at a time, so that what it holds can still be replaced by newer state. What it
//! has no room for waits in a [`SendQueue`]; the [`Pump`] knows which queues have messages, and lets each write one before
//! any writes its next.

mod pump;
mod queue;

pub use self::pump::{Pump, Turn, WRITES_PER_DRAIN, Written};
pub use self::queue::{Overflow, Payload, Pushed, QueueLimits, SendQueue};
