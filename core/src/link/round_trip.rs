//! The round-trip time, from the connectivity checks that a client sends about once a second anyway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Checks that wait for an answer at most.
const OUTSTANDING: usize = 8;

const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];

/// Random for each check, so that nobody off the path can make up an answer.
type TransactionId = [u8; 12];

/// Times checks by the datagrams that pass.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    outstanding: VecDeque<(TransactionId, Instant)>,
    latest: Option<Duration>,
}

impl RoundTrip {
    /// Notes a datagram that goes out.
    pub(super) fn sent(&mut self, now: Instant, datagram: &[u8]) {
        if let Some(id) = transaction(datagram, BINDING_REQUEST) {
            if self.outstanding.len() == OUTSTANDING {
                self.outstanding.pop_front();
            }
            self.outstanding.push_back((id, now));
        }
    }

    /// Notes a datagram that came in, and that the link has understood.
    pub(super) fn received(&mut self, now: Instant, datagram: &[u8]) {
        let Some(id) = transaction(datagram, BINDING_SUCCESS) else { return };
        if let Some(at) = self.outstanding.iter().position(|(sent, _)| *sent == id)
            && let Some((_, sent)) = self.outstanding.remove(at)
        {
            self.latest = Some(now.saturating_duration_since(sent));
        }
    }

    /// What the latest check took.
    pub(super) fn latest(&self) -> Option<Duration> {
        self.latest
    }
}

/// The transaction id of a STUN message of that type.
fn transaction(datagram: &[u8], kind: [u8; 2]) -> Option<TransactionId> {
    datagram.strip_prefix(&kind)?.get(6..18)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: [u8; 2], id: u8) -> Vec<u8> {
        [&kind[..], &[0; 6], &[id; 12], b"attributes"].concat()
    }

    #[test]
    fn answers_are_timed_by_their_own_check() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut round_trip = RoundTrip::default();
        for id in 0..10 {
            round_trip.sent(at(100 * u64::from(id)), &message(BINDING_REQUEST, id));
        }
        for (kind, id) in [(BINDING_SUCCESS, 0), (BINDING_SUCCESS, 77), (BINDING_REQUEST, 9), ([0x01, 0x11], 9)] {
            round_trip.received(at(1000), &message(kind, id));
        }
        round_trip.received(at(1000), &message(BINDING_SUCCESS, 9)[..19]);
        assert_eq!(round_trip.latest(), None, "forgotten, unknown, or no answer");
        round_trip.received(at(1000), &message(BINDING_SUCCESS, 8));
        assert_eq!(round_trip.latest(), Some(Duration::from_millis(200)));
        round_trip.received(at(1005), &message(BINDING_SUCCESS, 9));
        round_trip.received(at(5000), &message(BINDING_SUCCESS, 9));
        assert_eq!(round_trip.latest(), Some(Duration::from_millis(105)), "a check is answered once");
    }
}
