//! When a connection that was lost is made again: the one reconnection, whatever the provider.
//!
//! ```text
//!  connecting ── up ──▶ up ── lost ──▶ waiting ── its time ──▶ connecting …
//!      └── never was up, or what ended it lasts ──▶ over
//! ```

use std::time::Instant;

use fastrand::Rng;

use super::Backoff;
use super::policy::{CROWDED, LONGEST_PAUSE, MAX_REFUSALS, STEADY, SUSPICIOUS};

/// What a provider says of the end of a connection that was up before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// Reconnecting is of no use: a person has to put something right, or this end has to make room.
    Never,
    /// Reconnecting may help, again and again: between 50 ms and 3 s pass before each attempt.
    Soon,
    /// The server refuses. One refusal may be a proxy's doing, so only the fifth in a row is for good.
    Refused,
    /// Another end has this one's place, which is asked for less and less often, after 12 s at most.
    Crowded,
    /// Another end may have this one's place: the second time within 10 minutes it counts as [`Retry::Crowded`].
    Suspicious {
        /// What it counts as else: [`Retry::Refused`], or [`Retry::Soon`].
        refused: bool,
    },
}

/// Says when to reconnect, with jittered backoff, for as long as that may help.
#[derive(Debug)]
pub(crate) struct Reconnect {
    rng: Rng,
    was_up: bool,
    up_since: Option<Instant>,
    backoff: Backoff,
    /// For an end whose place another one has.
    crowded: Backoff,
    suspected_at: Option<Instant>,
    refusals: u32,
    at: Option<Instant>,
}

impl Reconnect {
    pub(crate) fn new(seed: u64) -> Reconnect {
        Reconnect {
            rng: Rng::with_seed(!seed),
            was_up: false,
            up_since: None,
            backoff: Backoff::up_to(LONGEST_PAUSE),
            crowded: Backoff::between(CROWDED.0, CROWDED.1),
            suspected_at: None,
            refusals: 0,
            at: None,
        }
    }

    /// Whether the connection was up once.
    pub(crate) fn was_up(&self) -> bool {
        self.was_up
    }

    /// The connection is up.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.was_up = true;
        self.up_since = Some(now);
        self.refusals = 0;
    }

    /// An attempt begins.
    pub(crate) fn began(&mut self) {
        self.at = None;
    }

    /// The connection, or an attempt at it, is over. Whether another attempt follows; if so, when is decided.
    pub(crate) fn lost(&mut self, now: Instant, retry: Retry) -> bool {
        if !self.was_up {
            return false;
        }
        let was_up_for = self.up_since.take().map(|since| now.saturating_duration_since(since)).unwrap_or_default();
        if was_up_for >= STEADY {
            self.backoff.succeeded();
        }
        if was_up_for >= SUSPICIOUS {
            self.crowded.succeeded();
        }
        let retry = match retry {
            Retry::Suspicious { .. } if self.is_suspected_again(now) => Retry::Crowded,
            Retry::Suspicious { refused: true } => Retry::Refused,
            Retry::Suspicious { refused: false } => Retry::Soon,
            retry => retry,
        };
        self.refusals += u32::from(retry == Retry::Refused);
        let at = match retry {
            Retry::Never => return false,
            Retry::Refused if self.refusals >= MAX_REFUSALS => return false,
            // To take the place back would be to end the other one, which would take it back again.
            Retry::Crowded => self.crowded.failed(now, &mut self.rng),
            _ => self.backoff.failed(now, &mut self.rng),
        };
        self.at = Some(at);
        true
    }

    fn is_suspected_again(&mut self, now: Instant) -> bool {
        let before = self.suspected_at.replace(now);
        before.is_some_and(|at| now.saturating_duration_since(at) < SUSPICIOUS)
    }

    /// When to reconnect, if that is what is waited for.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn up(now: Instant) -> Reconnect {
        let mut reconnect = Reconnect::new(1);
        reconnect.connected(now);
        reconnect
    }

    #[test]
    fn what_never_was_up_is_not_tried_again() {
        let now = Instant::now();
        assert!(!Reconnect::new(1).lost(now, Retry::Soon));
        assert!(up(now).lost(now, Retry::Soon) && !up(now).lost(now, Retry::Never));
    }

    #[test]
    fn the_fifth_refusal_in_a_row_is_for_good() {
        let now = Instant::now();
        let mut reconnect = up(now);
        assert!((0..4).all(|_| reconnect.lost(now, Retry::Refused)) && !reconnect.lost(now, Retry::Refused));
        let mut reconnect = up(now);
        assert!((0..4).all(|_| reconnect.lost(now, Retry::Refused)));
        reconnect.connected(now);
        assert!((0..4).all(|_| reconnect.lost(now, Retry::Refused)), "being up ends the row");
    }

    #[test]
    fn a_second_suspicion_within_minutes_makes_the_pauses_long() {
        let now = Instant::now();
        let pause = |reconnect: &mut Reconnect, at| {
            assert!(reconnect.lost(at, Retry::Suspicious { refused: false }));
            reconnect.at().expect("it is tried again") - at
        };
        let mut reconnect = up(now);
        assert!(pause(&mut reconnect, now) < SECOND);
        assert!(pause(&mut reconnect, now + 599 * SECOND) > SECOND);
        assert!(pause(&mut reconnect, now + 1200 * SECOND) < SECOND);
    }
}
