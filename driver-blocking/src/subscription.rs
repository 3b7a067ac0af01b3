//! The receiving end of a topic.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire_core::cloudflare::ApiError;
use farwire_core::{EndReason, SubscriptionId};

use crate::connection::Handle;
use crate::mailbox::Mailbox;
use crate::{Content, Message, Raw};

/// Receives one topic. Dropping it unsubscribes.
///
/// `T` is what it receives: every message as bytes, or only the messages of one LCM type. Those that have the type's
/// fingerprint but are none of it are skipped, and counted in
/// [`TopicStats::undecodable`](crate::TopicStats::undecodable).
///
/// Messages wait in a mailbox until they are received. On a reliable topic it holds 65,536 messages and 64 MiB, on any
/// other 1,024 messages and 8 MiB. When that is not enough, the oldest are dropped and counted, and the next receive on
/// a reliable topic says [`RecvError::Lagged`].
///
/// Several threads may receive from one subscription; each message then goes to one of them. It keeps the connection
/// open.
pub struct Subscription<T: Content = Raw> {
    handle: Arc<Handle>,
    id: SubscriptionId,
    mailbox: Arc<Mailbox>,
    content: PhantomData<fn() -> T>,
}

impl<T: Content> Subscription<T> {
    pub(crate) fn new(handle: Arc<Handle>, id: SubscriptionId, mailbox: Arc<Mailbox>) -> Subscription<T> {
        Subscription { handle, id, mailbox, content: PhantomData }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// On a reliable topic, [`RecvError::Lagged`] or [`RecvError::Interrupted`] once where messages are missing. On any,
    /// [`RecvError::Closed`] or [`RecvError::Refused`] when nothing more will come; what has arrived is received first.
    pub fn recv(&self) -> Result<T::Received, RecvError> {
        loop {
            if let Some(received) = self.read(self.handle.shared.receive(&self.mailbox, None)?) {
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
            if let Some(received) = self.read(self.handle.shared.receive(&self.mailbox, Some(left))?) {
                return Ok(received);
            }
        }
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.try_receive()? {
            if let Some(received) = self.read(message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// The newest message, if one is there. The older ones are dropped and counted, whether or not the newest can be
    /// decoded; gaps before it are not told.
    ///
    /// # Errors
    /// [`RecvError::Closed`] or [`RecvError::Refused`] when nothing more will come.
    pub fn latest(&self) -> Result<Option<T::Received>, RecvError> {
        while let Some(message) = self.mailbox.latest()? {
            if let Some(received) = self.read(message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Waits until the SFU's channel to this subscription is open, for at most `timeout`. Messages that reach the SFU
    /// half a round trip later, or after, are delivered here.
    ///
    /// # Errors
    /// [`RecvError::Timeout`], of which [`trouble`](Self::trouble) may know the cause, and [`RecvError::Closed`] or
    /// [`RecvError::Refused`] when it will not open.
    pub fn wait_open(&self, timeout: Duration) -> Result<(), RecvError> {
        self.mailbox.wait_open(timeout)
    }

    /// Why the channel is not open yet, if the SFU has said so; it is still being tried.
    pub fn trouble(&self) -> Option<ApiError> {
        self.mailbox.trouble()
    }

    /// Messages dropped unread: because the mailbox was full, or by [`latest`](Self::latest).
    pub fn dropped(&self) -> u64 {
        self.mailbox.dropped()
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.mailbox.topic().as_str()
    }

    /// Waits for each message in turn, until nothing more will come. Gaps are skipped; [`dropped`](Self::dropped)
    /// counts them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { subscription: self }
    }

    /// `None`: it is none of the type, which is counted.
    fn read(&self, message: Message) -> Option<T::Received> {
        let received = T::read(message);
        if received.is_err() {
            self.handle.shared.lock().peer.note_undecodable(self.id);
        }
        received.ok()
    }
}

impl<T: Content> Drop for Subscription<T> {
    fn drop(&mut self) {
        // The last handle's end closes the connection, and every channel with it.
        if Arc::strong_count(&self.handle) > 1 {
            self.handle.shared.unsubscribe(self.id);
        }
    }
}

impl<T: Content> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("topic", self.mailbox.topic()).finish_non_exhaustive()
    }
}

impl<'a, T: Content> IntoIterator for &'a Subscription<T> {
    type Item = T::Received;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The messages of a [`Subscription`]; see [`Subscription::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Content = Raw> {
    subscription: &'a Subscription<T>,
}

impl<T: Content> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Iter { subscription: self.subscription }
    }
}

impl<T: Content> Iterator for Iter<'_, T> {
    type Item = T::Received;

    fn next(&mut self) -> Option<T::Received> {
        loop {
            match self.subscription.recv() {
                Ok(message) => return Some(message),
                Err(RecvError::Lagged(_) | RecvError::Interrupted) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Why there is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// None came in time.
    #[error("nothing arrived in time")]
    Timeout,
    /// This many messages of a reliable topic were dropped because the mailbox was full. The next ones follow.
    #[error("{0} messages were dropped unread because the mailbox was full: receive more often")]
    Lagged(u64),
    /// The SFU closed the channel of a reliable topic, for example because this subscriber was too slow for it. It is
    /// being opened again; messages in between are lost.
    #[error("the SFU interrupted this topic: messages may be missing before the next one")]
    Interrupted,
    /// The SFU gives this topic no channel, and would not if asked again.
    #[error("{0}")]
    Refused(ApiError),
    /// The connection is over.
    #[error("the connection is over: {0}")]
    Closed(EndReason),
}
