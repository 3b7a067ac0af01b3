//! `farwire bench`: what a message costs, with publisher, SFU and subscriber in a process each.
//!
//! The parent measures nothing itself. It starts the workers ([`worker`]), tells them over stdin what to do next
//! ([`protocol`]) and sums up what they answer ([`report`]).

mod child;
mod payload;
mod protocol;
mod publisher;
mod report;
mod runs;
mod subscriber;
mod wire;
mod worker;

use std::time::Duration;

use farwire::Delivery;

use crate::failure::Failure;
use crate::output;
use crate::pace::{parse_hz, parse_seconds};
use crate::settings::Target;

use self::wire::Driver;

pub(crate) use worker::{Args as WorkerArgs, run as work};

/// Measure throughput, loss, CPU per message and round trips through an SFU
///
/// Publisher, SFU and subscriber are three processes. The SFU is farwire's own, unless you name another one with --url
/// or FARWIRE_URL. For each size and delivery there is a throughput run (as fast as the publisher may) and a ping-pong
/// run (1,000 times a second, or as often as the round trip allows).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Payload sizes in bytes
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', default_value = "64,1024,16384",
          value_parser = clap::value_parser!(u32).range(payload::HEADER as i64..))]
    sizes: Vec<u32>,
    /// How long each run takes
    #[arg(long, default_value = "3", value_parser = parse_seconds)]
    seconds: Duration,
    /// Messages per throughput run, instead of --seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Publish no faster than this in throughput runs, in messages per second
    #[arg(long, value_name = "HZ", value_parser = parse_hz)]
    rate: Option<f64>,
    /// Only reliable, ordered delivery
    #[arg(long)]
    reliable: bool,
    /// Only lossy, unordered delivery
    #[arg(long)]
    lossy: bool,
    /// The drivers to measure, side by side
    #[arg(long, value_name = "DRIVER,…", value_delimiter = ',', default_value = "blocking")]
    drivers: Vec<Driver>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Args {
    fn deliveries(&self) -> &'static [Delivery] {
        match (self.reliable, self.lossy) {
            (true, false) => &[Delivery::RELIABLE],
            (false, true) => &[Delivery::LOSSY],
            _ => &[Delivery::RELIABLE, Delivery::LOSSY],
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        output::note(
            "note: this is a debug build, so the numbers mean little: use `cargo run --profile dist -- bench`",
        );
    }
    let sfu = if args.target.is_given() { Some(args.target.resolve()?) } else { None };
    let mut benches =
        args.drivers.iter().map(|driver| runs::Bench::start(*driver, sfu.clone())).collect::<Result<Vec<_>, _>>()?;
    let connections = benches.iter_mut().map(runs::Bench::connections).collect::<Result<Vec<_>, _>>()?;
    let urls: Vec<_> = benches.iter().map(runs::Bench::url).collect();
    let owns_sfu = benches.iter().all(runs::Bench::owns_sfu);
    let mut results = report::Results::new(urls.first().copied().unwrap_or_default(), owns_sfu, connections);
    if !args.json {
        report::opening(&results)?;
    }
    for size in &args.sizes {
        for delivery in args.deliveries() {
            for bench in &mut benches {
                let run = bench.measure(*size as usize, *delivery, args)?;
                if !args.json {
                    report::row(&run)?;
                }
                results.runs.push(run);
            }
        }
    }
    if args.json { output::json(&results) } else { report::closing(&results) }
}
