//! A session's datagrams that are not read yet.
//!
//! Between two looks at the socket, a *round*, no session has more of its datagrams read than its share, and only a few as
//! they come. What is beyond those waits here, so that whoever sends little never waits for more than one other's share:
//! first those that sent few have their turn, then what they are sent leaves and the socket is looked at again, and only
//! then the [crowd] is read. What a [backpressure](crate::backpressure) keeps back waits here as well.
//!
//! [crowd]: Crowd

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use crate::session::SessionKey;

/// Datagrams of one session in a round that are read as they come: more than a command and its acknowledgement are.
const AT_ONCE: u32 = 4;

/// Datagrams in a round of a session that has more than a [`WINDOW`] of them, which take about a tenth of a millisecond.
const SHARE: u32 = 16;

/// Datagrams in a round of a session that has no more: what a lawful sender has in flight at once on a short way, and then
/// waits for the acknowledgement of. Cut into shares it would cost a wake-up at both ends for each of them.
const WINDOW: u32 = 48;

/// Bytes of unread datagrams at most. A publisher's window is smaller; beyond it datagrams are lost as in any network.
const MAX_WAITING: usize = 2 << 20;

/// Counts rounds.
pub(crate) type Round = u64;

#[derive(Debug, Default)]
pub(crate) struct Intake {
    waiting: VecDeque<(Instant, SocketAddr, Vec<u8>)>,
    bytes: usize,
    round: Round,
    read: u32,
    /// Its session is in the crowd.
    pub(crate) is_crowd: bool,
}

impl Intake {
    /// Whether a datagram that comes now may be read at once. It counts as read.
    pub(crate) fn may_read(&mut self, round: Round) -> bool {
        self.waiting.is_empty() && self.count(round, AT_ONCE)
    }

    /// Lets a datagram wait. `false`: there is no room for it.
    pub(crate) fn keep(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        if self.bytes + datagram.len() > MAX_WAITING {
            return false;
        }
        self.bytes += datagram.len();
        self.waiting.push_back((now, source, datagram.to_vec()));
        true
    }

    /// The next datagram that waited, and when it came, while this round's share lasts. It leaves none behind alone: what
    /// SCTP receives alone it acknowledges 200 ms later, and a large message may wait for that.
    pub(crate) fn release(&mut self, round: Round) -> Option<(Instant, SocketAddr, Vec<u8>)> {
        if self.round != round {
            (self.round, self.read) = (round, 0);
        }
        let share = match self.waiting.len() {
            waiting if self.read as usize + waiting <= WINDOW as usize => WINDOW,
            2 => SHARE - 1,
            _ => SHARE,
        };
        if self.waiting.is_empty() || !self.count(round, share) {
            return None;
        }
        let (arrival, source, datagram) = self.waiting.pop_front()?;
        self.bytes -= datagram.len();
        Some((arrival, source, datagram))
    }

    /// How many datagrams wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether datagrams wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn count(&mut self, round: Round, most: u32) -> bool {
        if self.round != round {
            (self.round, self.read) = (round, 0);
        }
        let may = self.read < most;
        self.read += u32::from(may);
        may
    }
}

/// Sessions with datagrams that wait for a turn, each once.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// In this round.
    turns: VecDeque<SessionKey>,
    /// In the next one.
    postponed: Vec<SessionKey>,
    pause: Pause,
    /// A round has begun without a look at the socket.
    is_hasty: bool,
}

/// Whether the socket is looked at again before the crowd has its turns: once in a round, after others have had theirs.
#[derive(Debug, Default, PartialEq, Eq)]
enum Pause {
    #[default]
    Needless,
    Due,
    Over,
}

impl Crowd {
    /// To be called for a session that is not in it.
    pub(crate) fn postpone(&mut self, key: SessionKey) {
        self.postponed.push(key);
    }

    /// Somebody else has had a turn.
    pub(crate) fn others_had_a_turn(&mut self) {
        if self.pause == Pause::Needless {
            self.pause = Pause::Due;
        }
    }

    /// Whether to look at the socket first.
    pub(crate) fn pauses(&mut self) -> bool {
        let pauses = self.pause == Pause::Due && !self.turns.is_empty();
        if pauses {
            self.pause = Pause::Over;
        }
        pauses
    }

    /// Whether the next round may begin before the socket is looked at: once, if there is one session in it and nobody else
    /// has had a turn.
    pub(crate) fn hastens(&mut self) -> bool {
        let is_alone = self.turns.is_empty() && self.postponed.len() == 1 && self.pause == Pause::Needless;
        is_alone && !std::mem::replace(&mut self.is_hasty, true)
    }

