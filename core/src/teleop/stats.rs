//! Live statistics of the stream of drive commands.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::wire::teleop::DriveStats;

/// Commands that count.
const LATEST: usize = 120;

/// A stream that has paused for longer has a rate that falls.
const PAUSE: Duration = Duration::from_secs(1);

/// The latest commands.
#[derive(Debug, Default)]
pub(super) struct Stream(VecDeque<Sample>);

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    /// In seconds.
    latency: f64,
    bytes: usize,
}

impl Stream {
    /// One more, that came with this latency in seconds.
    pub(super) fn add(&mut self, at: Instant, latency: f64, bytes: usize) {
        if self.0.len() == LATEST {
            self.0.pop_front();
        }
        self.0.push_back(Sample { at, latency, bytes });
    }

    /// Another operator has another stream.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The figures; `None` while there are fewer than two commands.
    pub(super) fn figures(&self, now: Instant) -> Option<DriveStats> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let pause = now.saturating_duration_since(last.at);
        let end = if pause > PAUSE { now } else { last.at };
        let span = end.saturating_duration_since(first.at).as_secs_f64();
        if self.0.len() < 2 || span <= 0.0 {
            return None;
        }
        let mut latencies: Vec<f64> = self.0.iter().map(|sample| sample.latency).collect();
        let steps = latencies.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let jitter = steps.sum::<f64>() / (latencies.len() - 1) as f64;
        latencies.sort_by(f64::total_cmp);
        // The first began before the span does.
        let bytes: usize = self.0.iter().skip(1).map(|sample| sample.bytes).sum();
        Some(DriveStats {
            latency_ms: thousandths(latencies[latencies.len() / 2] * 1e3),
            jitter_ms: thousandths(jitter * 1e3),
            rate_hz: thousandths((self.0.len() - 1) as f64 / span),
            throughput_bps: (bytes as f64 * 8.0 / span).round(),
        })
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_latest() {
        let start = Instant::now();
        let at = |step: u32| start + Duration::from_millis(50) * step;
        let mut stream = Stream::default();
        assert_eq!(stream.figures(start), None);
        stream.add(start, 9.0, 77);
        assert_eq!(stream.figures(start), None);
        for step in 1..=200 {
            stream.add(at(step), if step % 2 == 0 { 0.010 } else { 0.014 }, 77);
        }
        let live = stream.figures(at(200)).expect("a stream");
        assert_eq!((live.latency_ms, live.jitter_ms, live.rate_hz, live.throughput_bps), (14.0, 4.0, 20.0, 12_320.0));
        // It has stopped.
        let paused = stream.figures(at(200) + 60 * PAUSE).expect("a stream");
        assert!(paused.rate_hz < 2.0, "{paused:?}");
        stream.clear();
        assert_eq!(stream.figures(at(200)), None);
    }
}
