//! Where a robot is on its floor.

use serde::Serialize;

/// A place in m, and a heading in rad, left of the x axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Pose {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) yaw: f64,
}
