//! How many calls a session may make: a token bucket that only knows when it will be full again.

use std::time::{Duration, Instant};

use crate::limits::CALLS_PER_SECOND;

/// What one call costs.
const CALL: Duration = Duration::from_nanos(1_000_000_000 / CALLS_PER_SECOND as u64);

/// What a full bucket holds.
const FULL: Duration = Duration::from_secs(1);

/// The calls that one session has left.
#[derive(Debug)]
pub(crate) struct Allowance {
    full_at: Instant,
}

impl Allowance {
    /// All of them.
    pub(crate) fn new(now: Instant) -> Allowance {
        Allowance { full_at: now }
    }

    /// Spends one call, and says when it may be made.
    pub(crate) fn spend(&mut self, now: Instant) -> Instant {
        self.full_at = self.full_at.max(now) + CALL;
        self.full_at.checked_sub(FULL).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_at_once_and_fifty_a_second() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut allowance = Allowance::new(start);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        assert!((0..50).all(|_| allowance.spend(start) == start));
        assert_eq!(allowance.spend(start), at(20));
        assert_eq!(allowance.spend(at(10)), at(40));
        assert!((0..50).all(|_| allowance.spend(at(60_000)) == at(60_000)));
        assert_eq!(allowance.spend(at(60_000)), at(60_020), "it does not overflow");
    }
}
