//! The publisher's worker: floods, pings, and times itself.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use farwire::{Accepted, Delivery, PublishError, RecvError};
use farwire_core::link::MAX_RECEIVED_MESSAGE;

use super::payload::{Header, Kind, Payload};
use super::protocol::{Answer, Ask, Flooded, Pinged, RoundTrips};
use super::wire::{Connection, Publisher, Subscription, Wire};
use super::worker::{answer_or_fail, cpu_time, now};
use crate::failure::Failure;
use crate::latency::{Latencies, Summary};
use crate::pace::Pace;
use crate::settings::Sfu;

/// Between two calls for somebody who listens.
const CALL_EVERY: Duration = Duration::from_millis(5);
/// How long windows and caches are given to warm up.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long a lossy publisher waits when the network has no room: about as short as a sleep can be.
const NO_ROOM: Duration = Duration::from_micros(50);
/// For everything published to be acknowledged.
const FLUSH: Duration = Duration::from_secs(10);
/// For an echo to come back; after that it counts as lost.
const ECHO: Duration = Duration::from_secs(1);
const FIRST_MESSAGE: Duration = Duration::from_secs(10);

pub(super) fn run(sfu: Sfu, wire: Wire, asks: &Receiver<Ask>) -> Result<(), Failure> {
    let mut worker = Worker { sfu, wire, connection: None, run: None, echoes: None };
    while let Ok(ask) = asks.recv() {
        answer_or_fail(worker.handle(ask, asks))?;
    }
    Ok(())
}

struct Worker {
    sfu: Sfu,
    wire: Wire,
    connection: Option<Connection>,
    run: Option<Run>,
    /// The second connection, which subscribes to the subscriber's echoes.
    echoes: Option<(Connection, Subscription)>,
}

/// One topic that is published on.
struct Run {
    wire: Wire,
    publisher: Publisher,
    payload: Payload,
    reliable: bool,
}

impl Worker {
    fn handle(&mut self, ask: Ask, asks: &Receiver<Ask>) -> Result<Option<Answer>, Failure> {
        let answer = match ask {
            Ask::Cpu => Answer::Cpu { time: cpu_time() },
            Ask::TimeConnects { times } => {
                Answer::Times { each: (0..times).map(|_| self.time_connect()).collect::<Result<_, _>>()? }
            }
            Ask::Idle { during } => Answer::Idle { cpu_percent: self.idle(during)? },
            Ask::Connect { publisher_session } => {
                let connection = self.wire.connect(&self.sfu, publisher_session.as_deref())?;
                let id = connection.session_id().to_owned();
                self.connection = Some(connection);
                Answer::Session { id }
            }
            Ask::Open { topic, reliable, size } => match self.open(&topic, reliable, size)? {
                Some(limit) => Answer::TooLarge { limit },
                None => Answer::Ready,
            },
            Ask::Call => {
                self.call(asks)?;
                // Pings warm up at their own pace, or the first would queue behind echoes.
                if self.echoes.is_none() {
                    self.warm_up()?;
                }
                Answer::Ready
            }
            Ask::Flood { during, messages, rate, drain } => Answer::Flooded(self.flood(during, messages, rate, drain)?),
            Ask::HearEchoes { publisher_session, topic, reliable } => {
                let connection = self.wire.connect(&self.sfu, Some(&publisher_session))?;
                let subscription = connection.subscribe(&topic, delivery(reliable)).map_err(Failure::failed)?;
                self.echoes = Some((connection, subscription));
                Answer::Ready
            }
            Ask::Ping { during, hz } => Answer::Pinged(self.ping(during, hz)?),
            Ask::Disconnect => {
                (self.run, self.echoes, self.connection) = (None, None, None);
                Answer::Ready
            }
            other => return Err(Failure::failed(format_args!("a publisher is not asked {other:?}"))),
        };
        Ok(Some(answer))
    }

