//! A subscription's mailbox, between the connection's task and its receiver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use farwire_core::client::{Inbox, Share};
use farwire_core::{Held, Mailbox, Message};

/// A mailbox with one receiver.
#[derive(Debug)]
pub(crate) struct SharedMailbox<T: Held = Message>(Arc<Mutex<State<T>>>);

/// Mailboxes behind a mutex, with a waker.
#[derive(Debug)]
pub(crate) struct Sharing;

#[derive(Debug)]
struct State<T: Held> {
    mailbox: Mailbox<T>,
    /// Of the task that waits for a change.
    waker: Option<Waker>,
}

impl<T: Held> SharedMailbox<T> {
    /// Does something with the mailbox that nobody waits for.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Mailbox<T>) -> R) -> R {
        act(&mut self.lock().mailbox)
    }

    /// What `look` finds, or wakes the task when there may be something to find.
    pub(crate) fn poll<R>(
        &self,
        context: &mut Context<'_>,
        look: impl FnOnce(&mut Mailbox<T>) -> Option<R>,
    ) -> Poll<R> {
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

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        SharedMailbox(Arc::new(Mutex::new(State { mailbox, waker: None })))
    }
}

impl<T: Held> Inbox<T> for SharedMailbox<T> {
    fn update(&self, change: impl FnOnce(&mut Mailbox<T>)) -> bool {
        let mut state = self.lock();
        change(&mut state.mailbox);
        state.waker.is_some()
    }

    /// Wakes the task that waits.
    fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
