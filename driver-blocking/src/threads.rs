//! How a connection of this driver wakes threads and carries requests.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use farwire_core::signalling::{Failure, StreamEvent, StreamKey};
use farwire_driver::Driver;
use farwire_http::Trust;
use farwire_stream::LineStream;
use farwire_udp::Waker;

use crate::leader::LeaderSlot;
use crate::mailbox::Waiters;
use crate::requests::Requests;

/// One connection's threads.
pub(crate) struct Threads {
    pub(crate) lead: LeaderSlot,
    /// Held from receiving datagrams until they are handed in, so that they are handed in as they came.
    receiving: Mutex<()>,
    /// Of the I/O thread.
    waker: Waker,
    io_thread: Mutex<Option<JoinHandle<()>>>,
    requests: Requests,
}

/// One connection.
pub(crate) type Engine = farwire_driver::Engine<Threads>;

impl Threads {
    pub(crate) fn new(is_loopback: bool, lead: LeaderSlot, waker: Waker) -> Threads {
        Threads {
            lead,
            receiving: Mutex::default(),
            waker,
            io_thread: Mutex::default(),
            requests: Requests::new(is_loopback),
        }
    }

    /// The right to receive, which a leader and the I/O thread have in turn.
    pub(crate) fn receiving(&self) -> MutexGuard<'_, ()> {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the thread that is joined at the end.
    pub(crate) fn own(&self, io_thread: JoinHandle<()>) {
        *self.io_thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(io_thread);
    }
}

impl Driver for Threads {
    type Waits = Waiters;
    type Bell = Condvar;
    type Requests = Requests;
    type Stream = LineStream;

    fn wake_worker(&self) {
        self.waker.wake();
    }

    fn requests(&self) -> &Requests {
        &self.requests
    }

    fn connect(
        &self,
        stream: StreamKey,
        url: String,
        trust: Trust,
        events: impl FnMut(StreamEvent) + Send + 'static,
    ) -> Result<LineStream, Failure> {
        LineStream::connect(stream, url, trust, events)
            .map_err(|error| Failure::Connect(format!("the system gives no thread for the stream: {error}")))
    }

    fn finish(&self, stream: Option<LineStream>) {
        let thread = self.io_thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has ended the connection already.
            let _ = thread.join();
        }
        self.requests.join();
        if let Some(stream) = stream {
            stream.join();
        }
    }
}
