//! What was sent and is not acknowledged: a ring by transmission sequence number, whose steps cost the same however much it holds.
//!
//! Loss is noticed by time, in the order of transmission (RACK, RFC 8985): what was sent before something that has arrived, and is
//! still missing a moment later, is lost. Each transmission is looked at once for that.

mod acknowledge;
mod forward;
mod loss;
mod tickets;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::acknowledge::Repaired;
pub(crate) use self::loss::doubt;
use self::tickets::Tickets;
use super::{OVERHEAD, Rest, Taken};
use crate::Reliability;
use crate::number::BASE;
use crate::wire::{BEGIN, DataHeader, END, UNORDERED};

/// Chunks at a time. An acknowledgement tells distances in 16 bits.
const MAX_CHUNKS: usize = 32_768;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InFlight,
    /// It is to be sent again, or is given up.
    Lost,
    /// It arrived, behind a gap.
    Acked,
}

/// A chunk that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) bytes: Bytes,
    pub(crate) header: DataHeader,
    pub(crate) flags: u8,
    state: State,
    transmits: u16,
    /// It was sent twice at last, so that it comes twice says nothing.
    has_copy: bool,
    ticket: Option<u32>,
    /// The number of the transmission in which it was sent last.
    order: u64,
    sent_at: Instant,
    first_sent_at: Instant,
}

/// What an acknowledgement said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acked {
    /// Bytes that are acknowledged for the first time.
    pub(crate) bytes: usize,
    /// Chunks.
    pub(crate) chunks: usize,
    /// The first missing chunk is another one.
    pub(crate) advanced: bool,
    /// A measurement, and whether it is of a packet on its own.
    pub(crate) sample: Option<(Duration, bool)>,
    /// What was sent again had arrived before: how long the acknowledgement took.
    pub(crate) spurious: Option<Duration>,
    /// The same, or its acknowledgement was lost.
    pub(crate) doubtful: Option<Duration>,
    /// What was sent again and acknowledged before had arrived the first time.
    pub(crate) is_needless: bool,
    /// How long that acknowledgement took.
    pub(crate) late: Option<Duration>,
    /// What was sent again has arrived only then.
    pub(crate) repaired: bool,
}

/// What was found lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Bytes that are no longer in flight.
    pub(crate) bytes: usize,
    /// One of them was sent after the window was made smaller last.
    pub(crate) is_new: bool,
    /// When there is more to decide.
    pub(crate) again: Option<Instant>,
    /// Messages were given up.
    pub(crate) gives_up: bool,
}

#[derive(Debug)]
pub(crate) struct Flight {
    ring: VecDeque<Sent>,
    /// The number of the first.
    first: u64,
    /// Bytes of chunks that are neither acknowledged nor lost, with headers.
    in_flight: usize,
    /// Bytes of chunks that are not acknowledged, with overhead.
    charge: usize,
    payload: usize,
    /// Chunks to be sent again.
    lost: VecDeque<u64>,
    /// Chunks that count as lost and are not to be sent again, and when their messages are given up: until then they may come,
    /// late, and count.
    doubtful: VecDeque<(u64, Instant)>,
    /// Chunks that were sent again and go out once more, with the transmission in which they were.
    copies: VecDeque<(u64, u64)>,
    /// All transmissions that are not yet decided on.
    transmissions: VecDeque<(u64, u64)>,
    order: u64,
    begins_packet: bool,
    acked: VecDeque<Range<u64>>,
    /// The latest transmission that arrived.
    latest: Option<(u64, Instant)>,
    repaired: Option<Repaired>,
    is_reordering: bool,
    /// Quarters of the shortest round trip that reordering is given.
    patience: u32,
    /// The window was made smaller for losses up to this transmission.
    recovery: u64,
    tickets: Tickets,
    /// Everything before this is acknowledged or given up.
    advanced: u64,
    last_sent: Option<Instant>,
    /// How often the far end forgot what it had acknowledged.
    taken_back: u32,
    pub(crate) abandoned: u64,
    /// Messages that were given up, of which the rest is not to be sent.
    pub(crate) given_up: Vec<(u16, u32)>,
    header: usize,
    /// Whether the far end can be told that something is given up.
    pub(crate) can_abandon: bool,
}

impl Flight {
    pub(crate) fn new(first: u32, header: usize) -> Flight {
        let first = BASE + u64::from(first);
        Flight {
            ring: VecDeque::new(),
            first,
            in_flight: 0,
            charge: 0,
            payload: 0,
            lost: VecDeque::new(),
            doubtful: VecDeque::new(),
            copies: VecDeque::new(),
            transmissions: VecDeque::new(),
            order: 0,
            begins_packet: false,
            acked: VecDeque::new(),
            latest: None,
            repaired: None,
            is_reordering: false,
            patience: 1,
            recovery: 0,
            tickets: Tickets::default(),
            advanced: first,
            last_sent: None,
            taken_back: 0,
            abandoned: 0,
            given_up: Vec::new(),
            header,
            can_abandon: false,
        }
    }

