//! What a person should hear about clocks.

use std::fmt;

/// Something about clocks that is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockWarning {
    /// The system's clock here was set, by so many milliseconds; negative: back. Who is connected goes on by the time as it
    /// was before, so nothing stops.
    Set {
        /// Milliseconds.
        by_ms: i64,
    },
    /// The clock at the far end of a broker's bridge was set.
    FarSet {
        /// Milliseconds; negative: back.
        by_ms: i64,
    },
    /// The far end's clock is more than a minute from the one here. Commands are stamped and judged in robot time all the
    /// same.
    Apart {
        /// The far clock minus the own one, in milliseconds.
        by_ms: i64,
    },
}

impl ClockWarning {
    /// A time in seconds, as events have it.
    pub(crate) fn milliseconds(seconds: f64) -> i64 {
        // Beyond the ends a cast saturates, and clocks that far apart are told apart no better by the exact number.
        (seconds * 1e3).round() as i64
    }
}

impl fmt::Display for ClockWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ClockWarning::Set { by_ms } => write!(
                f,
                "this system's clock was set {}; commands go on by the time as it was before",
                Span(by_ms, "back", "forward")
            ),
            ClockWarning::FarSet { by_ms } => {
                write!(f, "the far end's clock was set {}", Span(by_ms, "back", "forward"))
            }
            ClockWarning::Apart { by_ms } => {
                write!(f, "the far end's clock is {} of this one: one of them is wrong", Span(by_ms, "behind", "ahead"))
            }
        }
    }
}

/// A signed time in the unit that a person would choose, with a word for its sign.
struct Span(i64, &'static str, &'static str);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.0 < 0 { self.1 } else { self.2 };
        let seconds = self.0.unsigned_abs() as f64 / 1e3;
        match seconds {
            ..60.0 => write!(f, "{seconds:.2} s {word}"),
            60.0..7200.0 => write!(f, "{:.1} min {word}", seconds / 60.0),
            7200.0..172_800.0 => write!(f, "{:.1} h {word}", seconds / 3600.0),
            _ => write!(f, "{:.1} days {word}", seconds / 86_400.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_say_them() {
        let apart = |by_ms| ClockWarning::Apart { by_ms }.to_string();
        assert!(apart(-259_200_000).contains("3.0 days behind"));
        assert!(apart(3_600_000).contains("60.0 min ahead"));
        assert!(ClockWarning::Set { by_ms: 5000 }.to_string().contains("set 5.00 s forward"));
        assert!(ClockWarning::FarSet { by_ms: i64::MIN }.to_string().contains("days back"));
        assert_eq!(ClockWarning::milliseconds(f64::MAX), i64::MAX);
    }
}
