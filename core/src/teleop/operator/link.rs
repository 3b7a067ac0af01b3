//! What an operator knows of the way to its robot and back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ClockEstimate;
use crate::wire::teleop::DriveStats;

/// Telemetry of late whose time on the way counts.
const LATEST: usize = 32;

/// The way there and back, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct LinkStats {
    /// The fastest round trip of the latest pings.
    pub round_trip: Option<Duration>,
    /// From the operator's stamp to the robot's loop, in milliseconds: the median that the robot reports.
    pub there_ms: Option<f64>,
    /// From the robot's stamp to here, in milliseconds: the median of the latest telemetry.
    pub back_ms: Option<f64>,
    /// By how much either way may be wrong, in milliseconds: the clocks are known by no more.
    pub uncertainty_ms: Option<f64>,
    /// By how much the way there differs from one command to the next, in milliseconds, as the robot reports.
    pub jitter_ms: Option<f64>,
    /// Of the drive commands that were sent, how many did not come to the robot's loop, from 0 to 1: by the rate that it
    /// reports, and so only while it drives steadily.
    pub loss: Option<f64>,
}

/// Counts for it.
#[derive(Debug, Default)]
pub(super) struct Link {
    back: VecDeque<f64>,
    there: Option<DriveStats>,
}

impl Link {
    /// Telemetry came, which the robot stamped at `robot_ts` seconds since 1970 by its clock.
    pub(super) fn telemetry(&mut self, robot_ts: Option<f64>, robot_now: Option<f64>, there: Option<DriveStats>) {
        self.there = there;
        let (Some(stamped), Some(now)) = (robot_ts, robot_now) else { return };
        let back = (now - stamped) * 1e3;
        if back.is_finite() {
            if self.back.len() == LATEST {
                self.back.pop_front();
            }
            self.back.push_back(back);
        }
    }

    /// The figures, of an operator that says so many commands a second.
    pub(super) fn figures(&self, clock: Option<ClockEstimate>, hz: f64) -> LinkStats {
        let mut back: Vec<f64> = self.back.iter().copied().collect();
        back.sort_by(f64::total_cmp);
        let uncertainty = clock.map(|clock| clock.uncertainty.as_secs_f64() * 1e3);
        LinkStats {
            round_trip: clock.map(|clock| clock.round_trip),
            there_ms: self.there.map(|there| there.latency_ms),
            back_ms: back.get(back.len() / 2).copied(),
            uncertainty_ms: uncertainty,
            jitter_ms: self.there.map(|there| there.jitter_ms),
            loss: self.there.map(|there| (1.0 - there.rate_hz / hz).clamp(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_are_told() {
        let mut link = Link::default();
        assert_eq!(link.figures(None, 20.0), LinkStats::default());
        let there = DriveStats { latency_ms: 12.0, jitter_ms: 1.5, rate_hz: 19.0, throughput_bps: 1e4 };
        for step in 0..100 {
            let now = 100.0 + f64::from(step);
            link.telemetry(Some(now - 0.008), Some(now), Some(there));
        }
        link.telemetry(None, Some(1.0), Some(there));
        link.telemetry(Some(f64::NAN), Some(1.0), Some(there));
        let figures = link.figures(None, 20.0);
        assert!(figures.back_ms.is_some_and(|back| (back - 8.0).abs() < 0.001), "{figures:?}");
        assert_eq!((figures.there_ms, figures.jitter_ms), (Some(12.0), Some(1.5)));
        assert!(figures.loss.is_some_and(|loss| (loss - 0.05).abs() < 1e-9) && link.back.len() == LATEST);
        link.telemetry(None, None, None);
        assert_eq!(link.figures(None, 20.0).loss, None, "nothing is known of what is not driven");
    }
}
