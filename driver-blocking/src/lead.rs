//! Receiving on the caller's own thread.
//!
//! A caller that waits for a message waits for datagrams itself, so that no thread has to wake another for it. One
//! caller of a connection can do so at a time, the leader; it goes before the I/O thread, which does the work whenever
//! there is none. Other callers wait for whoever receives.

use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use farwire_core::{Held, RecvError, TransportId};
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, Waiter};

use crate::mailbox::SharedMailbox;
use crate::shared::{Shared, Sockets};
use crate::turn::Turn;

/// Receive calls on one socket before what they brought is looked at.
const RECEIVES_PER_ROUND: usize = 4;

/// What a leader needs.
pub(crate) struct Lead {
    desk: Mutex<Desk>,
}

struct Desk {
    waiter: Waiter,
    buffers: ReceiveBuffers,
    sockets: Sockets,
}

impl Lead {
    pub(crate) fn new(sockets: Sockets, waiter: Waiter) -> Lead {
        Lead { desk: Mutex::new(Desk { waiter, buffers: ReceiveBuffers::new(), sockets }) }
    }

    /// Waits for the next message of a mailbox, as the leader if there is none.
    pub(crate) fn receive<T: Held>(
        &self,
        shared: &Shared,
        mailbox: &SharedMailbox<T>,
        timeout: Option<Duration>,
    ) -> Result<T, RecvError> {
        if let Some(result) = mailbox.next() {
            return result;
        }
        // A time beyond the clock's range is never reached either.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let desk = match self.desk.try_lock() {
            Ok(desk) => Some(desk),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let led = desk.and_then(|mut desk| desk.receive(shared, mailbox, deadline));
        led.unwrap_or_else(|| mailbox.receive(deadline))
    }
}

impl Desk {
    /// `None`: it cannot lead, so somebody else is to be waited for.
    fn receive<T: Held>(
        &mut self,
        shared: &Shared,
        mailbox: &SharedMailbox<T>,
        deadline: Option<Instant>,
    ) -> Option<Result<T, RecvError>> {
        loop {
            if let Some(result) = mailbox.begin_lead() {
                return Some(result);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let ready = self.waiter.wait(left);
            mailbox.end_lead();
            let ready = ready.ok()?;
            for side in (0..self.sockets.len()).filter_map(TransportId::new) {
                if ready.readable(side.index()) {
                    self.take_datagrams(shared, side)?;
                }
            }
            if ready.is_empty() && left.is_some_and(|left| left.is_zero()) {
                return Some(mailbox.next().unwrap_or(Err(RecvError::Timeout)));
            }
        }
    }

    fn take_datagrams(&mut self, shared: &Shared, side: TransportId) -> Option<()> {
        for _ in 0..RECEIVES_PER_ROUND {
            let mut turn = Turn::of_caller(shared);
            let received = self.sockets[side.index()].receive(&mut self.buffers, |source, datagram| {
                turn.take(side, source, datagram);
            });
            turn.finish();
            // An error is the I/O thread's to report.
            if received.ok()? < FULL_RECEIVE {
                return Some(());
            }
        }
        // The I/O thread has not been woken for what is left.
        shared.wake_io();
        Some(())
    }
}
