//! `farwire drive`: an operator, with the keys of a terminal or by a script.

mod attendance;
mod by_hand;
mod by_script;
mod by_watching;
mod cockpit;
mod joystick;
mod keys;
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use farwire_sim::operator::{FULL, Script, Sight};
use farwire_sim::{Velocity, parse_span};

use self::by_hand::{Ended, Hands};
use self::by_script::tell;
use self::cockpit::Cockpit;
use self::joystick::Joystick;
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
///   h and a digit    hand the robot over to one who watches it
///   q, Esc, Ctrl-C   leave; the robot stops
///
/// --view watches what the robot says, beside whoever drives it: nothing moves it or stops it. When
/// the robot is handed over, it stands until ENTER is pressed.
///
/// --joystick drives by the left stick, but only while its enable button is held (LB or L1 of a
/// gamepad, the trigger of a joystick); B or circle, or button 2, is the emergency stop, which only
/// r releases. One that is unplugged stops at once. A wireless one that is out of reach may go on
/// saying what it said last: its own receiver decides when it is gone.
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
    /// Only watch; without a terminal, or with --json, line by line until Ctrl-C
    #[arg(long, conflicts_with_all = ["takeover", "script", "forward", "turn", "lasts"])]
    view: bool,
    /// Drive by a joystick as well: any, or this device of /dev/input (Linux)
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, default_missing_value = joystick::ANY,
        conflicts_with_all = ["script", "forward", "turn", "lasts", "json"])]
    joystick: Option<String>,
    /// Speed of keys and joystick at 100 %, in m/s: the robot's own limit
    #[arg(long, value_name = "SPEED", default_value_t = FULL.linear, value_parser = parse_limit)]
    max_speed: f64,
    /// The same for turning, in rad/s
    #[arg(long, value_name = "SPEED", default_value_t = FULL.angular, value_parser = parse_limit)]
    max_turn: f64,
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
    /// With a script or --view: print one JSON object for each thing that is seen
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: Broker,
}

impl Args {
    /// How it is driven, or watched.
    fn mode(&self) -> Result<Mode, Failure> {
        let velocity = Velocity { linear: self.forward.unwrap_or_default(), angular: self.turn.unwrap_or_default() };
        if velocity.within(FULL) != velocity {
            return Err(Failure::usage(format_args!(
                "--forward goes to {} m/s, and --turn to {} rad/s",
                FULL.linear, FULL.angular
            )));
        }
        match (&self.script, self.lasts) {
            (Some(script), _) => Ok(Mode::Script(script.clone())),
            (None, Some(lasts)) => Ok(Mode::Script(Script::steady(velocity, lasts))),
            (None, None) if self.view && (self.json || !Terminal::is_there()) => Ok(Mode::Lines),
            (None, None) if self.json => {
                Err(Failure::usage("--json is for a --script, --forward and --for, or --view"))
            }
            (None, None) if !Terminal::is_there() => Err(Failure::usage(
                "there is no terminal to drive from: pass --script \"forward 2s, stop 1s\", or --forward 0.5 --for 3s",
            )),
            (None, None) => Ok(Mode::Hands),
        }
    }
}

/// What drives or watches.
enum Mode {
    Script(Script),
    Hands,
    /// What is seen, line by line.
    Lines,
}

fn parse_limit(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(limit) if (0.01..=20.0).contains(&limit) => Ok(limit),
        _ => Err("a limit is from 0.01 to 20".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mode = args.mode()?;
    let joystick = args.joystick.as_deref().filter(|_| matches!(mode, Mode::Hands)).map(Joystick::open).transpose()?;
    let (config, credential) = args.broker.operator(args.token_file.as_deref())?;
    let config = config.connect_timeout(ATTEMPT);
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
    let robot = config.robot.clone();
    let full = Velocity { linear: args.max_speed, angular: args.max_turn };
    let mut hands = Hands { robot: robot.as_deref(), hz: args.hz, full, view: args.view, joystick };
    let mut takeover = args.takeover;
    loop {
        let config = config.clone().takeover(takeover).view(hands.view);
        let waiting = |why: &str| say(&Sight::Waiting { why: why.to_owned() });
        let Some(connection) = dial(&config, &credential, &interrupt, waiting)? else { return Ok(()) };
        let mut cockpit = Cockpit::new(connection, &credential.broker, args.hz)?;
        if !matches!(mode, Mode::Hands) {
            tell(&Sight::Connected, args.json)?;
        }
        let ended = match &mode {
            Mode::Script(script) => {
                by_script::drive(&mut cockpit, script, args.hz, args.json, &interrupt).map(|()| Ended::Left)
            }
            Mode::Lines => by_watching::watch(&mut cockpit, args.hz, args.json, &interrupt).map(|()| Ended::Left),
            Mode::Hands => by_hand::drive(&mut cockpit, &mut hands, &interrupt),
        };
        // However it ended, the robot hears that it is over, if it hears anything.
        cockpit.leave();
        if ended? == Ended::Left {
            return Ok(());
        }
        output::note("the robot is handed over; from here on you watch it");
        (hands.view, takeover) = (true, false);
    }
}
