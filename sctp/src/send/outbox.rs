//! All streams' messages that wait, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::{OVERHEAD, OutStream, Outgoing};
use crate::table::Table;
use crate::{Priority, Reliability};

/// With less room than this in a packet, a message that does not fit is not begun.
const WORTH_SPLITTING: usize = 256;

/// Of the far end's memory, this part is what one unfinished message counts for at most: no more is kept of one.
const SHARE: usize = 4;

/// Messages of at most this part of it may begin whenever unfinished ones do not fill it; larger ones leave a share free for them.
const SMALL_SHARE: usize = 64;

/// A fragment to be sent.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) stream: u16,
    pub(crate) number: u32,
    pub(crate) ordered: bool,
    pub(crate) ppid: u32,
    pub(crate) fragment: u32,
    pub(crate) begins: bool,
    pub(crate) ends: bool,
    pub(crate) reliability: Reliability,
    pub(crate) expires: Option<Instant>,
    /// Its message's, if it has one already.
    pub(crate) ticket: Option<u32>,
    pub(crate) bytes: Bytes,
}

/// What is left of a message of which a part was sent, and that is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) stream: u16,
    pub(crate) number: u32,
    pub(crate) ordered: bool,
    pub(crate) ticket: u32,
}

impl Rest {
    fn of(stream: u16, message: &Outgoing) -> Option<Rest> {
        let ticket = message.ticket?;
        Some(Rest { stream, number: message.number, ordered: message.ordered, ticket })
    }
}

