//! What the benchmark found out.

use std::time::Duration;

use farwire::Delivery;
use serde::Serialize;

use super::protocol::{Flooded, Pinged, Received};
use super::wire::Driver;
use crate::failure::Failure;
use crate::latency::micros;
use crate::output;

/// Everything, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct Results {
    farwire: &'static str,
    debug_build: bool,
    url: String,
    /// Whether the SFU was a process of this benchmark.
    own_sfu: bool,
    /// Of the first driver.
    connect_ms: f64,
    idle_cpu_percent: f64,
    drivers: Vec<Connections>,
    pub(super) runs: Vec<Run>,
}

/// What connections of one driver take.
#[derive(Serialize)]
pub(super) struct Connections {
    pub(super) driver: Driver,
    /// From `connect` to the first message, median.
    pub(super) connect_ms: f64,
    /// One that has nothing to do, of one core.
    pub(super) idle_cpu_percent: f64,
}

/// One size, delivery and driver.
#[derive(Serialize)]
pub(super) struct Run {
    driver: Driver,
    size: usize,
    delivery: &'static str,
    /// Delivered, by the subscriber's clock.
    messages_per_s: f64,
    sent: u64,
    delivered: u64,
    lost: u64,
    loss_percent: f64,
    /// Of those lost, dropped at the publisher because the network had no room.
    replaced_at_publisher: u64,
    /// Of those lost, dropped at the subscriber because it was slower than the SFU.
    unread_at_subscriber: u64,
    overtaken: u64,
    cpu_us_per_message: CpuPerMessage,
    round_trip_us: RoundTrip,
}

/// Per delivered message; without the SFU's share there is no sum.
#[derive(Serialize)]
struct CpuPerMessage {
    publisher: f64,
    sfu: Option<f64>,
    subscriber: f64,
    sum: Option<f64>,
}

#[derive(Serialize)]
struct RoundTrip {
    sent: u64,
    lost: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// CPU times of the three processes.
#[derive(Clone, Copy)]
pub(super) struct Cpu {
    pub(super) publisher: Duration,
    pub(super) sfu: Option<Duration>,
    pub(super) subscriber: Duration,
}

impl Cpu {
    pub(super) fn since(self, before: Cpu) -> Cpu {
        Cpu {
            publisher: self.publisher.saturating_sub(before.publisher),
            sfu: self.sfu.zip(before.sfu).map(|(now, before)| now.saturating_sub(before)),
            subscriber: self.subscriber.saturating_sub(before.subscriber),
        }
    }
}

impl Results {
    pub(super) fn new(url: &str, own_sfu: bool, drivers: Vec<Connections>) -> Results {
        let first = drivers.first();
        Results {
            farwire: env!("CARGO_PKG_VERSION"),
            debug_build: cfg!(debug_assertions),
            url: url.to_owned(),
            own_sfu,
            connect_ms: first.map_or(0.0, |first| first.connect_ms),
            idle_cpu_percent: first.map_or(0.0, |first| first.idle_cpu_percent),
            drivers,
            runs: Vec::new(),
        }
    }
}

impl Run {
    pub(super) fn new(
        driver: Driver,
        size: usize,
        delivery: Delivery,
        flooded: &Flooded,
        received: &Received,
        cpu: Cpu,
        pinged: &Pinged,
    ) -> Run {
        let delivered = received.messages;
        let lost = flooded.sent.saturating_sub(delivered);
        // A single message has no rate by the subscriber's clock.
        let (messages, took) = if delivered > 1 { (delivered - 1, received.took) } else { (delivered, flooded.took) };
        Run {
            driver,
            size,
            delivery: if delivery == Delivery::RELIABLE { "reliable" } else { "lossy" },
            messages_per_s: (messages as f64 / took.as_secs_f64().max(1e-9)).round(),
            sent: flooded.sent,
            delivered,
            lost,
            loss_percent: tenths(lost as f64 / (flooded.sent as f64).max(1.0) * 1000.0) / 10.0,
            replaced_at_publisher: flooded.replaced,
            unread_at_subscriber: received.unread,
            overtaken: received.overtaken,
            cpu_us_per_message: CpuPerMessage::new(cpu, delivered),
            round_trip_us: RoundTrip {
                sent: pinged.sent,
                lost: pinged.sent.saturating_sub(pinged.returned),
                p50: micros(pinged.p50),
                p90: micros(pinged.p90),
                p99: micros(pinged.p99),
                max: micros(pinged.max),
            },
        }
    }
}

impl CpuPerMessage {
    fn new(cpu: Cpu, delivered: u64) -> CpuPerMessage {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / (delivered as f64).max(1.0);
        let sum = cpu.sfu.map(|sfu| tenths(each(cpu.publisher + sfu + cpu.subscriber)));
        CpuPerMessage {
            publisher: tenths(each(cpu.publisher)),
            sfu: cpu.sfu.map(|sfu| tenths(each(sfu))),
            subscriber: tenths(each(cpu.subscriber)),
            sum,
        }
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// What is known before the first run, and the table's head.
pub(super) fn opening(results: &Results) -> Result<(), Failure> {
    let whose = if results.own_sfu { "an SFU of our own" } else { "the SFU" };
    output::line(format_args!("{whose} at {}", results.url))?;
    for Connections { driver, connect_ms, idle_cpu_percent } in &results.drivers {
        output::line(format_args!(
            "{}: {connect_ms} ms from connect to first message (median), {idle_cpu_percent} % of a core when idle",
            driver.as_str()
        ))?;
    }
    output::line("")?;
    output::line(format_args!("{:44}  {:-^27}  {:-^37}", "", " CPU us per message ", " round trip us "))?;
    output::line(format_args!(
        "{:<8} {:>6} {:<9} {:>10} {:>7}  {:>6} {:>6} {:>6} {:>6}  {:>7} {:>7} {:>7} {:>7} {:>5}",
        "driver",
        "bytes",
        "delivery",
        "messages/s",
        "loss",
        "pub",
        "sfu",
        "sub",
        "sum",
        "p50",
        "p90",
        "p99",
        "max",
        "lost"
    ))
}

pub(super) fn row(run: &Run) -> Result<(), Failure> {
    let Run { cpu_us_per_message: cpu, round_trip_us: trip, .. } = run;
    let known = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    output::line(format_args!(
        "{:<8} {:>6} {:<9} {:>10} {:>7}  {:>6.1} {:>6} {:>6.1} {:>6}  {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>5}",
        run.driver.as_str(),
        run.size,
        run.delivery,
        run.messages_per_s,
        format!("{:.2} %", run.loss_percent),
        cpu.publisher,
        known(cpu.sfu),
        cpu.subscriber,
        known(cpu.sum),
        trip.p50,
        trip.p90,
        trip.p99,
        trip.max,
        trip.lost,
    ))
}

/// What a reader of the table may wonder about.
pub(super) fn closing(results: &Results) -> Result<(), Failure> {
    if !results.own_sfu {
        output::line("\nThe SFU is not ours, so its CPU is unknown.")?;
    }
    if results.runs.iter().any(|run| run.delivery == "lossy" && run.lost > 0) {
        output::line(
            "\nA lossy publisher is not held back by a slower subscriber: --rate HZ finds the rate without loss.",
        )?;
    }
    Ok(())
}
