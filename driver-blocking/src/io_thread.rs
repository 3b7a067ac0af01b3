//! The thread that keeps the timers, and receives while no caller does.

use std::thread;
use std::time::Instant;

use farwire_driver::{Next, Sockets};
use farwire_udp::{ReceiveBuffers, Waiter};

use crate::threads::Engine;
use crate::turn::Turn;

/// Runs until the connection is over.
pub(crate) fn run(engine: &Engine, sockets: &Sockets, mut waiter: Waiter) {
    let _watch = PanicWatch { engine };
    let mut buffers = ReceiveBuffers::new();
    // The first turn dials.
    let mut next = Turn::of_io(engine).finish();
    while let Next::Wait(until) = next {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let ready = match waiter.wait(timeout) {
            Ok(ready) => ready,
            Err(error) => return engine.fail(&format!("cannot wait for datagrams: {error}")),
        };
        engine.worker_woke();
        let mut turned = false;
        for (transport, socket) in sockets.by_transport() {
            // A caller that received may have left something behind, and then it has called.
            if ready.readable(transport.index()) || ready.woken() {
                // One call: a socket that has more is readable in the next round.
                let _in_order = engine.driver().receiving();
                let mut turn = Turn::of_io(engine);
                let received = socket.receive(&mut buffers, |source, datagram| turn.take(transport, source, datagram));
                next = turn.finish();
                turned = true;
                if let Err(error) = received {
                    return engine.fail(&format!("cannot receive datagrams: {error}"));
                }
            }
        }
        if !turned {
            next = Turn::of_io(engine).finish();
        }
    }
}

/// Ends the connection if this thread panics, so that nobody waits for it for ever.
struct PanicWatch<'a> {
    engine: &'a Engine,
}

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.engine.abandon("a bug: the connection's thread panicked");
        }
    }
}
