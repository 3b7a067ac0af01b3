//! Latencies, gathered and summed up.

use std::fmt;
use std::time::Duration;

/// Every latency of a run, kept whole: runs are short and exact percentiles are easy to trust.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    all: Vec<Duration>,
}

/// The summary of a run that had at least one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

impl Latencies {
    pub(crate) fn push(&mut self, latency: Duration) {
        self.all.push(latency);
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// `None` when nothing was measured.
    pub(crate) fn summary(&self) -> Option<Summary> {
        self.summary_since(0)
    }

    /// The summary of the latencies after the first `skip`.
    pub(crate) fn summary_since(&self, skip: usize) -> Option<Summary> {
        let mut sorted = self.all.get(skip..)?.to_vec();
        sorted.sort_unstable();
        Some(Summary {
            p50: percentile(&sorted, 50)?,
            p90: percentile(&sorted, 90)?,
            p99: percentile(&sorted, 99)?,
            max: *sorted.last()?,
        })
    }
}

/// The nearest-rank percentile: the smallest value that at least `percent` of all are not above.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// A duration for people: three digits and a fitting unit.
pub(crate) struct Human(pub(crate) Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_secs_f64() * 1e6;
        let text = match micros {
            ..999.5 => format!("{micros:.0} us"),
            ..9_995.0 => format!("{:.2} ms", micros / 1e3),
            ..99_950.0 => format!("{:.1} ms", micros / 1e3),
            ..999_500.0 => format!("{:.0} ms", micros / 1e3),
            _ => format!("{:.2} s", micros / 1e6),
        };
        f.pad(&text)
    }
}

/// A duration for scripts: milliseconds, to the microsecond.
pub(crate) fn millis(duration: Duration) -> f64 {
    micros(duration).round() / 1e3
}

/// A duration for scripts: microseconds, to the tenth.
pub(crate) fn micros(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e7).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies { all: values.into_iter().map(Duration::from_micros).collect() }
    }

    #[test]
    fn nearest_rank() {
        let us = Duration::from_micros;
        let summary = of((1..=100).rev()).summary().expect("not empty");
        assert_eq!(summary, Summary { p50: us(50), p90: us(90), p99: us(99), max: us(100) });
        let one = of([7]).summary().expect("not empty");
        assert_eq!(one, Summary { p50: us(7), p90: us(7), p99: us(7), max: us(7) });
        assert_eq!(of([3, 1, 2]).summary().expect("not empty").p50, us(2));
        assert_eq!(of([1, 9, 9]).summary_since(1).expect("not empty").p50, us(9));
        assert_eq!(of([]).summary(), None);
        assert_eq!(of([1]).summary_since(2), None);
        assert_eq!(percentile(&[us(1), us(2)], 0), Some(us(1)));
    }

    #[test]
    fn units_people_read() {
        let human = |nanos| Human(Duration::from_nanos(nanos)).to_string();
        assert_eq!(human(0), "0 us");
        assert_eq!(human(83_400), "83 us");
        assert_eq!(human(999_600), "1.00 ms");
        assert_eq!(human(12_345_000), "12.3 ms");
        assert_eq!(human(420_000_000), "420 ms");
        assert_eq!(human(3_060_000_000), "3.06 s");
        assert_eq!(format!("{:>8}", Human(Duration::from_micros(5))), "    5 us");
    }
}
