//! The guard from outside, for fuzzing.

use std::time::Instant;

use super::{Guard, MAX_AHEAD, MAX_AHEAD_BYTES, MAX_RUNS, MAX_STREAMS, Verdict};

/// A guard of one connection.
#[derive(Debug)]
pub struct GuardProbe(Guard);

impl GuardProbe {
    /// A guard of a connection that has not begun.
    pub fn new(now: Instant) -> GuardProbe {
        GuardProbe(Guard::new(now))
    }

    /// Shows it a packet that SCTP sends.
    pub fn sent(&mut self, packet: &[u8]) {
        self.0.sent(packet);
    }

    /// Shows it a packet that SCTP is to receive; whether it passes.
    pub fn receive(&mut self, packet: &[u8]) -> bool {
        self.0.receive(packet) == Verdict::Pass
    }

    /// Tells it the time.
    pub fn tell_time(&mut self, now: Instant) {
        self.0.tell_time(now);
    }

    /// Whether it ends the connection; asked once.
    pub fn ends(&mut self) -> bool {
        self.0.take_violation().is_some()
    }

    /// # Panics
    /// When it keeps more than its bounds say, or has lost count of it.
    pub fn check(&self) {
        let guard = &self.0;
        let kept: usize = guard.ahead.iter().flatten().map(|ahead| usize::from(ahead.keeps)).sum();
        assert_eq!(kept, guard.ahead_bytes);
        // One packet may go past it.
        assert!(guard.ahead.len() <= MAX_AHEAD && kept <= MAX_AHEAD_BYTES + usize::from(u16::MAX));
        let is_there = |at: usize| guard.ahead[at].is_some();
        let runs = (0..guard.ahead.len()).filter(|at| is_there(*at) && (*at == 0 || !is_there(at - 1))).count();
        assert_eq!(runs, guard.runs);
        // The chunks of one packet may, each a run of its own.
        assert!(runs <= MAX_RUNS + usize::from(u16::MAX) / 16, "{runs} runs");
        assert!(guard.streams.len() <= MAX_STREAMS + 1 && guard.numbers.len() <= usize::from(u16::MAX) + 1);
        assert!(guard.ahead.capacity() <= 4 * MAX_AHEAD, "room for {}", guard.ahead.capacity());
    }
}
