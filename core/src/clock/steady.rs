//! A time of day that does not jump while somebody goes by it.

use std::time::{Duration, Instant};

use super::WallClock;

/// Between two readings, a difference beyond this is a clock that was set; below it may be the reading's own.
const SET_BEYOND: f64 = 0.1;

/// The system's clock as it was when it was last followed, and from there on by the monotonic clock.
///
/// An operator has learnt by pings what time a robot has, and stamps its commands by that. If the robot went by its
/// system's clock at every moment, setting that clock would make every command stale, or one that is long stale fresh.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    kept: WallClock,
    system: WallClock,
    is_read: bool,
}

impl SteadyClock {
    pub(crate) fn new(now: Instant) -> SteadyClock {
        let clock = WallClock::new(now, Duration::ZERO);
        SteadyClock { kept: clock, system: clock, is_read: false }
    }

    /// Takes a reading of the system's clock. `Some`: it was set by so many seconds since the last one.
    pub(crate) fn read(&mut self, system: WallClock) -> Option<f64> {
        let by = system.ahead_of(&self.system);
        self.system = system;
        (std::mem::replace(&mut self.is_read, true) && by.abs() > SET_BEYOND).then_some(by)
    }

    /// Follows the system's clock from now on. `Some`: this one jumps by so many seconds for it.
    pub(crate) fn follow(&mut self) -> Option<f64> {
        let by = self.system.ahead_of(&self.kept);
        self.kept = self.system;
        (by.abs() > SET_BEYOND).then_some(by)
    }

    /// The time of day to go by.
    pub(crate) fn kept(&self) -> WallClock {
        self.kept
    }

    /// When the system's clock was read last.
    pub(crate) fn read_at(&self) -> Instant {
        self.system.read_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_and_not_followed_until_told() {
        let start = Instant::now();
        let mut clock = SteadyClock::new(start);
        let second = Duration::from_secs(1);
        assert_eq!(clock.read(WallClock::new(start, 1000 * second)), None, "the first reading sets nothing");
        assert_eq!(clock.follow(), Some(1000.0));
        // The reading's own error is none of the clock.
        assert_eq!(clock.read(WallClock::new(start + second, 1001 * second + Duration::from_millis(30))), None);
        let by = clock.read(WallClock::new(start + 2 * second, 1007 * second)).expect("it was set");
        assert!((by - 4.97).abs() < 1e-6, "{by}");
        assert_eq!(clock.read(WallClock::new(start + 3 * second, 1008 * second)), None, "told once");
        assert_eq!(clock.kept().unix(start + 3 * second), 1003.0);
        assert_eq!(clock.follow(), Some(5.0));
        assert_eq!(clock.kept().unix(start + 4 * second), 1009.0);
        assert_eq!(clock.read(WallClock::new(start + 4 * second, 9 * second)), Some(-1000.0));
        assert_eq!((clock.follow(), clock.follow()), (Some(-1000.0), None));
    }
}
