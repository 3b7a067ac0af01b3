//! From drive commands to velocities: what is no command, how fast it may be, and one zero when driving ends.

use std::time::Duration;

use super::limits::{Limits, is_zero};
use crate::lcm::geometry_msgs::Twist;

/// A clock that goes back by more was set.
const SET_BACK: Duration = Duration::from_secs(1);

/// Judges drive commands, and lets their zeros through once.
#[derive(Debug)]
pub(super) struct Drive {
    limits: Limits,
    stale_after: Duration,
    /// The stamp of the newest command that was let in, or the time of the latest emergency stop.
    newest: Duration,
    /// The robot's time at the latest look.
    clock: Duration,
    /// What was passed on last was a velocity.
    is_driving: bool,
    /// Commands that were not obeyed.
    pub(super) dropped: Dropped,
}

/// Commands that were not obeyed, beside those that subscriptions refuse for their stamps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// With a value that is no finite number.
    pub not_finite: u64,
    /// Too old when the robot's loop came to take them, or not newer than one before.
    pub late: u64,
}

impl Drive {
    pub(super) fn new(limits: Limits, stale_after: Duration) -> Drive {
        let zero = Duration::ZERO;
        Drive { limits, stale_after, newest: zero, clock: zero, is_driving: false, dropped: Dropped::default() }
    }

    /// The velocity of a command that was stamped then, and for how long it is good.
    pub(super) fn take(&mut self, twist: &Twist, stamp: Duration, robot_time: Duration) -> Option<(Twist, Duration)> {
        self.look(robot_time);
        let left = self.stale_after.saturating_sub(robot_time.saturating_sub(stamp));
        if left.is_zero() || stamp <= self.newest {
            self.dropped.late += 1;
            return None;
        }
        let Some(velocity) = self.limits.apply(twist) else {
            self.dropped.not_finite += 1;
            return None;
        };
        self.newest = stamp;
        Some((velocity, left))
    }

    /// Nothing that was stamped until now counts any more.
    pub(super) fn outdate(&mut self, robot_time: Option<Duration>) {
        if let Some(robot_time) = robot_time {
            self.look(robot_time);
            self.newest = self.newest.max(robot_time);
        }
    }

    /// Another operator has stamps of its own.
    pub(super) fn forget(&mut self) {
        self.newest = Duration::ZERO;
    }

    /// Notes the time, by which the robot's clock may turn out to have been set back.
    fn look(&mut self, robot_time: Duration) {
        if robot_time + SET_BACK < self.clock {
            self.newest = self.newest.saturating_sub(self.clock - robot_time);
        }
        self.clock = robot_time;
    }

    /// What to pass on of a velocity: all but the zeros after the first.
    pub(super) fn pass(&mut self, velocity: &Twist) -> Option<Twist> {
        let is_driving = !is_zero(velocity);
        let was_driving = std::mem::replace(&mut self.is_driving, is_driving);
        (is_driving || was_driving).then(|| velocity.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::geometry_msgs::Vector3;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn forward(x: f64) -> Twist {
        Twist { linear: Vector3 { x, ..Vector3::default() }, ..Twist::default() }
    }

    fn drive() -> Drive {
        Drive::new(Limits::planar(1.0, 2.0), ms(300))
    }

    #[test]
    fn commands_are_limited_and_good_for_what_is_left() {
        let mut drive = drive();
        assert_eq!(drive.take(&forward(9.0), ms(10_000), ms(10_100)), Some((forward(1.0), ms(200))));
        // A stamp that is a little ahead is as good as one that is not.
        assert_eq!(drive.take(&forward(0.5), ms(10_140), ms(10_120)), Some((forward(0.5), ms(300))));
        assert_eq!(drive.take(&forward(f64::NAN), ms(10_150), ms(10_150)), None);
        for stamp in [10_140, 10_000, 0] {
            assert_eq!(drive.take(&forward(0.5), ms(stamp), ms(10_150)), None, "{stamp}");
        }
        assert_eq!(drive.take(&forward(0.5), ms(10_150), ms(10_450)), None);
        assert_eq!(drive.dropped, Dropped { not_finite: 1, late: 4 });
    }

    #[test]
    fn nothing_from_before_a_stop_counts_and_a_clock_may_be_set_back() {
        let mut drive = drive();
        drive.outdate(None);
        drive.outdate(Some(ms(10_000)));
        assert_eq!(drive.take(&forward(0.5), ms(10_000), ms(10_001)), None);
        assert!(drive.take(&forward(0.5), ms(10_002), ms(10_003)).is_some());
        assert!(drive.take(&forward(0.5), ms(2_104), ms(2_104)).is_some(), "it was set back by 8 s");
        assert!(drive.take(&forward(0.5), ms(2_104), ms(2_105)).is_none());
        drive.forget();
        assert!(drive.take(&forward(0.5), ms(2_050), ms(2_106)).is_some(), "of another operator");
    }

    #[test]
    fn a_zero_is_passed_on_once() {
        let mut drive = drive();
        assert_eq!(drive.pass(&Twist::default()), None, "a plan of the robot's own lives on");
        assert_eq!(drive.pass(&forward(0.5)), Some(forward(0.5)));
        assert_eq!(drive.pass(&forward(0.5)), Some(forward(0.5)));
        assert_eq!(drive.pass(&Twist::default()), Some(Twist::default()));
        assert_eq!(drive.pass(&Twist::default()), None);
        assert_eq!(drive.pass(&forward(-0.0)), None);
    }
}
