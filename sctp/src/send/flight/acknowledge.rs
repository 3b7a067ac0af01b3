//! What an acknowledgement says of chunks.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Acked, Flight, Sent, State, charge};
use crate::Violation;
use crate::number::unwrap32;
use crate::wire::{BEGIN, END, Sack};

/// Runs of chunks that are acknowledged behind gaps. More are taken for lost.
const MAX_RUNS: usize = 512;

/// Times that a far end may forget what it has acknowledged, each of which costs a look at all chunks. None of WebRTC's does.
const MAX_TAKEN_BACK: u32 = 16;

impl Flight {
    /// Takes an acknowledgement in. `None` for one that came late.
    pub(crate) fn acknowledge(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
        least: Option<Duration>,
    ) -> Result<Option<Acked>, Violation> {
        let cumulative = unwrap32(self.first, sack.cumulative);
        let next = self.next();
        if cumulative >= next {
            return Err(Violation::Protocol);
        }
        if cumulative + 1 < self.first {
            return Ok(None);
        }
        let mut acked = Acked { advanced: cumulative >= self.first, ..Acked::default() };
        let mut news = News { now, least, latest: None, measured: None, acked: &mut acked };
        while self.first <= cumulative {
            let Some(sent) = self.ring.pop_front() else { break };
            self.first += 1;
            self.charge -= charge(&sent);
            self.payload -= sent.bytes.len();
            if sent.state != State::Acked {
                self.settle(&sent, &mut news);
            }
            if let Some(ticket) = sent.ticket {
                self.tickets.release(ticket);
            }
        }
        while self.acked.front().is_some_and(|run| run.end <= self.first) {
            self.acked.pop_front();
        }
        self.advanced = self.advanced.max(self.first);
        for (start, end) in sack.gaps() {
            // What follows the cumulative acknowledgement at once would be in it.
            if start < 2 || end < start {
                return Err(Violation::Protocol);
            }
            let run = (cumulative + u64::from(start)).max(self.first)..cumulative + u64::from(end) + 1;
            if run.end > next {
                return Err(Violation::Protocol);
            }
            if !run.is_empty() {
                self.acknowledge_run(run, &mut news);
            }
        }
        let (latest, measured) = (news.latest, news.measured);
        if self.acked.front().is_some_and(|run| run.start <= self.first) {
            self.taken_back += 1;
            if self.taken_back > MAX_TAKEN_BACK {
                return Err(Violation::Protocol);
            }
            self.take_back();
        }
        let is_repeated = |latest: &Latest| !latest.has_copy && sack.duplicates().any(|tsn| tsn == latest.tsn);
        if acked.repaired && latest.as_ref().is_some_and(is_repeated) {
            // It had come already; whether its acknowledgement was lost or only late cannot be told.
            acked.repaired = false;
            acked.doubtful = latest.map(|latest| now.saturating_duration_since(latest.first_sent_at));
        }
        // What has come twice may be acknowledged because of the second, long after the first acknowledgement was lost.
        let is_sure = latest.is_none_or(|latest| latest.transmits == 1) || sack.duplicates().next().is_none();
        acked.sample = measured
            .filter(|_| is_sure)
            .map(|(order, sent_at)| (now.saturating_duration_since(sent_at), order == self.order));
        if let Some(repaired) = self.repaired.take_if(|repaired| sack.duplicates().any(|tsn| tsn == repaired.tsn)) {
            acked.is_needless = true;
            acked.late = repaired.took;
        }
        if let Some(latest) = latest {
            self.notice_order(&latest);
            if acked.repaired && latest.transmits == 2 && !latest.has_copy {
                let took = (acked.chunks == 1).then(|| now.saturating_duration_since(latest.first_sent_at));
                self.repaired = Some(Repaired { tsn: latest.tsn, took });
            }
        }
        Ok(Some(acked))
    }

    /// Notes that these have arrived, as far as that is new.
    fn acknowledge_run(&mut self, run: Range<u64>, news: &mut News<'_>) {
        let mut i = match self.acked.back() {
            // It lies behind all that is known.
            Some(last) if last.end < run.start => self.acked.len(),
            _ => self.acked.partition_point(|known| known.end < run.start),
        };
        if self.acked.get(i).is_none_or(|known| known.start > run.end) {
            if self.acked.len() < MAX_RUNS {
                self.acked.insert(i, run.clone());
                self.arrived(run, news);
            }
            return;
        }
        // It touches known runs: they become one.
        let mut at = run.start;
        let mut joined = run.clone();
        while let Some(known) = self.acked.get(i).filter(|known| known.start <= run.end).cloned() {
            if at < known.start {
                self.arrived(at..known.start, news);
            }
            at = at.max(known.end);
            joined = joined.start.min(known.start)..joined.end.max(known.end);
            self.acked.remove(i);
        }
        if at < run.end {
            self.arrived(at..run.end, news);
        }
        i = i.min(self.acked.len());
        self.acked.insert(i, joined);
    }

