//! Teleoperation through a broker, from either end: the robot that registers there, and the operator that joins it.
//!
//! ```text
//!  robot    ─ register, heartbeat ─▶ broker ◀─ join, bridge ─ operator
//!    └──────── cmd, state, map ────▶  SFU  ◀──── the same ──────┘
//! ```
//!
//! The broker owns the SFU's sessions and says which channels there are: four, with fixed names and deliveries, open while
//! an operator is bridged. Source of every wire rule here: DimOS 0.0.15, `BrokerProvider`, and the hosted broker's API as
//! that uses it. What only farwire's own broker has (`GET /sessions`, `takeover`, `operator_id`) is not needed to reach a
//! session by its id.

mod api;
mod channels;
pub mod code;
mod config;
mod ice;
mod line;
mod operator;
mod problem;
mod robot;

pub use self::channels::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
pub use self::config::{OperatorConfig, RobotConfig};
pub use self::ice::IceServer;
pub use self::problem::OperatorProblem;

pub(crate) use self::operator::OperatorSession;
pub(crate) use self::robot::{Instance, RobotSession};
