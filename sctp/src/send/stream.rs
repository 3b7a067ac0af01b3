//! The messages that wait on one stream.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::{Delivery, Priority, Reliability};

/// How far the closing of a stream's outgoing direction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutPhase {
    Open,
    /// It is to be reset once all that waits is sent.
    Closing,
    /// The far end has been asked.
    Asked,
    /// It is reset; the other direction is not.
    Reset,
}

/// A message that waits, or of which a part is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The bytes that come next.
    pub(crate) bytes: Bytes,
    /// Bytes behind those, of a message that is given in parts.
    pub(crate) more: VecDeque<Bytes>,
    /// All of these.
    pub(crate) remaining: usize,
    /// Its last part is there.
    pub(crate) is_complete: bool,
    pub(crate) ppid: u32,
    pub(crate) ordered: bool,
    pub(crate) reliability: Reliability,
    /// When it is given up.
    pub(crate) expires: Option<Instant>,
    /// When it is dropped if nothing was sent.
    pub(crate) stale_at: Option<Instant>,
    /// The next fragment.
    pub(crate) fragment: u32,
    pub(crate) number: u32,
    /// Its [ticket](super::flight::Ticket), if it can be given up after a part was sent.
    pub(crate) ticket: Option<u32>,
}

impl Outgoing {
    pub(crate) fn new(now: Instant, ppid: u32, delivery: &Delivery, bytes: Bytes, is_complete: bool) -> Outgoing {
        let expires = match delivery.reliability {
            Reliability::Lifetime(time) => now.checked_add(time),
            _ => None,
        };
        Outgoing {
            remaining: bytes.len(),
            bytes,
            more: VecDeque::new(),
            is_complete,
            ppid,
            ordered: delivery.ordered,
            reliability: delivery.reliability,
            expires,
            stale_at: delivery.max_age.and_then(|age| now.checked_add(age)),
            fragment: 0,
            number: 0,
            ticket: None,
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.fragment > 0
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.remaining += bytes.len();
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else if !bytes.is_empty() {
            self.more.push_back(bytes);
        }
    }

    /// Takes a fragment of at most `max` bytes, and says whether it is the last. `None`: more has to come first, since what is
    /// there could be the end.
    pub(crate) fn take(&mut self, max: usize) -> Option<(Bytes, bool)> {
        let is_last = self.is_complete && self.remaining <= max && self.bytes.len() == self.remaining;
        if is_last {
            self.remaining = 0;
            return Some((std::mem::take(&mut self.bytes), true));
        }
        if !self.is_complete && self.remaining <= max {
            return None;
        }
        let fragment = match self.bytes.len() <= max {
            true => std::mem::take(&mut self.bytes),
            false => self.bytes.split_to(max),
        };
        self.remaining -= fragment.len();
        if self.bytes.is_empty()
            && let Some(next) = self.more.pop_front()
        {
            self.bytes = next;
        }
        Some((fragment, false))
    }
}

/// The outgoing direction of a stream.
#[derive(Debug)]
pub(crate) struct OutStream {
    pub(crate) queue: VecDeque<Outgoing>,
    /// Bytes in it.
    pub(crate) queued: usize,
    pub(crate) phase: OutPhase,
    pub(crate) delivery: Delivery,
    pub(crate) priority: Priority,
    /// Whether the schedule knows it.
    pub(crate) is_scheduled: bool,
    /// A message is given in parts, and its last one is not there.
    pub(crate) is_partial: bool,
    /// The rest of the message in parts is not taken, as it was given up.
    pub(crate) is_discarding: bool,
    pub(crate) next_ordered: u32,
    pub(crate) next_unordered: u32,
    pub(crate) low: usize,
    /// It was opened in band, and the far end has not said that it knows: all messages are ordered until then (RFC 8832, section 6).
    pub(crate) is_unconfirmed: bool,
    /// The far end's direction is reset.
    pub(crate) peer_reset: bool,
    /// The far end did not reset it, so its numbers go on.
    pub(crate) keeps_numbers: bool,
    /// What its unfinished message counts for in the far end's memory.
    pub(crate) begun: usize,
}

impl OutStream {
    pub(crate) fn new(delivery: Delivery, priority: Priority) -> OutStream {
        OutStream {
            queue: VecDeque::new(),
            queued: 0,
            phase: OutPhase::Open,
            delivery,
            priority,
            is_scheduled: false,
            is_partial: false,
            is_discarding: false,
            next_ordered: 0,
            next_unordered: 0,
            low: 0,
            is_unconfirmed: false,
            peer_reset: false,
            keeps_numbers: false,
            begun: 0,
        }
    }

    /// It is used anew, where its numbers have got to.
    pub(crate) fn reopen(&mut self, delivery: Delivery, priority: Priority) {
        let (next_ordered, next_unordered) = (self.next_ordered, self.next_unordered);
        *self = OutStream { next_ordered, next_unordered, ..OutStream::new(delivery, priority) };
    }
}
