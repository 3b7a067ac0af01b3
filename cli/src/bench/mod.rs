//! `farwire bench`: what a message costs, with publisher, SFU and subscriber in a process each.
//!
//! The parent measures nothing itself. It settles what is to be measured ([`plan`]), starts the workers ([`worker`]), tells
//! them over stdin what to do next ([`protocol`]) and shows what they answer ([`table`], [`heat`]).

mod child;
mod heat;
mod outcome;
mod payload;
mod plan;
mod protocol;
mod publisher;
mod runs;
mod subscriber;
mod table;
mod wire;
mod worker;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::output;
use crate::settings::Target;

use self::heat::{Svg, SvgFile};
use self::outcome::{Cell, Outcome, Results};
use self::plan::{Knobs, Plan};
use self::runs::Bench;
use self::wire::Driver;

pub(crate) use worker::{Args as WorkerArgs, run as work};

/// As many failures in a row are no accident: what follows would fail as well.
const GIVE_UP: u32 = 2;

/// Measure throughput, loss, CPU per message and round trips through an SFU
///
/// Publisher, SFU and subscriber are three processes. The SFU is farwire's own, unless you name another one with --url
/// or FARWIRE_URL. For each size and delivery there is a throughput run (as fast as the publisher may) and a ping-pong
/// run (1,000 times a second, or as often as the round trip allows). What is too large for the SFU or a subscriber is
/// said to be so. MB are millions of bytes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knobs: Knobs,
    /// The drivers to measure, side by side
    #[arg(long, value_name = "DRIVER,…", value_delimiter = ',', default_value = "blocking")]
    drivers: Vec<Driver>,
    /// Draw heat maps into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let plan = args.knobs.plan(|name| std::env::var(name).ok())?;
    let svg = args.svg.as_deref().map(SvgFile::find).transpose()?;
    if cfg!(debug_assertions) {
        output::note(
            "note: this is a debug build, so the numbers mean little: use `cargo run --profile dist -- bench`",
        );
    }
    let sfu = if args.target.is_given() { Some(args.target.resolve()?) } else { None };
    let mut benches =
        args.drivers.iter().map(|driver| Bench::start(*driver, sfu.clone())).collect::<Result<Vec<_>, _>>()?;
    let connections = benches.iter_mut().map(Bench::connections).collect::<Result<Vec<_>, _>>()?;
    let urls: Vec<_> = benches.iter().map(Bench::url).collect();
    let owns_sfu = benches.iter().all(Bench::owns_sfu);
    let mut results = Results::new(urls.first().copied().unwrap_or_default(), owns_sfu, plan.clone(), connections);
    if !args.json {
        table::opening(&results)?;
    }
    // What was measured before an end that nobody wished for is shown all the same.
    let measured = measure(&mut benches, &plan, |cell| {
        if !args.json {
            table::row(&cell)?;
        }
        results.cells.push(cell);
        Ok(())
    });
    if args.json {
        output::json(&results)?;
    } else {
        table::closing(&results)?;
        if args.knobs.matrix {
            heat::print(&results)?;
        }
    }
    if let Some(svg) = svg {
        svg.write(&Svg(&results).to_string())?;
    }
    measured?;
    judge(&results)
}

/// Measures everything in its order, and goes on after a failure.
fn measure(
    benches: &mut [Bench],
    plan: &Plan,
    mut found: impl FnMut(Cell) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failures = 0;
    for size in &plan.sizes {
        for delivery in plan.deliveries {
            for bench in &mut *benches {
                let size = *size as usize;
                let outcome = bench.measure(size, *delivery, plan).or_else(|failure| match failure {
                    Failure::OutputClosed => Err(failure),
                    _ => Ok(Outcome::Failed { why: failure.to_string() }),
                })?;
                failures = if matches!(outcome, Outcome::Failed { .. }) { failures + 1 } else { 0 };
                found(Cell::new(bench.driver(), size, *delivery, outcome))?;
                match failures {
                    0 => {}
                    GIVE_UP.. => return Ok(()),
                    _ => bench.restart()?,
                }
            }
        }
    }
    Ok(())
}

/// Whether the benchmark did what it was asked for.
fn judge(results: &Results) -> Result<(), Failure> {
    let failed = results.cells.iter().filter_map(|cell| match &cell.outcome {
        Outcome::Failed { why } => Some(why),
        _ => None,
    });
    if let Some(why) = failed.clone().next_back() {
        return Err(Failure::failed(format_args!("{} of {} failed: {why}", failed.count(), results.cells.len())));
    }
    match results.cells.last() {
        Some(Cell { size, outcome: Outcome::TooLarge { limit_bytes }, .. })
            if results.cells.iter().all(|cell| cell.run().is_none()) =>
        {
            Err(Failure::failed(format_args!(
                "nothing was measured: {size} bytes is larger than the {limit_bytes} bytes that a message may have"
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use farwire::Delivery;

    use super::*;

    fn judged(outcomes: impl IntoIterator<Item = Outcome>) -> Result<(), String> {
        let mut results = outcome::tests::results();
        let cell = |outcome| Cell::new(Driver::Blocking, 300_000, Delivery::LOSSY, outcome);
        results.cells = outcomes.into_iter().map(cell).collect();
        judge(&results).map_err(|failure| failure.to_string())
    }

    fn measured() -> Outcome {
        Outcome::Measured(Box::new(outcome::tests::run(1.0, 0.0, 1.0, None)))
    }

    #[test]
    fn too_large_is_a_failure_only_of_who_asked_for_nothing_else() {
        let too_large = || Outcome::TooLarge { limit_bytes: 262_144 };
        assert_eq!(judged([measured(), too_large()]), Ok(()));
        let why = judged([too_large(), too_large()]).expect_err("nothing");
        assert!(why.contains("300000 bytes is larger than the 262144 bytes"), "{why}");
    }

    #[test]
    fn a_failure_is_one_whatever_else_was_measured() {
        let failed = |why: &str| Outcome::Failed { why: why.to_owned() };
        let why = judged([measured(), failed("first"), failed("second")]).expect_err("failures");
        assert_eq!(why, "2 of 3 failed: second");
    }
}
