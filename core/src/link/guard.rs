//! What SCTP takes from a far end that keeps no rule.
//!
//! The SCTP engine keeps what came out of order in lists that it sorts and scans, and counts only part of that in the
//! window that it advertises. So each packet that DTLS has decrypted is looked at first. It is *passed*; or *dropped*, as
//! a receiver without room may (RFC 9260, section 6.2), and is then not acknowledged; or, where no sender that keeps the
//! rules can have sent it, it *ends* the connection.
//!
//! Every bound follows from [`WINDOW`], which SCTP advertises. A sender may have that much unacknowledged; when its first
//! chunk is lost, the rest of it is ahead of the cumulative acknowledgement, and so is what acknowledged gaps let it send
//! until the retransmission arrives: twice the window. New chunks beyond that are dropped. As those are not acknowledged,
//! an honest sender stops after one more window, and the connection of one that does not is ended.
//!
//! What SCTP has really taken is read from the acknowledgements that it sends, so no packet that it refuses can mislead.

mod allowance;
mod violation;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use self::allowance::Allowance;
pub use self::violation::Violation;
use super::chunks::{COMMON_HEADER, Chunk, DATA, DATA_HEADER, FORWARD_TSN, I_FORWARD_TSN, INIT, INIT_ACK, RECONFIG};
use super::chunks::{SACK, chunks, tag};
use super::empty::CRC32C;

/// The receive window that SCTP advertises, in bytes.
pub(super) const WINDOW: usize = 1 << 20;

/// Chunks ahead of the cumulative acknowledgement: twice a window of full packets. SCTP looks at all of them for each that
/// comes, which takes it about 3 us for so many; of smaller ones less than two windows is taken after a loss.
pub(super) const MAX_AHEAD: usize = 2 * WINDOW / 1024;

/// Bytes of packets ahead of the cumulative acknowledgement.
const MAX_AHEAD_BYTES: usize = 2 * WINDOW;

/// Runs of chunks between gaps ahead of the cumulative acknowledgement: each is four bytes of every acknowledgement, which
/// is to fit a datagram.
const MAX_RUNS: usize = 256;

/// Chunks that come again between two acknowledgements, in which each is four bytes.
const MAX_REPEATED: u32 = 64;

/// Bytes of user data dropped without progress: twice what a sender may have unacknowledged, for retransmissions.
const MAX_DROPPED_BYTES: usize = 2 * WINDOW;

/// Chunks dropped without progress: a window of 16-byte messages.
const MAX_DROPPED: usize = WINDOW / 16;

/// Fragments of one message: the largest one in fragments of 64 bytes. A path takes at least 500.
const MAX_FRAGMENTS: u32 = (super::MAX_RECEIVED_MESSAGE / 64) as u32;

/// Chunks that stay in SCTP for good, in a connection's life: fragments whose message is not gone on with, messages on
/// ordered streams that leave out a number. A sender that keeps the rules makes none.
const MAX_STUCK: u32 = 1024;

/// Streams on which data has come and that were not reset since: an SFU has 2048 channels for a session.
const MAX_STREAMS: usize = 4096;

/// INIT chunks in a connection's life; each may start an association. A sender repeats its own 8 times (RFC 9260, 16).
const MAX_INITS: u32 = 64;

/// Acknowledgements in one packet. Senders bundle one.
const MAX_SACKS: u32 = 2;

/// Stream resets, requests and responses: at once, and in a second. Closing all channels of a session takes two each.
const RESETS: (u32, u32) = (8192, 256);

/// Other control chunks, which are all answered: at once, and in a second.
const CONTROLS: (u32, u32) = (64, 4);

/// Packets dropped for too many control chunks, or malformed acknowledgements, in a connection's life.
const MAX_REFUSED: u32 = 16_384;

/// Dropped packets that are told before a second is over.
const WORTH_TELLING: u64 = 64;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Drop,
}

/// A DATA chunk, as far as its retransmissions have to be like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Data {
    stream: u16,
    number: u16,
    flags: u8,
    len: u16,
}

