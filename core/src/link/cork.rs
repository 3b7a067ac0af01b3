//! When small writes go out at once, and when they wait a moment to share a packet.
//!
//! Packing and sending costs several times what a 64-byte message costs inside SCTP, so a publisher that floods is
//! flushed once for every few messages. A robot's loop never notices: writes go out at once while they come at less
//! than [`RATE`].

use std::time::{Duration, Instant};

/// Writes between two flushes at most.
const WRITES: u32 = 16;

/// Bytes between two flushes at most: about one packet.
const BYTES: usize = 1100;

/// How long a write waits at most.
const DELAY: Duration = Duration::from_micros(100);

/// Immediate flushes per second that a steady publisher gets.
const RATE: u32 = 5_000;

/// Immediate flushes that a burst gets after a pause.
const BURST: u32 = 16;

/// Decides about one link's writes.
#[derive(Debug)]
pub(crate) struct Cork {
    tokens: u32,
    refilled: Instant,
    writes: u32,
    bytes: usize,
    deadline: Option<Instant>,
}

impl Cork {
    pub(crate) fn new(now: Instant) -> Cork {
        Cork { tokens: BURST, refilled: now, writes: 0, bytes: 0, deadline: None }
    }

    /// Notes a write of `len` bytes.
    pub(crate) fn wrote(&mut self, now: Instant, len: usize) {
        self.refill(now);
        self.writes += 1;
        self.bytes = self.bytes.saturating_add(len);
        if self.tokens > 0 || self.writes >= WRITES || self.bytes >= BYTES {
            self.tokens = self.tokens.saturating_sub(1);
            self.deadline = Some(now);
        } else if self.deadline.is_none() {
            self.deadline = Some(now + DELAY);
        }
    }

    /// When the writes so far are to be flushed; `None` without any.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Notes that everything written was flushed.
    pub(crate) fn flushed(&mut self) {
        self.writes = 0;
        self.bytes = 0;
        self.deadline = None;
    }

    fn refill(&mut self, now: Instant) {
        let earned = now.saturating_duration_since(self.refilled).as_micros() * u128::from(RATE) / 1_000_000;
        if earned >= u128::from(BURST) {
            self.tokens = BURST;
            self.refilled = now;
        } else if earned > 0 {
            self.tokens = (self.tokens + earned as u32).min(BURST);
            self.refilled += Duration::from_secs(1) / RATE * earned as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_loop_is_never_delayed() {
        let mut now = Instant::now();
        let mut cork = Cork::new(now);
        for _ in 0..1000 {
            for _ in 0..4 {
                cork.wrote(now, 64);
                assert_eq!(cork.deadline(), Some(now));
                cork.flushed();
            }
            now += Duration::from_millis(1);
        }
    }

    #[test]
    fn a_flood_is_flushed_by_packet_and_by_deadline() {
        let now = Instant::now();
        let mut cork = Cork::new(now);
        let mut flushes = 0;
        for _ in 0..1600 {
            cork.wrote(now, 64);
            if cork.deadline() == Some(now) {
                flushes += 1;
                cork.flushed();
            }
        }
        assert!((100..=BURST + 110).contains(&flushes), "{flushes} flushes");
        cork.flushed();
        cork.wrote(now, 64);
        assert_eq!(cork.deadline(), Some(now + DELAY), "a straggler waits, but not for ever");
    }
}
