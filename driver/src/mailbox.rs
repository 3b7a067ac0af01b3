//! Mailboxes behind a lock.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwire_core::client::{Inbox, Share};
use farwire_core::{Held, Mailbox};

/// How receivers of a driver wait for a mailbox. There is one for each mailbox, outside of its lock.
pub trait Waits: Debug + Send + Sync + 'static {
    /// Who waits for a mailbox, behind its lock.
    type Waiting: Debug + Default + Send;

    /// Whom to wake, taken from behind the lock.
    type Woken;

    /// For one more mailbox of the same connection.
    fn another(&self) -> Self;

    /// Whether somebody waits.
    fn is_awaited(waiting: &Self::Waiting) -> bool;

    /// All who wait now.
    fn take(waiting: &mut Self::Waiting) -> Self::Woken;

    /// Wakes them, without the lock.
    fn wake(&self, woken: Self::Woken);
}

/// A mailbox that is shared between a connection and its receivers. Clones are the same mailbox.
#[derive(Debug)]
pub struct SharedMailbox<W: Waits, T: Held>(Arc<Inner<W, T>>);

#[derive(Debug)]
struct Inner<W: Waits, T: Held> {
    state: Mutex<Awaited<W, T>>,
    waits: W,
}

/// What is behind the lock of a [`SharedMailbox`].
#[derive(Debug)]
pub struct Awaited<W: Waits, T: Held> {
    /// The mailbox.
    pub mailbox: Mailbox<T>,
    /// Who waits for it.
    pub waiting: W::Waiting,
}

impl<W: Waits, T: Held> SharedMailbox<W, T> {
    /// Does something with the mailbox that nobody waits for.
    pub fn with<R>(&self, act: impl FnOnce(&mut Mailbox<T>) -> R) -> R {
        act(&mut self.lock().mailbox)
    }

    /// The mailbox and those who wait for it.
    pub fn lock(&self) -> MutexGuard<'_, Awaited<W, T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How its receivers wait.
    pub fn waits(&self) -> &W {
        &self.0.waits
    }
}

impl<W: Waits, T: Held> Clone for SharedMailbox<W, T> {
    fn clone(&self) -> Self {
        SharedMailbox(Arc::clone(&self.0))
    }
}

impl<W: Waits, T: Held> Inbox<T> for SharedMailbox<W, T> {
    fn update(&self, change: impl FnOnce(&mut Mailbox<T>)) -> bool {
        let mut state = self.lock();
        change(&mut state.mailbox);
        W::is_awaited(&state.waiting)
    }

    fn wake(&self) {
        let woken = W::take(&mut self.lock().waiting);
        self.0.waits.wake(woken);
    }
}

/// Shares the mailboxes of one connection.
#[derive(Debug)]
pub struct Sharing<W: Waits>(pub W);

impl<W: Waits> Share for Sharing<W> {
    type Inbox<T: Held> = SharedMailbox<W, T>;

    fn share<T: Held>(&self, mailbox: Mailbox<T>) -> SharedMailbox<W, T> {
        let state = Mutex::new(Awaited { mailbox, waiting: W::Waiting::default() });
        SharedMailbox(Arc::new(Inner { state, waits: self.0.another() }))
    }
}
