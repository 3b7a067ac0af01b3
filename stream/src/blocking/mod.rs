//! The stream that has a thread.

mod thread;
#[cfg(feature = "tls")]
mod tls;
mod waker;
mod wire;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use farwire_core::signalling::{StreamEvent, StreamKey};
use farwire_http::Trust;

use crate::blocking::waker::Waker;
use crate::outgoing::Outgoing;
use crate::{CLOSE_TIMEOUT, Lines};

/// How long [`LineStream::join`] waits for a thread that has nothing more to do.
const PATIENCE: Duration = Duration::from_millis(50);

/// A stream of lines, with a thread that lives as long as the stream. Dropping it closes it.
pub struct LineStream {
    shared: Arc<Shared>,
    /// Disconnected when the thread is gone.
    gone: Mutex<mpsc::Receiver<Infallible>>,
}

/// What a stream's holder and its thread share.
pub(crate) struct Shared {
    pub(crate) outgoing: Outgoing,
    pub(crate) waker: Waker,
    /// The thread is in a call that nothing ends early: the look-up of a name.
    pub(crate) is_stuck: AtomicBool,
}

impl LineStream {
    /// Begins to connect. What happens comes to `events`, on the stream's thread; after [`close`](Lines::close), nothing
    /// does.
    ///
    /// # Errors
    /// When the system gives no thread, or no pipe to wake it.
    pub fn connect(
        stream: StreamKey,
        url: String,
        trust: Trust,
        events: impl FnMut(StreamEvent) + Send + 'static,
    ) -> io::Result<LineStream> {
        let (alive, gone) = mpsc::channel::<Infallible>();
        let (waker, sleep) = waker::pair()?;
        let shared = Arc::new(Shared { outgoing: Outgoing::default(), waker, is_stuck: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("farwire-stream".into()).spawn(move || {
            thread::run(&of_thread, &sleep, stream, &url, &trust, events);
            drop(alive);
        })?;
        Ok(LineStream { shared, gone: Mutex::new(gone) })
    }

    /// Waits until the stream is closed, after [`close`](Lines::close): not for longer than that takes, and not for the
    /// look-up of a name.
    pub fn join(self) {
        if !self.shared.is_stuck.load(Ordering::Relaxed) {
            let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
            // A thread that is late ends by itself.
            let _ = gone.recv_timeout(CLOSE_TIMEOUT + PATIENCE);
        }
    }
}

impl Lines for LineStream {
    fn send(&self, line: String) {
        self.shared.outgoing.push(line);
        self.shared.waker.wake();
    }

    fn close(&self) {
        self.shared.outgoing.close();
        self.shared.waker.wake();
    }
}

impl Drop for LineStream {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for LineStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineStream").finish_non_exhaustive()
    }
}