    /// What a chunk's header takes, which is known once both ends have said whether they interleave.
    pub(crate) fn set_header(&mut self, header: usize) {
        self.header = header;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ring.len() >= MAX_CHUNKS
    }

    /// Bytes on the way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What it takes of the send buffer.
    pub(crate) fn charge(&self) -> usize {
        self.charge
    }

    /// Bytes of users that are not acknowledged.
    pub(crate) fn payload(&self) -> usize {
        self.payload
    }

    /// Whether so little is on the way that it cannot congest anything.
    pub(crate) fn is_thin(&self) -> bool {
        self.ring.len() <= 4
    }

    /// The next number to be sent.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    pub(crate) fn last_sent(&self) -> Option<Instant> {
        self.last_sent
    }

    /// Begins a packet: what is sent from now on is sent together.
    pub(crate) fn begin_transmission(&mut self) {
        self.begins_packet = true;
    }

    /// The number of the packet in the making.
    fn transmission(&mut self) -> u64 {
        self.order += u64::from(std::mem::take(&mut self.begins_packet));
        self.order
    }

    /// Takes a new chunk; [`Flight::last`] is to be written. The ticket of its message, if it needs one for what follows.
    pub(crate) fn push(&mut self, now: Instant, taken: Taken, interleaved: bool) -> Option<u32> {
        let tsn = self.next();
        let order = self.transmission();
        let ticket = match taken.ticket {
            Some(ticket) => Some(ticket),
            // A message in one chunk that is never given up needs none.
            None if taken.ends && taken.reliability == Reliability::Reliable => None,
            None => Some(self.tickets.issue(taken.stream, taken.reliability, taken.expires)),
        };
        if let Some(ticket) = ticket {
            self.tickets.take(ticket);
            match (taken.begins, taken.ends) {
                // The rest of it that waits.
                (true, false) => self.tickets.take(ticket),
                (false, true) => self.tickets.release(ticket),
                _ => {}
            }
        }
        let mut flags = 0;
        flags |= if taken.begins { BEGIN } else { 0 };
        flags |= if taken.ends { END } else { 0 };
        flags |= if taken.ordered { 0 } else { UNORDERED };
        let shared = if interleaved && !taken.begins { taken.fragment } else { taken.ppid };
        let sent = Sent {
            header: DataHeader { tsn: tsn as u32, stream: taken.stream, number: taken.number, shared },
            bytes: taken.bytes,
            flags,
            state: State::InFlight,
            transmits: 1,
            has_copy: false,
            ticket,
            order,
            sent_at: now,
            first_sent_at: now,
        };
        self.in_flight += sent.bytes.len() + self.header;
        self.charge += charge(&sent);
        self.payload += sent.bytes.len();
        self.transmissions.push_back((order, tsn));
        self.last_sent = Some(now);
        self.ring.push_back(sent);
        ticket
    }

    /// The chunk that was taken last.
    pub(crate) fn last(&self) -> Option<&Sent> {
        self.ring.back()
    }

    fn get(&self, tsn: u64) -> Option<&Sent> {
        self.ring.get(usize::try_from(tsn.checked_sub(self.first)?).ok()?)
    }

    fn get_mut(&mut self, tsn: u64) -> Option<&mut Sent> {
        self.ring.get_mut(usize::try_from(tsn.checked_sub(self.first)?).ok()?)
    }

    fn is_abandoned(&self, sent: &Sent) -> bool {
        sent.ticket.is_some_and(|ticket| self.tickets.is_abandoned(ticket))
    }

    /// Gives up a message of which parts were sent, and whose rest has been dropped.
    ///
    /// Its end gets a number that is never sent: the far end may have acknowledged all that was, and is to hear that no more comes.
    pub(crate) fn abandon(&mut self, rest: &Rest) {
        if self.tickets.abandon(rest.ticket) {
            self.abandoned += 1;
        }
        let now = self.last_sent;
        let Some(now) = now else { return };
        let tsn = self.next() as u32;
        let end = Sent {
            bytes: Bytes::new(),
            header: DataHeader { tsn, stream: rest.stream, number: rest.number, shared: 0 },
            flags: END | if rest.ordered { 0 } else { UNORDERED },
            state: State::Lost,
            transmits: 0,
            has_copy: false,
            // What was the use of the part that waited.
            ticket: Some(rest.ticket),
            order: 0,
            sent_at: now,
            first_sent_at: now,
        };
        self.charge += charge(&end);
        self.ring.push_back(end);
    }
}

fn charge(sent: &Sent) -> usize {
    sent.bytes.len() + if sent.flags & END != 0 { OVERHEAD } else { 0 }
}
