//! What may happen so often, and a few times at once.

use std::time::{Duration, Instant};

/// A token bucket: each event takes a token, one comes back at a fixed pace, and there are never more than fit.
///
/// It keeps one time, that at which it is full again, so that it needs no timer and may be as old as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBucket {
    /// All but one: what may be missing for an event to be possible still.
    spare: Duration,
    each: Duration,
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens, one if that is zero, of which one comes back after `each`.
    pub fn new(burst: u32, each: Duration, now: Instant) -> TokenBucket {
        TokenBucket { spare: each.saturating_mul(burst.saturating_sub(1)), each, full_at: now }
    }

    /// When there is a token: `now`, if there is one already.
    pub fn ready_at(&self, now: Instant) -> Instant {
        self.full_at.checked_sub(self.spare).map_or(now, |at| at.max(now))
    }

    /// Takes a token if there is one, and says whether there was.
    pub fn take(&mut self, now: Instant) -> bool {
        let is_ready = self.ready_at(now) <= now;
        if is_ready {
            self.reserve(now);
        }
        is_ready
    }

    /// Takes a token in any case, and says when it is there. Those that are reserved come one after another.
    pub fn reserve(&mut self, now: Instant) -> Instant {
        let ready_at = self.ready_at(now);
        self.full_at = self.full_at.max(now) + self.each;
        ready_at
    }

    /// Whether all tokens are there, so that nothing is known that a new bucket would not know.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fifty_at_once_and_fifty_a_second() {
        let start = Instant::now() + Duration::from_secs(10);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut bucket = TokenBucket::new(50, Duration::from_millis(20), start);
        assert!((0..50).all(|_| bucket.reserve(start) == start));
        assert_eq!(bucket.reserve(start), at(20));
        assert_eq!(bucket.reserve(at(10)), at(40));
        assert!(!bucket.take(at(59)) && bucket.take(at(60)), "what is reserved is not there for others");
        assert!((0..50).all(|_| bucket.reserve(at(60_000)) == at(60_000)));
        assert_eq!(bucket.reserve(at(60_000)), at(60_020), "it does not overflow");
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_refill(
            burst in 1u32..80,
            each in 1u64..2_000,
            pauses in prop::collection::vec(0u64..5_000, 1..300),
        ) {
            let start = Instant::now();
            let each = Duration::from_micros(each);
            let (mut now, mut bucket, mut taken) = (start, TokenBucket::new(burst, each, start), Vec::new());
            for pause in pauses {
                now += Duration::from_micros(pause);
                let ready_at = bucket.ready_at(now);
                let is_taken = bucket.take(now);
                prop_assert_eq!(is_taken, ready_at <= now);
                prop_assert!(is_taken || taken.len() >= burst as usize);
                taken.extend(is_taken.then_some(now));
            }
            // Any `burst + n` of them take at least the time in which `n` come back.
            for (i, first) in taken.iter().enumerate() {
                for (n, later) in taken[i..].iter().skip(burst as usize).enumerate() {
                    prop_assert!(*later - *first >= each * (n as u32 + 1));
                }
            }
        }

        #[test]
        fn what_is_reserved_comes_at_the_pace_and_no_later(
            burst in 1usize..20,
            pauses in prop::collection::vec(0u64..50, 1..100),
        ) {
            let (start, each) = (Instant::now(), Duration::from_millis(10));
            let mut bucket = TokenBucket::new(burst as u32, each, start);
            let (mut now, mut asked) = (start, Vec::<Instant>::new());
            for pause in pauses {
                now += Duration::from_millis(pause);
                // Since any earlier one, as many have come back as were asked for beyond a burst.
                let beyond = |n: usize| (asked.len() - n).checked_sub(burst - 1);
                let due = (0..asked.len()).filter_map(|n| Some(asked[n] + each * beyond(n)? as u32)).max();
                prop_assert_eq!(bucket.reserve(now), due.map_or(now, |at| at.max(now)));
                prop_assert!(!bucket.is_full(now));
                asked.push(now);
            }
        }
    }
}
