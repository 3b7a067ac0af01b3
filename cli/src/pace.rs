//! Ticks at a fixed rate.

use std::time::{Duration, Instant};

/// After a longer stall the missed ticks are left out instead of being made up for in one burst.
const MAX_LAG: Duration = Duration::from_secs(1);

/// Deadlines at `hz`, each counted from the start, so that lateness of one tick never shifts the next.
pub(crate) struct Pace {
    start: Instant,
    hz: f64,
    ticks: u64,
}

impl Pace {
    pub(crate) fn new(start: Instant, hz: f64) -> Pace {
        Pace { start, hz, ticks: 0 }
    }

    /// When the next tick is due; it may have passed already.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        let mut due = self.start + Duration::from_secs_f64(self.ticks as f64 / self.hz);
        if now.saturating_duration_since(due) > MAX_LAG {
            self.start = now;
            self.ticks = 0;
            due = now;
        }
        self.ticks += 1;
        due
    }
}

/// Something that is done at its own rate by a loop that comes round at another one.
pub(crate) struct Every {
    pace: Pace,
    due: Instant,
}

impl Every {
    /// Due at once, and then at `hz`.
    pub(crate) fn new(start: Instant, hz: f64) -> Every {
        let mut pace = Pace::new(start, hz);
        let due = pace.next(start);
        Every { pace, due }
    }

    /// Whether it is to be done now; then it is not again before the next time.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.due;
        if is_due {
            self.due = self.pace.next(now);
        }
        is_due
    }
}

/// Sleeps until `due`; returns at once when it has passed.
pub(crate) fn sleep_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// Reads a rate for clap: anything that time can be divided by.
pub(crate) fn parse_hz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hz) if (0.001..=1e6).contains(&hz) => Ok(hz),
        _ => Err("a rate is a number of messages per second, from 0.001 to 1000000".to_owned()),
    }
}

/// Reads a rate for clap at which something is steered or reported.
pub(crate) fn parse_control_hz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hz) if (0.1..=100.0).contains(&hz) => Ok(hz),
        _ => Err("a number per second, from 0.1 to 100".to_owned()),
    }
}

/// Reads a duration in seconds for clap.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=1e6).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds, from 0.001 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_do_not_drift() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 100.0);
        // Called late every time: the deadlines stay on the grid.
        for tick in 0..1000 {
            let due = Duration::from_millis(tick * 10);
            assert_eq!(pace.next(start + due + Duration::from_millis(7)) - start, due);
        }
    }

    #[test]
    fn a_long_stall_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 10.0);
        pace.next(start);
        let late = start + Duration::from_secs(60);
        assert_eq!(pace.next(late), late);
        assert_eq!(pace.next(late), late + Duration::from_millis(100));
    }

    #[test]
    fn each_time_comes_once() {
        let start = Instant::now();
        let mut every = Every::new(start, 10.0);
        // A loop at 50 Hz.
        let due = (0..50).filter(|step| every.is_due(start + Duration::from_millis(step * 20))).count();
        assert_eq!(due, 10);
    }

    #[test]
    fn odd_numbers_are_refused() {
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "", "fast"] {
            assert!(parse_hz(wrong).is_err(), "{wrong}");
            assert!(parse_control_hz(wrong).is_err(), "{wrong}");
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_hz("0.5"), Ok(0.5));
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
    }
}