/// A chunk ahead of the cumulative acknowledgement, and the bytes of its packet that it keeps.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    data: Data,
    keeps: u16,
}

/// The parameter that asks for a reset of outgoing streams (RFC 6525, section 4.1).
const RESET_REQUEST: u16 = 13;

const END: u8 = 1;
const BEGINNING: u8 = 2;
const UNORDERED: u8 = 4;

/// A message of which the last fragment has not come.
#[derive(Debug, Clone, Copy)]
struct Unfinished {
    first: Data,
    fragments: u32,
}

/// Looks at the packets of one connection.
#[derive(Debug)]
pub(super) struct Guard {
    /// Ours, which packets to us have to bear.
    tag: Option<u32>,
    /// The latest cumulative acknowledgement that SCTP sent; before the first, what the far end's INIT says.
    acked: Option<u32>,
    has_acked: bool,
    /// What came after `acked`, by distance.
    ahead: VecDeque<Option<Ahead>>,
    ahead_bytes: usize,
    runs: usize,
    repeated: u32,
    dropped: usize,
    dropped_bytes: usize,
    unfinished: Option<Unfinished>,
    /// The next number of each ordered stream; `None` once it is being reset.
    numbers: HashMap<u16, Option<u16>>,
    streams: HashSet<u16>,
    stuck: u32,
    /// Fragments of unordered messages among `stuck` that the next FORWARD-TSN takes away.
    stuck_unordered: u32,
    inits: u32,
    resets: Allowance,
    controls: Allowance,
    refused: u32,
    /// Packets that were dropped and are not told yet.
    untold: u64,
    /// They are to be told, however few.
    is_overdue: bool,
    violation: Option<Violation>,
    has_ended: bool,
}

impl Guard {
    pub(super) fn new(now: Instant) -> Guard {
        Guard {
            tag: None,
            acked: None,
            has_acked: false,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            runs: 0,
            repeated: 0,
            dropped: 0,
            dropped_bytes: 0,
            unfinished: None,
            numbers: HashMap::new(),
            streams: HashSet::new(),
            stuck: 0,
            stuck_unordered: 0,
            inits: 0,
            resets: Allowance::new(RESETS, now),
            controls: Allowance::new(CONTROLS, now),
            refused: 0,
            untold: 0,
            is_overdue: false,
            violation: None,
            has_ended: false,
        }
    }

    /// The violation for which the connection is to be ended, once.
    pub(super) fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// How many packets were dropped since this was called last; 0 if it is not worth telling yet.
    pub(super) fn take_dropped(&mut self) -> u64 {
        match self.untold >= WORTH_TELLING || self.has_ended || self.is_overdue {
            true => {
                self.is_overdue = false;
                std::mem::take(&mut self.untold)
            }
            false => 0,
        }
    }

    /// Whether [`Guard::tell_time`] is to be called within a second or so: an allowance has been used, or a
    /// packet was dropped.
    pub(super) fn needs_time(&self) -> bool {
        self.resets.is_used() || self.controls.is_used() || self.untold > 0
    }

    pub(super) fn tell_time(&mut self, now: Instant) {
        self.resets.refill(now);
        self.controls.refill(now);
        self.is_overdue = self.untold > 0;
    }

