//! The time of day here and at the far end, and the one that stamps are in.

mod one_way;
mod round_trips;
mod stamper;
mod steady;
mod warning;

use std::time::{Duration, Instant};

pub(crate) use self::one_way::OneWay;
pub(crate) use self::round_trips::RoundTrips;
pub(crate) use self::stamper::Stamper;
pub(crate) use self::steady::SteadyClock;
pub(crate) use self::warning::ClockWarning;

/// Clocks that are further apart than this are worth telling a person: commands are stamped right all the same, but
/// logs and certificates will not agree.
pub(crate) const APART: f64 = 60.0;

/// The time of day, as a driver read it last. Core has no clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    at: Instant,
    unix: Duration,
}

/// Readings of the two clocks that took longer than this, one after the other, are repeated.
const READ_WITHIN: Duration = Duration::from_millis(1);

impl WallClock {
    /// At the instant `at`, so much time had passed since 1970 (UTC).
    pub fn new(at: Instant, unix: Duration) -> WallClock {
        WallClock { at, unix }
    }

    /// Reads both clocks as close to each other as the system lets one: a thread that was put aside in between would
    /// show a clock that was set. `instant` and `unix` read the monotonic clock and the time since 1970; each is
    /// called a few times at most.
    pub fn read(mut instant: impl FnMut() -> Instant, mut unix: impl FnMut() -> Duration) -> WallClock {
        let mut read = || {
            let before = instant();
            let unix = unix();
            let took = instant().saturating_duration_since(before);
            (took, WallClock::new(before + took / 2, unix))
        };
        let mut best = read();
        for _ in 0..3 {
            if best.0 <= READ_WITHIN {
                break;
            }
            let next = read();
            if next.0 < best.0 {
                best = next;
            }
        }
        best.1
    }

    /// When it was read.
    pub(crate) fn read_at(&self) -> Instant {
        self.at
    }

    /// By how many seconds it is ahead of another one.
    pub(crate) fn ahead_of(&self, other: &WallClock) -> f64 {
        self.unix(self.at) - other.unix(self.at)
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

/// The clock that stamps are in, as seen from the own one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StampClock {
    /// What it shows more than the own one, in seconds.
    pub offset: f64,
    /// By how much that may be wrong.
    pub uncertainty: Duration,
}
