//! What `farwire robot` and `farwire drive` have in common: which broker, with what key, and how to dial it.

mod credential;
mod dial;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use self::credential::{Broker, Credential, Side};
pub(crate) use self::dial::{ATTEMPT, dial, ended};

/// The time since 1970.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