    /// The socket is looked at next.
    pub(crate) fn looks(&mut self) {
        self.is_hasty = false;
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self) -> Option<SessionKey> {
        self.turns.pop_front()
    }

    /// Begins the next round, with those who have the fewest first. Whether there are any.
    pub(crate) fn begin_round(&mut self, waiting: impl Fn(SessionKey) -> usize) -> bool {
        self.postponed.sort_by_cached_key(|key| waiting(*key));
        self.turns.extend(self.postponed.drain(..));
        self.pause = Pause::Needless;
        !self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_a_share_and_the_rest_waits_in_order_and_bounded() {
        let (now, source) = (Instant::now(), SocketAddr::from(([10, 0, 0, 9], 1)));
        let mut intake = Intake::default();
        for n in 0..AT_ONCE {
            assert!(intake.may_read(1), "{n}");
        }
        assert!(!intake.may_read(1));
        let datagram = |n: u32| [&n.to_be_bytes()[..], &[0; 996]].concat();
        let kept = (0..10_000).take_while(|n| intake.keep(now, source, &datagram(*n))).count() as u32;
        assert_eq!(kept, MAX_WAITING as u32 / 1000);
        assert!(!intake.may_read(2), "those that wait come first");
        let mut read = 0;
        for round in 2.. {
            let (before, left) = (read, kept - read);
            while let Some((_, _, bytes)) = intake.release(round) {
                assert_eq!(bytes, datagram(read));
                read += 1;
            }
            assert_eq!(read - before, if left <= WINDOW { left } else { SHARE }, "{left} left");
            if !intake.is_waiting() {
                break;
            }
        }
        assert_eq!((read, intake.bytes), (kept, 0));
        assert!(intake.may_read(1 << 20));
    }

    #[test]
    fn none_is_left_alone() {
        let (now, source) = (Instant::now(), SocketAddr::from(([10, 0, 0, 9], 1)));
        for count in 1..100 {
            let mut intake = Intake::default();
            assert!((0..count).all(|_| intake.keep(now, source, &[1])));
            let in_round = |round| std::iter::from_fn(|| intake.release(round)).count();
            let rounds: Vec<_> = (1..).map(in_round).take_while(|read| *read > 0).collect();
            assert_eq!(rounds.iter().sum::<usize>(), count);
            assert!(count == 1 || rounds.iter().all(|read| *read > 1), "{rounds:?}");
        }
    }

    #[test]
    fn the_next_round_begins_at_once_for_one_alone_and_once_only() {
        let (one, other) = (SessionKey(1), SessionKey(2));
        let mut crowd = Crowd::default();
        assert!(!crowd.hastens(), "there is nobody");
        crowd.postpone(one);
        assert!(crowd.hastens() && crowd.begin_round(|_| 100));
        assert_eq!(crowd.next(), Some(one));
        crowd.postpone(one);
        assert!(!crowd.hastens(), "the socket has not been looked at");
        crowd.looks();
        assert!(crowd.begin_round(|_| 100) && !crowd.hastens(), "it still has its turn in this round");
        assert_eq!(crowd.next(), Some(one));
        crowd.postpone(one);
        crowd.others_had_a_turn();
        assert!(!crowd.hastens());
        crowd.looks();
        crowd.begin_round(|_| 100);
        assert_eq!(crowd.next(), Some(one));
        crowd.postpone(one);
        crowd.postpone(other);
        assert!(!crowd.hastens(), "it is not alone");
    }

    #[test]
    fn those_with_the_fewest_come_first_and_after_one_more_look_at_the_socket() {
        let (few, many) = (SessionKey(1), SessionKey(2));
        let waiting = |key| if key == few { 1 } else { 100 };
        let mut crowd = Crowd::default();
        for others in [true, false] {
            crowd.postpone(many);
            crowd.postpone(few);
            assert_eq!(crowd.next(), None, "not in this round");
            assert!(crowd.begin_round(waiting));
            for _ in 0..2 {
                if others {
                    crowd.others_had_a_turn();
                }
            }
            assert_eq!(crowd.pauses(), others);
            crowd.others_had_a_turn();
            assert_eq!(crowd.pauses(), !others, "once");
            assert_eq!([crowd.next(), crowd.next(), crowd.next()], [Some(few), Some(many), None]);
            assert!(!crowd.begin_round(waiting));
        }
    }
}
