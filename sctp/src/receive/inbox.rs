//! Messages in the order of their streams, until they are taken.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{Assembled, OVERHEAD};
use crate::dcep;
use crate::number::{BASE, unwrap16, unwrap32};
use crate::table::Table;
use crate::{Channel, Kind, Part, Received, Violation};

/// Messages about channels that one chunk can set free. Nobody opens a channel twice.
const MAX_CONTROLS: usize = 64;

/// Something to be told once what came before it on its stream was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    Opened(u16, Channel),
    Reset(u16),
}

/// Whether a message may be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was given up: what still comes of it is nobody's.
    Over,
    Now,
    Later,
}

#[derive(Debug)]
enum Item {
    Message(Received),
    Notice(Notice),
}

#[derive(Debug)]
struct Stream {
    /// The number of the next ordered message.
    next: u64,
    /// The next number of an unordered message, as far as is known: it helps to count on without end.
    unordered: u64,
    /// Unordered messages up to this one were given up; BASE - 1 for none.
    skipped: u64,
    /// Ordered messages that came before their turn.
    early: BTreeMap<u64, Assembled>,
    ready: VecDeque<Item>,
    /// Entries of the common order whose items were taken from this stream alone.
    stale: usize,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    streams: Table<Stream>,
    /// A stream for each item that is ready, as they came.
    order: VecDeque<u16>,
    ready: usize,
    held: usize,
    max_streams: usize,
    /// Ordered messages that the far end gave up, as far as their numbers tell.
    pub(crate) skipped: u64,
    /// Messages that were received.
    pub(crate) received: u64,
    /// Messages about channels, in their order, which are not for users.
    pub(crate) controls: Vec<(u16, Bytes)>,
}

impl Inbox {
    pub(crate) fn new(max_streams: usize) -> Inbox {
        Inbox {
            streams: Table::new(),
            order: VecDeque::new(),
            ready: 0,
            held: 0,
            max_streams,
            skipped: 0,
            received: 0,
            controls: Vec::new(),
        }
    }

