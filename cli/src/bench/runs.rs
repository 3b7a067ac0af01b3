//! The course of a benchmark: which worker does what, in which order.

use std::time::Duration;

use farwire::Delivery;

use super::child::Worker;
use super::protocol::{Answer, Ask, Flooded, Pinged, Received};
use super::report::{Connections, Cpu, Run};
use super::wire::Driver;
use super::worker::Role;
use crate::failure::Failure;
use crate::settings::Sfu;

/// Connections timed; the median counts.
const CONNECTS: u32 = 20;
const IDLE: Duration = Duration::from_secs(3);
const PING_HZ: f64 = 1000.0;
/// A flow is over when nothing has come for this long.
const QUIET: Duration = Duration::from_millis(500);
/// More than any worker gives itself for a single step.
const PATIENCE: Duration = Duration::from_secs(30);

/// The workers.
pub(super) struct Bench {
    // Dropped in this order, so that nobody loses its SFU before it is gone itself.
    publisher: Worker,
    subscriber: Worker,
    own_sfu: Option<Worker>,
    url: String,
    driver: Driver,
}

impl Bench {
    /// Starts the workers; with an SFU of our own if none is given.
    pub(super) fn start(driver: Driver, given: Option<Sfu>) -> Result<Bench, Failure> {
        let (own_sfu, sfu) = match given {
            Some(sfu) => (None, sfu),
            None => {
                let mut worker = Worker::start(Role::Sfu, driver, None)?;
                let url = match worker.answer(PATIENCE)? {
                    Answer::Serving { url } => url,
                    other => return Err(worker.unexpected(&other)),
                };
                (Some(worker), Sfu::local(&url)?)
            }
        };
        let publisher = Worker::start(Role::Publisher, driver, Some(&sfu))?;
        let subscriber = Worker::start(Role::Subscriber, driver, Some(&sfu))?;
        Ok(Bench { publisher, subscriber, own_sfu, url: sfu.config.url, driver })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn owns_sfu(&self) -> bool {
        self.own_sfu.is_some()
    }

    /// What connections take.
    pub(super) fn connections(&mut self) -> Result<Connections, Failure> {
        let (connect_ms, idle_cpu_percent) = (self.connect_ms()?, self.idle_cpu_percent()?);
        Ok(Connections { driver: self.driver, connect_ms, idle_cpu_percent })
    }

    /// Median of the times from `connect` to the first message delivered.
    fn connect_ms(&mut self) -> Result<f64, Failure> {
        match self.publisher.ask(&Ask::TimeConnects { times: CONNECTS }, CONNECTS * PATIENCE)? {
            Answer::Times { mut each } if !each.is_empty() => {
                each.sort_unstable();
                Ok(crate::latency::millis(each[each.len() / 2]))
            }
            other => Err(self.publisher.unexpected(&other)),
        }
    }

    /// What an idle connection takes of one core.
    fn idle_cpu_percent(&mut self) -> Result<f64, Failure> {
        match self.publisher.ask(&Ask::Idle { during: IDLE }, IDLE + PATIENCE)? {
            Answer::Idle { cpu_percent } => Ok((cpu_percent * 100.0).round() / 100.0),
            other => Err(self.publisher.unexpected(&other)),
        }
    }

    /// Both runs for one size and delivery, each on connections of its own.
    pub(super) fn measure(&mut self, size: usize, delivery: Delivery, args: &super::Args) -> Result<Run, Failure> {
        let reliable = delivery == Delivery::RELIABLE;
        let (flooded, received, cpu) = self.throughput(size, reliable, args)?;
        let pinged = self.ping_pong(size, reliable, args.seconds)?;
        Ok(Run::new(self.driver, size, delivery, &flooded, &received, cpu, &pinged))
    }

    fn throughput(
        &mut self,
        size: usize,
        reliable: bool,
        args: &super::Args,
    ) -> Result<(Flooded, Received, Cpu), Failure> {
        let topic = format!("flood {size}");
        self.meet(&topic, size, reliable, None)?;
        self.subscriber.ask(&Ask::Settle { expected: None, quiet: Duration::from_millis(50) }, PATIENCE)?;

        let before = self.cpu()?;
        let flood = Ask::Flood { during: args.seconds, count: args.count, rate: args.rate };
        let flooded = match self.publisher.ask(&flood, time_for(args) + PATIENCE)? {
            Answer::Flooded(flooded) => flooded,
            other => return Err(self.publisher.unexpected(&other)),
        };
        let expected = Some(flooded.sent - flooded.replaced);
        let received = match self.subscriber.ask(&Ask::Settle { expected, quiet: QUIET }, PATIENCE)? {
            Answer::Received(received) => received,
            other => return Err(self.subscriber.unexpected(&other)),
        };
        let cpu = self.cpu()?.since(before);
        self.part()?;
        Ok((flooded, received, cpu))
    }

    fn ping_pong(&mut self, size: usize, reliable: bool, during: Duration) -> Result<Pinged, Failure> {
        let topic = format!("ping {size}");
        self.meet(&topic, size, reliable, Some(format!("pong {size}")))?;
        let pinged = match self.publisher.ask(&Ask::Ping { during, hz: PING_HZ }, during + PATIENCE)? {
            Answer::Pinged(pinged) => pinged,
            other => return Err(self.publisher.unexpected(&other)),
        };
        self.part()?;
        Ok(pinged)
    }

    /// Connects publisher and subscriber, and warms up the topic between them; with an echo, the way back too.
    fn meet(&mut self, topic: &str, size: usize, reliable: bool, echo: Option<String>) -> Result<(), Failure> {
        let topic = topic.to_owned();
        let publisher_session = session(&mut self.publisher, None)?;
        let subscriber_session = session(&mut self.subscriber, Some(publisher_session))?;
        if let Some(topic) = echo.clone() {
            let hear = Ask::HearEchoes { publisher_session: subscriber_session, topic, reliable };
            ready(&mut self.publisher, &hear)?;
        }
        // The publisher calls while the subscriber subscribes; its answer comes after `Heard`.
        self.publisher.tell(&Ask::Call { topic: topic.clone(), reliable, size })?;
        self.subscriber.tell(&Ask::Listen { topic, reliable, echo })?;
        // A publisher whose messages are refused knows the reason; the subscriber would only miss them.
        match self.subscriber.answer_beside(&mut self.publisher, PATIENCE)? {
            Answer::Ready => ready(&mut self.publisher, &Ask::Heard),
            other => Err(self.subscriber.unexpected(&other)),
        }
    }

    fn part(&mut self) -> Result<(), Failure> {
        ready(&mut self.publisher, &Ask::Disconnect)?;
        ready(&mut self.subscriber, &Ask::Disconnect)
    }

    fn cpu(&mut self) -> Result<Cpu, Failure> {
        Ok(Cpu {
            publisher: cpu_of(&mut self.publisher)?,
            sfu: self.own_sfu.as_mut().map(cpu_of).transpose()?,
            subscriber: cpu_of(&mut self.subscriber)?,
        })
    }
}

/// How long a throughput run can take at most, going by what was asked for.
fn time_for(args: &super::Args) -> Duration {
    match (args.count, args.rate) {
        (Some(count), Some(rate)) => Duration::from_secs_f64(count as f64 / rate),
        // A thousand messages a second is slow for every SFU there is.
        (Some(count), None) => Duration::from_secs(count / 1000),
        (None, _) => args.seconds,
    }
}

fn session(worker: &mut Worker, publisher_session: Option<String>) -> Result<String, Failure> {
    match worker.ask(&Ask::Connect { publisher_session }, PATIENCE)? {
        Answer::Session { id } => Ok(id),
        other => Err(worker.unexpected(&other)),
    }
}

fn ready(worker: &mut Worker, ask: &Ask) -> Result<(), Failure> {
    match worker.ask(ask, PATIENCE)? {
        Answer::Ready => Ok(()),
        other => Err(worker.unexpected(&other)),
    }
}

fn cpu_of(worker: &mut Worker) -> Result<Duration, Failure> {
    match worker.ask(&Ask::Cpu, PATIENCE)? {
        Answer::Cpu { time } => Ok(time),
        other => Err(worker.unexpected(&other)),
    }
}
