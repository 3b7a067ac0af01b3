//! The bounded queue of messages that wait for their turn on the transport.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::Delivery;

/// A message's bytes and whether they are text or binary, which the receiver is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The bytes; empty is fine.
    pub bytes: Bytes,
    /// `true` for binary, `false` for text.
    pub binary: bool,
}

/// How much a queue holds, and what happens when that is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct QueueLimits {
    /// Messages at most.
    pub messages: usize,
    /// Bytes of payload at most.
    pub bytes: usize,
    /// What gives way.
    pub overflow: Overflow,
}

/// What gives way when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The oldest messages are dropped: newer state replaces them.
    DropOldest,
    /// The new message is refused, and the publisher told.
    Refuse,
}

impl QueueLimits {
    /// What suits a delivery: 64 messages and 1 MiB, dropping the oldest, when it is lossy; 4,096 messages and 4 MiB,
    /// refusing the newest, when it is reliable.
    pub fn suited_to(delivery: Delivery) -> QueueLimits {
        if delivery.is_reliable() {
            QueueLimits { messages: 4096, bytes: 4 << 20, overflow: Overflow::Refuse }
        } else {
            QueueLimits { messages: 64, bytes: 1 << 20, overflow: Overflow::DropOldest }
        }
    }
}

/// What became of a message that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits.
    Queued,
    /// It waits, and this many older ones were dropped for it.
    Replaced(usize),
    /// It does not fit and was not taken.
    Refused,
}

/// Messages of one channel in the order of publishing, bounded in number and bytes. Each has a note of type `N`.
#[derive(Debug)]
pub struct SendQueue<N = ()> {
    limits: QueueLimits,
    messages: VecDeque<(Payload, N)>,
    bytes: usize,
    /// Whether its [`Pump`](crate::flow::Pump) has it among its turns.
    pub(super) is_scheduled: bool,
}

impl<N> SendQueue<N> {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> SendQueue<N> {
        SendQueue { limits, messages: VecDeque::new(), bytes: 0, is_scheduled: false }
    }

    /// Takes a message, or says why not. Payloads larger than the queue's bound in bytes are always refused.
    pub fn push(&mut self, payload: Payload, note: N) -> Pushed {
        let len = payload.bytes.len();
        if len > self.limits.bytes || self.limits.messages == 0 {
            return Pushed::Refused;
        }
        let mut dropped = 0;
        while self.messages.len() >= self.limits.messages || self.bytes + len > self.limits.bytes {
            match self.limits.overflow {
                Overflow::Refuse => return Pushed::Refused,
                Overflow::DropOldest => dropped += usize::from(self.pop().is_some()),
            }
        }
        self.bytes += len;
        self.messages.push_back((payload, note));
        if dropped == 0 { Pushed::Queued } else { Pushed::Replaced(dropped) }
    }

    /// The message that is to go next.
    pub fn front(&self) -> Option<&Payload> {
        self.messages.front().map(|(payload, _)| payload)
    }

    /// The note of the message that is to go next.
    pub fn front_note(&self) -> Option<&N> {
        self.messages.front().map(|(_, note)| note)
    }

    /// Takes the message that is to go next.
    pub fn pop(&mut self) -> Option<(Payload, N)> {
        let (payload, note) = self.messages.pop_front()?;
        self.bytes -= payload.bytes.len();
        Some((payload, note))
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes of payload that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether less than half of both bounds is in use: the time to tell a publisher that was refused.
    pub fn is_roomy(&self) -> bool {
        self.messages.len() * 2 <= self.limits.messages && self.bytes * 2 <= self.limits.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(len: usize, tag: u8) -> Payload {
        Payload { bytes: vec![tag; len].into(), binary: true }
    }

    proptest! {
        /// Against a plain list: the bounds hold, the order is kept, and every message is accounted for.
        #[test]
        fn behaves_like_a_bounded_list(
            refuse in any::<bool>(),
            messages in 1usize..6,
            bytes in 1usize..40,
            steps in prop::collection::vec(prop::option::weighted(0.7, 0usize..24), 1..80),
        ) {
            let overflow = if refuse { Overflow::Refuse } else { Overflow::DropOldest };
            let mut queue = SendQueue::new(QueueLimits { messages, bytes, overflow });
            let mut model: Vec<Payload> = Vec::new();
            for (i, step) in steps.into_iter().enumerate() {
                let Some(len) = step else {
                    let expected = if model.is_empty() { None } else { Some(model.remove(0)) };
                    prop_assert_eq!(queue.pop().map(|(payload, ())| payload), expected);
                    continue;
                };
                let before = model.len();
                let outcome = queue.push(payload(len, i as u8), ());
                model.push(payload(len, i as u8));
                let total = |m: &[Payload]| m.iter().map(|p| p.bytes.len()).sum::<usize>();
                match outcome {
                    Pushed::Queued => {}
                    Pushed::Replaced(n) => {
                        prop_assert!(!refuse && n > 0 && n <= before);
                        // No more was dropped than needed.
                        prop_assert!(model.len() - n + 1 > messages || total(&model[n - 1..]) > bytes);
                        model.drain(..n);
                    }
                    Pushed::Refused => {
                        prop_assert!(len > bytes || (refuse && (model.len() > messages || total(&model) > bytes)));
                        model.pop();
                    }
                }
                prop_assert!(queue.len() <= messages && queue.bytes() <= bytes);
                prop_assert_eq!((queue.len(), queue.bytes()), (model.len(), total(&model)));
                prop_assert_eq!(queue.front(), model.first());
            }
        }
    }
}