    fn arrived(&mut self, run: Range<u64>, news: &mut News<'_>) {
        for tsn in run {
            let Some(at) = usize::try_from(tsn - self.first).ok() else { return };
            let Some(sent) = self.ring.get_mut(at) else { return };
            if sent.state == State::Acked {
                continue;
            }
            let before = std::mem::replace(&mut sent.state, State::Acked);
            let len = sent.bytes.len() + self.header;
            if before == State::InFlight {
                self.in_flight -= len;
            }
            news.note(sent, before, len);
        }
    }

    /// A chunk that left the ring had not been acknowledged before.
    fn settle(&mut self, sent: &Sent, news: &mut News<'_>) {
        let len = sent.bytes.len() + self.header;
        if sent.state == State::InFlight {
            self.in_flight -= len;
        }
        news.note(sent, sent.state, len);
    }

    /// The far end has forgotten what it had: the first chunk that is missing was acknowledged once.
    fn take_back(&mut self) {
        self.acked.clear();
        self.lost.clear();
        for at in 0..self.ring.len() {
            let tsn = self.first + at as u64;
            if self.ring[at].state == State::Acked {
                self.ring[at].state = State::Lost;
            }
            if self.ring[at].state == State::Lost && !self.is_abandoned(&self.ring[at]) {
                self.lost.push_back(tsn);
            }
        }
    }

    fn notice_order(&mut self, latest: &Latest) {
        match self.latest {
            Some((order, _)) if latest.order < order => self.is_reordering |= latest.transmits == 1,
            _ => self.latest = Some((latest.order, latest.sent_at)),
        }
    }
}

/// A chunk that was sent twice and is acknowledged. If the far end tells later that it came twice, it was the first transmission
/// that was acknowledged.
#[derive(Debug)]
pub(super) struct Repaired {
    tsn: u32,
    /// Since the first transmission, if it was that which was acknowledged: something that came later may have been.
    took: Option<Duration>,
}

/// The transmission of an acknowledgement's chunks that was sent last.
#[derive(Debug, Clone, Copy)]
struct Latest {
    order: u64,
    sent_at: Instant,
    first_sent_at: Instant,
    transmits: u16,
    tsn: u32,
    has_copy: bool,
}

/// Collects what is new in one acknowledgement.
struct News<'a> {
    now: Instant,
    least: Option<Duration>,
    latest: Option<Latest>,
    /// The last of those that were sent once, and when: only of these it is known what was acknowledged.
    measured: Option<(u64, Instant)>,
    acked: &'a mut Acked,
}

impl News<'_> {
    fn note(&mut self, sent: &Sent, before: State, len: usize) {
        self.acked.bytes += len;
        self.acked.chunks += 1;
        if sent.transmits == 1 && before == State::InFlight && self.measured.is_none_or(|(order, _)| order < sent.order)
        {
            self.measured = Some((sent.order, sent.sent_at));
        }
        let took = self.now.saturating_duration_since(sent.sent_at);
        if sent.transmits > 1 || before == State::Lost {
            // Sooner than any packet came back: it is the former transmission that arrived.
            let too_soon = self.least.is_some_and(|least| took < least * 3 / 4) || before == State::Lost;
            if too_soon {
                self.acked.spurious = Some(self.now.saturating_duration_since(sent.first_sent_at));
                return;
            }
            self.acked.repaired = true;
        }
        if self.latest.is_none_or(|latest| latest.order < sent.order) {
            self.latest = Some(Latest {
                order: sent.order,
                sent_at: sent.sent_at,
                first_sent_at: sent.first_sent_at,
                transmits: sent.transmits,
                tsn: sent.header.tsn,
                has_copy: sent.has_copy,
            });
        }
    }
}

/// Whether a chunk is all of its message.
pub(super) fn is_whole(sent: &Sent) -> bool {
    sent.flags & (BEGIN | END) == BEGIN | END
}
