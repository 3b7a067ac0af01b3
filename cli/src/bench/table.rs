//! The table that grows while the benchmark goes on.

use super::outcome::{Cell, Connections, Outcome, Results, Run};
use crate::failure::Failure;
use crate::output;

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
    output::line(format_args!("{:55}  {:-^31}  {:-^37}", "", " CPU us per message ", " round trip us "))?;
    output::line(format_args!(
        "{:<8} {:>8} {:<9} {:>10} {:>7} {:>8}  {:>7} {:>7} {:>7} {:>7}  {:>7} {:>7} {:>7} {:>7} {:>5}",
        "driver",
        "bytes",
        "delivery",
        "messages/s",
        "MB/s",
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

/// One cell, as soon as it is known.
pub(super) fn row(cell: &Cell) -> Result<(), Failure> {
    let Cell { driver, size, delivery, outcome } = cell;
    let found = match outcome {
        Outcome::Measured(run) => numbers(run),
        Outcome::TooLarge { limit_bytes } => format!("too large: a message there has {limit_bytes} bytes at most"),
        Outcome::Failed { why } => format!("failed: {why}"),
    };
    output::line(format_args!("{:<8} {size:>8} {delivery:<9} {found}", driver.as_str()))
}

fn numbers(run: &Run) -> String {
    let Run { cpu_us_per_message: cpu, round_trip_us: trip, .. } = run;
    let tenth = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let whole = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    format!(
        "{:>10} {:>7.1} {:>8}  {:>7.1} {:>7} {:>7.1} {:>7}  {:>7} {:>7} {:>7} {:>7} {:>5}",
        run.messages_per_s,
        run.megabytes_per_s,
        format!("{:.2} %", run.loss_percent),
        cpu.publisher,
        tenth(cpu.sfu),
        cpu.subscriber,
        tenth(cpu.sum),
        whole(trip.p50),
        whole(trip.p90),
        whole(trip.p99),
        whole(trip.max),
        trip.lost,
    )
}

/// What a reader of the table may wonder about.
pub(super) fn closing(results: &Results) -> Result<(), Failure> {
    if !results.own_sfu {
        output::line("\nThe SFU is not ours, so its CPU is unknown.")?;
    }
    let loses = |cell: &Cell| cell.delivery == "lossy" && cell.run().is_some_and(|run| run.lost > 0);
    if results.cells.iter().any(loses) {
        output::line(
            "\nA lossy publisher is not held back by a slower subscriber: --rate HZ finds the rate without loss.",
        )?;
    }
    Ok(())
}
