//! Handing datagrams to the client.

use std::net::SocketAddr;
use std::time::Instant;

use farwire_core::TransportId;
use farwire_driver::{Guard, Next};

use crate::threads::{Engine, Threads};

/// Datagrams handled before others get a chance at the client's lock.
const DATAGRAMS_PER_TURN: usize = 64;

/// A bounded piece of work under the client's lock, which is taken once there is something to do.
pub(crate) struct Turn<'a> {
    engine: &'a Engine,
    is_io_thread: bool,
    guard: Option<Guard<'a, Threads>>,
    now: Instant,
    datagrams: usize,
}

impl<'a> Turn<'a> {
    /// Of the I/O thread, which also keeps the timers.
    pub(crate) fn of_io(engine: &'a Engine) -> Turn<'a> {
        Turn { engine, is_io_thread: true, guard: None, now: Instant::now(), datagrams: 0 }
    }

    /// Of a caller that waits for a message.
    pub(crate) fn of_caller(engine: &'a Engine) -> Turn<'a> {
        Turn { is_io_thread: false, ..Turn::of_io(engine) }
    }

    pub(crate) fn take(&mut self, transport: TransportId, source: SocketAddr, datagram: &[u8]) {
        let guard = self.guard.get_or_insert_with(|| self.engine.lock_urgently());
        guard.client.handle_datagram(self.now, transport, source, datagram);
        self.datagrams += 1;
        if self.datagrams == DATAGRAMS_PER_TURN {
            self.end();
            if self.is_io_thread {
                self.engine.worker_woke();
            }
            (self.now, self.datagrams) = (Instant::now(), 0);
        }
    }

    /// Does what the client says. For the I/O thread: when it is to look again.
    pub(crate) fn finish(mut self) -> Next {
        self.end()
    }

    fn end(&mut self) -> Next {
        match (self.guard.take(), self.is_io_thread) {
            (guard, true) => {
                let guard = guard.unwrap_or_else(|| self.engine.lock_urgently());
                return self.engine.worker_turn(guard, self.now);
            }
            (Some(guard), false) => self.engine.turn(guard, self.now),
            (None, false) => {}
        }
        Next::Wait(None)
    }
}
