//! Messages out of fragments.
//!
//! A fragment has a key: the fragments of one message have keys that follow each other. In DATA these are the sequence numbers of
//! the chunks; in I-DATA each message has its own. What has come without gaps is a *run*; a run that begins and ends is a message.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::OVERHEAD;
use crate::{Part, Violation};

/// How much of a message that comes in parts is given at a time, in bytes, if so much is there.
const PART: usize = 16 * 1024;

/// A fragment of a message with more than one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragment<'a> {
    pub(crate) stream: u16,
    pub(crate) unordered: bool,
    /// Its message's number on the stream; 0 if it has none.
    pub(crate) number: u64,
    pub(crate) begins: bool,
    pub(crate) ends: bool,
    pub(crate) ppid: u32,
    /// Where among all fragments it belongs; of I-DATA among those of its message.
    pub(crate) position: u64,
    pub(crate) interleaved: bool,
    pub(crate) payload: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    stream: u16,
    unordered: bool,
    number: u64,
    position: u64,
}

#[derive(Debug)]
struct Run {
    start: u64,
    /// The position behind it.
    end: u64,
    interleaved: bool,
    stream: u16,
    unordered: bool,
    number: u64,
    begins: bool,
    ends: bool,
    ppid: u32,
    segments: VecDeque<Vec<u8>>,
    len: usize,
    /// Counts in the window.
    charge: usize,
    /// Bytes that were given before; the first part was, if there are any.
    given: usize,
}

/// A message or a part of one, ready for its stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assembled {
    pub(crate) stream: u16,
    pub(crate) unordered: bool,
    pub(crate) number: u64,
    pub(crate) ppid: u32,
    pub(crate) part: Part,
    pub(crate) bytes: Bytes,
}

impl Assembled {
    /// A message in one chunk.
    pub(crate) fn whole(stream: u16, unordered: bool, number: u64, ppid: u32, payload: &[u8]) -> Assembled {
        Assembled { stream, unordered, number, ppid, part: Part::Whole, bytes: Bytes::copy_from_slice(payload) }
    }
}

#[derive(Debug)]
pub(crate) struct Assembly {
    runs: BTreeMap<Key, Run>,
    /// Large ordered messages that have begun before their turn.
    early: BTreeMap<(u16, u64), Key>,
    /// Counts in the window.
    held: usize,
    max_message: usize,
    max_whole: usize,
}

impl Assembly {
    pub(crate) fn new(max_message: usize, max_whole: usize) -> Assembly {
        Assembly { runs: BTreeMap::new(), early: BTreeMap::new(), held: 0, max_message, max_whole }
    }

    /// Bytes that are held, with overhead.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Takes a fragment, and gives what it completes. `has_turn`: a part of an ordered message may be given now.
    pub(crate) fn insert(&mut self, fragment: &Fragment<'_>, has_turn: bool) -> Result<Option<Assembled>, Violation> {
        let key = self.place(fragment)?;
        let Some(run) = self.runs.get_mut(&key) else { return Ok(None) };
        if run.given + run.len > self.max_message {
            return Err(Violation::MessageSize);
        }
        if !run.begins {
            return Ok(None);
        }
        if run.ends {
            return Ok(self.take(key).map(Run::finish));
        }
        let is_large = run.given > 0 || run.len > self.max_whole;
        match is_large {
            true if run.unordered || has_turn => Ok(self.give(key)),
            true => {
                self.early.insert((run.stream, run.number), key);
                Ok(None)
            }
            false => Ok(None),
        }
    }

    /// The turn of an ordered message has come: gives what there is of it, if it is large.
    pub(crate) fn turn(&mut self, stream: u16, number: u64) -> Option<Assembled> {
        if self.early.is_empty() {
            return None;
        }
        let key = self.early.remove(&(stream, number))?;
        self.give(key)
    }

