//! Sleeping with `poll`, which every Unix has.

use std::array;
use std::io::{self, PipeReader};
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{MAX_SOCKETS, Ready};
use crate::Socket;

pub(super) fn wait(sockets: &[Arc<Socket>], pipe: &PipeReader, timeout: Option<&Timespec>) -> io::Result<Ready> {
    // The pipe comes after the last socket; the rest of the array is not looked at.
    let mut watched: [_; MAX_SOCKETS + 1] = array::from_fn(|index| {
        let fd = sockets.get(index).map_or(pipe.as_fd(), |socket| socket.as_fd());
        PollFd::from_borrowed_fd(fd, PollFlags::IN)
    });
    let watched = &mut watched[..=sockets.len()];
    match poll(watched, timeout) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(Ready::default()),
        Err(error) => return Err(error.into()),
    }
    // Any event counts, as an error is fetched by receiving too.
    let is_ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
    let bits = watched.iter().take(sockets.len()).rev();
    Ok(Ready {
        sockets: bits.fold(0, |mask, polled| mask << 1 | u64::from(is_ready(polled))),
        pipe: watched.last().is_some_and(is_ready),
    })
}
