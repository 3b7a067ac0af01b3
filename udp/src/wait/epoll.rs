//! Sleeping with Linux's `epoll`, which wakes one waiter for a datagram and not all.

use std::io::{self, PipeReader};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::{MAX_SOCKETS, Ready};
use crate::Socket;

/// The pipe's number among the sockets.
const PIPE: u64 = MAX_SOCKETS as u64;

/// What one wait reports at most; the rest stays ready.
const EVENTS: usize = 16;

pub(super) struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// `None`: this system has no `epoll_pwait2`, without which timeouts are as coarse as a millisecond.
    pub(super) fn new(sockets: &[Arc<Socket>], pipe: &PipeReader) -> io::Result<Option<Epoll>> {
        let fd = epoll::create(CreateFlags::CLOEXEC)?;
        for (index, socket) in sockets.iter().enumerate() {
            epoll::add(&fd, socket, EventData::new_u64(index as u64), EventFlags::IN | EventFlags::EXCLUSIVE)?;
        }
        epoll::add(&fd, pipe, EventData::new_u64(PIPE), EventFlags::IN)?;
        let epoll = Epoll { fd };
        match epoll.wait(Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(_) => Ok(Some(epoll)),
            // Old kernels do not know the call, and sandboxes may refuse it.
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOSYS | Errno::PERM)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn wait(&self, timeout: Option<&Timespec>) -> io::Result<Ready> {
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS];
        let events = match epoll::wait(&self.fd, events.as_mut_slice(), timeout) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        };
        let mut ready = Ready::default();
        for event in events {
            match event.data.u64() {
                PIPE => ready.pipe = true,
                socket => ready.sockets |= 1 << socket,
            }
        }
        Ok(ready)
    }
}
