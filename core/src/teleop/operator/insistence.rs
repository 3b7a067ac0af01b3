//! An emergency stop is said again until the robot says that it has heard.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Between two times that it is said.
const AGAIN: Duration = Duration::from_millis(500);

/// Nonces of one stop that may still be answered, the latest ones.
const MAX_NONCES: usize = 64;

/// Whether there is something to say still.
#[derive(Debug, Default)]
pub(super) struct Insistence {
    is_wanted: bool,
    is_confirmed: bool,
    /// The robot answered at last that its actuators did not stop.
    has_failed: bool,
    next: Option<Instant>,
    /// Of the stop that is wanted now: what answers an earlier one says nothing of this.
    nonces: VecDeque<u64>,
}

impl Insistence {
    /// The stop is wanted from now on, or no longer.
    pub(super) fn want(&mut self, engaged: bool) {
        *self = Insistence { is_wanted: engaged, ..Insistence::default() };
    }

    /// It was said, to be answered by this nonce.
    pub(super) fn said(&mut self, nonce: u64) {
        if self.nonces.len() == MAX_NONCES {
            self.nonces.pop_front();
        }
        self.nonces.push_back(nonce);
    }

    /// The robot answered. One whose actuator failed is latched all the same, but that is no reason to be quiet.
    pub(super) fn answered(&mut self, nonce: u64, ok: bool) {
        if self.nonces.contains(&nonce) {
            (self.is_confirmed, self.has_failed) = (ok, !ok);
        }
    }

    /// The robot reports its state. One that does not say whether it is stopped confirms by its answer alone, and so does one
    /// whose actuator failed: it reports that it is latched, not that it stands.
    pub(super) fn reported(&mut self, is_estopped: Option<bool>) {
        self.is_confirmed = is_estopped.map_or(self.is_confirmed, |is_estopped| is_estopped && !self.has_failed);
    }

    /// Whether to say it now.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.is_open() && self.next.is_none_or(|next| now >= next);
        if is_due {
            self.next = now.checked_add(AGAIN);
        }
        is_due
    }

    /// When to look again, if there is something to say.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next.filter(|_| self.is_open())
    }

    fn is_open(&self) -> bool {
        self.is_wanted && !self.is_confirmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_until_it_is_heard() {
        let start = Instant::now();
        let mut insistence = Insistence::default();
        assert!(!insistence.is_due(start));
        insistence.want(true);
        assert!(insistence.is_due(start) && !insistence.is_due(start));
        assert_eq!(insistence.next(), Some(start + AGAIN));
        insistence.said(1);
        assert!(insistence.is_due(start + AGAIN) && !insistence.is_due(start + AGAIN));
        insistence.said(2);
        // An answer to something else, or one that it failed, confirms nothing.
        insistence.answered(9, true);
        insistence.answered(1, false);
        assert!(insistence.is_due(start + AGAIN * 2));
        insistence.answered(2, true);
        assert!(!insistence.is_due(start + AGAIN * 9));
        assert_eq!(insistence.next(), None);
        // A robot that was restarted knows nothing of it.
        insistence.reported(Some(false));
        assert!(insistence.is_due(start + AGAIN * 9));
        insistence.reported(Some(true));
        insistence.reported(None);
        assert!(!insistence.is_due(start + AGAIN * 99));
        // A robot that does not tell whether it is stopped may answer after long, and then the latest.
        insistence.want(true);
        (1_000..2_000).for_each(|nonce| insistence.said(nonce));
        insistence.answered(1_000, true);
        assert!(insistence.is_due(start + AGAIN * 100) && insistence.nonces.len() == MAX_NONCES);
        insistence.answered(1_999, true);
        assert!(!insistence.is_due(start + AGAIN * 199));
        insistence.want(false);
        insistence.reported(Some(false));
        insistence.answered(1, true);
        assert!(!insistence.is_due(start + AGAIN * 99));
    }

    #[test]
    fn one_whose_actuator_failed_is_told_again_until_it_has_not() {
        let start = Instant::now();
        let mut insistence = Insistence::default();
        insistence.want(true);
        // For longer than nonces are kept.
        for nonce in 0..200 {
            let now = start + AGAIN * u32::try_from(nonce).expect("small");
            assert!(insistence.is_due(now), "{nonce}");
            insistence.said(nonce);
            insistence.answered(nonce, false);
            insistence.reported(Some(true));
        }
        insistence.answered(199, true);
        assert!(!insistence.is_due(start + AGAIN * 999));
        insistence.reported(Some(true));
        assert!(!insistence.is_due(start + AGAIN * 999));
        // What is late says nothing, and another stop is a new one.
        insistence.answered(3, false);
        assert!(!insistence.is_due(start + AGAIN * 999));
        insistence.want(true);
        insistence.said(200);
        insistence.reported(Some(true));
        assert!(!insistence.is_due(start + AGAIN * 999));
    }
}
