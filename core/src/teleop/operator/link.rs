//! What an operator knows of the way to its robot and back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ClockEstimate;
use crate::wire::teleop::{DriveCounts, DriveStats};

/// Telemetry of late that counts: of ten seconds, as DimOS's robots and farwire's send it.
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
    /// How many of the drive commands of late did not come to the robot; `None`: not known, or none was sent.
    pub loss: Option<Loss>,
}

/// How many drive commands did not come to the robot, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Counted by the robot, by the numbers in their headers.
    Counted(DriveCounts),
    /// The share from 0 to 1, by the rate that the robot reports, as it does not count: good only while this operator drives
    /// steadily, and what the robot refuses counts as lost.
    Estimated(f64),
}

impl Loss {
    /// The share that did not come, from 0 to 1.
    pub fn share(self) -> f64 {
        match self {
            Loss::Counted(counts) => counts.loss().unwrap_or_default(),
            Loss::Estimated(share) => share,
        }
    }
}

/// Counts for it.
#[derive(Debug, Default)]
pub(super) struct Link {
    back: VecDeque<f64>,
    there: Option<DriveStats>,
    /// What the robot had counted at each of the latest telemetries, if it counts; nothing at first.
    counted: VecDeque<DriveCounts>,
}

impl Link {
    /// Telemetry came, which the robot stamped at `robot_ts` seconds since 1970 by its clock.
    pub(super) fn telemetry(
        &mut self,
        robot_ts: Option<f64>,
        robot_now: Option<f64>,
        (there, counts): (Option<DriveStats>, Option<DriveCounts>),
    ) {
        self.there = there;
        self.count(counts);
        let (Some(stamped), Some(now)) = (robot_ts, robot_now) else { return };
        let back = (now - stamped) * 1e3;
        if back.is_finite() {
            if self.back.len() == LATEST {
                self.back.pop_front();
            }
            self.back.push_back(back);
        }
    }

    fn count(&mut self, counts: Option<DriveCounts>) {
        let Some(counts) = counts else { return self.counted.clear() };
        if self.counted.back().is_none_or(|latest| counts.since(*latest).is_none()) {
            // Of another operator's time, or of another robot's.
            self.counted = VecDeque::from([DriveCounts::default()]);
        }
        if self.counted.len() == LATEST {
            self.counted.pop_front();
        }
        self.counted.push_back(counts);
    }

    fn loss(&self, hz: f64) -> Option<Loss> {
        if let (Some(first), Some(latest)) = (self.counted.front(), self.counted.back()) {
            return latest.since(*first).filter(|counts| counts.sent > 0).map(Loss::Counted);
        }
        self.there.map(|there| Loss::Estimated((1.0 - there.rate_hz / hz).clamp(0.0, 1.0)))
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
            loss: self.loss(hz),
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
            link.telemetry(Some(now - 0.008), Some(now), (Some(there), None));
        }
        link.telemetry(None, Some(1.0), (Some(there), None));
        link.telemetry(Some(f64::NAN), Some(1.0), (Some(there), None));
        let figures = link.figures(None, 20.0);
        assert!(figures.back_ms.is_some_and(|back| (back - 8.0).abs() < 0.001), "{figures:?}");
        assert_eq!((figures.there_ms, figures.jitter_ms), (Some(12.0), Some(1.5)));
        assert!(matches!(figures.loss, Some(Loss::Estimated(loss)) if (loss - 0.05).abs() < 1e-9), "{figures:?}");
        assert_eq!(link.back.len(), LATEST);
        link.telemetry(None, None, (None, None));
        assert_eq!(link.figures(None, 20.0).loss, None, "nothing is known of what is not driven");
    }

    #[test]
    fn what_the_robot_counts_is_of_late_and_says_so() {
        let mut link = Link::default();
        let there = Some(DriveStats { latency_ms: 12.0, jitter_ms: 1.5, rate_hz: 1.0, throughput_bps: 1e4 });
        let mut tell = |sent, received| {
            link.telemetry(None, None, (there, Some(DriveCounts { sent, received })));
            link.figures(None, 20.0).loss
        };
        assert_eq!(tell(10, 9), Some(Loss::Counted(DriveCounts { sent: 10, received: 9 })));
        for step in 1..=1_000 {
            tell(10 + 7 * step, 9 + 6 * step);
        }
        let late = tell(7_017, 6_015);
        let expected = DriveCounts { sent: 7 * 31, received: 6 * 31 };
        assert_eq!(late, Some(Loss::Counted(expected)), "of the time since the {LATEST}th before");
        assert!(late.is_some_and(|loss| (loss.share() - 1.0 / 7.0).abs() < 1e-9));
        assert_eq!(tell(4, 4), Some(Loss::Counted(DriveCounts { sent: 4, received: 4 })), "another operator's");
        for _ in 0..LATEST {
            tell(4, 4);
        }
        assert_eq!(tell(4, 4), None, "nothing was driven of late, and that is no estimate");
        link.telemetry(None, None, (there, None));
        assert_eq!(link.figures(None, 20.0).loss, Some(Loss::Estimated(0.95)), "that robot does not count");
    }
}
