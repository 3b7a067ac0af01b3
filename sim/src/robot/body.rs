//! The whole simulated robot without its connection: its wheels, its room and its battery. What it is told comes as the steps of
//! a [`teleop::Robot`](farwire_core::teleop::Robot), which knows who may move it.

use std::time::Duration;

use farwire_core::teleop::{Activity, Change as Told, Grid, Report, Step};
use serde::Serialize;
use serde_json::Value;

use super::base::Base;
use super::battery::Battery;
use super::change::Change;
use super::room::Room;
use crate::{Pose, Velocity};

/// Steps per second that suit it.
pub const STEP_HZ: f64 = 50.0;

/// How far from an obstacle, in m, running into one is news again.
const NEWS_AFTER: f64 = 0.2;

/// The longest step that is made up for.
const LONGEST: Duration = Duration::from_millis(100);

/// The robot.
#[derive(Debug)]
pub struct Body {
    base: Base,
    room: Room,
    battery: Battery,
    /// Something took the command away, and standing has not been told of since.
    is_stopping: bool,
    /// Where it was last told that something is in the way.
    blocked_at: Option<Pose>,
}

impl Default for Body {
    fn default() -> Body {
        Body::new()
    }
}

impl Body {
    /// A robot that stands in the middle of its room.
    pub fn new() -> Body {
        Body {
            base: Base::default(),
            room: Room::new(),
            battery: Battery::full(),
            is_stopping: false,
            blocked_at: None,
        }
    }

