//! A session's datagrams that are not read yet.
//!
//! Between two looks at the socket, a *round*, no session has more of its datagrams read than its share. What is beyond
//! that waits here for later rounds, in which the others' come first, and so does what a [hold](crate::hold) keeps back.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Datagrams of one session in a round: what a robot sends in one go, and about a quarter of a millisecond.
const SHARE: u32 = 64;

/// Bytes of unread datagrams at most. A publisher's window is smaller; beyond it datagrams are lost as in any network.
const MAX_WAITING: usize = 2 << 20;

/// Counts rounds.
pub(crate) type Round = u64;

#[derive(Debug, Default)]
pub(crate) struct Intake {
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    bytes: usize,
    round: Round,
    read: u32,
}

impl Intake {
    /// Whether a datagram that comes now may be read at once. It counts as read.
    pub(crate) fn may_read(&mut self, round: Round) -> bool {
        self.waiting.is_empty() && self.count(round)
    }

    /// Lets a datagram wait. `false`: there is no room for it.
    pub(crate) fn keep(&mut self, source: SocketAddr, datagram: &[u8]) -> bool {
        if self.bytes + datagram.len() > MAX_WAITING {
            return false;
        }
        self.bytes += datagram.len();
        self.waiting.push_back((source, datagram.to_vec()));
        true
    }

    /// The next datagram that waited, while this round's share lasts.
    pub(crate) fn release(&mut self, round: Round) -> Option<(SocketAddr, Vec<u8>)> {
        if self.waiting.is_empty() || !self.count(round) {
            return None;
        }
        let (source, datagram) = self.waiting.pop_front()?;
        self.bytes -= datagram.len();
        Some((source, datagram))
    }

    /// Whether datagrams wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn count(&mut self, round: Round) -> bool {
        if self.round != round {
            (self.round, self.read) = (round, 0);
        }
        let may = self.read < SHARE;
        self.read += u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_a_share_and_the_rest_waits_in_order_and_bounded() {
        let source = SocketAddr::from(([10, 0, 0, 9], 1));
        let mut intake = Intake::default();
        for n in 0..SHARE {
            assert!(intake.may_read(1), "{n}");
        }
        assert!(!intake.may_read(1));
        let datagram = |n: u32| [&n.to_be_bytes()[..], &[0; 996]].concat();
        let kept = (0..10_000).take_while(|n| intake.keep(source, &datagram(*n))).count() as u32;
        assert_eq!(kept, MAX_WAITING as u32 / 1000);
        assert_eq!(intake.release(1), None, "this round's share is used up");
        assert!(!intake.may_read(2), "those that wait come first");
        let mut read = 0;
        for round in 2.. {
            let before = read;
            while let Some((_, bytes)) = intake.release(round) {
                assert_eq!(bytes, datagram(read));
                read += 1;
            }
            assert!(read - before <= SHARE);
            if !intake.is_waiting() {
                break;
            }
        }
        assert_eq!((read, intake.bytes), (kept, 0));
    }
}
