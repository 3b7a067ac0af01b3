//! What a user configures, from which a provider is made for each attempt to connect.

use std::any::Any;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::time::Instant;

use super::Provider;
use crate::EndReason;
use crate::signalling::Retry;

/// One attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Counted from 0 on one connection.
    pub number: u32,
    /// Whether the connection was up before.
    pub was_up: bool,
    /// For whatever is to be random; the same in each attempt.
    pub seed: u64,
    /// The same in each attempt, and another number on every other connection, by which a server may tell them apart.
    /// It tells nothing of the seed.
    pub connection: u64,
    /// When it begins.
    pub now: Instant,
}

/// What a user configures: with whom to connect and how. Two that are equal may share one connection.
pub trait Connect: Debug + Send + Sync + Same {
    /// The URL that is faced: a driver looks up its host, to see from which of its addresses it is reached.
    fn url(&self) -> &str;

    /// How many transports a connection has, each with a UDP socket of its own: 1 to
    /// [`MAX_TRANSPORTS`](crate::MAX_TRANSPORTS).
    fn transports(&self) -> usize {
        1
    }

    /// Whether to reconnect when a connection that was up is lost.
    fn reconnects(&self) -> bool {
        true
    }

    /// The signalling of an attempt.
    fn provider(&self, attempt: &Attempt) -> Box<dyn Provider>;

    /// Whether reconnecting helps after such an end.
    fn judge(&self, end: &EndReason) -> Retry {
        Retry::after(end)
    }
}

/// Equality and hash of what is behind a trait object; everything that is `Eq` and `Hash` has them.
pub trait Same: Any {
    /// Whether the other one is of the same type, and equal.
    fn is_same(&self, other: &dyn Any) -> bool;

    /// Adds it to a hash.
    fn add_to(&self, hasher: &mut dyn Hasher);

    /// For [`Same::is_same`].
    fn as_any(&self) -> &dyn Any;
}

impl<T: Any + Eq + Hash> Same for T {
    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }

    fn add_to(&self, mut hasher: &mut dyn Hasher) {
        self.hash(&mut hasher);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
