//! The time of day here, and at the far end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time of day, as a driver read it last. Core has no clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    at: Instant,
    unix: Duration,
}

impl WallClock {
    /// At the instant `at`, so much time had passed since 1970 (UTC).
    pub fn new(at: Instant, unix: Duration) -> WallClock {
        WallClock { at, unix }
    }

    /// When it was read.
    pub(crate) fn read_at(&self) -> Instant {
        self.at
    }

    /// Seconds since 1970 at another instant.
    pub fn unix(&self, now: Instant) -> f64 {
        match now.checked_duration_since(self.at) {
            Some(since) => (self.unix + since).as_secs_f64(),
            None => self.unix.saturating_sub(self.at.saturating_duration_since(now)).as_secs_f64(),
        }
    }
}

/// What is known of the clock at the far end of a broker's bridge, by pings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClockEstimate {
    /// The far clock minus the own one, in seconds.
    pub offset: f64,
    /// By how much that may be wrong, either way. A robot, which only sees pings arrive, does not know it unless the
    /// operator reports its round trip; it is zero then, and `offset` short by the fastest ping's way.
    pub uncertainty: Duration,
    /// What the fastest of the latest pings took there and back; zero where that is not known.
    pub round_trip: Duration,
    /// What the latest took.
    pub latest: Duration,
    /// Pings that this is from, so far.
    pub samples: u64,
}

/// Pings that an estimate goes by: the fastest of these. At two a second they are of the last half minute.
const WINDOW: usize = 64;

/// An estimate from round trips: a pong says what the far clock showed in the middle of one, give or take half of it.
#[derive(Debug, Default)]
pub(crate) struct RoundTrips {
    recent: VecDeque<(Duration, f64)>,
    samples: u64,
}

impl RoundTrips {
    /// A ping that left at the own time `sent` was answered at the far time `far`, and the answer took `round_trip` in all.
    pub(crate) fn note(&mut self, sent: f64, far: f64, round_trip: Duration) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back((round_trip, far - (sent + round_trip.as_secs_f64() / 2.0)));
        self.samples += 1;
    }

    pub(crate) fn estimate(&self) -> Option<ClockEstimate> {
        let latest = self.recent.back()?.0;
        let (round_trip, offset) = *self.recent.iter().min_by_key(|(round_trip, _)| *round_trip)?;
        Some(ClockEstimate { offset, uncertainty: round_trip / 2, round_trip, latest, samples: self.samples })
    }
}

/// Beyond this a time in a ping is none of the far end's clock, but a counter of some kind.
const PLAUSIBLE: f64 = 86_400.0;

/// An estimate from one way alone: of pings that say when they left, the fastest had the least delay.
#[derive(Debug, Default)]
pub(crate) struct OneWay {
    recent: VecDeque<f64>,
    round_trip: Duration,
    samples: u64,
}

impl OneWay {
    /// A ping that says it left at the far time `sent`, in seconds or milliseconds since 1970, arrived at the own time
    /// `arrived`.
    pub(crate) fn note(&mut self, sent: f64, arrived: f64) {
        let Some(lag) = [sent, sent / 1000.0].map(|sent| arrived - sent).into_iter().find(|lag| lag.abs() < PLAUSIBLE)
        else {
            return;
        };
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(lag);
        self.samples += 1;
    }

    /// The far end has measured a round trip.
    pub(crate) fn note_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    pub(crate) fn estimate(&self) -> Option<ClockEstimate> {
        let least = self.recent.iter().copied().min_by(f64::total_cmp)?;
        let half = self.round_trip / 2;
        Some(ClockEstimate {
            offset: half.as_secs_f64() - least,
            uncertainty: half,
            round_trip: self.round_trip,
            latest: self.round_trip,
            samples: self.samples,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the delays of each way, the true offset is within what the estimate says.
        #[test]
        fn an_estimate_is_as_wrong_as_it_says_at_most(
            offset in -1000.0f64..1000.0,
            ways in prop::collection::vec((0u64..300_000, 0u64..300_000), 1..200),
        ) {
            let mut trips = RoundTrips::default();
            for (n, (there, back)) in ways.iter().enumerate() {
                let sent = 1.8e9 + n as f64;
                let far = sent + *there as f64 / 1e6 + offset;
                trips.note(sent, far, Duration::from_micros(there + back));
            }
            let estimate = trips.estimate().expect("there are samples");
            prop_assert!((estimate.offset - offset).abs() <= estimate.uncertainty.as_secs_f64() + 1e-5);
            prop_assert_eq!(estimate.samples, ways.len() as u64);
            let latest: Vec<_> = ways.iter().rev().take(WINDOW).map(|(there, back)| there + back).collect();
            prop_assert_eq!(estimate.round_trip.as_micros() as u64, latest.iter().copied().min().expect("some"));
        }

        #[test]
        fn one_way_is_short_by_the_fastest_way(
            offset in -1000.0f64..1000.0,
            ways in prop::collection::vec(0u64..300_000, 1..64),
            in_milliseconds in any::<bool>(),
        ) {
            let mut pings = OneWay::default();
            for way in &ways {
                let unit = if in_milliseconds { 1000.0 } else { 1.0 };
                pings.note((1.8e9 + offset) * unit, 1.8e9 + *way as f64 / 1e6);
            }
            let least = *ways.iter().min().expect("some") as f64 / 1e6;
            let estimate = pings.estimate().expect("there are samples");
            prop_assert!((estimate.offset + least - offset).abs() < 1e-4, "{estimate:?}");
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_ignored() {
        let mut pings = OneWay::default();
        for sent in [0.0, -1.0, 12_345.678, f64::NAN, f64::INFINITY, 1e300] {
            pings.note(sent, 1.8e9);
        }
        assert_eq!(pings.estimate(), None);
    }
}
