//! A simulated robot in its room, and the operator who drives it, without connection, terminal or clock.
//!
//! Everything here is plain data with time as an argument: who is there, what was commanded and which keys were pressed
//! comes in, and velocities, telemetry and lines of text go out. The `farwire` command carries it over a connection, and
//! the tests drive it in virtual time.
//!
//! - [`robot`] drives in a room with walls, as a [`teleop::Robot`](farwire_core::teleop::Robot) says.
//! - [`operator`] is the other end: keys or a script, the emergency stop that is said until it is heard, and the screen.
//! - [`Minimap`], [`Velocity`] and [`Pose`] are what both understand.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use farwire_core::teleop::{Limits, Now, Robot, RobotOptions};
//! use farwire_sim::robot::{Body, LIMITS};
//!
//! let now = Now { at: Instant::now(), robot_time: Some(Duration::from_secs(1_800_000_000)) };
//! let mut robot = Robot::new(RobotOptions::new(Limits::planar(LIMITS.linear, LIMITS.angular)), now.at);
//! let mut body = Body::new();
//! body.step(&robot.step(now));
//! assert!(body.velocity().is_zero(), "nobody operates it");
//! ```

mod minimap;
pub mod operator;
mod pose;
pub mod robot;
mod span;
mod velocity;

pub use crate::minimap::{Cell, FREE, Minimap, OCCUPIED, UNKNOWN};
pub use crate::pose::Pose;
pub use crate::span::parse_span;
pub use crate::velocity::Velocity;
