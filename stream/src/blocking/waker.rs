//! Sleeping until a socket is ready or somebody calls.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;

/// The longest sleep, since some systems refuse what does not fit their types.
const MAX_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// Ends a [`Sleeper`]'s sleep.
pub(crate) struct Waker(PipeWriter, #[expect(dead_code, reason = "so that no write raises SIGPIPE")] PipeReader);

/// Sleeps until a socket is ready, a [`Waker`] calls or the time has come.
pub(crate) struct Sleeper(PipeReader);

pub(crate) fn pair() -> io::Result<(Waker, Sleeper)> {
    let (reader, writer) = io::pipe()?;
    ioctl_fionbio(&reader, true)?;
    ioctl_fionbio(&writer, true)?;
    let kept = reader.try_clone()?;
    Ok((Waker(writer, kept), Sleeper(reader)))
}

impl Waker {
    pub(crate) fn wake(&self) {
        // It can only fail because the pipe is full, and then it is readable, which is all that is wanted.
        let _ = (&self.0).write(&[0]);
    }
}

impl Sleeper {
    /// Sleeps until there is something to read, or room to write if that is wanted. May return early.
    pub(crate) fn sleep(&self, socket: &TcpStream, wants_write: bool, until: Option<Instant>) -> io::Result<()> {
        let timeout = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now()).min(MAX_SLEEP);
            Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() }
        });
        let wanted = if wants_write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut watched = [PollFd::new(socket, wanted), PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !watched[1].revents().is_empty() {
            let mut bytes = [0; 64];
            let _ = (&self.0).read(&mut bytes);
        }
        Ok(())
    }
}