    /// From `connect` until the first message has gone to the SFU and back.
    fn time_connect(&self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let connection = self.wire.connect(&self.sfu, None)?;
        let mut subscription = connection.subscribe("first", Delivery::RELIABLE).map_err(Failure::failed)?;
        let publisher = connection.publisher("first", Delivery::RELIABLE).map_err(Failure::failed)?;
        loop {
            publisher.publish(b"hello").map_err(Failure::failed)?;
            match subscription.recv_timeout(Duration::from_millis(1)) {
                Ok(_) => return Ok(start.elapsed()),
                Err(RecvError::Timeout | RecvError::Lagged(_) | RecvError::Interrupted)
                    if start.elapsed() < FIRST_MESSAGE => {}
                Err(error) => return Err(Failure::failed(format_args!("no first message: {error}"))),
            }
        }
    }

    /// CPU of a connection that has published and received once, and then has nothing to do.
    fn idle(&self, during: Duration) -> Result<f64, Failure> {
        let connection = self.wire.connect(&self.sfu, None)?;
        let publisher = connection.publisher("idle", Delivery::LOSSY).map_err(Failure::failed)?;
        let _subscription = connection.subscribe("idle", Delivery::LOSSY).map_err(Failure::failed)?;
        publisher.publish(b"hello").map_err(Failure::failed)?;
        self.wire.pause(WARM_UP);
        let (before, start) = (cpu_time(), Instant::now());
        self.wire.pause(during);
        let spent = cpu_time().saturating_sub(before);
        Ok(spent.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0)
    }

    /// Opens a topic, or finds out what a message there may have at most.
    fn open(&mut self, topic: &str, reliable: bool, size: usize) -> Result<Option<usize>, Failure> {
        let connection = self.connection.as_ref().ok_or_else(|| Failure::failed("asked to Open before Connect"))?;
        let publisher = connection.publisher(topic, delivery(reliable)).map_err(Failure::failed)?;
        let mut run = Run { wire: self.wire.clone(), publisher, payload: Payload::new(size), reliable };
        match run.publisher.publish(run.payload.fill(Kind::WarmUp, 0)) {
            Err(PublishError::TooLarge { max, .. }) => return Ok(Some(max.min(MAX_RECEIVED_MESSAGE))),
            // The SFU would take it, but no subscriber.
            _ if size > MAX_RECEIVED_MESSAGE => return Ok(Some(MAX_RECEIVED_MESSAGE)),
            Err(error) => return Err(Failure::failed(error)),
            Ok(_) => self.run = Some(run),
        }
        Ok(None)
    }

    /// Publishes now and then until the parent says that the subscriber hears.
    fn call(&mut self, asks: &Receiver<Ask>) -> Result<(), Failure> {
        let run = self.run()?;
        loop {
            run.publish(Kind::WarmUp, 0)?;
            match asks.try_recv() {
                Ok(Ask::Heard) => return Ok(()),
                Ok(other) => return Err(Failure::failed(format_args!("not asked {other:?} while calling"))),
                Err(TryRecvError::Empty) => run.wire.pause(CALL_EVERY),
                Err(TryRecvError::Disconnected) => return Err(Failure::OutputClosed),
            }
        }
    }

    fn warm_up(&mut self) -> Result<(), Failure> {
        let run = self.run()?;
        let end = Instant::now() + WARM_UP;
        while Instant::now() < end {
            run.publish(Kind::WarmUp, 0)?;
        }
        if self.flush(FLUSH) {
            return Ok(());
        }
        Err(Failure::failed(format_args!("the warm-up was not acknowledged within {} s", FLUSH.as_secs())))
    }

    fn flood(
        &mut self,
        during: Option<Duration>,
        messages: Option<u64>,
        rate: Option<f64>,
        drain: Duration,
    ) -> Result<Flooded, Failure> {
        let run = self.run()?;
        let start = Instant::now();
        let end = during.map(|during| start + during);
        let mut pace = rate.map(|hz| Pace::new(start, hz));
        let mut flooded = Flooded::default();
        while messages.is_none_or(|messages| flooded.sent < messages) && end.is_none_or(|end| Instant::now() < end) {
            if let Some(pace) = &mut pace {
                run.wire.pause_until(pace.next(Instant::now()));
            }
            let replaced = run.publish(Kind::Measured, flooded.sent)?;
            flooded.sent += 1;
            flooded.replaced += u64::from(replaced);
        }
        (flooded.took, flooded.ended) = (start.elapsed(), now());
        // What is not out by then has not arrived in time, and counts as lost.
        self.flush(drain);
        Ok(flooded)
    }

