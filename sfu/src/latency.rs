//! How long messages stay in the SFU.

use std::time::Duration;

/// The upper bounds of the buckets but the last, which has none, in microseconds.
const BOUNDS: [u64; 14] =
    [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/// A histogram of times from a message's arrival until it is handed to a receiver's transport.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latencies {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        let bucket = BOUNDS.partition_point(|bound| u128::from(*bound) < latency.as_micros());
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(latency);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Each bucket's upper bound, `None` for the last, and how many are in it and in no lower one.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS.iter().map(|micros| Some(Duration::from_micros(*micros))).chain([None]);
        bounds.zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut latencies = Latencies::default();
        for micros in [0, 50, 51, 1_000_000, 1_000_001, 1 << 40] {
            latencies.add(Duration::from_micros(micros));
        }
        let filled: Vec<_> = latencies.buckets().filter(|(_, count)| *count > 0).collect();
        let bound = |micros| Some(Duration::from_micros(micros));
        assert_eq!(filled, [(bound(50), 2), (bound(100), 1), (bound(1_000_000), 1), (None, 2)]);
        assert_eq!((latencies.count(), latencies.sum().as_micros()), (6, 101 + 2_000_001 + (1 << 40)));
    }
}
