//! What a robot and its operator have in common: the topics of the broker's bridge, the messages on them, and how to dial.

mod credential;
mod dial;
mod minimap;
mod order;
mod pose;
mod velocity;

use std::time::{SystemTime, UNIX_EPOCH};

/// From the operator: velocities, of which the newest counts.
pub(crate) use farwire_core::broker::CMD_UNRELIABLE as COMMANDS;
/// From the robot: the map.
pub(crate) use farwire_core::broker::MAP_UNRELIABLE as MAP;
/// From the operator: orders, each of which counts.
pub(crate) use farwire_core::broker::STATE_RELIABLE as ORDERS;
/// From the robot: telemetry and answers.
pub(crate) use farwire_core::broker::STATE_RELIABLE_BACK as REPORTS;

pub(crate) use self::credential::{Broker, Credential, Side};
pub(crate) use self::dial::{ATTEMPT, dial, ended};
pub(crate) use self::minimap::{Cell, Corner, FREE, Kind, Minimap, OCCUPIED};
pub(crate) use self::order::{Order, Ordered};
pub(crate) use self::pose::Pose;
pub(crate) use self::velocity::Velocity;

/// Seconds since 1970.
pub(crate) fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
