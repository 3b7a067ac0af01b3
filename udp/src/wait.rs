use std::array;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};

use crate::Socket;

/// The most sockets that one [`Waiter::wait`] can watch.
pub const MAX_SOCKETS: usize = 64;

/// A longer timeout is cut to this, since some systems refuse what does not fit their types.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Sleeps until a socket is readable, a [`Waker`] calls or a timeout passes.
pub struct Waiter {
    shared: Arc<Shared>,
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
    /// A waiter and the waker that ends its sleep.
    ///
    /// # Errors
    ///
    /// The process has no file descriptors left.
    pub fn new() -> io::Result<(Waiter, Waker)> {
        let (reader, writer) = io::pipe()?;
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        let shared = Arc::new(Shared { reader, writer, pending: AtomicBool::new(false) });
        Ok((Waiter { shared: Arc::clone(&shared) }, Waker { shared }))
    }

    /// Sleeps until one of `sockets` is readable, the waker is called, or `timeout` has passed; for ever without one.
    ///
    /// May also return early with nothing ready, after a signal for example. Timeouts are exact to the system's timer
    /// slack (50 us on Linux) and to the millisecond on macOS.
    ///
    /// # Errors
    ///
    /// More than [`MAX_SOCKETS`] sockets, or the system is out of memory.
    pub fn wait(&mut self, sockets: &[&Socket], timeout: Option<Duration>) -> io::Result<Readiness> {
        if sockets.len() > MAX_SOCKETS {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "more sockets than one wait can watch"));
        }
        // The pipe comes after the last socket; the rest of the array is not looked at.
        let mut watched: [_; MAX_SOCKETS + 1] = array::from_fn(|index| {
            let fd = sockets.get(index).map_or(self.shared.reader.as_fd(), |socket| socket.as_fd());
            PollFd::from_borrowed_fd(fd, PollFlags::IN)
        });
        let watched = &mut watched[..=sockets.len()];

        // A waker may have set the flag and not yet written its byte: do not make the others' wakes wait for it.
        let timeout = if self.shared.pending.load(Ordering::Acquire) { Some(Duration::ZERO) } else { timeout };
        let timeout = timeout.map(|timeout| timespec(timeout.min(MAX_TIMEOUT)));
        match poll(watched, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => watched.iter_mut().for_each(PollFd::clear_revents),
            Err(error) => return Err(error.into()),
        }

        // Any event counts, as an error is fetched by receiving too.
        let ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
        let readable =
            watched.iter().take(sockets.len()).rev().fold(0, |mask, polled| mask << 1 | u64::from(ready(polled)));
        if watched.last().is_some_and(ready) {
            self.empty_pipe();
        }
        // Only after the pipe is empty: a wake from here on writes a byte for the next wait.
        let woken = self.shared.pending.swap(false, Ordering::AcqRel);
        Ok(Readiness { woken, readable })
    }

    fn empty_pipe(&self) {
        // Usually one byte; a few if wakers were held up between the flag and the write.
        let mut bytes = [0; 64];
        let _ = (&self.shared.reader).read(&mut bytes);
    }
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

    /// Whether the socket at `index` of the slice given to the wait has something to receive.
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
        f.debug_struct("Waiter").finish_non_exhaustive()
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
mod tests {
    use super::*;
    use crate::{ReceiveBuffers, SendBatch};
    use std::net::Ipv4Addr;
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Instant;

    /// Long enough that reaching it is a failure on any machine.
    const NEVER: Option<Duration> = Some(Duration::from_secs(60));
    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn loopback() -> Socket {
        Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
    }

    /// Waits until `done`; fails if only a timeout could end a wait.
    fn wait_until(waiter: &mut Waiter, sockets: &[&Socket], mut done: impl FnMut(Readiness) -> bool) {
        loop {
            let start = Instant::now();
            let readiness = waiter.wait(sockets, NEVER).unwrap();
            assert!(Some(start.elapsed()) < NEVER, "nothing ended the wait");
            if done(readiness) {
                return;
            }
        }
    }