    /// Looks at a packet that SCTP sends.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        for chunk in chunks(packet) {
            match chunk.kind {
                INIT | INIT_ACK => self.tag = chunk.word(4).or(self.tag),
                SACK => {
                    if let Some(acked) = chunk.word(4) {
                        self.settle(acked);
                        (self.repeated, self.has_acked) = (0, true);
                    }
                }
                RECONFIG => self.reset(&chunk),
                _ => {}
            }
        }
    }

    /// SCTP resets streams, on its own or because the far end did.
    fn reset(&mut self, chunk: &Chunk<'_>) {
        if chunk.short(4) != Some(RESET_REQUEST) {
            return;
        }
        let end = 4 + usize::from(chunk.short(6).unwrap_or(0));
        let named = chunk.bytes.get(20..end).unwrap_or_default().chunks_exact(2);
        for stream in named.map(|id| u16::from_be_bytes([id[0], id[1]])) {
            self.streams.remove(&stream);
            self.numbers.insert(stream, None);
        }
    }

    /// Looks at a packet that SCTP is to receive.
    pub(super) fn receive(&mut self, packet: &[u8]) -> Verdict {
        let judged = if self.has_ended { Ok(Verdict::Drop) } else { self.judge(packet) };
        let verdict = match judged {
            Ok(verdict) => verdict,
            Err(violation) => {
                self.violation = Some(violation);
                self.has_ended = true;
                self.forget();
                Verdict::Drop
            }
        };
        self.untold += u64::from(verdict == Verdict::Drop);
        verdict
    }

    fn judge(&mut self, packet: &[u8]) -> Result<Verdict, Violation> {
        let is_first = chunks(packet).next().is_some_and(|chunk| chunk.kind == INIT);
        if !is_first && self.tag.is_some() && tag(packet) != self.tag {
            // SCTP would not take it either.
            return self.refuse();
        }
        let (mut sacks, mut forwards, mut has_data) = (0, 0, false);
        for chunk in chunks(packet) {
            match chunk.kind {
                DATA => has_data = true,
                SACK => {
                    sacks += 1;
                    if sacks > MAX_SACKS || !is_orderly(&chunk) {
                        return self.refuse();
                    }
                }
                FORWARD_TSN => {
                    forwards += 1;
                    if forwards > 1 {
                        return self.refuse();
                    }
                    self.forward(packet, &chunk);
                }
                I_FORWARD_TSN => return self.refuse(),
                INIT | INIT_ACK => self.start(&chunk)?,
                RECONFIG if !self.resets.take() => return self.refuse(),
                RECONFIG => {}
                _ if !self.controls.take() => return self.refuse(),
                _ => {}
            }
        }
        match has_data {
            true => self.take_data(packet),
            false => Ok(Verdict::Pass),
        }
    }

    fn refuse(&mut self) -> Result<Verdict, Violation> {
        self.refused += 1;
        match self.refused > MAX_REFUSED {
            true => Err(Violation::Controls),
            false => Ok(Verdict::Drop),
        }
    }

    fn forget(&mut self) {
        (self.ahead, self.ahead_bytes, self.runs) = (VecDeque::new(), 0, 0);
    }

    fn start(&mut self, init: &Chunk<'_>) -> Result<(), Violation> {
        self.inits += 1;
        if self.inits > MAX_INITS {
            return Err(Violation::Inits);
        }
        if let Some(first) = init.word(16).filter(|_| !self.has_acked) {
            self.acked = Some(first.wrapping_sub(1));
            self.forget();
        }
        Ok(())
    }

    /// The far end gives up on what it has not got through, and says which ordered messages are among that.
    fn forward(&mut self, packet: &[u8], chunk: &Chunk<'_>) {
        let (Some(acked), Some(new)) = (self.acked, chunk.word(4)) else { return };
        let contiguous = self.ahead.iter().take_while(|place| place.is_some()).count();
        let distance = new.wrapping_sub(acked);
        if !is_whole(packet) || distance >= 1 << 31 || distance as usize <= contiguous {
            return;
        }
        self.stuck -= std::mem::take(&mut self.stuck_unordered);
        for entry in chunk.bytes.get(8..).unwrap_or_default().chunks_exact(4) {
            let (stream, number) = (u16::from_be_bytes([entry[0], entry[1]]), u16::from_be_bytes([entry[2], entry[3]]));
            let after = number.wrapping_add(1);
            match self.numbers.get_mut(&stream) {
                Some(Some(next)) if is_before(*next, after) => *next = after,
                Some(_) => {}
                None if self.streams.contains(&stream) => {
                    self.numbers.insert(stream, Some(after));
                }
                // SCTP knows no such stream yet, and does nothing.
                None => {}
            }
        }
    }

    /// Takes the DATA chunks of a packet, or none of them.
    fn take_data(&mut self, packet: &[u8]) -> Result<Verdict, Violation> {
        // A sender has nothing to send before its INIT.
        let Some(acked) = self.acked else { return self.refuse() };
        let data = || chunks(packet).filter(|chunk| chunk.kind == DATA).filter_map(|chunk| read(&chunk));
        let is_full = self.ahead_bytes >= MAX_AHEAD_BYTES || self.runs >= MAX_RUNS;
        for (sequence, found) in data() {
            let Some(distance) = distance(acked, sequence) else {
                self.repeated += 1;
                continue;
            };
            if distance >= MAX_AHEAD || (is_full && distance >= self.ahead.len()) {
                return self.drop_data(data().map(|(_, found)| usize::from(found.len)));
            }
            match self.ahead.get(distance) {
                Some(Some(known)) if known.data != found => return Err(Violation::Contradiction),
                Some(Some(_)) => self.repeated += 1,
                _ => {}
            }
        }
        if self.repeated > MAX_REPEATED {
            // It is there already, and those before it have it acknowledged.
            return Ok(Verdict::Drop);
        }
        // Each chunk that SCTP keeps may keep the whole packet in memory.
        let mut keeps = u16::try_from(packet.len()).unwrap_or(u16::MAX);
        for (sequence, found) in data() {
            if self.streams.insert(found.stream) && self.streams.len() > MAX_STREAMS {
                return Err(Violation::Streams);
            }
            let Some(distance) = distance(acked, sequence) else { continue };
            if distance >= self.ahead.len() {
                self.ahead.resize(distance + 1, None);
            }
            let is_there = |at: usize| self.ahead.get(at).is_some_and(Option::is_some);
            let neighbours = [distance.checked_sub(1).is_some_and(is_there), is_there(distance + 1)];
            let place = &mut self.ahead[distance];
            match place {
                Some(known) if known.data != found => return Err(Violation::Contradiction),
                Some(_) => {}
                None => {
                    *place = Some(Ahead { data: found, keeps });
                    self.ahead_bytes += usize::from(std::mem::take(&mut keeps));
                    match neighbours {
                        [false, false] => self.runs += 1,
                        [true, true] => self.runs -= 1,
                        _ => {}
                    }
                }
            }
        }
        Ok(Verdict::Pass)
    }

    fn drop_data(&mut self, lens: impl Iterator<Item = usize>) -> Result<Verdict, Violation> {
        for len in lens {
            self.dropped += 1;
            self.dropped_bytes += len;
        }
        match self.dropped > MAX_DROPPED || self.dropped_bytes > MAX_DROPPED_BYTES {
            true => Err(Violation::BeyondWindow),
            false => Ok(Verdict::Drop),
        }
    }

    /// SCTP has acknowledged everything up to there.
    fn settle(&mut self, now_acked: u32) {
        let acked = self.acked.replace(now_acked).unwrap_or(now_acked);
        let passed = now_acked.wrapping_sub(acked);
        if passed == 0 || passed >= 1 << 31 {
            return;
        }
        (self.dropped, self.dropped_bytes) = (0, 0);
        for _ in 0..passed {
            let Some(place) = self.ahead.pop_front() else {
                // Given up by the far end, all of it.
                self.unfinished = None;
                break;
            };
            match place {
                Some(Ahead { data, keeps }) => {
                    self.ahead_bytes -= usize::from(keeps);
                    self.deliver(data);
                }
                None => self.abandon(),
            }
        }
        let begins = |at: usize| self.ahead[at].is_some() && (at == 0 || self.ahead[at - 1].is_none());
        self.runs = (0..self.ahead.len()).filter(|at| begins(*at)).count();
        if self.stuck > MAX_STUCK {
            self.violation.get_or_insert(Violation::Stuck);
            self.has_ended = true;
        }
    }

    /// The next chunk in sequence: it belongs to the message that is not finished yet, or begins another one.
    fn deliver(&mut self, data: Data) {
        let belongs = |to: &Unfinished| {
            (to.first.stream, to.first.flags & UNORDERED) == (data.stream, data.flags & UNORDERED)
                && (data.flags & UNORDERED != 0 || to.first.number == data.number)
                && data.flags & BEGINNING == 0
        };
        match self.unfinished.take() {
            Some(mut message) if belongs(&message) => {
                message.fragments += 1;
                if data.flags & END == 0 {
                    if message.fragments > MAX_FRAGMENTS {
                        self.violation.get_or_insert(Violation::Fragments);
                        self.has_ended = true;
                    }
                    self.unfinished = Some(message);
                    return;
                }
            }
            before => {
                self.stick(before);
                match data.flags & (BEGINNING | END) {
                    // The whole of it.
                    flags if flags == BEGINNING | END => {}
                    BEGINNING => {
                        self.unfinished = Some(Unfinished { first: data, fragments: 1 });
                        return;
                    }
                    // What it belongs to never began, or was given up.
                    _ => return self.stick(Some(Unfinished { first: data, fragments: 1 })),
                }
            }
        }
        if data.flags & UNORDERED == 0 {
            let place = self.numbers.entry(data.stream).or_insert(Some(0));
            match *place {
                // From 0 again: the stream was reset.
                Some(next) if next == data.number || data.number == 0 => *place = Some(data.number.wrapping_add(1)),
                Some(next) if is_before(next, data.number) => self.stuck += 1,
                None if data.number == 0 => *place = Some(1),
                _ => {}
            }
        }
    }

    /// The next chunk in sequence was given up.
    fn abandon(&mut self) {
        // Unordered ones go with it, and ordered ones that were named.
        let message = self.unfinished.take().filter(|message| message.first.flags & UNORDERED == 0);
        let is_named = |stream, number| {
            self.numbers.get(&stream).is_some_and(|next| next.is_none_or(|next| is_before(number, next)))
        };
        self.stick(message.filter(|message| !is_named(message.first.stream, message.first.number)));
    }

    fn stick(&mut self, message: Option<Unfinished>) {
        let Some(message) = message else { return };
        self.stuck += message.fragments;
        if message.first.flags & UNORDERED != 0 {
            self.stuck_unordered += message.fragments;
        }
    }
}

