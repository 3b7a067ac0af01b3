//! Waiting for a message, as the leader if there is none.

use std::time::{Duration, Instant};

use farwire_core::{Held, RecvError, TransportId};
use farwire_driver::SharedMailbox;
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, Socket};

use crate::leader::Leader;
use crate::mailbox::{Waiters, begin_lead, end_lead, wait_for};
use crate::threads::Engine;
use crate::turn::Turn;

/// Receive calls on one socket before what they brought is looked at.
const RECEIVES_PER_ROUND: usize = 4;

/// Waits for the next message of a mailbox; `None`: for ever.
pub(crate) fn receive<T: Held>(
    engine: &Engine,
    mailbox: &SharedMailbox<Waiters, T>,
    timeout: Option<Duration>,
) -> Result<T, RecvError> {
    if let Some(result) = next(mailbox) {
        return result;
    }
    // A time beyond the clock's range is never reached either.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let leader = engine.driver().lead.take();
    let led = leader.and_then(|mut leader| lead(engine, &mut leader, mailbox, deadline));
    led.unwrap_or_else(|| wait_for(mailbox, deadline, |mailbox| mailbox.take(Instant::now())))
}

/// The next message or gap, if one is there, or the end.
fn next<T: Held>(mailbox: &SharedMailbox<Waiters, T>) -> Option<Result<T, RecvError>> {
    mailbox.with(|mailbox| mailbox.take(Instant::now()))
}

/// `None`: it cannot lead, so somebody else is to be waited for.
fn lead<T: Held>(
    engine: &Engine,
    leader: &mut Leader,
    mailbox: &SharedMailbox<Waiters, T>,
    deadline: Option<Instant>,
) -> Option<Result<T, RecvError>> {
    loop {
        if let Some(result) = begin_lead(mailbox) {
            return Some(result);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ready = leader.waiter.wait(left);
        end_lead(mailbox);
        let ready = ready.ok()?;
        let Leader { sockets, buffers, .. } = &mut *leader;
        for (transport, socket) in sockets.by_transport() {
            if ready.readable(transport.index()) {
                take_datagrams(engine, socket, buffers, transport)?;
            }
        }
        if ready.is_empty() && left.is_some_and(|left| left.is_zero()) {
            return Some(next(mailbox).unwrap_or(Err(RecvError::Timeout)));
        }
    }
}

fn take_datagrams(
    engine: &Engine,
    socket: &Socket,
    buffers: &mut ReceiveBuffers,
    transport: TransportId,
) -> Option<()> {
    for _ in 0..RECEIVES_PER_ROUND {
        let _in_order = engine.driver().receiving();
        let mut turn = Turn::of_caller(engine);
        let received = socket.receive(buffers, |source, datagram| turn.take(transport, source, datagram));
        turn.finish();
        // An error is the I/O thread's to report.
        if received.ok()? < FULL_RECEIVE {
            return Some(());
        }
    }
    // The I/O thread has not been woken for what is left.
    engine.wake_worker();
    Some(())
}
