//! How many chunks of a kind may come.

use std::time::Instant;

/// What may come at once, and grows again with time.
#[derive(Debug)]
pub(super) struct Allowance {
    most: u32,
    per_second: u32,
    left: u32,
    pub(super) since: Instant,
}

impl Allowance {
    pub(super) fn new((most, per_second): (u32, u32), now: Instant) -> Allowance {
        Allowance { most, per_second, left: most, since: now }
    }

    pub(super) fn take(&mut self) -> bool {
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }

    pub(super) fn is_used(&self) -> bool {
        self.left < self.most
    }

    pub(super) fn refill(&mut self, now: Instant) {
        let millis = now.saturating_duration_since(self.since).as_millis();
        let gained = u32::try_from(millis * u128::from(self.per_second) / 1000).unwrap_or(u32::MAX);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(self.most);
            self.since = now;
        }
    }
}
