//! Messages on their way to one receiver of a channel.

use std::collections::VecDeque;
use std::time::Instant;

use farwire_core::{Delivery, Overflow, Payload, Pushed, QueueLimits, SendQueue};

use crate::limits::{LOSSY_QUEUE, LOSSY_QUEUE_BYTES, RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES};
use crate::stats::Stats;

/// A queue that counts what becomes of its messages.
pub(crate) struct Outgoing {
    queue: SendQueue,
    /// When each message came.
    arrivals: VecDeque<Instant>,
    /// Whether its channel is in the session's backlog.
    pub(crate) in_backlog: bool,
}

impl Outgoing {
    pub(crate) fn new(delivery: Delivery) -> Outgoing {
        let mut limits = QueueLimits::suited_to(delivery);
        (limits.messages, limits.bytes, limits.overflow) = match delivery.is_reliable() {
            true => (RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES, Overflow::Refuse),
            false => (LOSSY_QUEUE, LOSSY_QUEUE_BYTES, Overflow::DropOldest),
        };
        Outgoing { queue: SendQueue::new(limits), arrivals: VecDeque::new(), in_backlog: false }
    }

    /// Takes a message that came at this time. `false`: a reliable queue has overflowed.
    pub(crate) fn push(&mut self, arrival: Instant, payload: &Payload, stats: &mut Stats) -> bool {
        let before = self.queue.bytes();
        match self.queue.push(payload.clone()) {
            Pushed::Queued => {}
            Pushed::Replaced(dropped) => {
                stats.replaced += dropped as u64;
                stats.queued -= dropped as u64;
                self.arrivals.drain(..dropped);
            }
            Pushed::Refused => return false,
        }
        self.arrivals.push_back(arrival);
        stats.queued += 1;
        stats.queued_bytes = stats.queued_bytes + self.queue.bytes() as u64 - before as u64;
        true
    }

    pub(crate) fn front(&self) -> Option<&Payload> {
        self.queue.front()
    }

    /// Takes the message that is next, and when it came.
    pub(crate) fn pop(&mut self, stats: &mut Stats) -> Option<(Payload, Instant)> {
        let (payload, arrival) = (self.queue.pop()?, self.arrivals.pop_front()?);
        stats.queued -= 1;
        stats.queued_bytes -= payload.bytes.len() as u64;
        Some((payload, arrival))
    }

    /// The receiver is gone, and what waited for it is lost.
    pub(crate) fn abandon(self, stats: &mut Stats) {
        stats.abandoned += self.queue.len() as u64;
        stats.queued -= self.queue.len() as u64;
        stats.queued_bytes -= self.queue.bytes() as u64;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether more than one part in this many of a reliable queue is in use.
    pub(crate) fn is_fuller_than(&self, part: usize) -> bool {
        self.queue.len() * part > RELIABLE_QUEUE || self.queue.bytes() * part > RELIABLE_QUEUE_BYTES
    }
}
