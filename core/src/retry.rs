//! When to ask again: bounded, jittered backoff, and a bound on requests per second.

use std::time::{Duration, Instant};

use fastrand::Rng as Random;

use crate::bucket::TokenBucket;

/// The shortest delay before another try.
const FIRST: Duration = Duration::from_millis(100);

/// The longest delay before another try.
const LONGEST: Duration = Duration::from_secs(2);

/// Doubling delays with jitter: attempt `n` waits between half and all of 100 ms times 2ⁿ, at most 2 s unless set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff::up_to(LONGEST)
    }
}

impl Backoff {
    /// With another longest delay.
    pub(crate) const fn up_to(longest: Duration) -> Backoff {
        Backoff::between(FIRST, longest)
    }

    /// With another first and another longest delay.
    pub(crate) const fn between(first: Duration, longest: Duration) -> Backoff {
        Backoff { attempts: 0, first, longest }
    }

    /// How many tries have failed since the last success.
    pub(crate) fn attempts(self) -> u32 {
        self.attempts
    }

    /// Notes a failed try and says when the next one is due.
    pub(crate) fn failed(&mut self, now: Instant, rng: &mut Random) -> Instant {
        let delay = self.first.saturating_mul(1 << self.attempts.min(10)).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        let micros = delay.as_micros() as u64;
        now + Duration::from_micros(rng.u64(micros / 2..=micros))
    }

    /// Starts over after a success.
    pub(crate) fn succeeded(&mut self) {
        self.attempts = 0;
    }
}

/// Cloudflare's bound on API requests per second and session.
const REQUESTS_PER_SECOND: u32 = 50;

/// What comes back in a second once a burst is used up; burst and refill together stay within the bound in any second.
const REFILL: u32 = 40;

/// What keeps one session within the API's bound.
pub(crate) fn request_bucket(now: Instant) -> TokenBucket {
    TokenBucket::new(REQUESTS_PER_SECOND - REFILL + 1, Duration::from_secs(1) / REFILL, now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn backoff_is_bounded_and_jittered(seed in any::<u64>(), tries in 1u32..40) {
            let now = Instant::now();
            let (mut rng, mut backoff) = (Random::with_seed(seed), Backoff::default());
            for n in 0..tries {
                let wait = backoff.failed(now, &mut rng) - now;
                let most = FIRST.saturating_mul(1 << n.min(10)).min(LONGEST);
                prop_assert!(wait >= most / 2 - Duration::from_micros(1) && wait <= most, "try {}: {:?}", n, wait);
            }
            prop_assert_eq!(backoff.attempts(), tries);
        }

        #[test]
        fn never_more_than_the_bound_in_any_second(pauses in prop::collection::vec(0u64..100, 1..200)) {
            let start = Instant::now();
            let (mut now, mut limit, mut sent) = (start, request_bucket(start), Vec::new());
            for pause in pauses {
                now += Duration::from_millis(pause);
                now = limit.reserve(now);
                sent.push(now);
            }
            for (i, first) in sent.iter().enumerate() {
                let within = sent[i..].iter().take_while(|t| **t - *first < Duration::from_secs(1)).count();
                prop_assert!(within <= REQUESTS_PER_SECOND as usize, "{} in a second", within);
            }
        }
    }
}
