//! How much of something the far end may do: so much at once, and so much a second.

use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Allowance {
    most: u64,
    per_second: u64,
    left: u64,
    refilled: Instant,
}

impl Allowance {
    pub(crate) fn new(most: u64, per_second: u64, now: Instant) -> Allowance {
        Allowance { most, per_second, left: most, refilled: now }
    }

    /// Whether this much is allowed, which is taken.
    pub(crate) fn take(&mut self, now: Instant, amount: u64) -> bool {
        let earned = now.saturating_duration_since(self.refilled).as_millis() * u128::from(self.per_second) / 1000;
        if earned > 0 {
            self.left = self.most.min(self.left.saturating_add(u64::try_from(earned).unwrap_or(u64::MAX)));
            self.refilled = now;
        }
        let is_enough = amount <= self.left;
        self.left = self.left.saturating_sub(amount);
        is_enough
    }

    /// All is allowed again.
    pub(crate) fn refill(&mut self) {
        self.left = self.most;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn is_used_up_and_comes_back() {
        let now = Instant::now();
        let mut allowance = Allowance::new(3, 2, now);
        assert_eq!((0..5).filter(|_| allowance.take(now, 1)).count(), 3);
        assert!(!allowance.take(now + Duration::from_millis(400), 1));
        assert!(allowance.take(now + Duration::from_millis(600), 1));
        assert!(!allowance.take(now + Duration::from_millis(600), 1));
        allowance.refill();
        assert!(allowance.take(now, 3));
    }
}
