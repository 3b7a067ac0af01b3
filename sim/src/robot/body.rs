//! The whole simulated robot without its connection: what it was told, its wheels, its room and its battery.

use super::base::Base;
use super::battery::Battery;
use super::change::Change;
use super::guard::Guard;
use super::room::Room;
use super::telemetry::Telemetry;
use crate::Pose;

/// Steps per second: [`Body::step`] is to be called so often.
pub const STEP_HZ: f64 = 50.0;

/// How far from an obstacle, in m, running into one is news again.
const NEWS_AFTER: f64 = 0.2;

/// The robot.
#[derive(Debug)]
pub struct Body {
    /// Whether it may move; whoever carries its connection tells it what came.
    pub guard: Guard,
    base: Base,
    room: Room,
    battery: Battery,
    /// Where it was last told that something is in the way.
    blocked_at: Option<Pose>,
}

impl Default for Body {
    fn default() -> Body {
        Body::new()
    }
}

impl Body {
    /// A robot that stands in the middle of its room, without an operator.
    pub fn new() -> Body {
        Body {
            guard: Guard::default(),
            base: Base::default(),
            room: Room::new(),
            battery: Battery::full(),
            blocked_at: None,
        }
    }

    /// Moves on by one step, a fiftieth of a second, and says what is worth telling of it.
    pub fn step(&mut self) -> Option<Change> {
        if self.guard.is_estopped() {
            self.base.stop_hard();
        } else {
            self.base.step(self.guard.target(), 1.0 / STEP_HZ, |x, y| self.room.is_free(x, y));
        }
        let moves = self.moves();
        self.battery.step(moves, 1.0 / STEP_HZ);
        let pose = self.base.pose;
        if !moves && self.guard.stands() {
            return Some(Change::Stands { pose });
        }
        // It creeps on towards what it touches, which is no news.
        let is_new = self.blocked_at.is_none_or(|at| (at.x - pose.x).hypot(at.y - pose.y) > NEWS_AFTER);
        match (self.base.is_blocked, is_new) {
            (true, true) => {
                self.blocked_at = Some(pose);
                Some(Change::Blocked { pose })
            }
            (false, true) => {
                self.blocked_at = None;
                None
            }
            _ => None,
        }
    }

    /// Telemetry as JSON, of a robot of this name, at `robot_ts` seconds since 1970 by its own clock.
    pub fn telemetry(&self, robot: &str, robot_ts: f64) -> String {
        Telemetry::new(robot, robot_ts, &self.guard, &self.base, self.battery.left()).to_json()
    }

    /// The map as JSON, at `robot_ts` seconds since 1970 by its own clock.
    pub fn minimap(&self, robot_ts: f64) -> String {
        // Numbers and strings always have a JSON.
        serde_json::to_string(&self.room.minimap(self.base.pose, robot_ts)).unwrap_or_default()
    }

    fn moves(&self) -> bool {
        !self.base.velocity.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Velocity;

    const FORWARD: Velocity = Velocity { linear: 0.5, angular: 0.0 };

    fn driving() -> Body {
        let mut body = Body::new();
        body.guard.operator_came();
        body.guard.command(FORWARD);
        for _ in 0..50 {
            assert_eq!(body.step(), None);
        }
        body
    }

    fn state(body: &Body) -> String {
        let telemetry: serde_json::Value = serde_json::from_str(&body.telemetry("r", 0.0)).expect("JSON");
        telemetry["state"]["mode"].as_str().expect("a state").to_owned()
    }

    #[test]
    fn stale_commands_ramp_down_and_tell_when_it_stands() {
        let mut body = driving();
        assert_eq!(state(&body), "driving");
        body.guard.stale(Duration::from_millis(300));
        let steps = (1..).find(|_| matches!(body.step(), Some(Change::Stands { .. }))).expect("it stands");
        // 0.5 m/s at 3 m/s².
        assert!((8..=10).contains(&steps), "{steps}");
        assert_eq!(state(&body), "stale");
        assert_eq!(body.step(), None);
    }

    #[test]
    fn an_emergency_stop_does_not_ramp() {
        let mut body = driving();
        body.guard.estop(true);
        assert!(matches!(body.step(), Some(Change::Stands { .. })));
        assert_eq!(state(&body), "estopped");
    }

    #[test]
    fn a_wall_is_told_once() {
        let mut body = driving();
        // It touches the wall, and creeps on for as long as it is told to.
        let told: Vec<Change> = (0..1000).filter_map(|_| body.step()).collect();
        assert!(matches!(told[..], [Change::Blocked { pose }] if pose.x > 3.0), "{told:?}");
        assert_eq!(state(&body), "standing");
    }
}
