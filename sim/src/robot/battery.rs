//! A battery that runs down, faster when the robot drives.

/// Of the whole, per second: it lasts for ten hours of standing.
const STANDING: f64 = 1.0 / 36_000.0;
/// It lasts for two hours of driving.
const DRIVING: f64 = 1.0 / 7_200.0;

/// What is left, from 0 to 1. An empty one is only for show: the simulated robot drives on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery(f64);

impl Battery {
    /// A battery that was just charged.
    pub fn full() -> Battery {
        Battery(1.0)
    }

    /// Uses what `seconds` take of a robot that moves or stands.
    pub fn step(&mut self, moves: bool, seconds: f64) {
        let rate = if moves { DRIVING } else { STANDING };
        self.0 = (self.0 - rate * seconds).max(0.0);
    }

    /// What is left of the whole, from 0 to 1.
    pub fn left(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driving_takes_more_and_empty_is_empty() {
        let [mut parked, mut driven] = [Battery::full(); 2];
        parked.step(false, 3600.0);
        driven.step(true, 3600.0);
        assert!((parked.left() - 0.9).abs() < 1e-9 && (driven.left() - 0.5).abs() < 1e-9);
        driven.step(true, 1e6);
        assert_eq!(driven.left(), 0.0);
    }
}
