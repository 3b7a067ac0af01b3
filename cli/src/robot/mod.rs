//! `farwire robot`: a simulated robot that an operator can drive.

mod pulse;
mod teller;

use std::path::PathBuf;
use std::time::Duration;

use farwire_sim::parse_span;
use farwire_sim::robot::Change;

use self::pulse::Pulse;
use self::teller::Teller;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::parse_control_hz;
use crate::teleop::{ATTEMPT, Broker, dial};

/// Run a simulated robot that `farwire drive` drives, until Ctrl-C
///
/// It dials the broker with its key and obeys the operator's commands in a room with walls, a shelf and a table. Without a
/// fresh command, without an operator or with the emergency stop engaged, it stands. On the machine of a `farwire serve` it
/// finds broker and key by itself; elsewhere, set FARWIRE_BROKER and FARWIRE_ROBOT_KEY.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What operators are shown
    #[arg(long, default_value = "simulated robot")]
    name: String,
    /// Reports per second
    #[arg(long, default_value = "10", value_parser = parse_control_hz)]
    hz: f64,
    /// Stop when no fresh command came for this long
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = parse_span)]
    stale_after: Duration,
    /// Read the robot key from a file instead of FARWIRE_ROBOT_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print one JSON object per change
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: Broker,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let (config, credential) = args.broker.robot(args.key_file.as_deref())?;
    let config = config.robot_name(&args.name).connect_timeout(ATTEMPT);
    let interrupt = Interrupt::install()?;
    let teller = Teller::new(args.json);
    if !args.json {
        output::note(format_args!("dialing {}", credential.broker));
    }
    let waiting = |why: &str| teller.tell(&Change::Waiting { why: why.to_owned() });
    let Some(connection) = dial(&config, &credential, &interrupt, waiting)? else { return Ok(()) };
    teller.tell(&Change::Connected { broker: credential.broker.clone() })?;
    let mut pulse = Pulse::new(args, &connection, &credential.broker, teller)?;
    let driven = pulse.run(&interrupt);
    connection.close();
    driven?;
    pulse.conclude();
    output::note("stopped");
    Ok(())
}