    /// Drops what contains chunks up to this one, in DATA; the messages of which parts were given, to be aborted.
    pub(crate) fn forward(&mut self, to: u64) -> Vec<Assembled> {
        let first = Key { stream: 0, unordered: false, number: 0, position: 0 };
        let over = self.runs.range(first..=Key { position: to, ..first }).map(|(key, _)| *key).collect();
        self.drop_all(over)
    }

    /// Drops messages of a stream up to this number, in I-DATA.
    pub(crate) fn skip(&mut self, stream: u16, unordered: bool, to: u64) -> Vec<Assembled> {
        let first = Key { stream, unordered, number: 0, position: 0 };
        let last = Key { number: to, position: u64::MAX, ..first };
        let over = self.runs.range(first..=last).map(|(key, _)| *key).collect();
        self.drop_all(over)
    }

    /// Drops all of streams that begin anew.
    pub(crate) fn reset(&mut self, streams: &[u16]) -> Vec<Assembled> {
        if self.runs.is_empty() {
            return Vec::new();
        }
        // One look at all, however many streams.
        let streams: BTreeSet<u16> = streams.iter().copied().collect();
        let is_over = |run: &Run| streams.contains(&run.stream);
        let over = self.runs.iter().filter(|(_, run)| is_over(run)).map(|(key, _)| *key).collect();
        self.drop_all(over)
    }

    fn drop_all(&mut self, over: Vec<Key>) -> Vec<Assembled> {
        let dropped = over.into_iter().filter_map(|key| self.take(key));
        dropped.filter(|run| run.given > 0).map(Run::abort).collect()
    }

    fn take(&mut self, key: Key) -> Option<Run> {
        let run = self.runs.remove(&key)?;
        self.held -= run.charge;
        if !self.early.is_empty() {
            self.early.remove(&(run.stream, run.number));
        }
        Some(run)
    }

    /// Takes what there is of a message that is not complete.
    fn give(&mut self, key: Key) -> Option<Assembled> {
        let run = self.runs.get_mut(&key).filter(|run| run.given == 0 || run.len >= PART)?;
        let part = if run.given == 0 { Part::First } else { Part::Middle };
        let freed = run.charge - OVERHEAD;
        self.held -= freed;
        run.charge -= freed;
        run.given += std::mem::take(&mut run.len);
        let segments = std::mem::take(&mut run.segments);
        Some(run.assembled(part, segments))
    }

    /// Puts a fragment where it belongs, and says in which run it is.
    fn place(&mut self, fragment: &Fragment<'_>) -> Result<Key, Violation> {
        let at = Key::of(fragment);
        let mut key = at;
        let before = self.runs.range_mut(..=at).next_back().filter(|(key, _)| key.is_beside(&at));
        match before {
            Some((_, run)) if run.end > at.position => return Err(Violation::Fragments),
            Some((before, run)) if run.end == at.position && !run.ends && !fragment.begins => {
                run.check(fragment)?;
                run.append(fragment);
                key = *before;
            }
            _ => {
                self.runs.insert(at, Run::new(fragment));
            }
        }
        self.held += OVERHEAD + fragment.payload.len();
        let next = Key { position: at.position + 1, ..at };
        let follows = !fragment.ends && self.runs.get(&next).is_some_and(|run| !run.begins);
        if let Some(after) = follows.then(|| self.runs.remove(&next)).flatten()
            && let Some(run) = self.runs.get_mut(&key)
        {
            run.check_run(&after)?;
            run.join(after);
        }
        Ok(key)
    }
}

impl Key {
    fn of(fragment: &Fragment<'_>) -> Key {
        match fragment.interleaved {
            true => Key {
                stream: fragment.stream,
                unordered: fragment.unordered,
                number: fragment.number,
                position: fragment.position,
            },
            false => Key { stream: 0, unordered: false, number: 0, position: fragment.position },
        }
    }

    /// Whether positions of both follow each other.
    fn is_beside(&self, other: &Key) -> bool {
        (self.stream, self.unordered, self.number) == (other.stream, other.unordered, other.number)
    }
}

