//! The far end's clock, as who is only pinged can know it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::ClockEstimate;

/// Pings that an estimate goes by.
const WINDOW: usize = 64;

/// Times of day in seconds since 1970, from 2001 to 2286. A counter of some kind is hardly ever among them.
const SECONDS: Range<f64> = 1e9..1e10;

/// The same in milliseconds, as browsers tell them.
const MILLISECONDS: Range<f64> = 1e12..1e13;

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
        let sent = match sent {
            sent if SECONDS.contains(&sent) => sent,
            sent if MILLISECONDS.contains(&sent) => sent / 1e3,
            _ => return,
        };
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(arrived - sent);
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
        #[test]
        fn one_way_is_short_by_the_fastest_way(
            offset in -1e8f64..1e8,
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
        for sent in [0.0, -1.0, 12_345.678, 86_400_000.0, f64::NAN, f64::INFINITY, 1e300] {
            pings.note(sent, 1.8e9);
        }
        assert_eq!(pings.estimate(), None);
    }
}
