//! When to ask again: bounded, jittered backoff.

use std::time::{Duration, Instant};

use fastrand::Rng as Random;

use super::policy::{FIRST_DELAY, LONGEST_DELAY};

/// Doubling delays with jitter: attempt `n` waits between half and all of 100 ms times 2ⁿ, at most 2 s unless set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff::up_to(LONGEST_DELAY)
    }
}

impl Backoff {
    /// With another longest delay.
    pub const fn up_to(longest: Duration) -> Backoff {
        Backoff::between(FIRST_DELAY, longest)
    }

    /// With another first and another longest delay.
    pub const fn between(first: Duration, longest: Duration) -> Backoff {
        Backoff { attempts: 0, first, longest }
    }

    /// How many tries have failed since the last success.
    pub fn attempts(self) -> u32 {
        self.attempts
    }

    /// Notes a failed try and says when the next one is due.
    pub fn failed(&mut self, now: Instant, rng: &mut Random) -> Instant {
        let delay = self.first.saturating_mul(1 << self.attempts.min(10)).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        let micros = delay.as_micros() as u64;
        now + Duration::from_micros(rng.u64(micros / 2..=micros))
    }

    /// Starts over after a success.
    pub fn succeeded(&mut self) {
        self.attempts = 0;
    }
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
                let most = FIRST_DELAY.saturating_mul(1 << n.min(10)).min(LONGEST_DELAY);
                prop_assert!(wait >= most / 2 - Duration::from_micros(1) && wait <= most, "try {}: {:?}", n, wait);
            }
            prop_assert_eq!(backoff.attempts(), tries);
        }
    }
}
