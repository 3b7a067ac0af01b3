//! Teleoperation through a broker, from either end: the robot that registers there, and the operator that joins it.
//!
//! ```text
//!  robot    ─ register, heartbeat ─▶ broker ◀─ join, bridge ─ operator
//!    └──────── cmd, state, map ────▶  SFU  ◀──── the same ──────┘
//! ```
//!
//! The broker owns the SFU's sessions and says which channels there are: four, with fixed names and deliveries, open while
//! an operator is bridged. Its JSON, and the source of every rule of it, is in `wire/teleop`. What only farwire's own broker
//! has (`GET /sessions`, `takeover`, `operator_id`) is not needed to reach a session by its id.

mod admit;
mod config;
mod line;
mod operator;
mod problem;
mod robot;

pub use self::config::{OperatorConfig, RobotConfig};
pub use self::problem::OperatorProblem;
pub use crate::wire::teleop::{CMD_UNRELIABLE, IceServer, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};

pub(crate) use self::operator::OperatorSession;
pub(crate) use self::robot::{Instance, RobotSession};
