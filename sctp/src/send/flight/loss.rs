//! What counts as lost, and is sent again.

use std::time::{Duration, Instant};

use super::{Flight, Sent, State, Verdict};
use crate::send::RoundTrip;

/// Packets that were sent later and arrived: so many tell of a loss at once, on a path that keeps the order.
const REORDERING_THRESHOLD: u64 = 3;

/// With no more in flight than this, in bytes, one such packet tells, and what was lost goes out twice: a thin flow cannot congest
/// anything by that, and has nothing behind a lost retransmission that would soon tell of it.
const THIN: usize = 4800;

/// The least time that reordering is given.
const MIN_REORDERING: Duration = Duration::from_millis(1);

/// How long what is lost on a LAN may still come late.
const NEAR_DOUBT: Duration = Duration::from_millis(5);

/// How long an acknowledgement may wait at the far end besides.
const LATE_ACK: Duration = Duration::from_millis(20);

/// Quarters of the shortest round trip that reordering is given at most.
const MAX_PATIENCE: u32 = 16;

/// How long what is not to be sent again may still come late. On a LAN much gathers behind it soon.
pub(crate) fn doubt(trip: &RoundTrip) -> Duration {
    if trip.is_near() { NEAR_DOUBT } else { trip.timeout(false) + LATE_ACK }
}

impl Flight {
    /// Finds what is lost by what has arrived.
    pub(crate) fn find_lost(&mut self, now: Instant, trip: &RoundTrip) -> Verdict {
        let mut verdict = Verdict::default();
        self.settle_doubts(now, &mut verdict);
        let Some((latest, _)) = self.latest else { return verdict };
        let most = trip.smoothed().unwrap_or_default();
        let patience = (trip.least().unwrap_or_default() / 4 * self.patience).min(most).max(MIN_REORDERING);
        let overdue = trip.latest().max(trip.smoothed().unwrap_or_default()) + patience;
        let threshold = if self.in_flight <= THIN { 1 } else { REORDERING_THRESHOLD };
        while let Some((order, tsn)) = self.transmissions.front().copied() {
            let is_reordering = self.is_reordering;
            let sent = self.get(tsn).filter(|sent| sent.order == order && sent.state == State::InFlight);
            if let Some(sent) = sent {
                if order >= latest {
                    break;
                }
                let is_passed = !is_reordering && latest - order >= threshold;
                if !is_passed && sent.sent_at + overdue > now {
                    verdict.again = Some(sent.sent_at + overdue);
                    break;
                }
                self.lose(tsn, now, Some(now + doubt(trip)), &mut verdict);
            }
            self.transmissions.pop_front();
        }
        verdict.again = verdict.again.into_iter().chain(self.doubtful.front().map(|(_, until)| *until)).min();
        verdict
    }

    /// Gives up the messages whose last chance is over.
    fn settle_doubts(&mut self, now: Instant, verdict: &mut Verdict) {
        while let Some((tsn, _)) = self.doubtful.front().copied().filter(|(_, until)| *until <= now) {
            self.doubtful.pop_front();
            let lost = self.get(tsn).filter(|sent| sent.state == State::Lost);
            if let Some((ticket, transmits)) = lost.map(|sent| (sent.ticket, sent.transmits)) {
                verdict.gives_up |= self.is_given_up(ticket, transmits, now);
            }
        }
    }

    /// Something was taken for lost that had arrived: more time is given from now on.
    pub(crate) fn was_hasty(&mut self) {
        self.is_reordering = true;
        self.patience = (self.patience + 1).min(MAX_PATIENCE);
    }

    /// The window was made smaller: what was sent until now cannot make it smaller again.
    pub(crate) fn enter_recovery(&mut self) {
        self.recovery = self.order;
    }

    /// Takes the first packet's worth of what is on the way for lost, to see whether an acknowledgement comes.
    ///
    /// What is not to be sent again is given up `until` then, if none does.
    pub(crate) fn probe(&mut self, now: Instant, max: usize, until: Instant) -> Verdict {
        let mut verdict = Verdict::default();
        let mut len = 0;
        for at in 0..self.ring.len() {
            if self.ring[at].state == State::InFlight {
                len += self.ring[at].bytes.len() + self.header;
                if len > max && verdict.bytes > 0 {
                    break;
                }
                self.lose(self.first + at as u64, now, Some(until), &mut verdict);
            }
        }
        self.in_order();
        verdict.again = self.doubtful.front().map(|(_, until)| *until);
        verdict
    }

