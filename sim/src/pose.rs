//! Where a robot is on its floor.

use serde::Serialize;

/// A place in m, and a heading in rad, left of the x axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Pose {
    /// In m.
    pub x: f64,
    /// In m.
    pub y: f64,
    /// The heading in rad, left of the x axis.
    pub yaw: f64,
}
