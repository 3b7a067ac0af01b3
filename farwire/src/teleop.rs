//! Teleoperation through a broker: a robot that registers there, and an operator who joins it.
//!
//! A robot dials a [`RobotConfig`] and an operator an [`OperatorConfig`] with the same `connect` as for an SFU; the broker
//! opens four topics between them, whose names are here. Who is there comes as a
//! [`ConnectionEvent`](crate::ConnectionEvent), and as the connection's `operator_present()` or `robot_present()`.
//!
//! Stamps on a bridge are in the robot's time. An operator takes them from the connection's `stamp()`; how far apart the
//! clocks are is its `clock()`, a [`ClockEstimate`].
//!
//! ```no_run
//! # #[cfg(all(feature = "blocking", feature = "http", feature = "lcm"))] {
//! use farwire::lcm::geometry_msgs::TwistStamped;
//! use farwire::teleop::{CMD_UNRELIABLE, RobotConfig};
//! use farwire::{Delivery, SubscribeOptions};
//! use std::time::Duration;
//!
//! # fn drive(_: f64, _: f64) {}
//! let robot = farwire::connect(RobotConfig::from_env(|name| std::env::var(name).ok())?)?;
//! let fresh = SubscribeOptions::from(Delivery::LOSSY).stale_after(Duration::from_millis(300));
//! let commands = robot.subscribe_to_with::<TwistStamped>(CMD_UNRELIABLE, fresh)?;
//! loop {
//!     match commands.recv() {
//!         Ok(command) => drive(command.twist.linear.x, command.twist.angular.z),
//!         Err(error) if error.is_passing() => drive(0.0, 0.0),
//!         Err(error) => return Err(error.into()),
//!     }
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use farwire_core::broker::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
pub use farwire_core::broker::{
    IceServer, OperatorConfig, OperatorProblem, OperatorSettings, RobotConfig, RobotSettings,
};
pub use farwire_core::{ClockEstimate, OperatorLost, StampRefusal};
