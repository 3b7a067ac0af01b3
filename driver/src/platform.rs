//! What a driver brings: how those who wait are woken, and how requests are carried.

use std::sync::Condvar;

use farwire_core::signalling::{Failure, Request, StreamEvent, StreamKey};
use farwire_core::{Client, Receive};
use farwire_http::Trust;
use farwire_stream::Lines;

use crate::answer::Answer;
use crate::mailbox::{SharedMailbox, Sharing, Waits};

/// One connection's means to wake and to carry. No method waits for anything, except [`finish`](Driver::finish).
pub trait Driver: Sized + Send + Sync + 'static {
    /// How receivers wait for their mailboxes.
    type Waits: Waits;

    /// What callers of a connection wait for.
    type Bell: Bell;

    /// What carries requests.
    type Requests: Requests;

    /// A stream of lines.
    type Stream: Lines + Send + 'static;

    /// Ends the sleep of the connection's worker: the thread or task that keeps its timers.
    fn wake_worker(&self);

    /// What carries its requests.
    fn requests(&self) -> &Self::Requests;

    /// Begins to connect a stream of lines to a server that is trusted so. What happens to it goes to `events`.
    ///
    /// # Errors
    /// When the system gives nothing to connect it with.
    fn connect(
        &self,
        stream: StreamKey,
        url: String,
        trust: Trust,
        events: impl FnMut(StreamEvent) + Send + 'static,
    ) -> Result<Self::Stream, Failure>;

    /// The last user has closed the connection, which is over: waits for what is to be gone with it, if the driver does so. The
    /// stream, if there was one, closes by itself.
    fn finish(&self, stream: Option<Self::Stream>);
}

/// The mailbox of a subscription to `T`.
pub type InboxOf<D, T> = SharedMailbox<<D as Driver>::Waits, <T as Receive>::Held>;

/// The client of a connection.
pub type ClientOf<D> = Client<Sharing<<D as Driver>::Waits>>;

/// Carries one connection's requests.
pub trait Requests {
    /// Starts a request, whose answer may come before this returns.
    fn start(&self, request: Request, answer: Answer);

    /// Starts a request that the end of the connection does not cut off, and whose answer is of no use.
    fn start_farewell(&self, request: Request);

    /// The connection is over: cuts off what is in flight, and starts nothing any more but farewells.
    fn shut_down(&self);
}

/// Something to wait for that may happen many times.
pub trait Bell: Default + Send + Sync + 'static {
    /// Wakes all who wait now.
    fn ring(&self);
}

impl Bell for Condvar {
    fn ring(&self) {
        self.notify_all();
    }
}
