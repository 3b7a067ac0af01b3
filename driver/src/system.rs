//! What the system knows and core does not: the time of day, and chance.

use std::hash::{BuildHasher, RandomState};
#[cfg(feature = "teleop")]
use std::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use farwire_core::WallClock;

/// The time of day.
pub(crate) fn wall_clock() -> WallClock {
    WallClock::read(Instant::now, || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The time since 1970.
#[cfg(feature = "teleop")]
pub(crate) fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The operating system's randomness, by way of the keys that the standard library draws for its hash maps.
pub(crate) fn draw_seed() -> u64 {
    RandomState::new().hash_one(0)
}
