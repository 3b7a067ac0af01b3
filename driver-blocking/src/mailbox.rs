//! A subscription's mailbox, between the connection's threads and its receivers.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use farwire_core::client::{Inbox, Share};
use farwire_core::{Held, Mailbox, Message, RecvError};
use farwire_udp::Waker;

/// A mailbox that threads share. Any number of them may receive.
#[derive(Debug)]
pub(crate) struct SharedMailbox<T: Held = Message>(Arc<Inner<T>>);

/// Mailboxes of one connection, whose leader has this waker.
#[derive(Debug)]
pub(crate) struct Sharing(pub(crate) Waker);

#[derive(Debug)]
struct Inner<T: Held> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Of the leader, which waits for datagrams and not for `changed`.
    lead: Waker,
}

#[derive(Debug)]
struct State<T: Held> {
    mailbox: Mailbox<T>,
    /// Threads that wait on `changed`.
    waiting: usize,
    /// The leader waits for this mailbox, and sleeps or is about to.
    is_lead_waiting: bool,
}

impl<T: Held> SharedMailbox<T> {
    /// Does something with the mailbox that nobody waits for.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Mailbox<T>) -> R) -> R {
        act(&mut self.lock().mailbox)
    }

    /// The next message or gap, if one is there, or the end.
    pub(crate) fn next(&self) -> Option<Result<T, RecvError>> {
        self.with(|mailbox| mailbox.take(Instant::now()))
    }

    /// [`SharedMailbox::next`]; if there is none, the leader is going to sleep, and is to be woken by its waker.
    pub(crate) fn begin_lead(&self) -> Option<Result<T, RecvError>> {
        let mut state = self.lock();
        let next = state.mailbox.take(Instant::now());
        state.is_lead_waiting = next.is_none();
        next
    }

    /// The leader is awake.
    pub(crate) fn end_lead(&self) {
        self.lock().is_lead_waiting = false;
    }

    /// Waits for a message that another thread takes in; `None`: for ever.
    pub(crate) fn receive(&self, deadline: Option<Instant>) -> Result<T, RecvError> {
        self.wait_for(deadline, |mailbox| mailbox.take(Instant::now()))
    }

    /// Waits until the SFU's channel is open.
    pub(crate) fn wait_open(&self, timeout: Duration) -> Result<(), RecvError> {
        self.wait_for(Instant::now().checked_add(timeout), |mailbox| mailbox.opened())
    }

    fn wait_for<R>(
        &self,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut Mailbox<T>) -> Option<Result<R, RecvError>>,
    ) -> Result<R, RecvError> {
        let mut state = self.lock();
        loop {
            if let Some(result) = done(&mut state.mailbox) {
                return result;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(RecvError::Timeout);
            }
            state.waiting += 1;
            state = match left {
                Some(left) => self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.waiting -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Held> Clone for SharedMailbox<T> {
    fn clone(&self) -> Self {
        SharedMailbox(Arc::clone(&self.0))
    }
}

impl Share for Sharing {
    type Inbox<T: Held> = SharedMailbox<T>;

    fn share<T: Held>(&self, mailbox: Mailbox<T>) -> SharedMailbox<T> {
        let state = State { mailbox, waiting: 0, is_lead_waiting: false };
        let inner = Inner { state: Mutex::new(state), changed: Condvar::new(), lead: self.0.clone() };
        SharedMailbox(Arc::new(inner))
    }
}

impl<T: Held> Inbox<T> for SharedMailbox<T> {
    fn update(&self, change: impl FnOnce(&mut Mailbox<T>)) -> bool {
        let mut state = self.lock();
        change(&mut state.mailbox);
        state.waiting > 0 || state.is_lead_waiting
    }

    /// Wakes all who wait, since they may wait for different things. A notification is a system call even when nobody
    /// does.
    fn wake(&self) {
        let state = self.lock();
        let (others, lead) = (state.waiting > 0, state.is_lead_waiting);
        drop(state);
        if lead {
            self.0.lead.wake();
        }
        if others {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
