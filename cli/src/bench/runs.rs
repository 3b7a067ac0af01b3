//! The course of a benchmark: which worker does what, in which order.

use std::time::Duration;

use farwire::Delivery;

use super::child::Worker;
use super::outcome::{Connections, Cpu, Outcome, Run};
use super::plan::Plan;
use super::protocol::{Answer, Ask, Flooded, Pinged, Received};
use super::wire::Driver;
use super::worker::{Role, now};
use crate::failure::Failure;
use crate::settings::Sfu;

/// Connections timed; the median counts.
const CONNECTS: u32 = 20;
const IDLE: Duration = Duration::from_secs(3);
const PING_HZ: f64 = 1000.0;
/// A lossy flow, in which nothing is sent again, is over when nothing has come for this long.
const QUIET: Duration = Duration::from_millis(500);
/// What is left of the warm-up has come when nothing has come for this long.
const WARM: Duration = Duration::from_millis(50);
/// For all of the warm-up to arrive, however much it is.
const SETTLE: Duration = Duration::from_secs(15);
/// More than any worker gives itself for a single step.
const PATIENCE: Duration = Duration::from_secs(30);

/// The workers.
pub(super) struct Bench {
    // Dropped in this order, so that nobody loses its SFU before it is gone itself.
    publisher: Worker,
    subscriber: Worker,
    own_sfu: Option<Worker>,
    given: Option<Sfu>,
    url: String,
    driver: Driver,
}

/// How publisher and subscriber met.
enum Met {
    Ready,
    TooLarge { limit_bytes: usize },
}

impl Bench {
    /// Starts the workers; with an SFU of our own if none is given.
    pub(super) fn start(driver: Driver, given: Option<Sfu>) -> Result<Bench, Failure> {
        let (own_sfu, sfu) = match given.clone() {
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
        Ok(Bench { publisher, subscriber, own_sfu, given, url: sfu.config.url, driver })
    }

    /// Starts all over, with new workers: those that failed may be at anything.
    pub(super) fn restart(&mut self) -> Result<(), Failure> {
        *self = Bench::start(self.driver, self.given.clone())?;
        Ok(())
    }

    pub(super) fn driver(&self) -> Driver {
        self.driver
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
    pub(super) fn measure(&mut self, size: usize, delivery: Delivery, plan: &Plan) -> Result<Outcome, Failure> {
        let reliable = delivery == Delivery::RELIABLE;
        if let Met::TooLarge { limit_bytes } = self.meet(&format!("flood {size}"), size, reliable, None)? {
            self.part()?;
            return Ok(Outcome::TooLarge { limit_bytes });
        }
        let (flooded, received, cpu) = self.throughput(reliable, plan)?;
        self.part()?;
        let pinged = self.ping_pong(size, reliable, plan.seconds)?;
        self.part()?;
        Ok(Outcome::Measured(Box::new(Run::new(size, &flooded, &received, cpu, &pinged))))
    }

    fn throughput(&mut self, reliable: bool, plan: &Plan) -> Result<(Flooded, Received, Cpu), Failure> {
        let warm = Ask::Settle { expected: None, quiet: Some(WARM), until: now() + SETTLE };
        self.subscriber.ask(&warm, PATIENCE)?;

        let before = self.cpu()?;
        let flood = Ask::Flood {
            during: plan.count.is_none().then_some(plan.seconds),
            messages: plan.count.or(plan.max_messages),
            rate: plan.rate,
            drain: plan.drain,
        };
        let flooded = match self.publisher.ask(&flood, plan.time_to_publish() + plan.drain + PATIENCE)? {
            Answer::Flooded(flooded) => flooded,
            other => return Err(self.publisher.unexpected(&other)),
        };
        let settle = Ask::Settle {
            expected: Some(flooded.sent.saturating_sub(flooded.replaced)),
            quiet: (!reliable).then_some(QUIET),
            until: flooded.ended + plan.drain,
        };
        let received = match self.subscriber.ask(&settle, plan.drain + PATIENCE)? {
            Answer::Received(received) => received,
            other => return Err(self.subscriber.unexpected(&other)),
        };
        Ok((flooded, received, self.cpu()?.since(before)))
    }

    fn ping_pong(&mut self, size: usize, reliable: bool, during: Duration) -> Result<Pinged, Failure> {
        let topic = format!("ping {size}");
        if let Met::TooLarge { limit_bytes } = self.meet(&topic, size, reliable, Some(format!("pong {size}")))? {
            return Err(Failure::failed(format_args!("a ping of {size} bytes is larger than {limit_bytes}")));
        }
        let pinged = match self.publisher.ask(&Ask::Ping { during, hz: PING_HZ }, during + PATIENCE)? {
            Answer::Pinged(pinged) => pinged,
            other => return Err(self.publisher.unexpected(&other)),
        };
        Ok(pinged)
    }

    /// Connects publisher and subscriber, and warms up the topic between them; with an echo, the way back too.
    fn meet(&mut self, topic: &str, size: usize, reliable: bool, echo: Option<String>) -> Result<Met, Failure> {
        let topic = topic.to_owned();
        let publisher_session = session(&mut self.publisher, None)?;
        let subscriber_session = session(&mut self.subscriber, Some(publisher_session))?;
        if let Some(topic) = echo.clone() {
            let hear = Ask::HearEchoes { publisher_session: subscriber_session, topic, reliable };
            ready(&mut self.publisher, &hear)?;
        }
        match self.publisher.ask(&Ask::Open { topic: topic.clone(), reliable, size }, PATIENCE)? {
            Answer::Ready => {}
            Answer::TooLarge { limit } => return Ok(Met::TooLarge { limit_bytes: limit }),
            other => return Err(self.publisher.unexpected(&other)),
        }
        // The publisher calls while the subscriber subscribes; its answer comes after `Heard`.
        self.publisher.tell(&Ask::Call)?;
        self.subscriber.tell(&Ask::Listen { topic, reliable, echo })?;
        // A publisher whose messages are refused knows the reason; the subscriber would only miss them.
        match self.subscriber.answer_beside(&mut self.publisher, PATIENCE)? {
            Answer::Ready => ready(&mut self.publisher, &Ask::Heard).map(|()| Met::Ready),
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
