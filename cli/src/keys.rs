//! `farwire keys`: who may dial the broker.

use std::collections::BTreeSet;

use clap::Subcommand;
use farwire_broker::{AdminAnswer, AdminRequest, Grant, KeyId, KeyInfo, RobotId, Scope, Server, administer};
use serde::Serialize;

use crate::failure::Failure;
use crate::output;
use crate::state::{StateFile, unix_time};

/// Create, list and revoke robot keys and operator tokens of a broker
///
/// Works on the state file of a `farwire serve`, whether it runs or not; what it does takes effect at once. A secret is
/// shown when it is made, and never again: the file has only its hash.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    state: StateFile,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Make a robot key or an operator token
    #[command(subcommand)]
    Create(Create),
    /// List all keys and tokens, with what they allow
    List,
    /// Revoke a key or token for good; the sessions that it made end
    Revoke {
        /// Its id, as `farwire keys list` shows it
        id: String,
    },
}

#[derive(Subcommand)]
enum Create {
    /// A key with which one robot registers
    Robot {
        /// The robot's id: 1 to 128 characters of A-Z a-z 0-9 _ . - @ : + ~
        robot: String,
        /// What to call the key in lists
        #[arg(long, default_value = "")]
        label: String,
    },
    /// A token with which an operator joins robots
    Operator {
        /// A robot that it may operate; several times for several robots
        #[arg(long = "robot", value_name = "ROBOT", required_unless_present = "all", conflicts_with = "all")]
        robots: Vec<String>,
        /// It may operate every robot, also those to come
        #[arg(long)]
        all: bool,
        /// What to call the token in lists
        #[arg(long, default_value = "")]
        label: String,
    },
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let request = match &args.command {
        Command::Create(Create::Robot { robot, label }) => {
            AdminRequest::Create { grant: Grant::Robot(id(robot)?), label: label.clone() }
        }
        Command::Create(Create::Operator { robots, all, label }) => {
            let scope = match all {
                true => Scope::All,
                false => Scope::Robots(robots.iter().map(|robot| id(robot)).collect::<Result<BTreeSet<_>, _>>()?),
            };
            AdminRequest::Create { grant: Grant::Operator(scope), label: label.clone() }
        }
        Command::List => AdminRequest::List,
        Command::Revoke { id } => AdminRequest::Revoke { id: KeyId::new(id) },
    };
    let path = args.state.path()?;
    let asked = Server::ask(&path, &request).map_err(|error| {
        Failure::failed(format_args!("the broker on {} does not answer: {error}; try again", path.display()))
    })?;
    let answer = match asked {
        Some(answer) => answer,
        None if !path.exists() && !matches!(request, AdminRequest::Create { .. }) => {
            return Err(Failure::failed(format_args!(
                "there is no state file {}: start `farwire serve` once, or pass --state FILE",
                path.display()
            )));
        }
        None => administer(&args.state.open()?, request, unix_time()).map_err(Failure::failed)?,
    };
    show(answer, args.json)
}

fn id(robot: &str) -> Result<RobotId, Failure> {
    RobotId::new(robot).map_err(Failure::usage)
}

#[derive(Serialize)]
struct Created<'a> {
    secret: &'a str,
    #[serde(flatten)]
    key: &'a KeyInfo,
}

fn show(answer: AdminAnswer, json: bool) -> Result<(), Failure> {
    match answer {
        AdminAnswer::Created { key, secret } if json => output::json(&Created { secret: &secret, key: &key }),
        AdminAnswer::Created { key, secret } => {
            let (what, variable) = match key.grant {
                Grant::Robot(_) => ("robot key", "FARWIRE_ROBOT_KEY"),
                _ => ("operator token", "FARWIRE_OPERATOR_TOKEN"),
            };
            output::note(format_args!("{what} {} for {}; it is not shown again:", key.id, allows(&key.grant)));
            output::line(format_args!("export {variable}={secret}"))
        }
        AdminAnswer::Keys(keys) if json => keys.iter().try_for_each(output::json),
        AdminAnswer::Keys(keys) => {
            if keys.is_empty() {
                output::note("there are no keys yet: `farwire keys create robot ROBOT` makes one");
            }
            keys.iter().try_for_each(|key| output::line(row(key)))
        }
        AdminAnswer::Revoked(key) if json => output::json(&key),
        AdminAnswer::Revoked(key) => output::line(format_args!("revoked {} ({})", key.id, allows(&key.grant))),
        AdminAnswer::RevokedUntilRestart { key, why } => {
            if json {
                output::json(&key)?;
            }
            Err(Failure::failed(format_args!(
                "{} ({}) is refused from now on, but the broker's file does not say so yet ({why}): should the broker end \
                 now, the key is good again; it is tried again every second, and `farwire keys list` tells when it is done",
                key.id,
                allows(&key.grant)
            )))
        }
        AdminAnswer::Refused(why) => Err(Failure::failed(why)),
        _ => Err(Failure::failed("the broker is newer than this command, and its answer unknown")),
    }
}

fn row(key: &KeyInfo) -> String {
    let state = if key.revoked.is_some() { "revoked" } else { "good" };
    let label = if key.label.is_empty() { String::new() } else { format!("  {}", key.label) };
    let unwritten = if key.unwritten { "  (not yet on disk)" } else { "" };
    format!("{}  {state:<7}  {}{label}{unwritten}", key.id, allows(&key.grant))
}

/// What a key lets its holder do, in words.
fn allows(grant: &Grant) -> String {
    match grant {
        Grant::Robot(robot) => format!("robot {robot}"),
        Grant::Operator(scope) => format!("operator of {scope}"),
        _ => "something that this command does not know".to_owned(),
    }
}