    /// Bytes that are held, with overhead.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.ready > 0
    }

    fn stream(&mut self, id: u16) -> Result<&mut Stream, Violation> {
        if self.streams.len() >= self.max_streams && self.streams.get(id).is_none() {
            return Err(Violation::Streams);
        }
        Ok(self.streams.get_or_insert_with(id, Stream::new))
    }

    /// The number that a message's stands for, and whose turn it is.
    pub(crate) fn number(
        &mut self,
        id: u16,
        number: u32,
        unordered: bool,
        interleaved: bool,
    ) -> Result<(u64, Turn), Violation> {
        let stream = self.stream(id)?;
        let near = if unordered { stream.unordered } else { stream.next };
        let found = if interleaved { unwrap32(near, number) } else { unwrap16(near, number as u16) };
        if unordered {
            stream.unordered = stream.unordered.max(found);
            return Ok((found, if found <= stream.skipped { Turn::Over } else { Turn::Now }));
        }
        Ok((
            found,
            match found.cmp(&stream.next) {
                Ordering::Less => Turn::Over,
                Ordering::Equal => Turn::Now,
                Ordering::Greater => Turn::Later,
            },
        ))
    }

    /// The far end gives up unordered messages up to this one.
    pub(crate) fn skip_unordered(&mut self, id: u16, to: u64) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.skipped = stream.skipped.max(to);
        }
    }

    /// Takes a message or a part of one. The number of the stream's next ordered message, if that has changed.
    pub(crate) fn insert(&mut self, message: Assembled) -> Result<Option<u64>, Violation> {
        let id = message.stream;
        let stream = self.stream(id)?;
        if message.unordered {
            self.push(message);
            return Ok(None);
        }
        if message.number != stream.next {
            if message.number > stream.next {
                let charge = OVERHEAD + message.bytes.len();
                if stream.early.insert(message.number, message).is_some() {
                    return Err(Violation::Fragments);
                }
                self.held += charge;
            }
            // One before it was given up, or is of a former use of the stream.
            return Ok(None);
        }
        let is_over = matches!(message.part, Part::Whole | Part::Last | Part::Aborted);
        self.push(message);
        Ok(if is_over { Some(self.advance(id)) } else { None })
    }

    /// The next ordered message is over: gives those that waited for it.
    fn advance(&mut self, id: u16) -> u64 {
        let Some(stream) = self.streams.get_mut(id) else { return 0 };
        stream.next += 1;
        self.drain(id)
    }

    fn drain(&mut self, id: u16) -> u64 {
        loop {
            let Some(stream) = self.streams.get_mut(id) else { return 0 };
            let next = stream.next;
            if stream.early.is_empty() {
                return next;
            }
            let Some(message) = stream.early.remove(&next) else { return next };
            stream.next += 1;
            self.held -= OVERHEAD + message.bytes.len();
            self.push(message);
        }
    }

    fn push(&mut self, message: Assembled) {
        if message.ppid == dcep::PPID {
            if message.part == Part::Whole && self.controls.len() < MAX_CONTROLS {
                self.controls.push((message.stream, message.bytes));
            }
            return;
        }
        self.received += u64::from(matches!(message.part, Part::Whole | Part::Last));
        let (kind, is_empty) = kind(message.ppid);
        let bytes = if is_empty { Bytes::new() } else { message.bytes };
        self.held += OVERHEAD + bytes.len();
        self.put(
            message.stream,
            Item::Message(Received {
                stream: message.stream,
                kind,
                part: message.part,
                unordered: message.unordered,
                message: message.number as u32,
                bytes,
            }),
        );
    }

    fn put(&mut self, id: u16, item: Item) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.ready.push_back(item);
        self.order.push_back(id);
        self.ready += 1;
    }

    /// The far end gives up ordered messages up to this number. The stream's next one, if that has changed.
    pub(crate) fn skip(&mut self, id: u16, number: u32, interleaved: bool) -> Result<Option<u64>, Violation> {
        // All that was ever sent on it may have been given up.
        let stream = self.stream(id)?;
        let to = if interleaved { unwrap32(stream.next, number) } else { unwrap16(stream.next, number as u16) };
        if to < stream.next {
            return Ok(None);
        }
        // What is complete is delivered all the same.
        let later = stream.early.split_off(&(to + 1));
        let early = std::mem::replace(&mut stream.early, later);
        let skipped = to + 1 - stream.next - early.len() as u64;
        stream.next = to + 1;
        self.skipped += skipped;
        for message in early.into_values() {
            self.held -= OVERHEAD + message.bytes.len();
            self.push(message);
        }
        Ok(Some(self.drain(id)))
    }

    /// The stream begins anew: nothing of before follows. That is told once what came before was taken: now, if it is nothing.
    pub(crate) fn reset(&mut self, id: u16) -> Option<Notice> {
        let stream = self.streams.get_mut(id)?;
        let early = std::mem::take(&mut stream.early);
        (stream.next, stream.unordered, stream.skipped) = (BASE, BASE, BASE - 1);
        let is_idle = stream.ready.is_empty();
        self.held -= early.values().map(|message| OVERHEAD + message.bytes.len()).sum::<usize>();
        if is_idle {
            return Some(Notice::Reset(id));
        }
        self.put(id, Item::Notice(Notice::Reset(id)));
        None
    }

    pub(crate) fn knows(&self, id: u16) -> bool {
        self.streams.get(id).is_some()
    }

    /// All streams on which something was received.
    pub(crate) fn ids(&self) -> Vec<u16> {
        self.streams.iter().map(|(id, _)| id).collect()
    }

    /// Tells something once what is there of its stream was taken: now, if that is nothing.
    pub(crate) fn notify(&mut self, id: u16, notice: Notice) -> Result<Option<Notice>, Violation> {
        if self.stream(id)?.ready.is_empty() {
            return Ok(Some(notice));
        }
        self.put(id, Item::Notice(notice));
        Ok(None)
    }

    /// Forgets a stream of which both directions are reset, unless something of it is still to be taken.
    pub(crate) fn forget(&mut self, id: u16) {
        let is_idle = |stream: &Stream| {
            stream.ready.is_empty() && stream.stale == 0 && stream.early.is_empty() && stream.next == BASE
        };
        if self.streams.get(id).is_some_and(is_idle) {
            self.streams.remove(id);
        }
    }

    /// Takes what comes next, and what is to be told before it.
    pub(crate) fn take(&mut self, notices: &mut Vec<Notice>) -> Option<Received> {
        loop {
            let id = self.order.pop_front()?;
            let Some(stream) = self.streams.get_mut(id) else { continue };
            if stream.stale > 0 {
                stream.stale -= 1;
                continue;
            }
            if let Some(received) = self.take_item(id, notices) {
                self.take_notices(id, notices);
                return Some(received);
            }
        }
    }

    /// Takes what comes next on a stream.
    pub(crate) fn take_from(&mut self, id: u16, notices: &mut Vec<Notice>) -> Option<Received> {
        loop {
            let stream = self.streams.get_mut(id)?;
            if stream.ready.is_empty() {
                return None;
            }
            stream.stale += 1;
            let received = self.take_item(id, notices);
            if received.is_some() {
                self.take_notices(id, notices);
            }
            self.tidy();
            if received.is_some() {
                return received;
            }
        }
    }

    /// What is to be told and has nothing before it any more.
    fn take_notices(&mut self, id: u16, notices: &mut Vec<Notice>) {
        while let Some(stream) = self.streams.get_mut(id) {
            if !matches!(stream.ready.front(), Some(Item::Notice(_))) {
                return;
            }
            stream.stale += 1;
            let _ = self.take_item(id, notices);
        }
    }

    fn take_item(&mut self, id: u16, notices: &mut Vec<Notice>) -> Option<Received> {
        let item = self.streams.get_mut(id)?.ready.pop_front()?;
        self.ready -= 1;
        match item {
            Item::Message(received) => {
                self.held -= OVERHEAD + received.bytes.len();
                Some(received)
            }
            Item::Notice(notice) => {
                notices.push(notice);
                None
            }
        }
    }

    /// Keeps the common order from growing with what was taken from single streams.
    fn tidy(&mut self) {
        if self.order.len() < 2 * self.ready + 64 {
            return;
        }
        let streams = &mut self.streams;
        self.order.retain(|id| match streams.get_mut(*id) {
            Some(stream) if stream.stale > 0 => {
                stream.stale -= 1;
                false
            }
            Some(_) => true,
            None => false,
        });
    }
}

