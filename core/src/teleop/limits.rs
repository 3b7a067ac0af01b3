//! How fast a robot may be told to go.

use crate::lcm::geometry_msgs::{Twist, Vector3};

/// The fastest that each axis may be told to go, in either direction: x forward, y to the left and z up in m/s, and around each
/// of them in rad/s. What no limit was given for is 0, and stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    linear: [f64; 3],
    angular: [f64; 3],
}

impl Limits {
    /// For a base that drives forward and back in m/s, and turns in rad/s. A limit that is no number, or less than 0, is 0.
    pub fn planar(forward: f64, turn: f64) -> Limits {
        Limits::new([forward, 0.0, 0.0], [0.0, 0.0, turn])
    }

    /// For every axis: x, y and z in m/s, and around x, y and z in rad/s. A limit that is no number, or less than 0, is 0.
    pub fn new(linear: [f64; 3], angular: [f64; 3]) -> Limits {
        let limit = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
        Limits { linear: linear.map(limit), angular: angular.map(limit) }
    }

    /// The same, and to either side in m/s.
    #[must_use]
    pub fn sideways(self, speed: f64) -> Limits {
        let [x, _, z] = self.linear;
        Limits::new([x, speed, z], self.angular)
    }

    /// The velocity within these limits; `None` for one with a value that is no finite number.
    pub fn apply(&self, twist: &Twist) -> Option<Twist> {
        let within = |value: &Vector3, [x, y, z]: [f64; 3]| {
            let is_finite = value.x.is_finite() && value.y.is_finite() && value.z.is_finite();
            is_finite.then(|| Vector3 { x: value.x.clamp(-x, x), y: value.y.clamp(-y, y), z: value.z.clamp(-z, z) })
        };
        Some(Twist { linear: within(&twist.linear, self.linear)?, angular: within(&twist.angular, self.angular)? })
    }
}

/// Whether this is standing.
pub(super) fn is_zero(twist: &Twist) -> bool {
    *twist == Twist::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twist(linear: [f64; 3], angular: [f64; 3]) -> Twist {
        let vector = |[x, y, z]: [f64; 3]| Vector3 { x, y, z };
        Twist { linear: vector(linear), angular: vector(angular) }
    }

    #[test]
    fn each_axis_has_its_own_limit_and_nobody_drives_at_infinity() {
        let limits = Limits::planar(1.0, 2.0).sideways(0.5);
        let far = twist([9.0, -9.0, 9.0], [9.0, 9.0, -9.0]);
        assert_eq!(limits.apply(&far), Some(twist([1.0, -0.5, 0.0], [0.0, 0.0, -2.0])));
        let near = twist([0.5, 0.1, 0.0], [0.0, 0.0, -1.0]);
        assert_eq!(limits.apply(&near), Some(near));
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for axis in 0..3 {
                let mut values = [0.0; 3];
                values[axis] = wrong;
                assert_eq!(limits.apply(&twist(values, [0.0; 3])), None);
                assert_eq!(limits.apply(&twist([0.0; 3], values)), None);
            }
        }
    }

    #[test]
    fn a_limit_that_is_none_is_zero() {
        let odd = Limits::planar(f64::NAN, -1.0);
        assert_eq!(odd, Limits::default());
        assert!(is_zero(&odd.apply(&twist([1.0; 3], [1.0; 3])).expect("finite")));
    }
}