/// What waits to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) streams: Table<OutStream>,
    /// Streams with something to send.
    turns: BTreeMap<Priority, VecDeque<u16>>,
    /// The stream whose message is to be finished first, without interleaving.
    current: Option<u16>,
    pub(crate) interleaving: bool,
    /// With interleaving: streams of which a message has begun and is not over.
    begun: VecDeque<u16>,
    /// What those messages may take of the far end's memory before it can deliver any of them.
    begun_bytes: usize,
    /// The far end's memory: the window that it told at first.
    pub(crate) peer_buffer: usize,
    /// Bytes that wait, and messages.
    pub(crate) queued: usize,
    pub(crate) messages: usize,
    /// Messages dropped before any part was sent.
    pub(crate) expired: u64,
    /// Streams whose amount fell to their threshold.
    pub(crate) low: Vec<u16>,
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        Outbox {
            streams: Table::new(),
            turns: BTreeMap::new(),
            current: None,
            interleaving: false,
            begun: VecDeque::new(),
            begun_bytes: 0,
            peer_buffer: usize::MAX,
            queued: 0,
            messages: 0,
            expired: 0,
            low: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Bytes that wait, with overhead.
    pub(crate) fn charge(&self) -> usize {
        self.queued + self.messages * OVERHEAD
    }

    /// Puts a message on a stream that is there.
    pub(crate) fn push(&mut self, id: u16, message: Outgoing) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        self.queued += message.remaining;
        self.messages += 1;
        stream.queued += message.remaining;
        stream.queue.push_back(message);
        self.schedule(id);
    }

    /// Adds to the last message of a stream, which is given in parts.
    pub(crate) fn extend(&mut self, id: u16, bytes: Bytes, is_last: bool) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let Some(message) = stream.queue.back_mut() else { return };
        self.queued += bytes.len();
        stream.queued += bytes.len();
        message.push(bytes);
        message.is_complete = is_last;
        self.schedule(id);
    }

    /// Takes back the last message of a stream. What is left of it, if a part was sent.
    pub(crate) fn withdraw(&mut self, id: u16) -> Option<Rest> {
        let message = self.streams.get_mut(id)?.queue.pop_back()?;
        self.forget(id, &message);
        if self.current == Some(id) && message.is_started() {
            self.current = None;
        }
        Rest::of(id, &message)
    }

    /// The message that has begun on a stream is over.
    fn is_over(&mut self, id: u16) {
        let begun = self.streams.get_mut(id).map_or(0, |stream| std::mem::take(&mut stream.begun));
        if begun > 0 {
            self.begun_bytes -= begun;
            self.begun.retain(|other| *other != id);
        }
    }

    fn forget(&mut self, id: u16, message: &Outgoing) {
        if message.is_started() {
            self.is_over(id);
        }
        self.messages -= 1;
        self.took(id, message.remaining);
    }

    fn took(&mut self, id: u16, bytes: usize) {
        self.queued -= bytes;
        if let Some(stream) = self.streams.get_mut(id) {
            let before = stream.queued;
            stream.queued -= bytes;
            if before > stream.low && stream.queued <= stream.low {
                self.low.push(id);
            }
        }
    }

    fn schedule(&mut self, id: u16) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if !stream.is_scheduled && !stream.queue.is_empty() {
            stream.is_scheduled = true;
            self.turns.entry(stream.priority).or_default().push_back(id);
        }
    }

    /// Changes who goes first.
    pub(crate) fn set_priority(&mut self, id: u16, priority: Priority) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let before = std::mem::replace(&mut stream.priority, priority);
        if std::mem::take(&mut stream.is_scheduled) {
            self.unschedule(id, before);
            self.schedule(id);
        }
    }

    fn unschedule(&mut self, id: u16, priority: Priority) {
        let Some(turns) = self.turns.get_mut(&priority) else { return };
        if turns.front() == Some(&id) {
            turns.pop_front();
        } else {
            turns.retain(|other| *other != id);
        }
        if turns.is_empty() {
            self.turns.remove(&priority);
        }
    }

    /// Forgets a stream of which nothing waits.
    pub(crate) fn remove(&mut self, id: u16) {
        if let Some(stream) = self.streams.remove(id) {
            self.unschedule(id, stream.priority);
        }
    }

    /// Takes the next fragment that fits `room` bytes, of which a packet without anything else has `full`. `None` if there is none, or
    /// only one that a packet of its own suits better.
    pub(crate) fn take(&mut self, now: Instant, room: usize, full: usize) -> Option<Taken> {
        loop {
            let id = match self.current {
                Some(id) => id,
                None => *self.turns.last_entry()?.get().front()?,
            };
            let step = match self.take_from(id, now, room, full) {
                // The far end has no memory for another one: those that have begun are finished first.
                Step::Blocked => {
                    let id = self.begun.pop_front()?;
                    self.begun.push_back(id);
                    self.take_from(id, now, room, full)
                }
                step => step,
            };
            match step {
                Step::Taken(taken) => return Some(taken),
                Step::NoRoom | Step::Blocked => return None,
                // Nobody else may go on before it.
                Step::Waits if self.current.is_some() => return None,
                Step::Waits if !self.give_way(id) => return None,
                Step::Waits | Step::Dropped => {}
            }
        }
    }

    fn take_from(&mut self, id: u16, now: Instant, room: usize, full: usize) -> Step {
        let stream = self.streams.get_mut(id);
        let Some(stream) = stream.filter(|stream| !stream.queue.is_empty()) else { return self.finish_turn(id) };
        let Some(message) = stream.queue.front_mut() else { return Step::Waits };
        if !message.is_started() {
            let share = share(message, 0).min(self.peer_buffer / SHARE);
            let keeps_free = if share <= self.peer_buffer / SMALL_SHARE { 0 } else { self.peer_buffer / SHARE };
            if self.interleaving && !self.begun.is_empty() && self.begun_bytes + share > self.peer_buffer - keeps_free {
                return Step::Blocked;
            }
            let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            if is_over(message.stale_at) || is_over(message.expires) {
                let message = stream.queue.pop_front();
                // The parts that are still to come are not taken.
                stream.is_discarding |= stream.is_partial && stream.queue.is_empty();
                self.expired += 1;
                if let Some(message) = message {
                    self.forget(id, &message);
                }
                return self.finish_turn(id);
            }
        }
        let fits = message.remaining <= room;
        if !fits && room < full && (message.remaining <= full || room < WORTH_SPLITTING) {
            return Step::NoRoom;
        }
        let Some((bytes, ends)) = message.take(room) else {
            // It is kept back until it is known whether it is the end.
            return Step::Waits;
        };
        let begins = !message.is_started();
        if begins {
            let next = if message.ordered { &mut stream.next_ordered } else { &mut stream.next_unordered };
            message.number = *next;
            *next = next.wrapping_add(1);
            if self.interleaving && !ends {
                stream.begun = share(message, bytes.len()).min(self.peer_buffer / SHARE);
                self.begun_bytes += stream.begun;
                self.begun.push_back(id);
            }
        }
        let taken = Taken {
            stream: id,
            number: message.number,
            ordered: message.ordered,
            ppid: message.ppid,
            fragment: message.fragment,
            begins,
            ends,
            reliability: message.reliability,
            expires: message.expires,
            ticket: message.ticket,
            bytes,
        };
        message.fragment = message.fragment.saturating_add(1);
        let len = taken.bytes.len();
        if ends {
            stream.queue.pop_front();
            self.messages -= 1;
            self.is_over(id);
        }
        self.took(id, len);
        self.current = (!ends && !self.interleaving).then_some(id);
        if ends || self.interleaving {
            self.finish_turn(id);
        }
        Step::Taken(taken)
    }

    /// Notes the ticket of the message whose first fragment was just taken.
    pub(crate) fn set_ticket(&mut self, id: u16, ticket: u32) {
        if let Some(message) = self.streams.get_mut(id).and_then(|stream| stream.queue.front_mut()) {
            message.ticket = Some(ticket);
        }
    }

    /// Drops what is left of a message of which a part was sent, as it is given up. `None` if nothing is.
    pub(crate) fn abandon(&mut self, id: u16, ticket: u32) -> Option<Rest> {
        let stream = self.streams.get_mut(id)?;
        stream.queue.front().filter(|message| message.ticket == Some(ticket))?;
        let message = stream.queue.pop_front()?;
        stream.is_discarding |= stream.is_partial && stream.queue.is_empty();
        self.forget(id, &message);
        if self.current == Some(id) {
            self.current = None;
        }
        Rest::of(id, &message)
    }

    /// The stream has had its turn: it goes behind those of its priority, or out of the schedule.
    fn finish_turn(&mut self, id: u16) -> Step {
        if let Some(stream) = self.streams.get_mut(id) {
            let priority = stream.priority;
            stream.is_scheduled = false;
            self.unschedule(id, priority);
            self.schedule(id);
        }
        Step::Dropped
    }

    /// A stream whose message waits for its next part leaves the schedule until that comes. Whether anybody is left.
    fn give_way(&mut self, id: u16) -> bool {
        let Some(stream) = self.streams.get_mut(id) else { return false };
        stream.is_scheduled = false;
        let priority = stream.priority;
        self.unschedule(id, priority);
        !self.turns.is_empty()
    }

    /// Whether everything that waits on a stream was sent.
    pub(crate) fn is_drained(&self, id: u16) -> bool {
        self.streams.get(id).is_none_or(|stream| stream.queue.is_empty())
    }
}

enum Step {
    Taken(Taken),
    NoRoom,
    Blocked,
    Waits,
    Dropped,
}

/// What a message may take of the far end's memory, of which so much is taken already.
fn share(message: &Outgoing, taken: usize) -> usize {
    if message.is_complete { message.remaining + taken } else { usize::MAX }
}
