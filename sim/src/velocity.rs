//! How fast, as a base understands it.

use serde::Serialize;

/// Forward in m/s, and to the left in rad/s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Velocity {
    /// Forward, in m/s.
    pub linear: f64,
    /// To the left, in rad/s.
    pub angular: f64,
}

impl Velocity {
    /// Not at all.
    pub const ZERO: Velocity = Velocity { linear: 0.0, angular: 0.0 };

    /// Whether this is standing.
    pub fn is_zero(self) -> bool {
        self == Velocity::ZERO
    }

    /// The same, no faster than `limits` in either direction; what is no number is zero.
    pub fn within(self, limits: Velocity) -> Velocity {
        let bound = |value: f64, limit: f64| if value.is_finite() { value.clamp(-limit, limit) } else { 0.0 };
        Velocity { linear: bound(self.linear, limits.linear), angular: bound(self.angular, limits.angular) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_drives_at_infinity() {
        let limits = Velocity { linear: 1.0, angular: 2.0 };
        let within = |linear, angular| Velocity { linear, angular }.within(limits);
        assert_eq!(within(0.5, -1.0), Velocity { linear: 0.5, angular: -1.0 });
        assert_eq!(within(9.0, -9.0), Velocity { linear: 1.0, angular: -2.0 });
        assert_eq!(within(f64::NAN, f64::INFINITY), Velocity::ZERO);
    }
}
