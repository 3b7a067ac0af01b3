//! How threads wait for a mailbox. Any number of them may receive.

use std::sync::{Condvar, PoisonError};
use std::time::{Duration, Instant};

use farwire_core::{Held, Mailbox, RecvError};
use farwire_driver::{SharedMailbox, Waits};
use farwire_udp::Waker;

/// What threads wait on.
#[derive(Debug)]
pub(crate) struct Waiters {
    changed: Condvar,
    /// Of the leader, which waits for datagrams and not for `changed`.
    lead: Waker,
}

/// Who waits for a mailbox.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Waiting {
    /// Threads that wait on `changed`.
    threads: usize,
    /// The leader waits for this mailbox, and sleeps or is about to.
    leader: bool,
}

impl Waiters {
    pub(crate) fn new(lead: Waker) -> Waiters {
        Waiters { changed: Condvar::new(), lead }
    }
}

impl Waits for Waiters {
    type Waiting = Waiting;
    type Woken = Waiting;

    fn another(&self) -> Waiters {
        Waiters::new(self.lead.clone())
    }

    fn is_awaited(waiting: &Waiting) -> bool {
        waiting.threads > 0 || waiting.leader
    }

    /// All, since they may wait for different things; they leave by themselves.
    fn take(waiting: &mut Waiting) -> Waiting {
        *waiting
    }

    fn wake(&self, woken: Waiting) {
        if woken.leader {
            self.lead.wake();
        }
        // A notification is a system call even when nobody waits.
        if woken.threads > 0 {
            self.changed.notify_all();
        }
    }
}

/// The next message or gap, if one is there, or the end. If there is none, the leader is going to sleep, and is to be woken by
/// its waker.
pub(crate) fn begin_lead<T: Held>(mailbox: &SharedMailbox<Waiters, T>) -> Option<Result<T, RecvError>> {
    let mut state = mailbox.lock();
    let next = state.mailbox.take(Instant::now());
    state.waiting.leader = next.is_none();
    next
}

/// The leader is awake.
pub(crate) fn end_lead<T: Held>(mailbox: &SharedMailbox<Waiters, T>) {
    mailbox.lock().waiting.leader = false;
}

/// Waits until `done` finds something.
pub(crate) fn wait_for<T: Held, R>(
    mailbox: &SharedMailbox<Waiters, T>,
    deadline: Option<Instant>,
    mut done: impl FnMut(&mut Mailbox<T>) -> Option<Result<R, RecvError>>,
) -> Result<R, RecvError> {
    let mut state = mailbox.lock();
    loop {
        if let Some(result) = done(&mut state.mailbox) {
            return result;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(RecvError::Timeout);
        }
        state.waiting.threads += 1;
        let changed = &mailbox.waits().changed;
        state = match left {
            Some(left) => changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.waiting.threads -= 1;
    }
}

#[cfg(test)]
mod tests;
