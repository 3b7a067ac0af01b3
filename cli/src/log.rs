//! What goes on, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;

/// Logs what farwire's own crates say: the libraries under them log session descriptions, which hold credentials.
pub(crate) fn start(level: &str) -> Result<(), Failure> {
    let level: LevelFilter = level.parse().map_err(Failure::usage)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let farwire_only = Targets::new().with_target("farwire", level);
    tracing_subscriber::registry().with(lines.with_filter(farwire_only)).try_init().map_err(Failure::failed)
}
