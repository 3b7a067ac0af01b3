//! Orders that were sent, to know their answers by.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::wire::teleop::Command;

/// Orders whose answers may still come; of more than these nobody tells.
const MAX_OPEN: usize = 64;

/// How long an answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What was asked of a robot.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Asked {
    /// The emergency stop.
    Estop,
    /// Its release.
    EstopClear,
    /// A command.
    Command(Command),
}

/// The latest orders and their nonces.
#[derive(Debug)]
pub(super) struct Orders {
    latest: u64,
    open: VecDeque<(u64, Asked, Instant)>,
}

impl Orders {
    /// No orders yet. `unix` is the time since 1970: robots remember nonces for a while, and an operator that is started
    /// again is to have others.
    pub(super) fn new(unix: Duration) -> Orders {
        // Microseconds are below what a double holds exactly until 2255.
        Orders { latest: u64::try_from(unix.as_micros()).unwrap_or_default(), open: VecDeque::new() }
    }

    /// A nonce for an order that is sent now: DimOS answers a repeated one each time.
    pub(super) fn next(&mut self, now: Instant, asked: Asked) -> u64 {
        self.latest += 1;
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((self.latest, asked, now));
        self.latest
    }

    /// What was answered by this nonce, once.
    pub(super) fn answered(&mut self, nonce: u64) -> Option<Asked> {
        let place = self.open.iter().position(|(open, ..)| *open == nonce)?;
        self.open.remove(place).map(|(_, asked, _)| asked)
    }

    /// The next that was waited for in vain.
    pub(super) fn given_up(&mut self, now: Instant) -> Option<(u64, Asked)> {
        let is_over = self.open.front().is_some_and(|(_, _, at)| now.saturating_duration_since(*at) >= PATIENCE);
        is_over.then(|| self.open.pop_front()).flatten().map(|(nonce, asked, _)| (nonce, asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_belongs_to_one_order() {
        let start = Instant::now();
        let mut orders = Orders::new(Duration::from_secs(1_800_000_000));
        let (stop, clear) = (orders.next(start, Asked::Estop), orders.next(start, Asked::EstopClear));
        assert_ne!(stop, clear);
        assert!(clear < 1 << 53, "a double holds it");
        // The answer to the stop may come after the one to the clear.
        assert_eq!(orders.answered(clear), Some(Asked::EstopClear));
        assert_eq!(
            (orders.answered(stop), orders.answered(stop), orders.answered(9)),
            (Some(Asked::Estop), None, None)
        );
        let asked = orders.next(start, Asked::Command(Command::NavCancel));
        assert_eq!(orders.given_up(start + PATIENCE / 2), None);
        assert_eq!(orders.given_up(start + PATIENCE), Some((asked, Asked::Command(Command::NavCancel))));
        assert_eq!((orders.given_up(start + PATIENCE), orders.answered(asked)), (None, None));
        for _ in 0..200 {
            orders.next(start, Asked::Estop);
        }
        assert_eq!(orders.open.len(), MAX_OPEN);
    }
}
