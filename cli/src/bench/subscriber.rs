//! The subscriber's worker: counts what arrives, and echoes it if told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farwire::RecvError;

use super::payload::{Header, Kind};
use super::protocol::{Answer, Ask, Received};
use super::publisher::delivery;
use super::wire::{Connection, Publisher, Subscription, Wire};
use super::worker::{answer_or_fail, cpu_time, now};
use crate::failure::Failure;
use crate::settings::Sfu;

/// How often the receiving thread looks up to see whether it is over.
const TICK: Duration = Duration::from_millis(100);
/// How often a settled flow is looked for.
const LOOK: Duration = Duration::from_millis(5);
const FIRST_MESSAGE: Duration = Duration::from_secs(10);

pub(super) fn run(sfu: Sfu, wire: Wire, asks: &Receiver<Ask>) -> Result<(), Failure> {
    let mut worker = Worker { sfu, wire, connection: None, listener: None };
    while let Ok(ask) = asks.recv() {
        answer_or_fail(worker.handle(ask))?;
    }
    Ok(())
}

struct Worker {
    sfu: Sfu,
    wire: Wire,
    connection: Option<Connection>,
    listener: Option<Listener>,
}

impl Worker {
    fn handle(&mut self, ask: Ask) -> Result<Option<Answer>, Failure> {
        let answer = match ask {
            Ask::Cpu => Answer::Cpu { time: cpu_time() },
            Ask::Connect { publisher_session } => {
                let connection = self.wire.connect(&self.sfu, publisher_session.as_deref())?;
                let id = connection.session_id().to_owned();
                self.connection = Some(connection);
                Answer::Session { id }
            }
            Ask::Listen { topic, reliable, echo } => {
                self.listen(&topic, reliable, echo.as_deref())?;
                Answer::Ready
            }
            Ask::Settle { expected, quiet, until } => {
                let listener =
                    self.listener.as_mut().ok_or_else(|| Failure::failed("asked to Settle before Listen"))?;
                Answer::Received(listener.settle(expected, quiet, until))
            }
            Ask::Disconnect => {
                (self.listener, self.connection) = (None, None);
                Answer::Ready
            }
            other => return Err(Failure::failed(format_args!("a subscriber is not asked {other:?}"))),
        };
        Ok(Some(answer))
    }

    fn listen(&mut self, topic: &str, reliable: bool, echo: Option<&str>) -> Result<(), Failure> {
        let connection = self.connection.as_ref().ok_or_else(|| Failure::failed("asked to Listen before Connect"))?;
        let delivery = delivery(reliable);
        let subscription = connection.subscribe(topic, delivery).map_err(Failure::failed)?;
        let echo = echo.map(|topic| connection.publisher(topic, delivery)).transpose().map_err(Failure::failed)?;
        let listener = self.listener.insert(Listener::start(subscription, echo));
        let start = Instant::now();
        while listener.tally.last.load(Ordering::Relaxed) == 0 {
            if start.elapsed() > FIRST_MESSAGE {
                return Err(Failure::failed(format_args!("no message on {topic:?} within {FIRST_MESSAGE:?}")));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

/// The receiving thread and what it has counted.
struct Listener {
    /// Messages dropped unread before the measured ones.
    unread_before: u64,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Written by the receiving thread alone, so relaxed stores are enough.
#[derive(Default)]
struct Tally {
    messages: AtomicU64,
    overtaken: AtomicU64,
    /// [`nanos`] at the first and the last measured message, and at the last of any kind.
    first_measured: AtomicU64,
    last_measured: AtomicU64,
    last: AtomicU64,
    /// Messages dropped unread, of any kind.
    unread: AtomicU64,
}

impl Listener {
    fn start(subscription: Subscription, echo: Option<Publisher>) -> Listener {
        let tally = Arc::new(Tally::default());
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (tally, stop) = (Arc::clone(&tally), Arc::clone(&stop));
            thread::spawn(move || receive(subscription, echo.as_ref(), &tally, &stop))
        };
        Listener { unread_before: 0, tally, stop, thread: Some(thread) }
    }

    /// Waits until `expected` messages are there, none has come for `quiet`, or it is `until`. Without expectations it
    /// ends the warm-up.
    fn settle(&mut self, expected: Option<u64>, quiet: Option<Duration>, until: Duration) -> Received {
        let start = now();
        loop {
            let last = Duration::from_nanos(self.tally.last.load(Ordering::Relaxed));
            let now = now();
            let silent = quiet.is_some_and(|quiet| now.saturating_sub(last.max(start)) >= quiet);
            let unread = self.tally.unread.load(Ordering::Relaxed);
            let received = Received { unread: unread - self.unread_before, ..self.tally.read() };
            // What was dropped unread does not come any more.
            let complete = expected.is_some_and(|expected| received.messages + received.unread >= expected);
            if silent || complete || now >= until {
                self.unread_before = if expected.is_none() { unread } else { self.unread_before };
                return received;
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Tally {
    fn read(&self) -> Received {
        let first = self.first_measured.load(Ordering::Relaxed);
        let last = self.last_measured.load(Ordering::Relaxed);
        Received {
            messages: self.messages.load(Ordering::Relaxed),
            overtaken: self.overtaken.load(Ordering::Relaxed),
            unread: 0,
            took: Duration::from_nanos(last.saturating_sub(first)),
            last: (last > 0).then(|| Duration::from_nanos(last)),
        }
    }
}

fn receive(mut subscription: Subscription, echo: Option<&Publisher>, tally: &Tally, stop: &AtomicBool) {
    let (mut messages, mut overtaken, mut reached) = (0, 0, 0);
    while !stop.load(Ordering::Relaxed) {
        let message = match subscription.recv_timeout(TICK) {
            Ok(message) => message,
            // What is dropped here was not delivered, and counts as lost.
            Err(RecvError::Timeout | RecvError::Lagged(_) | RecvError::Interrupted) => continue,
            Err(_) => return,
        };
        if let Some(echo) = echo {
            // An echo that is refused is a ping that did not return.
            let _ = echo.publish(&message);
        }
        let at = nanos();
        tally.unread.store(subscription.dropped(), Ordering::Relaxed);
        if let Some(Header { kind: Kind::Measured, seq, .. }) = Header::read(&message) {
            if messages == 0 {
                tally.first_measured.store(at, Ordering::Relaxed);
            }
            messages += 1;
            overtaken += u64::from(seq < reached);
            reached = reached.max(seq + 1);
            tally.last_measured.store(at, Ordering::Relaxed);
            tally.messages.store(messages, Ordering::Relaxed);
            tally.overtaken.store(overtaken, Ordering::Relaxed);
        }
        tally.last.store(at, Ordering::Relaxed);
    }
}

/// [`now`] in nanoseconds, never 0.
fn nanos() -> u64 {
    now().as_nanos() as u64
}
