//! A mailbox that threads share, for a driver without sockets.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use farwire_core::client::Inbox;
use farwire_core::{Mailbox, Message, RecvError};

/// A mailbox behind a mutex. Clones are the same mailbox.
#[derive(Debug, Clone)]
pub struct SharedInbox(Arc<(Mutex<Mailbox>, Condvar)>);

impl SharedInbox {
    /// Shares a mailbox.
    pub fn new(mailbox: Mailbox) -> SharedInbox {
        SharedInbox(Arc::new((Mutex::new(mailbox), Condvar::new())))
    }

    /// Does something with the mailbox.
    pub fn with<R>(&self, act: impl FnOnce(&mut Mailbox) -> R) -> R {
        act(&mut self.lock())
    }

    /// Wakes those who wait.
    pub fn notify(&self) {
        self.0.1.notify_all();
    }

    /// Waits for what somebody else lets arrive: a message, word of a gap, or the end.
    ///
    /// # Errors
    /// As [`Mailbox::take`] tells.
    pub fn wait(&self) -> Result<Message, RecvError> {
        let mut mailbox = self.lock();
        loop {
            if let Some(next) = mailbox.take(Instant::now()) {
                return next;
            }
            mailbox = self.0.1.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for SharedInbox {
    fn update(&self, change: impl FnOnce(&mut Mailbox)) -> bool {
        self.with(change);
        true
    }
}
