//! Messages on their way to one receiver of a channel.

use std::time::Instant;

use farwire_core::flow::{Overflow, Pump, Pushed, QueueLimits, SendQueue, Turn, Written};
use farwire_core::link::StreamId;
use farwire_core::{Delivery, Payload};

use crate::limits::{LOSSY_BURST, LOSSY_OLD, LOSSY_QUEUE, LOSSY_QUEUE_BYTES, RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES};
use crate::stats::Stats;

/// A queue that counts what becomes of its messages, and knows when each came.
pub(crate) struct Outgoing {
    queue: SendQueue<Instant>,
    limits: QueueLimits,
}

impl Outgoing {
    pub(crate) fn new(delivery: Delivery) -> Outgoing {
        let mut limits = QueueLimits::suited_to(delivery);
        (limits.messages, limits.bytes, limits.overflow) = match delivery.is_reliable() {
            true => (RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES, Overflow::Refuse),
            false => (LOSSY_QUEUE, LOSSY_QUEUE_BYTES, Overflow::DropOldest),
        };
        Outgoing { queue: SendQueue::new(limits), limits }
    }

    /// Takes a message that came at this time. `false`: a reliable queue has overflowed.
    pub(crate) fn push(&mut self, arrival: Instant, payload: &Payload, stats: &mut Stats) -> bool {
        self.drop_old(arrival, stats);
        let before = self.queue.bytes();
        match self.queue.push(payload.clone(), arrival) {
            Pushed::Queued => {}
            Pushed::Replaced(dropped) => {
                stats.replaced += dropped as u64;
                stats.queued -= dropped as u64;
            }
            Pushed::Refused => return false,
        }
        stats.queued += 1;
        stats.queued_bytes = stats.queued_bytes + self.queue.bytes() as u64 - before as u64;
        true
    }

    /// What was not sent in time is not worth more than what is new.
    fn drop_old(&mut self, now: Instant, stats: &mut Stats) {
        let is_old = |at: &Instant| now.saturating_duration_since(*at) > LOSSY_BURST;
        while self.limits.overflow == Overflow::DropOldest
            && self.queue.len() >= LOSSY_OLD
            && self.queue.front_note().is_some_and(is_old)
            && let Some((payload, _)) = self.queue.pop()
        {
            stats.replaced += 1;
            stats.queued -= 1;
            stats.queued_bytes -= payload.bytes.len() as u64;
        }
    }

    /// Lets it have its turns among a session's queues.
    pub(crate) fn schedule(&mut self, stream: StreamId, pump: &mut Pump<StreamId>) {
        pump.schedule(stream, &mut self.queue);
    }

    /// Has its turn: writes the message that is next, if it goes.
    pub(crate) fn take_turn(
        &mut self,
        now: Instant,
        stats: &mut Stats,
        write: impl FnOnce(&Payload) -> Written,
    ) -> Turn {
        let (turn, message) = self.queue.take_turn(write);
        let Some((payload, arrival)) = message else { return turn };
        let bytes = payload.bytes.len() as u64;
        stats.queued -= 1;
        stats.queued_bytes -= bytes;
        if let Turn::Sent { .. } = turn {
            stats.forwarded += 1;
            stats.forwarded_bytes += bytes;
            stats.latencies.add(now.saturating_duration_since(arrival));
        } else {
            stats.oversized += 1;
        }
        turn
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

    /// Whether more than one part in this many of the queue is in use.
    pub(crate) fn is_fuller_than(&self, part: usize) -> bool {
        self.queue.len() * part > self.limits.messages || self.queue.bytes() * part > self.limits.bytes
    }
}
