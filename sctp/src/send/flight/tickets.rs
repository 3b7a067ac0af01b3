//! Messages that may be given up, each known to its chunks by a number.

use std::time::Instant;

use crate::Reliability;

#[derive(Debug)]
struct Ticket {
    /// Chunks that name it, and one more while a part of the message waits.
    uses: usize,
    stream: u16,
    reliability: Reliability,
    expires: Option<Instant>,
    is_abandoned: bool,
}

#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: Vec<Ticket>,
    free: Vec<u32>,
}

impl Tickets {
    pub(super) fn issue(&mut self, stream: u16, reliability: Reliability, expires: Option<Instant>) -> u32 {
        let ticket = Ticket { uses: 0, stream, reliability, expires, is_abandoned: false };
        match self.free.pop() {
            Some(number) => {
                self.all[number as usize] = ticket;
                number
            }
            None => {
                self.all.push(ticket);
                (self.all.len() - 1) as u32
            }
        }
    }

    pub(super) fn take(&mut self, number: u32) {
        self.all[number as usize].uses += 1;
    }

    pub(super) fn release(&mut self, number: u32) {
        let ticket = &mut self.all[number as usize];
        ticket.uses -= 1;
        if ticket.uses == 0 {
            self.free.push(number);
        }
    }

    pub(super) fn stream(&self, number: u32) -> u16 {
        self.all[number as usize].stream
    }

    pub(super) fn is_abandoned(&self, number: u32) -> bool {
        self.all[number as usize].is_abandoned
    }

    /// Whether it was not given up before.
    pub(super) fn abandon(&mut self, number: u32) -> bool {
        !std::mem::replace(&mut self.all[number as usize].is_abandoned, true)
    }

    /// Whether a chunk that was sent so often is not sent again.
    pub(super) fn is_over(&self, number: u32, transmits: u16, now: Instant) -> bool {
        let ticket = &self.all[number as usize];
        let is_late = ticket.expires.is_some_and(|at| at <= now);
        is_late || matches!(ticket.reliability, Reliability::Retransmits(max) if transmits > max)
    }
}
