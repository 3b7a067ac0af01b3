//! The receiving end of a topic.

use std::time::{Duration, Instant};

use farwire_core::{Raw, Receive, RecvError};

use crate::callback::Callback;
use crate::mailbox::wait_for;
use crate::receive::receive;
use crate::threads::Threads;

farwire_driver::subscription! {
    /// Receives one topic. Dropping it unsubscribes.
    Threads;
    /// Several threads may receive from one subscription; each message then goes to one of them. It keeps the connection
    /// open.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::{Container, Delivery, SubscribeOptions};
    ///
    /// let events = connection.subscribe_with("events", Delivery::RELIABLE)?;
    /// let newest = connection.subscribe_with("pose", Container::ring(1))?;
    /// let plan = SubscribeOptions::from(Delivery::RELIABLE).container(Container::ring(1));
    /// let plan = connection.subscribe_with("plan", plan)?;
    /// # Ok(())
    /// # }
    /// ```
}

impl<T: Receive> Subscription<T> {
    /// Waits for the next message.
    ///
    /// # Errors
    /// On a reliable topic, [`RecvError::Lagged`] or [`RecvError::Interrupted`] once where messages are missing. On any,
    /// [`RecvError::Closed`] or [`RecvError::Refused`] when nothing more will come; what has arrived is received first.
    pub fn recv(&self) -> Result<T::Received, RecvError> {
        loop {
            if let Some(received) = self.inner.read(receive(self.inner.engine(), self.inner.mailbox(), None)?) {
                return Ok(received);
            }
        }
    }

    /// Waits for the next message, for at most `timeout`.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv), and [`RecvError::Timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T::Received, RecvError> {
        // Only typed subscriptions skip messages, and need to know what is left then.
        let start = T::KIND.map(|_| Instant::now());
        loop {
            let left = start.map_or(timeout, |start| timeout.saturating_sub(start.elapsed()));
            if let Some(received) = self.inner.read(receive(self.inner.engine(), self.inner.mailbox(), Some(left))?) {
                return Ok(received);
            }
        }
    }

    /// Waits until the SFU's channel to this subscription is open, for at most `timeout`. Messages that reach the SFU
    /// half a round trip later, or after, are delivered here.
    ///
    /// # Errors
    /// [`RecvError::Timeout`], of which [`trouble`](Self::trouble) may know the cause, and [`RecvError::Closed`] or
    /// [`RecvError::Refused`] when it will not open.
    pub fn wait_open(&self, timeout: Duration) -> Result<(), RecvError> {
        let deadline = Instant::now().checked_add(timeout);
        wait_for(self.inner.mailbox(), deadline, |mailbox| mailbox.opened())
    }

    /// Calls `callback` for each message, on a thread of its own, until the [`Callback`] is dropped or nothing more will
    /// come.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn on_message(self, callback: impl FnMut(T::Received) + Send + 'static) -> std::io::Result<Callback<T>> {
        Callback::start(self.inner, callback)
    }

    /// Waits for each message in turn, until nothing more will come. Gaps are skipped; [`dropped`](Self::dropped)
    /// counts them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { subscription: self }
    }
}

impl<'a, T: Receive> IntoIterator for &'a Subscription<T> {
    type Item = T::Received;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The messages of a [`Subscription`]; see [`Subscription::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Receive = Raw> {
    subscription: &'a Subscription<T>,
}

impl<T: Receive> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Iter { subscription: self.subscription }
    }
}

impl<T: Receive> Iterator for Iter<'_, T> {
    type Item = T::Received;

    fn next(&mut self) -> Option<T::Received> {
        loop {
            match self.subscription.recv() {
                Ok(message) => return Some(message),
                Err(error) if error.is_passing() => {}
                Err(_) => return None,
            }
        }
    }
}
