//! The task that receives and keeps the timers.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use farwire_core::TransportId;
use farwire_driver::{ClientOf, Next, Sockets};
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, Socket};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::futures::Notified;
use tokio::time::{Sleep, sleep_until};

use crate::tasks::{Engine, Tasks};

/// The sockets, each with a duplicate that is registered with the runtime.
pub(crate) struct Watched(Vec<(TransportId, Arc<Socket>, UdpSocket)>);

impl Watched {
    /// # Errors
    /// When the system cannot watch them.
    pub(crate) fn new(sockets: &Sockets) -> io::Result<Watched> {
        let watch = |(transport, socket): (TransportId, &Arc<Socket>)| {
            Ok::<_, io::Error>((transport, Arc::clone(socket), UdpSocket::from_std(socket.duplicate()?)?))
        };
        Ok(Watched(sockets.by_transport().map(watch).collect::<Result<_, _>>()?))
    }
}

/// Runs until the connection is over.
pub(crate) async fn run(engine: Arc<Engine>, watched: Watched) {
    let watch = EndWatch { engine: &engine, finished: false };
    // The first turn dials.
    let mut next = turn(&engine, |_, _| {});
    let mut buffers = ReceiveBuffers::new();
    let mut sleep = pin!(sleep_until(far_away().into()));
    while let Next::Wait(deadline) = next {
        let deadline = deadline.unwrap_or_else(far_away);
        // A timer that rings too early costs less than setting it anew at every turn.
        if sleep.deadline().into_std() > deadline || sleep.is_elapsed() {
            sleep.as_mut().reset(deadline.into());
        }
        let mut woken = pin!(engine.driver().wake.notified());
        let ready = poll_fn(|context| poll_ready(context, &watched, woken.as_mut(), sleep.as_mut())).await;
        next = match ready {
            Some(which) => match receive(&engine, &watched, which, &mut buffers) {
                Ok(next) => next,
                Err(error) => {
                    engine.fail(&format!("cannot receive datagrams: {error}"));
                    break;
                }
            },
            None => turn(&engine, |_, _| {}),
        };
    }
    watch.finish();
}

/// Waits for a socket, whose place it says, or for a call or the time.
fn poll_ready(
    context: &mut Context<'_>,
    watched: &Watched,
    woken: Pin<&mut Notified<'_>>,
    sleep: Pin<&mut Sleep>,
) -> Poll<Option<usize>> {
    // The last first: it is the one on which a subscriber waits.
    for (which, (_, _, registered)) in watched.0.iter().enumerate().rev() {
        // An error is the runtime's end, of which this task hears by being dropped.
        if let Poll::Ready(Ok(())) = registered.poll_recv_ready(context) {
            return Poll::Ready(Some(which));
        }
    }
    if woken.poll(context).is_ready() || sleep.poll(context).is_ready() {
        return Poll::Ready(None);
    }
    Poll::Pending
}

/// Hands what one call brings to the client.
fn receive(engine: &Engine, watched: &Watched, which: usize, buffers: &mut ReceiveBuffers) -> io::Result<Next> {
    let (transport, socket, registered) = &watched.0[which];
    let mut next = None;
    let received = registered.try_io(Interest::READABLE, || {
        let mut received = Ok(0);
        next = Some(turn(engine, |client, now| {
            received =
                socket.receive(buffers, |source, datagram| client.handle_datagram(now, *transport, source, datagram));
        }));
        // That the socket is empty is what tokio is to hear, though it was not for nothing.
        if received? < FULL_RECEIVE { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match received {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(next.unwrap_or_else(|| turn(engine, |_, _| {}))),
    }
}

/// A turn of this task: some work, and the timers.
fn turn(engine: &Engine, work: impl FnOnce(&mut ClientOf<Tasks>, Instant)) -> Next {
    engine.worker_woke();
    let mut guard = engine.lock_urgently();
    let now = Instant::now();
    work(&mut guard.client, now);
    engine.worker_turn(guard, now)
}

/// As good as never, and within every clock's range.
fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(24 * 60 * 60)
}

/// Ends the connection if its task is dropped or panics, so that nobody waits for it for ever.
struct EndWatch<'a> {
    engine: &'a Engine,
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
                true => self.engine.abandon("a bug: the connection's task panicked"),
                false => self.engine.fail("the tokio runtime that drove it was shut down"),
            }
        }
    }
}