    /// Takes all that is on the way for lost.
    pub(crate) fn time_out(&mut self, now: Instant) -> Verdict {
        let mut verdict = Verdict::default();
        for at in 0..self.ring.len() {
            if self.ring[at].state == State::InFlight {
                self.lose(self.first + at as u64, now, None, &mut verdict);
            }
        }
        self.in_order();
        self.transmissions.clear();
        verdict
    }

    fn in_order(&mut self) {
        self.lost.make_contiguous().sort_unstable();
    }

    /// A chunk counts as lost: it is sent again, or its message is given up, `until` then if it does not come late.
    fn lose(&mut self, tsn: u64, now: Instant, until: Option<Instant>, verdict: &mut Verdict) {
        let (recovery, header) = (self.recovery, self.header);
        let Some(sent) = self.get_mut(tsn) else { return };
        sent.state = State::Lost;
        let (len, ticket, transmits) = (sent.bytes.len() + header, sent.ticket, sent.transmits);
        verdict.is_new |= sent.order > recovery;
        verdict.bytes += len;
        self.in_flight -= len;
        match until {
            Some(until) if self.would_be_given_up(ticket, transmits, now) => self.doubtful.push_back((tsn, until)),
            _ if self.is_given_up(ticket, transmits, now) => verdict.gives_up = true,
            _ => self.lost.push_back(tsn),
        }
    }

    /// Whether a lost chunk would not be sent again, though its message is not given up yet.
    fn would_be_given_up(&self, ticket: Option<u32>, transmits: u16, now: Instant) -> bool {
        ticket.is_some_and(|ticket| {
            self.can_abandon && !self.tickets.is_abandoned(ticket) && self.tickets.is_over(ticket, transmits, now)
        })
    }

    /// Whether a lost chunk is not to be sent again, with all of its message.
    fn is_given_up(&mut self, ticket: Option<u32>, transmits: u16, now: Instant) -> bool {
        let Some(ticket) = ticket else { return false };
        if self.tickets.is_abandoned(ticket) {
            return true;
        }
        if !self.would_be_given_up(Some(ticket), transmits, now) {
            return false;
        }
        self.tickets.abandon(ticket);
        self.abandoned += 1;
        self.given_up.push((self.tickets.stream(ticket), ticket));
        true
    }

    /// Takes the next chunk that is to be sent again and fits, chunk header and padding included.
    pub(crate) fn take_lost(&mut self, now: Instant, room: usize) -> Option<&Sent> {
        loop {
            let tsn = *self.lost.front()?;
            let sent = self.get(tsn).filter(|sent| sent.state == State::Lost);
            let Some(sent) = sent else {
                self.lost.pop_front();
                continue;
            };
            let (ticket, transmits) = (sent.ticket, sent.transmits);
            let len = sent.bytes.len() + self.header;
            if self.is_given_up(ticket, transmits, now) {
                self.lost.pop_front();
                continue;
            }
            if len > room {
                return None;
            }
            self.lost.pop_front();
            let order = self.transmission();
            self.transmissions.push_back((order, tsn));
            self.in_flight += len;
            self.last_sent = Some(now);
            let sent = self.get_mut(tsn)?;
            sent.state = State::InFlight;
            sent.transmits = sent.transmits.saturating_add(1);
            (sent.order, sent.sent_at, sent.has_copy) = (order, now, false);
            if ticket.is_none() && self.in_flight <= THIN {
                self.copies.push_back((order, tsn));
            }
            return self.get(tsn);
        }
    }

    /// Takes a chunk that was sent again, and goes out once more with the next packet that has room for it.
    pub(crate) fn take_copy(&mut self, room: usize) -> Option<&Sent> {
        let order = self.order;
        while let Some((sent_in, tsn)) = self.copies.front().copied() {
            if sent_in >= order {
                return None;
            }
            let header = self.header;
            let sent = self.get(tsn).filter(|sent| sent.order == sent_in && sent.state == State::InFlight);
            if sent.is_some_and(|sent| sent.bytes.len() + header > room) {
                return None;
            }
            let is_wanted = sent.is_some();
            self.copies.pop_front();
            if is_wanted {
                self.transmissions.push_back((order, tsn));
                let sent = self.get_mut(tsn)?;
                (sent.order, sent.has_copy) = (order, true);
                return Some(sent);
            }
        }
        None
    }
}
