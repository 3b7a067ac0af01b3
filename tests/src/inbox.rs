//! A mailbox that threads share, for a driver without sockets.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use farwire_core::client::{Inbox, Share};
use farwire_core::{Held, Mailbox, Message, RecvError};

/// A mailbox behind a mutex. Clones are the same mailbox.
#[derive(Debug)]
pub struct SharedInbox<T: Held = Message>(Arc<(Mutex<Mailbox<T>>, Condvar)>);

/// Mailboxes behind a mutex.
#[derive(Debug)]
pub struct Sharing;

impl<T: Held> SharedInbox<T> {
    /// Does something with the mailbox.
    pub fn with<R>(&self, act: impl FnOnce(&mut Mailbox<T>) -> R) -> R {
        act(&mut self.lock())
    }

    /// Waits for what somebody else lets arrive: a message, word of a gap, or the end.
    ///
    /// # Errors
    /// As [`Mailbox::take`] tells.
    pub fn wait(&self) -> Result<T, RecvError> {
        let mut mailbox = self.lock();
        loop {
            if let Some(next) = mailbox.take(Instant::now()) {
                return next;
            }
            mailbox = self.0.1.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox<T>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Held> Clone for SharedInbox<T> {
    fn clone(&self) -> Self {
        SharedInbox(Arc::clone(&self.0))
    }
}

impl Share for Sharing {
    type Inbox<T: Held> = SharedInbox<T>;

    fn share<T: Held>(&self, mailbox: Mailbox<T>) -> SharedInbox<T> {
        SharedInbox(Arc::new((Mutex::new(mailbox), Condvar::new())))
    }
}

impl<T: Held> Inbox<T> for SharedInbox<T> {
    fn update(&self, change: impl FnOnce(&mut Mailbox<T>)) -> bool {
        self.with(change);
        true
    }

    fn wake(&self) {
        self.0.1.notify_all();
    }
}