impl Run {
    fn new(fragment: &Fragment<'_>) -> Run {
        Run {
            start: fragment.position,
            end: fragment.position + 1,
            interleaved: fragment.interleaved,
            stream: fragment.stream,
            unordered: fragment.unordered,
            number: fragment.number,
            begins: fragment.begins,
            ends: fragment.ends,
            ppid: fragment.ppid,
            segments: VecDeque::from([fragment.payload.to_vec()]),
            len: fragment.payload.len(),
            charge: OVERHEAD + fragment.payload.len(),
            given: 0,
        }
    }

    fn check(&self, fragment: &Fragment<'_>) -> Result<(), Violation> {
        let is_same = self.stream == fragment.stream
            && self.unordered == fragment.unordered
            && self.number == fragment.number
            && (fragment.interleaved || self.ppid == fragment.ppid);
        if is_same { Ok(()) } else { Err(Violation::Fragments) }
    }

    fn check_run(&self, after: &Run) -> Result<(), Violation> {
        let is_same = self.stream == after.stream && self.unordered == after.unordered && self.number == after.number;
        if is_same { Ok(()) } else { Err(Violation::Fragments) }
    }

    fn append(&mut self, fragment: &Fragment<'_>) {
        match self.segments.back_mut() {
            Some(last) => last.extend_from_slice(fragment.payload),
            None => self.segments.push_back(fragment.payload.to_vec()),
        }
        self.end += 1;
        self.ends |= fragment.ends;
        self.len += fragment.payload.len();
        self.charge += OVERHEAD + fragment.payload.len();
    }

    /// Takes over what follows: the smaller part is what is moved.
    fn join(&mut self, after: Run) {
        self.end = after.end;
        self.ends = after.ends;
        self.len += after.len;
        self.charge += after.charge;
        if self.segments.len() >= after.segments.len() {
            self.segments.extend(after.segments);
        } else {
            let mut segments = after.segments;
            while let Some(segment) = self.segments.pop_back() {
                segments.push_front(segment);
            }
            self.segments = segments;
        }
    }

    fn finish(mut self) -> Assembled {
        let part = if self.given == 0 { Part::Whole } else { Part::Last };
        let segments = std::mem::take(&mut self.segments);
        self.assembled(part, segments)
    }

    fn abort(self) -> Assembled {
        self.assembled(Part::Aborted, VecDeque::new())
    }

