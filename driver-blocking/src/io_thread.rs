//! The thread that receives, and keeps the timers.

use std::net::SocketAddr;
use std::sync::MutexGuard;
use std::thread;
use std::time::Instant;

use farwire_core::Side;
use farwire_udp::{ReceiveBuffers, Waiter};

use crate::engine::{Engine, Shared, Sleep};
use crate::sockets::Sockets;

/// Datagrams handled before callers get a chance at the engine's lock.
const DATAGRAMS_PER_TURN: usize = 64;

/// Runs until the connection is over.
pub(crate) fn run(shared: &Shared, sockets: &Sockets, mut waiter: Waiter) {
    let _watch = PanicWatch { shared };
    let mut buffers = ReceiveBuffers::new();
    // The first turn dials.
    let mut sleep = shared.io_turn(shared.io_lock(), Instant::now());
    while let Some(Sleep { until }) = sleep {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let ready = match waiter.wait(&[&sockets[0], &sockets[1]], timeout) {
            Ok(ready) => ready,
            Err(error) => return shared.io_failed(&format!("cannot wait for datagrams: {error}")),
        };
        shared.io_woke();
        let mut turned = false;
        for side in Side::ALL {
            if ready.readable(side as usize) {
                // One call: a socket that has more is readable in the next round.
                let mut turn = Turn::new(shared);
                let received = sockets[side as usize].receive(&mut buffers, |source, datagram| {
                    turn.take(side, source, datagram);
                });
                sleep = turn.finish();
                turned = true;
                if let Err(error) = received {
                    return shared.io_failed(&format!("cannot receive datagrams: {error}"));
                }
            }
        }
        if !turned {
            sleep = Turn::new(shared).finish();
        }
    }
}

/// A bounded piece of work under the engine's lock, which is taken once there is something to do.
struct Turn<'a> {
    shared: &'a Shared,
    engine: Option<MutexGuard<'a, Engine>>,
    now: Instant,
    datagrams: usize,
}

impl<'a> Turn<'a> {
    fn new(shared: &'a Shared) -> Turn<'a> {
        Turn { shared, engine: None, now: Instant::now(), datagrams: 0 }
    }

    fn take(&mut self, side: Side, source: SocketAddr, datagram: &[u8]) {
        let engine = self.engine.get_or_insert_with(|| self.shared.io_lock());
        engine.peer.handle_datagram(self.now, side, source, datagram);
        self.datagrams += 1;
        if self.datagrams == DATAGRAMS_PER_TURN {
            self.end();
            self.shared.io_woke();
            *self = Turn::new(self.shared);
        }
    }

    fn finish(mut self) -> Option<Sleep> {
        self.end()
    }

    fn end(&mut self) -> Option<Sleep> {
        let engine = self.engine.take().unwrap_or_else(|| self.shared.io_lock());
        self.shared.io_turn(engine, self.now)
    }
}

/// Ends the connection if this thread panics, so that nobody waits for it for ever.
struct PanicWatch<'a> {
    shared: &'a Shared,
}

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.io_panicked();
        }
    }
}