    #[test]
    fn a_wake_before_the_wait_ends_it_once() {
        let (mut waiter, waker) = Waiter::new().unwrap();
        waker.wake();
        waker.clone().wake();
        assert!(waiter.wait(&[], NEVER).unwrap().woken());
        assert!(waiter.wait(&[], NOW).unwrap().is_empty());

        waker.wake();
        assert!(waiter.wait(&[], NEVER).unwrap().woken());
    }

    #[test]
    fn a_wake_from_another_thread_ends_the_wait() {
        let (mut waiter, waker) = Waiter::new().unwrap();
        let (start, started) = mpsc::channel();
        let other = thread::spawn(move || started.iter().for_each(|()| waker.wake()));
        // Many rounds, so that some wakes come before the sleep and some during it.
        for _ in 0..1000 {
            start.send(()).unwrap();
            wait_until(&mut waiter, &[], Readiness::woken);
        }
        drop(start);
        other.join().unwrap();
    }

    #[test]
    fn no_wake_is_lost_between_many_threads() {
        const THREADS: u64 = 4;
        const ROUNDS: u64 = 5000;
        let (mut waiter, waker) = Waiter::new().unwrap();
        let done = Arc::new(AtomicU64::new(0));
        let others: Vec<_> = (0..THREADS)
            .map(|_| {
                let (waker, done) = (waker.clone(), Arc::clone(&done));
                thread::spawn(move || {
                    for _ in 0..ROUNDS {
                        done.fetch_add(1, Ordering::Relaxed);
                        waker.wake();
                    }
                })
            })
            .collect();

        // Relaxed on purpose: the wake itself must make the count visible.
        wait_until(&mut waiter, &[], |_| done.load(Ordering::Relaxed) == THREADS * ROUNDS);
        others.into_iter().for_each(|other| other.join().unwrap());
    }

    #[test]
    fn readiness_names_the_sockets() {
        let sockets: Vec<_> = (0..MAX_SOCKETS).map(|_| loopback()).collect();
        let watched: Vec<_> = sockets.iter().collect();
        let (mut waiter, waker) = Waiter::new().unwrap();
        assert!(waiter.wait(&watched, NOW).unwrap().is_empty());

        let mut batch = SendBatch::new();
        for index in [0, 5, 63] {
            batch.push(&sockets[1], sockets[index].local_addr(), b"x");
        }
        batch.flush(&sockets[1]);
        waker.wake();
        // One at a time, since the datagrams may not become readable together.
        for index in [0, 5, 63] {
            wait_until(&mut waiter, &watched[index..=index], |readiness| readiness.readable(0));
        }

        let readiness = waiter.wait(&watched, NEVER).unwrap();
        let readable: Vec<_> = (0..100).filter(|&index| readiness.readable(index)).collect();
        assert_eq!(readable, [0, 5, 63]);

        for socket in &sockets {
            socket.receive(&mut ReceiveBuffers::new(), |_, _| {}).unwrap();
        }
        assert!(waiter.wait(&watched, NOW).unwrap().is_empty());
    }

    #[test]
    fn a_wait_ends_at_its_timeout_and_takes_any_duration() {
        let (mut waiter, waker) = Waiter::new().unwrap();
        assert!(waiter.wait(&[], Some(Duration::from_micros(100))).unwrap().is_empty());
        waker.wake();
        assert!(waiter.wait(&[], Some(Duration::MAX)).unwrap().woken());
        waker.wake();
        assert!(waiter.wait(&[], None).unwrap().woken());
    }

    #[test]
    fn too_many_sockets_are_an_error() {
        let socket = loopback();
        let error = Waiter::new().unwrap().0.wait(&[&socket; MAX_SOCKETS + 1], NOW).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_waker_may_outlive_its_waiter() {
        let (waiter, waker) = Waiter::new().unwrap();
        drop(waiter);
        waker.wake();
    }
}
