//! The thread that keeps the timers, and receives while no caller does.

use std::thread;
use std::time::Instant;

use farwire_core::TransportId;
use farwire_udp::{ReceiveBuffers, Waiter};

use crate::shared::{Shared, Sleep, Sockets};
use crate::turn::Turn;

/// Runs until the connection is over.
pub(crate) fn run(shared: &Shared, sockets: &Sockets, mut waiter: Waiter) {
    let _watch = PanicWatch { shared };
    let mut buffers = ReceiveBuffers::new();
    // The first turn dials.
    let mut sleep = shared.io_turn(shared.io_lock(), Instant::now());
    while let Some(Sleep { until }) = sleep {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let ready = match waiter.wait(timeout) {
            Ok(ready) => ready,
            Err(error) => return shared.io_failed(&format!("cannot wait for datagrams: {error}")),
        };
        shared.io_woke();
        let mut turned = false;
        for side in (0..sockets.len()).filter_map(TransportId::new) {
            // A caller that received may have left something behind, and then it has called.
            if ready.readable(side.index()) || ready.woken() {
                // One call: a socket that has more is readable in the next round.
                let mut turn = Turn::of_io(shared);
                let received = sockets[side.index()].receive(&mut buffers, |source, datagram| {
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
            sleep = Turn::of_io(shared).finish();
        }
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
