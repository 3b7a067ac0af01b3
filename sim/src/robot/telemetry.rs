//! What the robot reports ten times a second, as JSON.

use farwire_core::wire::teleop::Kind;
use serde::Serialize;

use super::base::Base;
use super::guard::{Guard, State};
use crate::{Pose, Velocity};

/// The report.
#[derive(Debug, Serialize)]
pub(super) struct Telemetry<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    /// Seconds since 1970, by the robot's clock.
    robot_ts: f64,
    robot: &'a str,
    state: Standing<'a>,
    is_blocked: bool,
    pose: Pose,
    velocity: Velocity,
    /// The battery's charge, from 0 to 100 %.
    soc: f64,
    odometry: Odometry,
}

/// Why it moves or stands. `estopped` is as DimOS's robots tell it.
#[derive(Debug, Serialize)]
struct Standing<'a> {
    mode: State,
    estopped: bool,
    /// What is wrong with the commands that come, if they are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Pose and velocity as `nav_msgs/Odometry` has them.
#[derive(Debug, Serialize)]
struct Odometry {
    frame_id: &'static str,
    child_frame_id: &'static str,
    pose: StampedPose,
    twist: Twist,
}

#[derive(Debug, Serialize)]
struct StampedPose {
    position: Vector3,
    orientation: Quaternion,
}

#[derive(Debug, Serialize)]
struct Twist {
    linear: Vector3,
    angular: Vector3,
}

#[derive(Debug, Default, Serialize)]
struct Vector3 {
    x: f64,
    y: f64,
    z: f64,
}

#[derive(Debug, Default, Serialize)]
struct Quaternion {
    x: f64,
    y: f64,
    z: f64,
    w: f64,
}

impl Telemetry<'_> {
    pub(super) fn new<'a>(robot: &'a str, robot_ts: f64, guard: &'a Guard, base: &Base, battery: f64) -> Telemetry<'a> {
        let mode = guard.state(!base.velocity.is_zero());
        let state = Standing { mode, estopped: guard.is_estopped(), why: guard.refusal() };
        let Base { pose, velocity, is_blocked } = *base;
        Telemetry {
            kind: Kind::RobotTelemetry,
            robot_ts,
            robot,
            state,
            is_blocked,
            pose,
            velocity,
            soc: battery * 100.0,
            odometry: Odometry::of(pose, velocity),
        }
    }

    pub(super) fn to_json(&self) -> String {
        // Numbers and strings always have a JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Odometry {
    fn of(pose: Pose, velocity: Velocity) -> Odometry {
        let (sin, cos) = (pose.yaw / 2.0).sin_cos();
        Odometry {
            frame_id: "odom",
            child_frame_id: "base_link",
            pose: StampedPose {
                position: Vector3 { x: pose.x, y: pose.y, z: 0.0 },
                orientation: Quaternion { z: sin, w: cos, ..Quaternion::default() },
            },
            twist: Twist {
                linear: Vector3 { x: velocity.linear, ..Vector3::default() },
                angular: Vector3 { z: velocity.angular, ..Vector3::default() },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_everything() {
        let base = Base {
            pose: Pose { x: 1.0, y: 2.0, yaw: std::f64::consts::PI },
            velocity: Velocity { linear: 0.5, angular: -0.25 },
            is_blocked: false,
        };
        let json = Telemetry::new("rover", 1_700_000_000.5, &Guard::default(), &base, 0.75).to_json();
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["type"], "robot_telemetry");
        assert_eq!(read["robot_ts"], 1_700_000_000.5);
        assert_eq!((&read["robot"], &read["state"]["mode"]), (&"rover".into(), &"no_operator".into()));
        assert_eq!((&read["state"]["estopped"], &read["state"]["why"]), (&false.into(), &serde_json::Value::Null));
        assert_eq!((&read["pose"]["x"], &read["velocity"]["angular"]), (&1.0.into(), &(-0.25).into()));
        assert_eq!(read["soc"], 75.0);
        let odometry = &read["odometry"];
        assert_eq!((&odometry["pose"]["position"]["y"], &odometry["twist"]["linear"]["x"]), (&2.0.into(), &0.5.into()));
        assert_eq!(odometry["pose"]["orientation"]["z"], 1.0);
    }
}
