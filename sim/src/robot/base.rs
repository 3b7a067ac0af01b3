//! The robot's wheels: a base that drives and turns, no faster and no sooner than it can.

use std::f64::consts::{PI, TAU};

use crate::{Pose, Velocity};

/// The fastest that it goes, in m/s and rad/s.
pub const LIMITS: Velocity = Velocity { linear: 1.0, angular: 2.0 };
/// How hard it speeds up, in m/s² and rad/s².
const GAIN: Velocity = Velocity { linear: 1.5, angular: 4.0 };
/// How hard it slows down.
const BRAKE: Velocity = Velocity { linear: 3.0, angular: 8.0 };

/// A unicycle: where it is, and how fast.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Base {
    /// Where it is.
    pub pose: Pose,
    /// How fast it is.
    pub velocity: Velocity,
    /// Something stood in its way at the last step.
    pub is_blocked: bool,
}

impl Base {
    /// Moves on by `seconds` towards the `target` velocity, unless something is in the way.
    pub fn step(&mut self, target: Velocity, seconds: f64, is_free: impl Fn(f64, f64) -> bool) {
        let target = target.within(LIMITS);
        let Velocity { linear, angular } = &mut self.velocity;
        *linear = approach(*linear, target.linear, GAIN.linear * seconds, BRAKE.linear * seconds);
        *angular = approach(*angular, target.angular, GAIN.angular * seconds, BRAKE.angular * seconds);
        self.pose.yaw = wrapped(self.pose.yaw + *angular * seconds);
        let x = self.pose.x + *linear * self.pose.yaw.cos() * seconds;
        let y = self.pose.y + *linear * self.pose.yaw.sin() * seconds;
        self.is_blocked = *linear != 0.0 && !is_free(x, y);
        match self.is_blocked {
            true => *linear = 0.0,
            false => (self.pose.x, self.pose.y) = (x, y),
        }
    }

    /// Stands at once, as when the brakes lock.
    pub fn stop_hard(&mut self) {
        self.velocity = Velocity::ZERO;
        self.is_blocked = false;
    }
}

/// The next value on the way to `target`. It slows down to zero before it goes the other way.
fn approach(now: f64, target: f64, gain: f64, brake: f64) -> f64 {
    let goal = if now * target < 0.0 { 0.0 } else { target };
    let most = if goal.abs() < now.abs() { brake } else { gain };
    now + (goal - now).clamp(-most, most)
}

/// The same heading, from -π to π.
fn wrapped(yaw: f64) -> f64 {
    (yaw + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: f64 = 0.02;
    const FORWARD: Velocity = Velocity { linear: 0.6, angular: 0.0 };

    fn drive(base: &mut Base, target: Velocity, seconds: f64) {
        for _ in 0..(seconds / STEP).round() as u32 {
            base.step(target, STEP, |_, _| true);
        }
    }

    #[test]
    fn it_speeds_up_cruises_and_slows_down() {
        let mut base = Base::default();
        drive(&mut base, FORWARD, 0.2);
        assert!((base.velocity.linear - 0.3).abs() < 1e-9, "{base:?}");
        drive(&mut base, FORWARD, 1.8);
        assert_eq!(base.velocity, FORWARD);
        // 0.4 s of speeding up, 1.6 s of cruising.
        assert!((base.pose.x - 1.08).abs() < 0.02 && base.pose.y == 0.0, "{base:?}");
        drive(&mut base, Velocity::ZERO, 0.1);
        assert!((base.velocity.linear - 0.3).abs() < 1e-9, "{base:?}");
        drive(&mut base, Velocity::ZERO, 0.1);
        assert!(base.velocity.linear.abs() < 1e-9, "{base:?}");
        base.velocity = FORWARD;
        base.stop_hard();
        assert!(base.velocity.is_zero());
    }

    #[test]
    fn it_is_no_faster_than_it_can_be() {
        let mut base = Base::default();
        drive(&mut base, Velocity { linear: 99.0, angular: f64::NAN }, 3.0);
        assert_eq!(base.velocity, Velocity { linear: LIMITS.linear, angular: 0.0 });
        drive(&mut base, Velocity { linear: -99.0, angular: -99.0 }, 3.0);
        assert_eq!(base.velocity, Velocity { linear: -LIMITS.linear, angular: -LIMITS.angular });
    }

    #[test]
    fn it_turns_and_its_heading_stays_small() {
        let mut base = Base::default();
        let circle = Velocity { linear: 0.5, angular: 1.0 };
        base.velocity = circle;
        drive(&mut base, circle, TAU);
        assert!(base.pose.x.abs() < 0.05 && base.pose.y.abs() < 0.05, "{base:?}");
        drive(&mut base, circle, 100.0);
        assert!((-PI..=PI).contains(&base.pose.yaw), "{base:?}");
    }

    #[test]
    fn a_wall_stops_it_but_lets_it_turn_away() {
        let mut base = Base::default();
        let is_free = |x: f64, _: f64| x < 0.5;
        for _ in 0..100 {
            base.step(FORWARD, STEP, is_free);
        }
        assert!(base.is_blocked && base.pose.x < 0.5 && base.velocity.linear == 0.0, "{base:?}");
        let there = base.pose.x;
        for _ in 0..100 {
            base.step(Velocity { linear: -0.6, angular: 0.5 }, STEP, is_free);
        }
        assert!(!base.is_blocked && base.pose.x < there && base.pose.yaw > 0.5, "{base:?}");
    }
}
