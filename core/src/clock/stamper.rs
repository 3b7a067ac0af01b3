//! Stamps that never go back.

use std::time::Duration;

/// How long stamps wait, microsecond by microsecond, for a clock that turns out to be behind the last one given out. Beyond
/// that it was set back.
const WAIT: u64 = 1_000_000;

/// Makes stamps of readings of a clock. They are in whole microseconds: a robot that keeps them as doubles cannot tell finer
/// ones apart.
#[derive(Debug, Default)]
pub(crate) struct Stamper {
    last: u64,
}

impl Stamper {
    /// The stamp at this time, in seconds since 1970, newer than any before.
    pub(crate) fn stamp(&mut self, unix: f64) -> Duration {
        // A cast saturates.
        let stamp = (unix * 1e6) as u64;
        let is_estimate = self.last.saturating_sub(stamp) < WAIT;
        self.last = if is_estimate { stamp.max(self.last.saturating_add(1)) } else { stamp };
        Duration::from_micros(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_newer_each_time_unless_the_clock_was_set_back() {
        let mut stamper = Stamper::default();
        let mut at = |unix: f64| stamper.stamp(unix).as_micros();
        assert_eq!([at(100.0), at(100.0), at(99.95), at(100.1)], [100_000_000, 100_000_001, 100_000_002, 100_100_000]);
        assert_eq!([at(98.0), at(98.0), at(-5.0)], [98_000_000, 98_000_001, 0]);
    }
}
