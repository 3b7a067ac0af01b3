//! Something that is done at its own rate, by whoever comes round at another one.

use std::time::{Duration, Instant};

/// Times at a fixed rate, each counted from the start, so that lateness of one never shifts the next. What was missed altogether
/// is left out, instead of being made up for in one burst.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    hz: f64,
    done: u64,
}

impl Pace {
    /// Due at once, and then at `hz`.
    pub(super) fn new(start: Instant, hz: f64) -> Pace {
        Pace { start, hz, done: 0 }
    }

    /// When it is to be done next.
    pub(super) fn next(&self) -> Instant {
        self.start.checked_add(self.span(self.done)).unwrap_or(self.start)
    }

    /// How long so many of them take.
    fn span(&self, times: u64) -> Duration {
        Duration::try_from_secs_f64(times as f64 / self.hz).unwrap_or_default()
    }

    /// Whether it is to be done now; then it is not again before the next time.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = self.next();
        if now < due {
            return false;
        }
        if now.saturating_duration_since(due) > self.span(1) {
            (self.start, self.done) = (now, 0);
        }
        self.done += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_comes_once_and_a_stall_is_not_made_up_for() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut pace = Pace::new(start, 10.0);
        // A loop at 50 Hz.
        let due = (0..50).filter(|step| pace.is_due(start + ms(step * 20))).count();
        assert_eq!(due, 10);
        assert_eq!(pace.next(), start + ms(1000));
        assert!(pace.is_due(start + ms(60_000)) && !pace.is_due(start + ms(60_099)) && pace.is_due(start + ms(60_100)));
    }
}
