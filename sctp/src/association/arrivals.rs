//! Data from the far end: whether there is room for it, what messages it makes, and when it is acknowledged.

use std::time::Duration;

use super::Association;
use crate::dcep;
use crate::receive::{Arrival, Assembled, Fragment, Turn};
use crate::wire::{BEGIN, Data, END, Forward, IMMEDIATE, UNORDERED};
use crate::{Event, Violation};

/// Packets with data after which an acknowledgement is due (RFC 9260, section 6.2).
const PACKETS_PER_ACK: u32 = 2;

/// How long an acknowledgement that is wanted at once (RFC 7053) waits all the same, for data of ours that carries it, if what came
/// was all that there was to send: nobody waits for it then, and an answer leaves first, and in one packet. A full packet that wants
/// one is the last that the far end's window let through.
const AT_ONCE: Duration = Duration::from_millis(10);

impl Association {
    pub(super) fn take_data(&mut self, data: &Data<'_>, interleaved: bool) -> Result<(), Violation> {
        self.acks.is_urgent |= data.flags & IMMEDIATE != 0;
        let at = self.tsns.position(data.tsn);
        let is_next = match self.tsns.judge(at) {
            Arrival::New { is_next } => is_next,
            Arrival::Duplicate => {
                self.stats.duplicates += 1;
                return Ok(());
            }
            Arrival::Beyond => return self.drop_data(data),
        };
        if !self.has_room_for(is_next)? {
            return self.drop_data(data);
        }
        let unordered = data.flags & UNORDERED != 0;
        let (number, turn) = match unordered && !interleaved {
            true => (0, Turn::Now),
            false => self.inbox.number(data.stream, data.number, unordered, interleaved)?,
        };
        self.tsns.insert(at);
        self.stats.chunks_received += 1;
        if is_next {
            self.drops.refill();
        }
        if turn == Turn::Over {
            return Ok(());
        }
        let (begins, ends) = (data.flags & BEGIN != 0, data.flags & END != 0);
        let assembled = if begins && ends {
            if data.payload.len() > self.config.max_message {
                return Err(Violation::MessageSize);
            }
            Some(Assembled::whole(data.stream, unordered, number, data.ppid, data.payload))
        } else {
            let position = if interleaved { u64::from(data.fragment) } else { at };
            let fragment = Fragment {
                stream: data.stream,
                unordered,
                number,
                begins,
                ends,
                ppid: data.ppid,
                position,
                interleaved,
                payload: data.payload,
            };
            self.assembly.insert(&fragment, turn == Turn::Now)?
        };
        match assembled {
            Some(assembled) => self.deliver(assembled),
            None => Ok(()),
        }
    }

    /// Whether a chunk is taken. The one that was awaited is, beyond the window as well, as it may free what waits for it.
    fn has_room_for(&self, is_next: bool) -> Result<bool, Violation> {
        let (held, buffer) = (self.held(), self.config.receive_buffer);
        if held < buffer {
            return Ok(true);
        }
        if !is_next || self.inbox.has_ready() {
            return Ok(false);
        }
        if held < 2 * buffer { Ok(true) } else { Err(Violation::Memory) }
    }

    /// There is no room, or no account can be kept of it: it will be sent again, in measure.
    fn drop_data(&mut self, data: &Data<'_>) -> Result<(), Violation> {
        self.stats.chunks_dropped += 1;
        self.acks.is_due = true;
        match self.drops.take(self.now, data.payload.len() as u64 + 64) {
            true => Ok(()),
            false => Err(Violation::Window),
        }
    }

    /// Puts what is complete where it is received, with what it was waited for.
    fn deliver(&mut self, assembled: Assembled) -> Result<(), Violation> {
        let stream = assembled.stream;
        let mut next = self.inbox.insert(assembled)?;
        while let Some(number) = next {
            next = self.turn(stream, number)?;
        }
        self.take_controls()
    }

    /// A large message whose turn has come is given in parts from now on.
    fn turn(&mut self, stream: u16, number: u64) -> Result<Option<u64>, Violation> {
        match self.assembly.turn(stream, number) {
            Some(part) => self.inbox.insert(part),
            None => Ok(None),
        }
    }

    /// Messages about channels among those that came.
    fn take_controls(&mut self) -> Result<(), Violation> {
        if self.inbox.controls.is_empty() {
            return Ok(());
        }
        for (stream, bytes) in std::mem::take(&mut self.inbox.controls) {
            match dcep::Message::read(&bytes) {
                Some(dcep::Message::Open(channel)) => self.on_open(stream, channel)?,
                Some(dcep::Message::Ack) => self.on_acknowledged(stream),
                None => self.refuse_channel(stream)?,
            }
        }
        Ok(())
    }

    pub(super) fn on_forward(&mut self, forward: &Forward<'_>, interleaved: bool) -> Result<(), Violation> {
        if !self.is_connected() {
            return Ok(());
        }
        if interleaved != self.outbox.interleaving {
            return Err(Violation::Protocol);
        }
        self.acks.is_due = true;
        let to = self.tsns.position(forward.cumulative);
        if to < self.tsns.next() {
            return Ok(());
        }
        self.tsns.forward(to);
        self.drops.refill();
        if !interleaved {
            for aborted in self.assembly.forward(to) {
                self.deliver(aborted)?;
            }
        }
        for skip in forward.skips() {
            if interleaved {
                let number = self.inbox.number(skip.stream, skip.number, skip.unordered, true)?.0;
                for aborted in self.assembly.skip(skip.stream, skip.unordered, number) {
                    self.deliver(aborted)?;
                }
                if skip.unordered {
                    self.inbox.skip_unordered(skip.stream, number);
                }
            }
            if !skip.unordered {
                let mut next = self.inbox.skip(skip.stream, skip.number, interleaved)?;
                while let Some(number) = next {
                    next = self.turn(skip.stream, number)?;
                }
            }
        }
        self.take_controls()
    }

    /// A packet had data.
    pub(super) fn data_arrived(&mut self, had_duplicates: bool, is_full: bool) {
        self.acks.packets += 1;
        self.acks.is_due |= self.acks.is_urgent && is_full;
        self.acks.is_due |= had_duplicates || self.tsns.has_gaps() || self.acks.packets >= PACKETS_PER_ACK;
        if !self.acks.is_due {
            let delay = if self.acks.is_urgent { self.config.ack_delay.min(AT_ONCE) } else { self.config.ack_delay };
            let at = self.now + delay;
            self.timers.ack = Some(self.timers.ack.map_or(at, |earlier| earlier.min(at)));
        }
    }

    /// What follows once a packet was looked at.
    pub(super) fn finish_input(&mut self) {
        self.go_on_with_resets();
        if self.inbox.has_ready() && !self.was_readable {
            self.was_readable = true;
            self.events.push_back(Event::Readable);
        }
        self.tell_room();
        self.go_on_with_shutdown();
    }
}
