//! What the authors of robots and operators need beside a connection: both ends of a broker's bridge as state machines, in
//! DimOS's words.
//!
//! [`Robot`] is the whole of it: who may move the robot and how fast, the emergency stop, commands that are run one at a time
//! and answered, and what is reported. It does no I/O; the drivers put a loop around it. [`Operator`] is the other end: a velocity
//! at a fixed rate, the emergency stop until it is heard, commands whose answers are awaited, and what the robot reports.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
//! use farwire_core::lcm::std_msgs::{Header, Time};
//! use farwire_core::teleop::{Limits, Now, Robot, RobotOptions};
//!
//! let (at, robot_time) = (Instant::now(), Duration::from_secs(1_800_000_000));
//! let now = Now { at, robot_time: Some(robot_time) };
//! let mut robot = Robot::new(RobotOptions::new(Limits::planar(0.8, 1.5)), at);
//! robot.handle_operator(now, Ok(()));
//! let command = TwistStamped {
//!     header: Header { stamp: Time::from_unix(robot_time).expect("before 2038"), ..Header::default() },
//!     twist: Twist { linear: Vector3 { x: 9.0, ..Vector3::default() }, ..Twist::default() },
//! };
//! robot.handle_drive(now, &command, 77);
//! assert_eq!(robot.step(now).velocity.linear.x, 0.8);
//! robot.handle_message(now, br#"{"type":"estop","nonce":1}"#);
//! assert_eq!(robot.step(now).velocity, Twist::default());
//! ```
//!
//! # What it keeps
//!
//! - The velocity is zero without an operator, without a fresh command, while the emergency stop is engaged, and while the
//!   robot does not know the time. What ends one of these is no command: after each the robot waits for the next.
//! - The emergency stop is latched by any message that says so, whoever comes and goes, and by nothing but `estop_clear`
//!   released; while actuators are still being stopped, that waits for them.
//! - A repeated nonce is not run again within 10 s, for the latest 64. One command runs at a time, four wait, and one more is
//!   refused.
//! - Each emergency stop and each loss of the operator begins anew: what runs is told to leave off, and what waits is not run.

mod camera;
mod change;
mod drive;
mod executor;
mod guard;
mod limits;
mod map;
mod nonces;
mod operator;
mod options;
mod pace;
mod robot;
mod stats;
mod telemetry;

pub use self::change::Change;
pub use self::drive::Dropped;
pub use self::executor::RunId;
pub use self::guard::{Activity, Guard};
pub use self::limits::Limits;
pub use self::map::{Grid, MAX_SIDE, MapError};
pub use self::operator::{Asked, Heard, LinkStats, Loss, Operator, Say, Telemetry};
pub use self::options::RobotOptions;
pub use self::robot::{Counts, Now, Output, Robot, Step};
pub use self::telemetry::Report;
pub use crate::wire::teleop::{Command, DriveCounts, DriveStats, Mode, Odom, VideoStats};