    fn assembled(&self, part: Part, mut segments: VecDeque<Vec<u8>>) -> Assembled {
        let bytes = match segments.len() {
            0 => Bytes::new(),
            1 => Bytes::from(segments.pop_front().unwrap_or_default()),
            _ => {
                let mut all = Vec::with_capacity(segments.iter().map(Vec::len).sum());
                segments.iter().for_each(|segment| all.extend_from_slice(segment));
                Bytes::from(all)
            }
        };
        Assembled {
            stream: self.stream,
            unordered: self.unordered,
            // Unordered messages in DATA have no number, but a place.
            number: if self.unordered && !self.interleaved { self.start } else { self.number },
            ppid: self.ppid,
            part,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECE: usize = 5;

    /// The fragments of messages that were sent one after the other.
    fn fragments(messages: &[(u16, bool, Vec<u8>)], interleaved: bool) -> Vec<Fragment<'_>> {
        let mut fragments = Vec::new();
        let mut tsn = 100;
        for (number, (stream, unordered, bytes)) in messages.iter().enumerate() {
            let count = bytes.chunks(PIECE).len();
            for (n, payload) in bytes.chunks(PIECE).enumerate() {
                fragments.push(Fragment {
                    stream: *stream,
                    unordered: *unordered,
                    number: number as u64,
                    begins: n == 0,
                    ends: n + 1 == count,
                    ppid: if interleaved && n > 0 { 0 } else { 51 },
                    position: if interleaved { n as u64 } else { tsn },
                    interleaved,
                    payload,
                });
                tsn += 1;
            }
        }
        fragments
    }

    proptest! {
        #[test]
        fn in_any_order_every_message_comes_once_and_nothing_stays(
            messages in prop::collection::vec((0u16..3, any::<bool>(), prop::collection::vec(any::<u8>(), 1..80)), 1..8),
            interleaved in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let mut order = fragments(&messages, interleaved);
            fastrand::Rng::with_seed(seed).shuffle(&mut order);
            let mut assembly = Assembly::new(1000, 1000);
            let mut complete = Vec::new();
            for fragment in &order {
                complete.extend(assembly.insert(fragment, true).expect("no violation"));
            }
            prop_assert_eq!(complete.len(), messages.len());
            // Unordered messages in DATA have no number, but the place of their first fragment.
            let starts: Vec<u64> = fragments(&messages, false).iter().filter(|f| f.begins).map(|f| f.position).collect();
            for (n, (stream, unordered, bytes)) in messages.iter().enumerate() {
                let number = if *unordered && !interleaved { starts[n] } else { n as u64 };
                let found = complete.iter().find(|found| found.number == number).expect("it came");
                prop_assert_eq!((found.stream, found.unordered, &found.bytes[..]), (*stream, *unordered, &bytes[..]));
                prop_assert_eq!((found.part, found.ppid), (Part::Whole, 51));
            }
            prop_assert_eq!(assembly.held(), 0);
        }

        #[test]
        fn large_messages_come_in_parts(len in 100usize..400, has_turn in any::<bool>(), interleaved in any::<bool>()) {
            let messages = [(3, false, (0..len).map(|n| n as u8).collect::<Vec<u8>>())];
            let mut assembly = Assembly::new(1000, 50);
            let (mut bytes, mut parts) = (Vec::new(), Vec::new());
            for fragment in &fragments(&messages, interleaved) {
                if let Some(found) = assembly.insert(fragment, has_turn).expect("no violation") {
                    bytes.extend_from_slice(&found.bytes);
                    parts.push(found.part);
                }
            }
            prop_assert_eq!(&bytes, &messages[0].2);
            prop_assert_eq!(parts, if has_turn { vec![Part::First, Part::Last] } else { vec![Part::Whole] });
            prop_assert_eq!(assembly.held(), 0);
        }
    }

    #[test]
    fn what_is_given_up_is_dropped_and_told_if_a_part_was_given() {
        let messages = [(3, false, vec![7; 100]), (4, false, vec![8; 20])];
        let all = fragments(&messages, false);
        let mut assembly = Assembly::new(1000, 50);
        for fragment in all[..15].iter().chain(&all[21..22]) {
            let _ = assembly.insert(fragment, true).expect("no violation");
        }
        let aborted = assembly.forward(all[19].position);
        assert_eq!(aborted.iter().map(|found| (found.stream, found.part)).collect::<Vec<_>>(), [(3, Part::Aborted)]);
        assert_eq!(assembly.held(), OVERHEAD + PIECE, "the other message stays");
        assert_eq!(assembly.reset(&[4]), []);
        assert_eq!(assembly.held(), 0);
    }

    #[test]
    fn contradictions_and_too_large_messages_are_violations() {
        let messages = [(3, false, vec![7; 100])];
        let all = fragments(&messages, false);
        let mut assembly = Assembly::new(1000, 50);
        assert_eq!(assembly.insert(&all[0], true), Ok(None));
        let other = Fragment { stream: 4, ..all[1] };
        assert_eq!(assembly.insert(&other, true), Err(Violation::Fragments));
        assert_eq!(assembly.insert(&all[0], true), Err(Violation::Fragments), "the same again, as another chunk");
        let mut assembly = Assembly::new(12, 10);
        assert_eq!(assembly.insert(&all[0], false), Ok(None));
        assert_eq!(assembly.insert(&all[1], false), Ok(None));
        assert_eq!(assembly.insert(&all[2], false), Err(Violation::MessageSize));
    }
}
