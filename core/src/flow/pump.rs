//! Moving queued messages into a transport, queue by queue in turn.

use std::collections::VecDeque;

use crate::flow::{Payload, SendQueue};
use crate::link::LinkError;

/// Messages that go from the queues to a transport between two drains of it: what its DTLS holds is bounded.
pub const WRITES_PER_DRAIN: usize = 16;

/// What a transport says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It took the message.
    Taken,
    /// It takes none now; the message may go later.
    NoRoom,
    /// The channel is not open.
    NotOpen,
    /// The message is larger than the far end receives, now and later.
    TooLarge,
}

impl From<Result<(), LinkError>> for Written {
    fn from(result: Result<(), LinkError>) -> Written {
        match result {
            Ok(()) => Written::Taken,
            Err(LinkError::NotOpen(_)) => Written::NotOpen,
            Err(LinkError::TooLarge { .. }) => Written::TooLarge,
            // The next acknowledgement, or the end of the link, settles it.
            Err(_) => Written::NoRoom,
        }
    }
}

/// What became of a queue's turn; see [`SendQueue::take_turn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Its first message went.
    Sent {
        /// Others wait behind it.
        more: bool,
    },
    /// Its first message was too large, and is dropped.
    Dropped {
        /// Others wait behind it.
        more: bool,
    },
    /// Its first message waits for room.
    NoRoom,
    /// It has nothing to send, or nowhere to: it gets no turn until it is scheduled again.
    Over,
}

/// The queues of one transport that have messages, in the order of their turns. `C` names a queue.
#[derive(Debug)]
pub struct Pump<C> {
    turns: VecDeque<C>,
}

impl<C: Copy + PartialEq> Pump<C> {
    /// Gives a queue a turn, unless it is empty or has one.
    pub fn schedule<N>(&mut self, channel: C, queue: &mut SendQueue<N>) {
        if !queue.is_empty() && !std::mem::replace(&mut queue.is_scheduled, true) {
            self.turns.push_back(channel);
        }
    }

    /// Takes a queue's turn away, if it has one.
    pub fn unschedule<N>(&mut self, channel: C, queue: &mut SendQueue<N>) {
        if std::mem::take(&mut queue.is_scheduled) {
            self.turns.retain(|waiting| *waiting != channel);
        }
    }

    /// Forgets all turns: nothing is sent any more.
    pub fn stop(&mut self) {
        self.turns.clear();
    }

    /// Gives the queues their turns, until [`WRITES_PER_DRAIN`] messages went or there is no room for the first message of
    /// any. `take_turn` is to call [`SendQueue::take_turn`] on the queue that it is told, or to answer [`Turn::Over`] when
    /// there is no such queue. `true` if any message went; the transport is to be drained then, and the pump run again.
    pub fn run(&mut self, mut take_turn: impl FnMut(C) -> Turn) -> bool {
        let (mut written, mut without_room) = (0, 0);
        while written < WRITES_PER_DRAIN && without_room < self.turns.len() {
            let Some(channel) = self.turns.pop_front() else { break };
            let keeps_turn = match take_turn(channel) {
                Turn::Sent { more } => {
                    (written, without_room) = (written + 1, 0);
                    more
                }
                Turn::Dropped { more } => {
                    without_room = 0;
                    more
                }
                Turn::NoRoom => {
                    without_room += 1;
                    true
                }
                Turn::Over => false,
            };
            if keeps_turn {
                self.turns.push_back(channel);
            }
        }
        written > 0
    }
}

impl<C> Default for Pump<C> {
    fn default() -> Self {
        Pump { turns: VecDeque::new() }
    }
}

impl<N> SendQueue<N> {
    /// Offers the first message to `write`, and takes it out if it went or never can. For [`Pump::run`] alone.
    pub fn take_turn(&mut self, write: impl FnOnce(&Payload) -> Written) -> (Turn, Option<(Payload, N)>) {
        let written = self.front().map(write);
        match written {
            Some(Written::NoRoom) => (Turn::NoRoom, None),
            Some(Written::NotOpen) | None => {
                self.is_scheduled = false;
                (Turn::Over, None)
            }
            Some(Written::Taken) => {
                let message = self.pop();
                self.is_scheduled = !self.is_empty();
                (Turn::Sent { more: self.is_scheduled }, message)
            }
            Some(Written::TooLarge) => {
                let message = self.pop();
                self.is_scheduled = !self.is_empty();
                (Turn::Dropped { more: self.is_scheduled }, message)
            }
        }
    }
}

#[cfg(test)]
mod tests;