    /// Publishes a ping, waits for its echo, and waits for the next tick. A slow echo delays the next ping, so that
    /// pings never queue behind each other, whatever their size.
    fn ping(&mut self, during: Duration, hz: f64) -> Result<Pinged, Failure> {
        let (Some(run), Some((_connection, mut echoes))) = (&mut self.run, self.echoes.take()) else {
            return Err(Failure::failed("asked to ping before Call and HearEchoes"));
        };
        if let Err(unheard) = wait_for_echo(run, &mut echoes)? {
            return Ok(Pinged { sent: unheard, returned: 0, times: None });
        }
        let interval = Duration::from_secs_f64(1.0 / hz);
        let measured_from = Instant::now() + WARM_UP;
        let end = measured_from + during;
        let mut latencies = Latencies::default();
        let mut sent = 0;
        let mut due = Instant::now();
        for seq in 1.. {
            run.wire.pause_until(due);
            let now = Instant::now();
            if now >= end && sent > 0 {
                break;
            }
            due = (due + interval).max(now);
            run.publish(Kind::Measured, seq)?;
            let echo = receive_echo(&mut echoes, run.payload.epoch(), seq)?;
            if now >= measured_from {
                sent += 1;
                echo.into_iter().for_each(|latency| latencies.push(latency));
            }
        }
        let times = latencies.summary().map(|Summary { p50, p90, p99, max }| RoundTrips { p50, p90, p99, max });
        Ok(Pinged { sent, returned: latencies.len() as u64, times })
    }

    fn run(&mut self) -> Result<&mut Run, Failure> {
        self.run.as_mut().ok_or_else(|| Failure::failed("asked to publish before Call"))
    }

    /// Whether all that was published is out.
    fn flush(&self, within: Duration) -> bool {
        self.connection.as_ref().is_none_or(|connection| connection.flush(within))
    }
}

impl Run {
    /// Publishes one message; whether an older one had to make room.
    fn publish(&mut self, kind: Kind, seq: u64) -> Result<bool, Failure> {
        match self.publisher.publish(self.payload.fill(kind, seq)).map_err(Failure::failed)? {
            Accepted::ReplacedOldest => {
                self.wire.pause(NO_ROOM);
                Ok(true)
            }
            // A reliable publisher is held up by `publish` itself.
            Accepted::Queued if !self.reliable => {
                self.wire.pause(NO_ROOM);
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

/// Opens the way there and back; an error inside is how many messages had no echo.
fn wait_for_echo(run: &mut Run, echoes: &mut Subscription) -> Result<Result<(), u64>, Failure> {
    let start = Instant::now();
    for sent in 1.. {
        run.publish(Kind::WarmUp, 0)?;
        match echoes.recv_timeout(CALL_EVERY) {
            Ok(_) => break,
            Err(RecvError::Timeout | RecvError::Lagged(_) | RecvError::Interrupted) => {}
            Err(error) => return Err(Failure::failed(format_args!("no first echo: {error}"))),
        }
        if start.elapsed() >= FIRST_MESSAGE {
            // Where messages are lost, large ones may all be.
            return if run.reliable { Err(Failure::failed("no first echo")) } else { Ok(Err(sent)) };
        }
    }
    Ok(Ok(()))
}

/// How long the echo of `seq` took to come back; `None` if it did not.
fn receive_echo(echoes: &mut Subscription, epoch: Instant, seq: u64) -> Result<Option<Duration>, Failure> {
    let deadline = Instant::now() + ECHO;
    loop {
        match echoes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => {
                // Echoes of warm-up messages, and those that were given up, may still come.
                if let Some(header) = Header::read(&message).filter(|header| header.seq == seq) {
                    return Ok(Some(Payload::age(epoch, &header)));
                }
            }
            Err(RecvError::Lagged(_) | RecvError::Interrupted) => {}
            Err(RecvError::Timeout) => return Ok(None),
            Err(closed) => return Err(Failure::failed(format_args!("no more echoes: {closed}"))),
        }
    }
}

pub(super) fn delivery(reliable: bool) -> Delivery {
    if reliable { Delivery::RELIABLE } else { Delivery::LOSSY }
}
