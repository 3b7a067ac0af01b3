//! `farwire drive`: an operator, with the keys of a terminal or by a script.

mod by_hand;
mod by_script;
mod cockpit;
mod keys;
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use farwire_sim::operator::{FULL, Script, Sight};
use farwire_sim::{Velocity, parse_span};

use self::by_script::tell;
use self::cockpit::Cockpit;
use self::terminal::Terminal;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::parse_control_hz;
use crate::teleop::{ATTEMPT, Broker, dial};

/// For what was said last to arrive.
const FLUSH: Duration = Duration::from_secs(1);

/// Drive a robot from this terminal, or by a script
///
///   arrows or WASD   drive and turn, while held
///   SPACE            emergency stop: the robot stands until it is released
///   r                releases the emergency stop
///   + -              faster, slower
///   q, Esc, Ctrl-C   leave; the robot stops
///
/// A terminal tells no release: a press counts for a quarter of a second, and while a key is held
/// its repeats keep it up.
///
/// It waits for the broker and the robot if they are not there yet. On the machine of a
/// `farwire serve` it finds the broker and a token by itself; elsewhere, set FARWIRE_BROKER and
/// FARWIRE_OPERATOR_TOKEN.
///
/// A script needs no terminal:
///
///   farwire drive --script "forward 2s, left 1s, forward 0.3 left 0.5 2s, stop 1s, estop, release"
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The robot's id [default: the only one that the token is for]
    #[arg(long, env = "FARWIRE_ROBOT", hide_env_values = true, value_name = "ID")]
    robot: Option<String>,
    /// Take the robot from whoever operates it now
    #[arg(long)]
    takeover: bool,
    /// Commands per second
    #[arg(long, default_value = "20", value_parser = parse_control_hz)]
    hz: f64,
    /// Read the operator token from a file instead of FARWIRE_OPERATOR_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Drive these steps instead of listening to keys; see above
    #[arg(long, value_name = "STEPS", value_parser = Script::parse, conflicts_with_all = ["forward", "turn", "lasts"])]
    script: Option<Script>,
    /// Drive forward at this speed in m/s instead of listening to keys; less than 0 is back
    #[arg(long, value_name = "SPEED", requires = "lasts", allow_negative_numbers = true)]
    forward: Option<f64>,
    /// Turn left at this speed in rad/s; less than 0 is right
    #[arg(long, value_name = "SPEED", requires = "lasts", allow_negative_numbers = true)]
    turn: Option<f64>,
    /// How long --forward and --turn take
    #[arg(long = "for", id = "lasts", value_name = "TIME", value_parser = parse_span)]
    lasts: Option<Duration>,
    /// With a script: print one JSON object for each thing that is seen
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: Broker,
}

impl Args {
    /// The script, however it was given; `None` for the keys of a terminal.
    fn script(&self) -> Result<Option<Script>, Failure> {
        let velocity = Velocity { linear: self.forward.unwrap_or_default(), angular: self.turn.unwrap_or_default() };
        if velocity.within(FULL) != velocity {
            return Err(Failure::usage(format_args!(
                "--forward goes to {} m/s, and --turn to {} rad/s",
                FULL.linear, FULL.angular
            )));
        }
        match (&self.script, self.lasts) {
            (Some(script), _) => Ok(Some(script.clone())),
            (None, Some(lasts)) => Ok(Some(Script::steady(velocity, lasts))),
            (None, None) if self.json => Err(Failure::usage("--json is for a --script, or --forward and --for")),
            (None, None) if !Terminal::is_there() => Err(Failure::usage(
                "there is no terminal to drive from: pass --script \"forward 2s, stop 1s\", or --forward 0.5 --for 3s",
            )),
            (None, None) => Ok(None),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let script = args.script()?;
    let (config, credential) = args.broker.operator(args.token_file.as_deref())?;
    let config = config.takeover(args.takeover).connect_timeout(ATTEMPT);
    let config = match args.robot.as_deref().filter(|robot| !robot.is_empty()) {
        Some(robot) => config.robot(robot),
        None => config,
    };
    let interrupt = Interrupt::install_with(terminal::restore)?;
    let say = |sight: &Sight| match args.json {
        true => output::json(sight),
        false => {
            output::note(sight);
            Ok(())
        }
    };
    if !args.json {
        output::note(format_args!("dialing {}", credential.broker));
    }
    let waiting = |why: &str| say(&Sight::Waiting { why: why.to_owned() });
    let Some(connection) = dial(&config, &credential, &interrupt, waiting)? else { return Ok(()) };
    let mut cockpit = Cockpit::new(connection, &credential.broker, args.hz)?;
    let driven = match &script {
        Some(script) => {
            tell(&Sight::Connected, args.json)?;
            by_script::drive(&mut cockpit, script, args.hz, args.json, &interrupt)
        }
        None => by_hand::drive(&mut cockpit, config.robot.as_deref(), args.hz, &interrupt),
    };
    // However it ended, the robot hears that it is over, if it hears anything.
    cockpit.leave();
    driven
}
