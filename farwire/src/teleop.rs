//! Teleoperation through a broker: a robot that registers there, and an operator who joins it.
//!
//! A robot dials a [`RobotConfig`] and an operator an [`OperatorConfig`] with the same `connect` as for an SFU; the broker
//! opens four topics between them, whose names are here. Who is there comes as a
//! [`ConnectionEvent`](crate::ConnectionEvent), and as the connection's `operator_present()` or `robot_present()`.
//!
//! Stamps on a bridge are in the robot's time. An operator takes them from the connection's `stamp()`; how far apart the
//! clocks are is its `clock()`, a [`ClockEstimate`].
//!
//! A robot that is driven needs a `Robot` around its connection, which says at each step how fast to go:
//!
//! ```no_run
//! # #[cfg(all(feature = "blocking", feature = "http"))] {
//! use farwire::teleop::{Limits, Robot, RobotConfig, RobotSetup};
//!
//! # fn motors(_: f64, _: f64) {}
//! let connection = farwire::connect(RobotConfig::from_env(|name| std::env::var(name).ok())?)?;
//! let mut robot = Robot::start(&connection, RobotSetup::new(Limits::planar(0.8, 1.5)))?;
//! loop {
//!     let step = robot.step()?;
//!     motors(step.velocity.linear.x, step.velocity.angular.z);
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "blocking")]
pub use farwire_blocking::teleop::{RobotSetup, Task};
#[cfg(feature = "blocking")]
pub use farwire_blocking::{Operator, Robot};
pub use farwire_core::broker::{
    BrokerError, IceServer, OperatorConfig, OperatorProblem, OperatorSettings, RobotConfig, RobotSettings, Roster,
};
pub use farwire_core::broker::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
// What a robot is made of.
pub use farwire_core::teleop::{
    Activity, Change, Command, Counts, DriveCounts, DriveStats, Dropped, Grid, Limits, MapError, Mode, Odom, Report,
    RobotOptions, Step, VideoStats,
};
// What an operator is made of.
pub use farwire_core::teleop::{Asked, Heard, LinkStats, Loss, Telemetry};
pub use farwire_core::{ClockEstimate, OperatorLost, StampRefusal};
#[cfg(all(feature = "tokio", not(feature = "blocking")))]
pub use farwire_tokio::teleop::{RobotSetup, Task};
