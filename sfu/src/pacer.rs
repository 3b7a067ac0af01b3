//! How fast one session is sent to.
//!
//! SCTP may send a large message all at once, and what overflows the receiver's socket is sent again only after a second.
//! A browser's socket takes about 200 KiB.

use std::time::{Duration, Instant};

/// What may be sent at once, in bytes.
const BURST: u64 = 64 * 1024;

/// Bytes in a millisecond, about half a gigabit a second.
const PER_MILLISECOND: u64 = 64 * 1024;

/// The allowance of one session, which grows with time.
#[derive(Debug)]
pub(crate) struct Pacer {
    allowance: u64,
    since: Instant,
}

impl Pacer {
    pub(crate) fn new(now: Instant) -> Pacer {
        Pacer { allowance: BURST, since: now }
    }

    /// Until when nothing may be sent; `None`: something may be sent now.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Instant> {
        let passed = now.saturating_duration_since(self.since).as_micros() as u64;
        let gained = passed.saturating_mul(PER_MILLISECOND) / 1000;
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
        let (start, mut pace, mut sent) = (now, Pacer::new(now), 0);
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
        let mut pace = Pacer::new(now);
        pace.spend(100);
        assert_eq!(pace.wait(now + Duration::from_secs(100)), None);
        pace.spend(BURST as usize);
        assert!(pace.wait(now + Duration::from_secs(100)).is_some());
    }
}
