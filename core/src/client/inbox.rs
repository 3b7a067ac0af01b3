//! Mailboxes as a driver shares them.

use std::fmt::Debug;

use crate::{ConnectionEvent, Held, Mailbox, Message, Topic};

/// How a driver shares mailboxes between its threads or tasks.
pub trait Share: Debug {
    /// A mailbox behind the driver's lock.
    type Inbox<T: Held>: Inbox<T>;

    /// Puts a mailbox behind the driver's lock.
    fn share<T: Held>(&self, mailbox: Mailbox<T>) -> Self::Inbox<T>;
}

/// A [`Mailbox`] that a driver shares. Clones are the same mailbox.
pub trait Inbox<T: Held>: Clone + Debug {
    /// Changes the mailbox, alone. Says whether somebody waits for it, and is to be woken.
    fn update(&self, change: impl FnOnce(&mut Mailbox<T>)) -> bool;

    /// Wakes those who wait for it.
    fn wake(&self);
}

/// A mailbox that has something new, and somebody who waits for it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Changed<S: Share> {
    /// Of messages.
    Messages(S::Inbox<Message>),
    /// Of names of topics.
    Topics(S::Inbox<Topic>),
    /// Of what happens to the connection.
    Events(S::Inbox<ConnectionEvent>),
}

impl<S: Share> Changed<S> {
    /// Wakes those who wait.
    pub fn wake(&self) {
        match self {
            Changed::Messages(inbox) => inbox.wake(),
            Changed::Topics(inbox) => inbox.wake(),
            Changed::Events(inbox) => inbox.wake(),
        }
    }
}
