//! The task that receives and keeps the timers.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use farwire_core::TransportId;
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, Socket};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::futures::Notified;
use tokio::time::{Sleep, sleep_until};

use crate::shared::{Next, Shared, Sockets};

/// Both sockets, with a duplicate of each that is registered with the runtime.
pub(crate) struct Watched([(Arc<Socket>, UdpSocket); 2]);

impl Watched {
    /// # Errors
    /// When the system cannot watch them.
    pub(crate) fn new(sockets: &Sockets) -> io::Result<Watched> {
        let watch = |place: usize| {
            let socket = &sockets[place];
            Ok::<_, io::Error>((Arc::clone(socket), UdpSocket::from_std(socket.duplicate()?)?))
        };
        Ok(Watched([watch(0)?, watch(1)?]))
    }
}

/// Runs until the connection is over.
pub(crate) async fn run(shared: Arc<Shared>, watched: Watched) {
    let watch = EndWatch { shared: &shared, finished: false };
    // The first turn dials.
    let mut next = shared.task_turn(|_, _| {});
    let mut buffers = ReceiveBuffers::new();
    let mut sleep = pin!(sleep_until(far_away().into()));
    while let Next::Wait(deadline) = next {
        let deadline = deadline.unwrap_or_else(far_away);
        // A timer that rings too early costs less than setting it anew at every turn.
        if sleep.deadline().into_std() > deadline || sleep.is_elapsed() {
            sleep.as_mut().reset(deadline.into());
        }
        let mut woken = pin!(shared.wake.notified());
        let ready = poll_fn(|context| poll_ready(context, &watched, woken.as_mut(), sleep.as_mut())).await;
        next = match ready {
            Some(side) => match receive(&shared, &watched, side, &mut buffers) {
                Ok(next) => next,
                Err(error) => {
                    shared.fail(format!("cannot receive datagrams: {error}"));
                    break;
                }
            },
            None => shared.task_turn(|_, _| {}),
        };
    }
    watch.finish();
}

/// Waits for a socket, which it names, or for a call or the time.
fn poll_ready(
    context: &mut Context<'_>,
    watched: &Watched,
    woken: Pin<&mut Notified<'_>>,
    sleep: Pin<&mut Sleep>,
) -> Poll<Option<TransportId>> {
    // The subscribing side first: somebody waits for what comes there.
    for side in [1, 0].into_iter().filter_map(TransportId::new) {
        // An error is the runtime's end, of which this task hears by being dropped.
        if let Poll::Ready(Ok(())) = watched.0[side.index()].1.poll_recv_ready(context) {
            return Poll::Ready(Some(side));
        }
    }
    if woken.poll(context).is_ready() || sleep.poll(context).is_ready() {
        return Poll::Ready(None);
    }
    Poll::Pending
}

/// Hands what one call brings to the client.
fn receive(shared: &Shared, watched: &Watched, side: TransportId, buffers: &mut ReceiveBuffers) -> io::Result<Next> {
    let (socket, registered) = &watched.0[side.index()];
    let mut next = None;
    let received = registered.try_io(Interest::READABLE, || {
        let mut received = Ok(0);
        next = Some(shared.task_turn(|client, now| {
            received = socket.receive(buffers, |source, datagram| client.handle_datagram(now, side, source, datagram));
        }));
        // That the socket is empty is what tokio is to hear, though it was not for nothing.
        if received? < FULL_RECEIVE { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match received {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(next.unwrap_or_else(|| shared.task_turn(|_, _| {}))),
    }
}

/// As good as never, and within every clock's range.
fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(24 * 60 * 60)
}

/// Ends the connection if its task is dropped or panics, so that nobody waits for it for ever.
struct EndWatch<'a> {
    shared: &'a Shared,
    finished: bool,
}

impl EndWatch<'_> {
    fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for EndWatch<'_> {
    fn drop(&mut self) {
        if !self.finished {
            match std::thread::panicking() {
                true => self.shared.abandon("a bug: the connection's task panicked"),
                false => self.shared.fail("the tokio runtime that drove it was shut down".to_owned()),
            }
        }
    }
}
