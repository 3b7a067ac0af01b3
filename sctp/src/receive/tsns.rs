//! Which transmission sequence numbers have come.

use std::collections::VecDeque;
use std::ops::Range;

use crate::number::{BASE, unwrap32};

/// Runs of chunks behind gaps: each is four bytes of every acknowledgement, which has to fit a packet. What would begin another
/// run is dropped and will be sent again.
const MAX_RUNS: usize = 256;

/// How far behind the first gap: an acknowledgement tells distances in 16 bits.
const MAX_DISTANCE: u64 = 65_535;

/// Chunks that came again, of which an acknowledgement tells.
const MAX_DUPLICATES: usize = 16;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was missing; the next that was awaited, or not.
    New { is_next: bool },
    /// It came before.
    Duplicate,
    /// It cannot be kept account of.
    Beyond,
}

#[derive(Debug)]
pub(crate) struct Tsns {
    /// Everything before this has come.
    next: u64,
    /// What has come after, in order and apart from each other.
    runs: VecDeque<Range<u64>>,
    duplicates: Vec<u32>,
}

impl Tsns {
    pub(crate) fn new(first: u32) -> Tsns {
        Tsns { next: BASE + u64::from(first), runs: VecDeque::new(), duplicates: Vec::new() }
    }

    /// The number that a chunk's stands for.
    pub(crate) fn position(&self, tsn: u32) -> u64 {
        unwrap32(self.next, tsn)
    }

    /// The first that is missing.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The cumulative acknowledgement.
    pub(crate) fn cumulative(&self) -> u32 {
        (self.next - 1) as u32
    }

    pub(crate) fn has_gaps(&self) -> bool {
        !self.runs.is_empty()
    }

    /// What has come behind gaps, as distances from the cumulative acknowledgement.
    pub(crate) fn gaps(&self, max: usize) -> impl ExactSizeIterator<Item = (u16, u16)> + '_ {
        let cumulative = self.next - 1;
        self.runs.iter().take(max).map(move |run| ((run.start - cumulative) as u16, (run.end - 1 - cumulative) as u16))
    }

    /// Chunks that came again since this was called last.
    pub(crate) fn take_duplicates(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.duplicates)
    }

    /// What a number would be; nothing is noted but a duplicate.
    pub(crate) fn judge(&mut self, at: u64) -> Arrival {
        if at == self.next {
            return Arrival::New { is_next: true };
        }
        let run = self.run_after(at);
        let is_there = self.runs.get(run).is_some_and(|run| run.start <= at);
        if at < self.next || is_there {
            if self.duplicates.len() < MAX_DUPLICATES {
                self.duplicates.push(at as u32);
            }
            return Arrival::Duplicate;
        }
        let touches = self.runs.get(run).is_some_and(|run| run.start == at + 1)
            || run.checked_sub(1).is_some_and(|before| self.runs[before].end == at);
        match at - self.next < MAX_DISTANCE && (touches || self.runs.len() < MAX_RUNS) {
            true => Arrival::New { is_next: false },
            false => Arrival::Beyond,
        }
    }

    /// Notes one that was judged new.
    pub(crate) fn insert(&mut self, at: u64) {
        if at == self.next {
            self.next += 1;
            return self.close_gap();
        }
        let i = self.run_after(at);
        let joins_before = i.checked_sub(1).is_some_and(|before| self.runs[before].end == at);
        let joins_after = self.runs.get(i).is_some_and(|run| run.start == at + 1);
        match (joins_before, joins_after) {
            (true, true) => {
                self.runs[i - 1].end = self.runs[i].end;
                self.runs.remove(i);
            }
            (true, false) => self.runs[i - 1].end = at + 1,
            (false, true) => self.runs[i].start = at,
            (false, false) => self.runs.insert(i, at..at + 1),
        }
    }

    /// Nothing up to this comes any more.
    pub(crate) fn forward(&mut self, to: u64) {
        self.next = self.next.max(to + 1);
        while self.runs.front().is_some_and(|run| run.end <= self.next) {
            self.runs.pop_front();
        }
        self.close_gap();
    }

    fn close_gap(&mut self) {
        if let Some(run) = self.runs.front().filter(|run| run.start <= self.next) {
            self.next = run.end.max(self.next);
            self.runs.pop_front();
        }
    }

    /// The first run that ends behind this number.
    fn run_after(&self, at: u64) -> usize {
        match self.runs.back() {
            Some(last) if last.end > at => self.runs.partition_point(|run| run.end <= at),
            _ => self.runs.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn knows_what_has_come(first in any::<u32>(), steps in prop::collection::vec((0u64..100, prop::bool::weighted(0.05)), 0..300)) {
            let mut tsns = Tsns::new(first);
            let base = BASE + u64::from(first);
            let mut come = BTreeSet::new();
            for (offset, forward) in steps {
                let at = tsns.position((base + offset) as u32);
                prop_assert_eq!(at, base + offset);
                if forward {
                    tsns.forward(at);
                    come.extend(base..=at);
                } else {
                    let expected = match come.contains(&at) {
                        true => Arrival::Duplicate,
                        false => Arrival::New { is_next: at == tsns.next() },
                    };
                    prop_assert_eq!(tsns.judge(at), expected);
                    if expected != Arrival::Duplicate {
                        tsns.insert(at);
                        come.insert(at);
                    }
                }
                let next = (base..).find(|at| !come.contains(at)).expect("endless");
                prop_assert_eq!(tsns.next(), next);
                let told: BTreeSet<u64> = tsns.gaps(usize::MAX)
                    .flat_map(|(first, last)| next - 1 + u64::from(first)..=next - 1 + u64::from(last))
                    .collect();
                let behind: BTreeSet<u64> = come.range(next..).copied().collect();
                prop_assert_eq!(told, behind);
            }
        }
    }

    #[test]
    fn keeps_account_of_so_many_gaps_and_no_more() {
        let mut tsns = Tsns::new(5);
        let first = tsns.next();
        for n in 0..MAX_RUNS as u64 {
            assert_eq!(tsns.judge(first + 2 + 2 * n), Arrival::New { is_next: false });
            tsns.insert(first + 2 + 2 * n);
        }
        assert_eq!(tsns.judge(first + 2000), Arrival::Beyond);
        assert_eq!(tsns.judge(first + 3), Arrival::New { is_next: false }, "this one joins two");
        assert_eq!(tsns.judge(first + 70_000), Arrival::Beyond);
    }
}
