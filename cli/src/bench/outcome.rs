//! What the benchmark found out.

use std::time::Duration;

use farwire::Delivery;
use serde::Serialize;

use super::plan::Plan;
use super::protocol::{Flooded, Pinged, Received, RoundTrips};
use super::wire::Driver;
use crate::latency::{micros, millis};

/// Everything, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct Results {
    farwire: &'static str,
    pub(super) debug_build: bool,
    pub(super) url: String,
    /// Whether the SFU was a process of this benchmark.
    pub(super) own_sfu: bool,
    settings: Plan,
    /// Of the first driver.
    connect_ms: f64,
    idle_cpu_percent: f64,
    pub(super) drivers: Vec<Connections>,
    #[serde(rename = "runs")]
    pub(super) cells: Vec<Cell>,
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
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    pub(super) driver: Driver,
    pub(super) size: usize,
    pub(super) delivery: &'static str,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Outcome {
    Measured(Box<Run>),
    /// No message there may be larger than the limit: nothing was measured, and nothing is wrong.
    TooLarge {
        limit_bytes: usize,
    },
    Failed {
        why: String,
    },
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Run {
    /// Delivered, by the subscriber's clock.
    pub(super) messages_per_s: f64,
    /// Payload alone, in millions of bytes.
    pub(super) megabytes_per_s: f64,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) loss_percent: f64,
    /// Of those lost, dropped at the publisher because the network had no room.
    pub(super) replaced_at_publisher: u64,
    /// Of those lost, dropped at the subscriber because it was slower than the SFU.
    pub(super) unread_at_subscriber: u64,
    pub(super) overtaken: u64,
    /// For how long messages were published.
    pub(super) publish_ms: f64,
    /// From then until the last message was there: what DimOS's benchmark calls latency, for which it shows its timeout when
    /// some are lost.
    pub(super) drain_ms: Option<f64>,
    pub(super) cpu_us_per_message: CpuPerMessage,
    pub(super) round_trip_us: RoundTrip,
}

/// Per delivered message; without the SFU's share there is no sum.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CpuPerMessage {
    pub(super) publisher: f64,
    pub(super) sfu: Option<f64>,
    pub(super) subscriber: f64,
    pub(super) sum: Option<f64>,
}

/// Without times when no ping came back.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RoundTrip {
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) p50: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
}

/// CPU times of the three processes.
#[derive(Clone, Copy)]
pub(super) struct Cpu {
    pub(super) publisher: Duration,
    pub(super) sfu: Option<Duration>,
    pub(super) subscriber: Duration,
}

impl Results {
    pub(super) fn new(url: &str, own_sfu: bool, settings: Plan, drivers: Vec<Connections>) -> Results {
        let first = drivers.first();
        Results {
            farwire: env!("CARGO_PKG_VERSION"),
            debug_build: cfg!(debug_assertions),
            url: url.to_owned(),
            own_sfu,
            settings,
            connect_ms: first.map_or(0.0, |first| first.connect_ms),
            idle_cpu_percent: first.map_or(0.0, |first| first.idle_cpu_percent),
            drivers,
            cells: Vec::new(),
        }
    }
}

impl Cell {
    pub(super) fn new(driver: Driver, size: usize, delivery: Delivery, outcome: Outcome) -> Cell {
        let delivery = if delivery == Delivery::RELIABLE { "reliable" } else { "lossy" };
        Cell { driver, size, delivery, outcome }
    }

    pub(super) fn run(&self) -> Option<&Run> {
        match &self.outcome {
            Outcome::Measured(run) => Some(run),
            Outcome::TooLarge { .. } | Outcome::Failed { .. } => None,
        }
    }
}