/// How many chunks lie between the cumulative acknowledgement and this one; `None` if it is not after it.
fn distance(acked: u32, sequence: u32) -> Option<usize> {
    let after = sequence.wrapping_sub(acked);
    (1..1 << 31).contains(&after).then(|| after as usize - 1)
}

/// RFC 1982, for 16 bits.
fn is_before(a: u16, b: u16) -> bool {
    (1..1 << 15).contains(&b.wrapping_sub(a))
}

fn read(chunk: &Chunk<'_>) -> Option<(u32, Data)> {
    let (stream, number) = (chunk.short(8)?, chunk.short(10)?);
    let len = chunk.len.checked_sub(DATA_HEADER)? as u16;
    Some((chunk.word(4)?, Data { stream, number, flags: chunk.flags & (END | BEGINNING | UNORDERED), len }))
}

/// Whether an acknowledgement's gaps follow each other, so that looking them up takes no longer than what is in flight.
fn is_orderly(sack: &Chunk<'_>) -> bool {
    let gaps = usize::from(sack.short(12).unwrap_or(0));
    let blocks = sack.bytes.get(16..).unwrap_or_default().chunks_exact(4).take(gaps);
    let mut last = 0;
    for block in blocks {
        let (start, end) = (u16::from_be_bytes([block[0], block[1]]), u16::from_be_bytes([block[2], block[3]]));
        if start <= last || end < start {
            return false;
        }
        last = end;
    }
    true
}

/// Whether SCTP will take the packet: its checksum is right, and nothing is cut off.
fn is_whole(packet: &[u8]) -> bool {
    let Some(sum) = packet.get(8..COMMON_HEADER) else { return false };
    let mut copy = packet.to_vec();
    copy[8..COMMON_HEADER].fill(0);
    CRC32C.checksum(&copy).to_le_bytes() == sum
        && chunks(packet).all(|chunk| chunk.len >= 4 && chunk.len == chunk.bytes.len())
        && chunks(packet).all(|chunk| matches!(chunk.kind, DATA | SACK | FORWARD_TSN))
}

#[cfg(feature = "fuzzing")]
pub(super) mod probe;

#[cfg(test)]
mod tests;
