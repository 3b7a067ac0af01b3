//! How a connection of this driver wakes tasks and carries requests.

use farwire_core::signalling::{Failure, StreamEvent, StreamKey};
use farwire_driver::{Bell, Driver};
use farwire_http::Trust;
use farwire_stream::AsyncLineStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::mailbox::ByWaker;
use crate::requests::Requests;

/// One connection's tasks.
pub(crate) struct Tasks {
    /// Where they run.
    pub(crate) runtime: Handle,
    /// Wakes the connection's own task.
    pub(crate) wake: Notify,
    requests: Requests,
}

/// One connection.
pub(crate) type Engine = farwire_driver::Engine<Tasks>;

/// What futures wait for.
#[derive(Default)]
pub(crate) struct Rings(pub(crate) Notify);

impl Bell for Rings {
    fn ring(&self) {
        self.0.notify_waiters();
    }
}

impl Tasks {
    pub(crate) fn new(is_loopback: bool, runtime: Handle) -> Tasks {
        Tasks { requests: Requests::new(is_loopback, runtime.clone()), runtime, wake: Notify::new() }
    }
}

impl Driver for Tasks {
    type Waits = ByWaker;
    type Bell = Rings;
    type Requests = Requests;
    type Stream = AsyncLineStream;

    fn wake_worker(&self) {
        self.wake.notify_one();
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
    ) -> Result<AsyncLineStream, Failure> {
        Ok(AsyncLineStream::connect(&self.runtime, stream, url, trust, events))
    }

    /// Tasks end by themselves, and nobody may block for them.
    fn finish(&self, _stream: Option<AsyncLineStream>) {}
}
