//! The far end's clock, by round trips.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::ClockEstimate;

/// Pings that an estimate goes by. At two a second they are of the last half minute.
const WINDOW: usize = 64;

/// How far two clocks may drift apart, in seconds a second: as fast as a system's clock is slewed to the right time at most.
const DRIFT: f64 = 500e-6;

/// What rounding may do to the times in messages, in seconds. Some clocks tell milliseconds.
const ROUNDING: f64 = 0.001;

/// An estimate from round trips: a pong says what the far clock showed in the middle of one, give or take half of it.
#[derive(Debug, Default)]
pub(crate) struct RoundTrips {
    recent: VecDeque<Sample>,
    samples: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    offset: f64,
    round_trip: Duration,
}

impl Sample {
    /// By how much its offset may be wrong by now.
    fn uncertainty(&self, now: Instant) -> f64 {
        self.round_trip.as_secs_f64() / 2.0 + now.saturating_duration_since(self.at).as_secs_f64() * DRIFT
    }
}

impl RoundTrips {
    /// A ping that left at the own time `sent` was answered at the far time `far`, and the answer took `round_trip` in all.
    ///
    /// `Some`: the far clock was set, by so many seconds, since what this one shows cannot be true of the same clock as what
    /// was known. What was known before is forgotten then.
    pub(crate) fn note(&mut self, now: Instant, sent: f64, far: f64, round_trip: Duration) -> Option<f64> {
        let new = Sample { at: now, offset: far - (sent + round_trip.as_secs_f64() / 2.0), round_trip };
        let best = self.best(now);
        let is_other =
            |old: &Sample| (new.offset - old.offset).abs() > new.uncertainty(now) + old.uncertainty(now) + ROUNDING;
        let set_by = best.filter(|_| self.recent.iter().any(is_other)).map(|best| new.offset - best.offset);
        if set_by.is_some() {
            self.recent.clear();
        }
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(new);
        self.samples += 1;
        set_by
    }

    /// What is known now; an old sample is worth less, since clocks drift.
    pub(crate) fn estimate(&self, now: Instant) -> Option<ClockEstimate> {
        let (latest, best) = (self.recent.back()?, self.best(now)?);
        Some(ClockEstimate {
            offset: best.offset,
            uncertainty: Duration::try_from_secs_f64(best.uncertainty(now)).unwrap_or_default(),
            round_trip: self.recent.iter().map(|sample| sample.round_trip).min()?,
            latest: latest.round_trip,
            samples: self.samples,
        })
    }

    fn best(&self, now: Instant) -> Option<Sample> {
        self.recent.iter().min_by(|a, b| a.uncertainty(now).total_cmp(&b.uncertainty(now))).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ping every so many milliseconds, by these ways there and back in microseconds, against a clock that is `offset`
    /// ahead and drifts.
    fn run(
        trips: &mut RoundTrips,
        start: Instant,
        first: u32,
        ways: &[(u64, u64)],
        offset: f64,
        drift: f64,
    ) -> (Instant, f64, Vec<f64>) {
        let (mut now, mut truth, mut sets) = (start, offset, Vec::new());
        for (n, (there, back)) in (first..).zip(ways) {
            let sent_at = start + Duration::from_millis(500) * n;
            let elapsed = |at: Instant| at.saturating_duration_since(start).as_secs_f64();
            let sent = 1.8e9 + elapsed(sent_at);
            let heard_at = sent_at + Duration::from_micros(*there);
            now = heard_at + Duration::from_micros(*back);
            truth = offset + elapsed(now) * drift;
            let far = 1.8e9 + elapsed(heard_at) + offset + elapsed(heard_at) * drift;
            sets.extend(trips.note(now, sent, far, Duration::from_micros(there + back)));
        }
        (now, truth, sets)
    }

    fn ways() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..300_000, 0u64..300_000), 1..100)
    }

    proptest! {
        /// Whatever the delays of each way, the true offset is within what the estimate says, and no clock counts as set.
        #[test]
        fn an_estimate_is_as_wrong_as_it_says_at_most(
            offset in -1000.0f64..1000.0,
            drift in -DRIFT..DRIFT,
            ways in ways(),
            later in 0u64..60,
        ) {
            let (start, mut trips) = (Instant::now(), RoundTrips::default());
            let (now, truth, sets) = run(&mut trips, start, 0, &ways, offset, drift);
            prop_assert!(sets.is_empty(), "{sets:?}");
            let later = Duration::from_secs(later);
            let (now, truth) = (now + later, truth + later.as_secs_f64() * drift);
            let estimate = trips.estimate(now).expect("there are samples");
            prop_assert!((estimate.offset - truth).abs() <= estimate.uncertainty.as_secs_f64() + 1e-5, "{estimate:?}");
            prop_assert_eq!(estimate.samples, ways.len() as u64);
            let latest: Vec<_> = ways.iter().rev().take(WINDOW).map(|(there, back)| there + back).collect();
            prop_assert_eq!(estimate.round_trip.as_micros() as u64, latest.iter().copied().min().expect("some"));
        }

        /// A far clock that is set is known anew from the first pong that shows it, if the step is more than delays explain.
        #[test]
        fn a_clock_that_was_set_is_known_at_the_next_pong(
            step in prop_oneof![-1e6f64..-1.3, 1.3f64..1e6],
            before in ways(),
            there in 0u64..300_000,
            back in 0u64..300_000,
        ) {
            let (start, mut trips) = (Instant::now(), RoundTrips::default());
            run(&mut trips, start, 0, &before, 7.0, 0.0);
            let (now, truth, sets) = run(&mut trips, start, before.len() as u32, &[(there, back)], 7.0 + step, 0.0);
            prop_assert_eq!(sets.len(), 1);
            prop_assert!((sets[0] - step).abs() < 0.7, "{sets:?}");
            let estimate = trips.estimate(now).expect("there is one");
            prop_assert!((estimate.offset - truth).abs() <= estimate.uncertainty.as_secs_f64() + 1e-5, "{estimate:?}");
        }
    }

    #[test]
    fn on_a_fast_network_even_a_small_step_is_seen() {
        let (start, mut trips) = (Instant::now(), RoundTrips::default());
        run(&mut trips, start, 0, &[(200, 200); 20], 0.0, 0.0);
        let (.., sets) = run(&mut trips, start, 20, &[(200, 200)], 0.05, 0.0);
        assert_eq!(sets.len(), 1);
    }
}
