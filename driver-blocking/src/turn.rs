//! Handing datagrams to the peer.

use std::net::SocketAddr;
use std::sync::MutexGuard;
use std::time::Instant;

use farwire_core::TransportId;

use crate::shared::{Engine, Shared, Sleep};

/// Datagrams handled before others get a chance at the engine's lock.
const DATAGRAMS_PER_TURN: usize = 64;

/// A bounded piece of work under the engine's lock, which is taken once there is something to do.
pub(crate) struct Turn<'a> {
    shared: &'a Shared,
    is_io_thread: bool,
    engine: Option<MutexGuard<'a, Engine>>,
    now: Instant,
    datagrams: usize,
}

impl<'a> Turn<'a> {
    /// Of the I/O thread, which also keeps the timers.
    pub(crate) fn of_io(shared: &'a Shared) -> Turn<'a> {
        Turn { shared, is_io_thread: true, engine: None, now: Instant::now(), datagrams: 0 }
    }

    /// Of a caller that waits for a message.
    pub(crate) fn of_caller(shared: &'a Shared) -> Turn<'a> {
        Turn { is_io_thread: false, ..Turn::of_io(shared) }
    }

    pub(crate) fn take(&mut self, side: TransportId, source: SocketAddr, datagram: &[u8]) {
        let engine = self.engine.get_or_insert_with(|| self.shared.io_lock());
        engine.client.handle_datagram(self.now, side, source, datagram);
        self.datagrams += 1;
        if self.datagrams == DATAGRAMS_PER_TURN {
            self.end();
            if self.is_io_thread {
                self.shared.io_woke();
            }
            (self.now, self.datagrams) = (Instant::now(), 0);
        }
    }

    /// Does what the peer says. For the I/O thread: how long it may sleep, or `None` when the connection is over.
    pub(crate) fn finish(mut self) -> Option<Sleep> {
        self.end()
    }

    fn end(&mut self) -> Option<Sleep> {
        match (self.engine.take(), self.is_io_thread) {
            (engine, true) => self.shared.io_turn(engine.unwrap_or_else(|| self.shared.io_lock()), self.now),
            (Some(engine), false) => {
                self.shared.turn(engine, self.now);
                None
            }
            (None, false) => None,
        }
    }
}
