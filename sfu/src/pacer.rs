//! How fast one session is sent to.
//!
//! SCTP may send a large message all at once, and what overflows the receiver's socket is lost. A browser's socket takes about
//! 200 KiB.

use std::time::{Duration, Instant};

use farwire_core::SctpEngine;

/// What may be sent at once, in bytes.
const BURST: u64 = 64 * 1024;

/// Bytes in a millisecond, about half a gigabit a second, where what is lost is sent again only after a second.
const PER_MILLISECOND: u64 = 64 * 1024;

/// The same where a loss is noticed at once.
const PER_MILLISECOND_OF_OWN: u64 = 512 * 1024;

/// The allowance of one session, which grows with time.
#[derive(Debug)]
pub(crate) struct Pacer {
    allowance: u64,
    per_millisecond: u64,
    since: Instant,
}

impl Pacer {
    pub(crate) fn new(engine: SctpEngine, now: Instant) -> Pacer {
        let per_millisecond = match engine {
            SctpEngine::Farwire => PER_MILLISECOND_OF_OWN,
            _ => PER_MILLISECOND,
        };
        Pacer { allowance: BURST, per_millisecond, since: now }
    }

    /// Until when nothing may be sent; `None`: something may be sent now.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Instant> {
        let passed = now.saturating_duration_since(self.since).as_micros() as u64;
        let gained = passed.saturating_mul(self.per_millisecond) / 1000;
        if gained > 0 {
            self.allowance = self.allowance.saturating_add(gained).min(BURST);
            self.since = now;
        }
        (self.allowance == 0).then(|| self.since + Duration::from_millis(1))
    }

    /// Notes that a datagram of this many bytes was sent.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.allowance = self.allowance.saturating_sub(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_by_the_millisecond() {
        let mut now = Instant::now();
        let (start, mut pace, mut sent) = (now, Pacer::new(SctpEngine::Str0m, now), 0);
        while sent < 1 << 20 {
            match pace.wait(now) {
                None => {
                    pace.spend(1200);
                    sent += 1200;
                }
                Some(at) => {
                    assert!(sent >= BURST && at > now && at <= now + Duration::from_millis(1));
                    now = at;
                }
            }
        }
        assert_eq!(now - start, Duration::from_millis(15));
    }

    #[test]
    fn what_is_not_used_does_not_add_up() {
        let now = Instant::now();
        let mut pace = Pacer::new(SctpEngine::Str0m, now);
        pace.spend(100);
        assert_eq!(pace.wait(now + Duration::from_secs(100)), None);
        pace.spend(BURST as usize);
        assert!(pace.wait(now + Duration::from_secs(100)).is_some());
    }
}
