//! What a robot and its operator have in common: the topics of the broker's bridge, the messages on them, and how to dial.

mod credential;
mod dial;
mod minimap;
mod order;
mod pose;
mod velocity;

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use self::credential::{Broker, Credential, Side};
pub(crate) use self::dial::{ATTEMPT, dial, ended};
pub(crate) use self::minimap::{Cell, Corner, FREE, Kind, Minimap, OCCUPIED};
pub(crate) use self::order::{Order, Ordered};
pub(crate) use self::pose::Pose;
pub(crate) use self::velocity::Velocity;

/// From the operator: velocities, of which the newest counts.
pub(crate) const COMMANDS: &str = "cmd_unreliable";
/// From the operator: orders, each of which counts.
pub(crate) const ORDERS: &str = "state_reliable";
/// From the robot: telemetry and answers.
pub(crate) const REPORTS: &str = "state_reliable_back";
/// From the robot: the map.
pub(crate) const MAP: &str = "map_unreliable";

/// Seconds since 1970.
pub(crate) fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