impl Stream {
    fn new() -> Stream {
        Stream {
            next: BASE,
            unordered: BASE,
            skipped: BASE - 1,
            early: BTreeMap::new(),
            ready: VecDeque::new(),
            stale: 0,
        }
    }
}

/// The payload protocol identifiers of WebRTC (RFC 8831, section 8).
const TEXT: u32 = 51;
const BINARY: u32 = 53;
const TEXT_EMPTY: u32 = 56;
const BINARY_EMPTY: u32 = 57;

/// What an identifier says, and whether the message is empty in truth.
fn kind(ppid: u32) -> (Kind, bool) {
    match ppid {
        TEXT => (Kind::Text, false),
        BINARY => (Kind::Binary, false),
        TEXT_EMPTY => (Kind::Text, true),
        BINARY_EMPTY => (Kind::Binary, true),
        other => (Kind::Other(other), false),
    }
}

/// The identifier of a message, and what is sent for it: an empty one as one byte.
pub(crate) fn ppid(kind: Kind, is_empty: bool) -> u32 {
    match (kind, is_empty) {
        (Kind::Text, false) => TEXT,
        (Kind::Text, true) => TEXT_EMPTY,
        (Kind::Binary, false) => BINARY,
        (Kind::Binary, true) => BINARY_EMPTY,
        (Kind::Other(ppid), _) => ppid,
    }
}
