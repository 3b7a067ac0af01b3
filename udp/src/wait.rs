//! Sleeping until there is something to receive.

#[cfg(target_os = "linux")]
mod epoll;
mod polled;

use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::io::ioctl_fionbio;

use crate::Socket;

/// The most sockets that one [`Waiter`] can watch.
pub const MAX_SOCKETS: usize = 64;

/// A longer timeout is cut to this, since some systems refuse what does not fit their types.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Sleeps until a socket is readable, a [`Waker`] calls or a timeout passes.
///
/// Several waiters may watch the same sockets from threads of their own. On Linux 5.11 and later only one of them is
/// woken for a datagram: among those that sleep, the one that was made first. Elsewhere all are, and whoever is late
/// finds nothing to receive. A waiter is not woken for what another was woken for, so whoever was leaves no datagram
/// unread, or wakes the next.
pub struct Waiter {
    shared: Arc<Shared>,
    sockets: Vec<Arc<Socket>>,
    #[cfg(target_os = "linux")]
    epoll: Option<epoll::Epoll>,
}

/// Ends the [`Waiter`]'s sleep from any thread.
#[derive(Clone)]
pub struct Waker {
    shared: Arc<Shared>,
}

/// Both hold both ends of the pipe: a waker that outlives its waiter then raises no SIGPIPE.
struct Shared {
    reader: PipeReader,
    writer: PipeWriter,
    /// A wake has been asked for that no wait has reported yet.
    pending: AtomicBool,
}

impl Waker {
    /// Makes the current wait return, or else the next one. While one wake is pending, another costs only an atomic
    /// swap.
    ///
    /// What the caller wrote to memory before is visible to the waiter's thread once its wait reports the wake.
    pub fn wake(&self) {
        if !self.shared.pending.swap(true, Ordering::AcqRel) {
            // It can only fail because the pipe is full, and then it is readable, which is all that is wanted.
            let _ = (&self.shared.writer).write(&[0]);
        }
    }
}

impl Waiter {
    /// A waiter for `sockets`, and the waker that ends its sleep.
    ///
    /// # Errors
    ///
    /// More than [`MAX_SOCKETS`] sockets, or the process has no file descriptors left.
    pub fn new(sockets: Vec<Arc<Socket>>) -> io::Result<(Waiter, Waker)> {
        if sockets.len() > MAX_SOCKETS {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "more sockets than one waiter can watch"));
        }
        let (reader, writer) = io::pipe()?;
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        let shared = Arc::new(Shared { reader, writer, pending: AtomicBool::new(false) });
        let waiter = Waiter {
            #[cfg(target_os = "linux")]
            epoll: epoll::Epoll::new(&sockets, &shared.reader)?,
            shared: Arc::clone(&shared),
            sockets,
        };
        Ok((waiter, Waker { shared }))
    }

    /// Sleeps until a socket is readable, the waker is called, or `timeout` has passed; for ever without one.
    ///
    /// May also return early with nothing ready, after a signal for example. Timeouts are exact to the system's timer
    /// slack (50 us on Linux) and to the millisecond on macOS.
    ///
    /// # Errors
    ///
    /// The system is out of memory.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Readiness> {
        // A waker may have set the flag and not yet written its byte: do not make the others' wakes wait for it.
        let timeout = if self.shared.pending.load(Ordering::Acquire) { Some(Duration::ZERO) } else { timeout };
        let timeout = timeout.map(|timeout| timespec(timeout.min(MAX_TIMEOUT)));
        let Ready { sockets: readable, pipe } = self.sleep(timeout.as_ref())?;
        if pipe {
            self.empty_pipe();
        }
        // Only after the pipe is empty: a wake from here on writes a byte for the next wait.
        let woken = self.shared.pending.swap(false, Ordering::AcqRel);
        Ok(Readiness { woken, readable })
    }

    fn sleep(&self, timeout: Option<&Timespec>) -> io::Result<Ready> {
        #[cfg(target_os = "linux")]
        if let Some(epoll) = &self.epoll {
            return epoll.wait(timeout);
        }
        polled::wait(&self.sockets, &self.shared.reader, timeout)
    }

    fn empty_pipe(&self) {
        // Usually one byte; a few if wakers were held up between the flag and the write.
        let mut bytes = [0; 64];
        let _ = (&self.shared.reader).read(&mut bytes);
    }
}

/// What the system said to a sleep.
#[derive(Default)]
struct Ready {
    /// Bit n stands for the n-th socket.
    sockets: u64,
    pipe: bool,
}

/// What ended a [`Waiter::wait`]. Several things may be ready at once, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness {
    woken: bool,
    /// Bit n stands for the n-th socket.
    readable: u64,
}

impl Readiness {
    /// Whether a [`Waker`] has been called since the last wait.
    pub fn woken(self) -> bool {
        self.woken
    }

    /// Whether the waiter's socket at `index` has something to receive.
    pub fn readable(self, index: usize) -> bool {
        index < MAX_SOCKETS && self.readable >> index & 1 == 1
    }

    /// Whether there is nothing to do: the timeout passed, or the wait returned early.
    pub fn is_empty(self) -> bool {
        !self.woken && self.readable == 0
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as _, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests;