impl Run {
    pub(super) fn new(size: usize, flooded: &Flooded, received: &Received, cpu: Cpu, pinged: &Pinged) -> Run {
        let delivered = received.messages;
        let lost = flooded.sent.saturating_sub(delivered);
        // A single message has no rate by the subscriber's clock.
        let (messages, took) = if delivered > 1 { (delivered - 1, received.took) } else { (delivered, flooded.took) };
        let messages_per_s = messages as f64 / took.as_secs_f64().max(1e-9);
        Run {
            // A few large ones in a second are no whole number.
            messages_per_s: if messages_per_s < 100.0 { tenths(messages_per_s) } else { messages_per_s.round() },
            megabytes_per_s: tenths(messages_per_s * size as f64 / 1e5) / 10.0,
            sent: flooded.sent,
            delivered,
            lost,
            loss_percent: tenths(lost as f64 / (flooded.sent as f64).max(1.0) * 1000.0) / 10.0,
            replaced_at_publisher: flooded.replaced,
            unread_at_subscriber: received.unread,
            overtaken: received.overtaken,
            publish_ms: millis(flooded.took),
            drain_ms: received.last.map(|last| millis(last.saturating_sub(flooded.ended))),
            cpu_us_per_message: CpuPerMessage::new(cpu, delivered),
            round_trip_us: RoundTrip::new(pinged),
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

impl RoundTrip {
    fn new(pinged: &Pinged) -> RoundTrip {
        let of = |time: fn(&RoundTrips) -> Duration| pinged.times.as_ref().map(|times| micros(time(times)));
        RoundTrip {
            sent: pinged.sent,
            lost: pinged.sent.saturating_sub(pinged.returned),
            p50: of(|times| times.p50),
            p90: of(|times| times.p90),
            p99: of(|times| times.p99),
            max: of(|times| times.max),
        }
    }
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

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::plan::Knobs;

    /// Results without a cell.
    pub(crate) fn results() -> Results {
        let plan = Knobs::default().plan(|_| None).expect("a plan");
        let connections = Connections { driver: Driver::Blocking, connect_ms: 1.0, idle_cpu_percent: 0.0 };
        Results::new("http://127.0.0.1:1/v1", true, plan, vec![connections])
    }

    /// A run with numbers of one's own.
    pub(crate) fn run(messages_per_s: f64, loss_percent: f64, cpu: f64, p50: Option<f64>) -> Run {
        Run {
            messages_per_s,
            megabytes_per_s: messages_per_s / 1e3,
            sent: 100,
            delivered: 90,
            lost: 10,
            loss_percent,
            replaced_at_publisher: 0,
            unread_at_subscriber: 0,
            overtaken: 0,
            publish_ms: 1000.0,
            drain_ms: p50.map(|p50| p50 / 1e3),
            cpu_us_per_message: CpuPerMessage { publisher: cpu / 2.0, sfu: None, subscriber: cpu / 2.0, sum: None },
            round_trip_us: RoundTrip { sent: 10, lost: 0, p50, p90: p50, p99: p50.map(|p50| p50 * 2.0), max: p50 },
        }
    }

    pub(crate) fn measured(size: usize, delivery: Delivery, run: Run) -> Cell {
        Cell::new(Driver::Blocking, size, delivery, Outcome::Measured(Box::new(run)))
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_was_counted_becomes_rates() {
        let flooded = Flooded { sent: 400, replaced: 10, took: at(1000), ended: at(5000) };
        let received = Received { messages: 301, overtaken: 2, unread: 3, took: at(1500), last: Some(at(5250)) };
        let cpu = Cpu { publisher: at(301), sfu: Some(at(602)), subscriber: at(301) };
        let times = RoundTrips { p50: at(1), p90: at(2), p99: at(3), max: at(4) };
        let run = Run::new(10_000, &flooded, &received, cpu, &Pinged { sent: 9, returned: 8, times: Some(times) });
        assert_eq!((run.messages_per_s, run.megabytes_per_s), (200.0, 2.0));
        assert_eq!((run.lost, run.loss_percent, run.unread_at_subscriber), (99, 24.75, 3));
        assert_eq!((run.publish_ms, run.drain_ms), (1000.0, Some(250.0)));
        assert_eq!(run.cpu_us_per_message.sum, Some(4000.0));
        assert_eq!((run.round_trip_us.lost, run.round_trip_us.p99), (1, Some(3000.0)));
    }

    #[test]
    fn nothing_that_arrives_is_all_lost_and_no_division_by_zero() {
        let cpu = Cpu { publisher: at(1), sfu: None, subscriber: at(1) };
        for sent in [0, 5] {
            let flooded = Flooded { sent, ..Flooded::default() };
            let pinged = Pinged { sent: 3, returned: 0, times: None };
            let run = Run::new(64, &flooded, &Received::default(), cpu, &pinged);
            assert_eq!((run.messages_per_s, run.lost, run.drain_ms), (0.0, sent, None));
            assert_eq!(run.loss_percent, if sent == 0 { 0.0 } else { 100.0 });
            assert_eq!((run.cpu_us_per_message.sum, run.round_trip_us.p50), (None, None));
            assert_eq!(run.round_trip_us.lost, 3);
        }
    }

    #[test]
    fn json_says_of_each_cell_what_came_of_it() {
        let of = |outcome| serde_json::to_value(Cell::new(Driver::Tokio, 64, Delivery::LOSSY, outcome)).expect("JSON");
        let cell = of(Outcome::Measured(Box::new(run(5.0, 0.0, 1.0, None))));
        assert_eq!((&cell["outcome"], &cell["delivered"]), (&"measured".into(), &90.into()));
        assert_eq!((&cell["driver"], &cell["delivery"], &cell["size"]), (&"tokio".into(), &"lossy".into(), &64.into()));
        let cell = of(Outcome::TooLarge { limit_bytes: 9 });
        assert_eq!((&cell["outcome"], &cell["limit_bytes"]), (&"too_large".into(), &9.into()));
        let cell = of(Outcome::Failed { why: "no".to_owned() });
        assert_eq!((&cell["outcome"], &cell["why"]), (&"failed".into(), &"no".into()));
    }
}
