//! What the demo shows: a live line while the robot drives, a table at the end.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::delivery_name;
use super::lane::{Counts, Lanes, ODOMETRY};
use super::robot::Robot;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::latency::{Human, Summary, micros, millis};
use crate::output;

pub(super) fn opening(api_root: &str, ready: Duration) -> Result<(), Failure> {
    output::line(format_args!("SFU in this process at {api_root}; robot and operator met after {}", Human(ready)))
}

/// Shows how odometry does, until `end` or Ctrl-C: over itself on a terminal, line by line elsewhere.
pub(super) fn live(
    lanes: &Lanes,
    robot: &Robot,
    start: Instant,
    end: Instant,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let terminal = io::stdout().is_terminal();
    let every = Duration::from_millis(if terminal { 200 } else { 1_000 });
    let mut next = start;
    let mut before = Reading::default();
    loop {
        next = (next + every).min(end);
        let interrupted = interrupt.wait_until(next);
        let counts = lanes.lane(ODOMETRY).counts();
        let now = Reading { at: start.elapsed(), received: counts.received };
        let line = live_line(&counts, before, now, robot.position());
        if terminal {
            // The cursor stays on the line; what the last one left of it is erased.
            let mut stdout = io::stdout().lock();
            write!(stdout, "\r{line}\x1b[K")
                .and_then(|()| stdout.flush())
                .map_err(|error| output::write_failed(&error))?;
        } else {
            output::line(line)?;
        }
        before = now;
        if interrupted || next >= end {
            break;
        }
    }
    if terminal { output::line("") } else { Ok(()) }
}

/// What had arrived when.
#[derive(Clone, Copy, Default)]
struct Reading {
    at: Duration,
    received: u64,
}

fn live_line(counts: &Counts, before: Reading, now: Reading, [x, y]: [f64; 2]) -> String {
    let seconds = (now.at - before.at).as_secs_f64().max(1e-3);
    let rate = (now.received - before.received) as f64 / seconds;
    let latency = match counts.latencies.summary_since(before.received as usize) {
        Some(Summary { p50, p99, .. }) => format!("latency p50 {} p99 {}", Human(p50), Human(p99)),
        None => "nothing arrives".to_owned(),
    };
    let at = now.at.as_secs_f64();
    format!("{at:4.1} s  odometry {rate:3.0} Hz  lost {}  {latency}  robot at ({x:+.2}, {y:+.2}) m", counts.missing())
}

/// The table of all topics.
pub(super) fn table(lanes: &Lanes, drove: Duration) -> Result<(), Failure> {
    output::line(format_args!(
        "\n{:<12} {:<9} {:>5} {:>6} {:>8} {:>5} {:>7}  {:>8} {:>8} {:>8}",
        "topic", "delivery", "bytes", "sent", "received", "lost", "rate", "p50", "p99", "max"
    ))?;
    for lane in lanes.iter() {
        let counts = lane.counts();
        let latency = match counts.latencies.summary() {
            Some(Summary { p50, p99, max, .. }) => format!("{:>8} {:>8} {:>8}", Human(p50), Human(p99), Human(max)),
            None => format!("{:>8} {:>8} {:>8}", "-", "-", "-"),
        };
        let rate = format!("{:.0} Hz", counts.received as f64 / drove.as_secs_f64());
        output::line(format_args!(
            "{:<12} {:<9} {:>5} {:>6} {:>8} {:>5} {rate:>7}  {latency}",
            lane.topic,
            delivery_name(lane.delivery),
            lane.size,
            counts.sent,
            counts.received,
            counts.lost(),
        ))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Object {
    ok: bool,
    seconds: f64,
    ready_ms: f64,
    topics: Vec<Topic>,
}

#[derive(Serialize)]
struct Topic {
    topic: &'static str,
    delivery: &'static str,
    bytes: usize,
    sent: u64,
    received: u64,
    lost: u64,
    rate_hz: f64,
    latency_us: Option<Latency>,
}

#[derive(Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

pub(super) fn json(lanes: &Lanes, ready: Duration, drove: Duration) -> Result<(), Failure> {
    let topic = |lane: &super::Lane| {
        let counts = lane.counts();
        let latency = counts.latencies.summary();
        Topic {
            topic: lane.topic,
            delivery: delivery_name(lane.delivery),
            bytes: lane.size,
            sent: counts.sent,
            received: counts.received,
            lost: counts.lost(),
            rate_hz: (counts.received as f64 / drove.as_secs_f64() * 10.0).round() / 10.0,
            latency_us: latency.map(|Summary { p50, p99, max, .. }| Latency {
                p50: micros(p50),
                p99: micros(p99),
                max: micros(max),
            }),
        }
    };
    output::json(&Object {
        ok: lanes.iter().all(super::Lane::is_complete),
        seconds: drove.as_secs_f64(),
        ready_ms: millis(ready),
        topics: lanes.iter().map(topic).collect(),
    })
}

/// All arrived, or a sentence on what did not.
pub(super) fn verdict(lanes: &Lanes) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for lane in lanes.iter().filter(|lane| !lane.is_complete()) {
        let counts = lane.counts();
        let mut what = format!("{} of {} messages arrived on {:?}", counts.received, counts.sent, lane.topic);
        if counts.replaced > 0 {
            what.push_str(&format!(", {} were replaced by newer ones before they were sent", counts.replaced));
        }
        if let Some(refusal) = counts.refusal {
            what.push_str(&format!(", {} were refused: {refusal}", counts.refused));
        }
        wrong.push(what);
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::failed(wrong.join("; "))) }
}