    /// Moves on as it is told, and says what is worth telling of it.
    pub fn step(&mut self, step: &Step) -> Option<Change> {
        for change in &step.changes {
            match change {
                Told::Stale { .. } | Told::OperatorLost { .. } | Told::EstopEngaged => self.is_stopping = true,
                Told::Driving => self.is_stopping = false,
                _ => {}
            }
        }
        let seconds = step.elapsed.min(LONGEST).as_secs_f64();
        if step.activity == Activity::Estopped {
            self.base.stop_hard();
        } else {
            let target = Velocity { linear: step.velocity.linear.x, angular: step.velocity.angular.z };
            self.base.step(target, seconds, |x, y| self.room.is_free(x, y));
        }
        let moves = self.moves();
        self.battery.step(moves, seconds);
        let pose = self.base.pose;
        if !moves && std::mem::take(&mut self.is_stopping) {
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

    /// What a robot of this name reports of itself.
    pub fn report(&self, robot: &str) -> Report {
        let Base { pose, velocity, is_blocked } = self.base;
        let mode = if self.moves() { "driving" } else { "standing" };
        let mut report = Report::default().soc(self.battery.left() * 100.0).state("mode", mode);
        let mut add = |name: &str, value: Value| report.more.insert(name.to_owned(), value);
        add("robot", robot.into());
        add("is_blocked", is_blocked.into());
        add("pose", plain(&pose));
        add("velocity", plain(&velocity));
        add("odometry", odometry(pose, velocity));
        report
    }

    /// Where it is.
    pub fn pose(&self) -> Pose {
        self.base.pose
    }

    /// How fast it is.
    pub fn velocity(&self) -> Velocity {
        self.base.velocity
    }

    /// What is around it.
    pub fn grid(&self) -> Grid {
        self.room.grid()
    }

    fn moves(&self) -> bool {
        !self.base.velocity.is_zero()
    }
}

/// Pose and velocity as `nav_msgs/Odometry` has them.
fn odometry(pose: Pose, velocity: Velocity) -> Value {
    let (sin, cos) = (pose.yaw / 2.0).sin_cos();
    serde_json::json!({
        "frame_id": "odom",
        "child_frame_id": "base_link",
        "pose": {
            "position": {"x": pose.x, "y": pose.y, "z": 0.0},
            "orientation": {"x": 0.0, "y": 0.0, "z": sin, "w": cos},
        },
        "twist": {
            "linear": {"x": velocity.linear, "y": 0.0, "z": 0.0},
            "angular": {"x": 0.0, "y": 0.0, "z": velocity.angular},
        },
    })
}

fn plain(value: &impl Serialize) -> Value {
    // Numbers always have a JSON.
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
    use farwire_core::lcm::std_msgs::{Header, Time};
    use farwire_core::teleop::{Limits, Now, Output, Robot, RobotOptions};

    use super::*;
    use crate::robot::LIMITS;

    /// A robot whose operator is here.
    struct Rig {
        robot: Robot,
        body: Body,
        start: Instant,
        at: Duration,
        is_driven: bool,
    }

    impl Rig {
        fn driving() -> Rig {
            let start = Instant::now();
            let options = RobotOptions::new(Limits::planar(LIMITS.linear, LIMITS.angular)).telemetry_hz(100.0);
            let (robot, body) = (Robot::new(options, start), Body::new());
            let mut rig = Rig { robot, body, start, at: Duration::ZERO, is_driven: true };
            rig.robot.handle_operator(rig.now(), Ok(()));
            for _ in 0..50 {
                assert_eq!(rig.step(), None);
            }
            rig
        }

        fn now(&self) -> Now {
            Now { at: self.start + self.at, robot_time: Some(Duration::from_secs(1_800_000_000) + self.at) }
        }

        fn step(&mut self) -> Option<Change> {
            self.at += Duration::from_millis(20);
            let now = self.now();
            if self.is_driven {
                let stamp = now.robot_time.and_then(Time::from_unix).expect("before 2038");
                let command = TwistStamped {
                    header: Header { stamp, ..Header::default() },
                    twist: Twist { linear: Vector3 { x: 0.5, ..Vector3::default() }, ..Twist::default() },
                };
                self.robot.handle_drive(now, &command, 77);
            }
            self.body.step(&self.robot.step(now))
        }

        fn telemetry(&mut self) -> Value {
            self.robot.set_report(self.body.report("r"));
            self.at += Duration::from_millis(20);
            self.robot.handle_timeout(self.now());
            let reports = std::iter::from_fn(|| self.robot.poll());
            let Some(Output::State(latest)) = reports.last() else { panic!("telemetry") };
            serde_json::from_str(&latest).expect("JSON")
        }
    }

    #[test]
    fn stale_commands_ramp_down_and_tell_when_it_stands() {
        let mut rig = Rig::driving();
        assert_eq!(rig.telemetry()["state"]["mode"], "driving");
        rig.is_driven = false;
        let steps = (1..).find(|_| matches!(rig.step(), Some(Change::Stands { .. }))).expect("it stands");
        // For 280 ms it drives on, and then from 0.5 m/s at 3 m/s².
        assert!((21..=24).contains(&steps), "{steps}");
        assert_eq!(rig.telemetry()["state"]["mode"], "stale");
        assert_eq!(rig.step(), None);
    }

    #[test]
    fn an_emergency_stop_does_not_ramp() {
        let mut rig = Rig::driving();
        rig.robot.handle_message(rig.now(), br#"{"type":"estop"}"#);
        assert!(matches!(rig.step(), Some(Change::Stands { .. })));
        assert_eq!(rig.telemetry()["state"]["mode"], "estopped");
    }

    #[test]
    fn a_wall_is_told_once() {
        let mut rig = Rig::driving();
        // It touches the wall, and creeps on for as long as it is told to.
        let told: Vec<Change> = (0..1000).filter_map(|_| rig.step()).collect();
        assert!(matches!(told[..], [Change::Blocked { pose }] if pose.x > 3.0), "{told:?}");
        assert_eq!(rig.telemetry()["state"]["mode"], "standing");
    }

    #[test]
    fn the_report_has_everything() {
        let mut body = Body::new();
        body.base = Base {
            pose: Pose { x: 1.0, y: 2.0, yaw: std::f64::consts::PI },
            velocity: Velocity { linear: 0.5, angular: -0.25 },
            is_blocked: false,
        };
        let report = body.report("rover");
        let more = Value::Object(report.more);
        assert_eq!(
            (&more["robot"], &report.state["mode"], report.soc),
            (&"rover".into(), &"driving".into(), Some(100.0))
        );
        assert_eq!((&more["pose"]["x"], &more["velocity"]["angular"]), (&1.0.into(), &(-0.25).into()));
        let odometry = &more["odometry"];
        assert_eq!((&odometry["pose"]["position"]["y"], &odometry["twist"]["linear"]["x"]), (&2.0.into(), &0.5.into()));
        assert_eq!(odometry["pose"]["orientation"]["z"], 1.0);
    }
}
