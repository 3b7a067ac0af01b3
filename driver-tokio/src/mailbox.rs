//! A subscription's mailbox, between the connection's task and its receiver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use farwire_core::Mailbox;
use farwire_core::client::Inbox;

/// A mailbox with one receiver.
#[derive(Debug, Clone)]
pub(crate) struct SharedMailbox(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    mailbox: Mailbox,
    /// Of the task that waits for a change.
    waker: Option<Waker>,
}

impl SharedMailbox {
    pub(crate) fn new(mailbox: Mailbox) -> SharedMailbox {
        SharedMailbox(Arc::new(Mutex::new(State { mailbox, waker: None })))
    }

    /// Does something with the mailbox that nobody waits for.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Mailbox) -> R) -> R {
        act(&mut self.lock().mailbox)
    }

    /// What `look` finds, or wakes the task when there may be something to find.
    pub(crate) fn poll<R>(&self, context: &mut Context<'_>, look: impl FnOnce(&mut Mailbox) -> Option<R>) -> Poll<R> {
        let mut state = self.lock();
        if let Some(found) = look(&mut state.mailbox) {
            return Poll::Ready(found);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => state.waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Wakes the task that waits.
    pub(crate) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for SharedMailbox {
    fn update(&self, change: impl FnOnce(&mut Mailbox)) -> bool {
        let mut state = self.lock();
        change(&mut state.mailbox);
        state.waker.is_some()
    }
}
