//! The examples run, against servers in this process. `cargo test` builds them, unless it is told which targets to build.

mod servers;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use farwire_sfu::Server;

use crate::servers::{OwnBroker, sfu};

/// An example without settings.
fn bare(name: &str) -> Command {
    let test = env::current_exe().expect("a path");
    let directory = test.parent().and_then(|deps| deps.parent()).expect("the target's directory").join("examples");
    let mut command = Command::new(directory.join(name));
    for variable in ["FARWIRE_PUBLISHER_SESSION", "FARWIRE_CONNECT_TIMEOUT", "FARWIRE_ROBOT"] {
        command.env_remove(variable);
    }
    command.stdout(Stdio::piped());
    command
}

/// An example with this SFU in its environment.
fn example(name: &str, sfu: &Server) -> Command {
    let mut command = bare(name);
    command
        .env("FARWIRE_URL", sfu.api_root())
        .env("FARWIRE_APP_ID", servers::APP)
        .env("FARWIRE_APP_SECRET", servers::SECRET);
    command
}

/// What it prints, line by line, when it has succeeded.
fn printed(mut example: Command) -> Vec<String> {
    let output = example.output().expect("cargo build --examples has built it");
    assert!(output.status.success(), "{example:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn robot() {
    let sfu = sfu();
    let mut robot = example("robot", &sfu);
    robot.arg("20");
    assert_eq!(printed(robot), ["20 steps"]);
}

#[test]
fn custom_message() {
    let sfu = sfu();
    let mut example = example("custom_message", &sfu);
    example.arg("3");
    assert_eq!(printed(example), ["[40.0, 38.0]", "[41.0, 38.0]", "[42.0, 38.0]"]);
}

#[test]
fn meet() {
    let sfu = sfu();
    let mut robot = example("meet", &sfu).arg("robot").spawn().expect("cargo build --examples has built it");
    let mut session = String::new();
    BufReader::new(robot.stdout.take().expect("it is piped")).read_line(&mut session).expect("a line");
    let mut operator = example("meet", &sfu);
    operator.args(["operator", session.trim(), "5"]);
    let heard = printed(operator);
    robot.kill().expect("it runs until then");
    robot.wait().expect("it has ended");
    assert_eq!(heard.len(), 5);
    // It came in the middle, and missed nothing from then on.
    let numbers: Vec<u32> =
        heard.iter().map(|event| event.strip_prefix("event ").expect("an event").parse().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|a, b| a + 1 == *b), "{heard:?}");
}

#[test]
fn service() {
    let sfu = sfu();
    assert_eq!(printed(example("service", &sfu)), ["heard 1 bytes", "heard 2 bytes", "heard 3 bytes"]);
}

#[test]
fn teleoperated_by_an_operator() {
    let broker = OwnBroker::new();
    let mut robot = bare("teleoperated");
    robot.arg("5").env("FARWIRE_BROKER", broker.url()).env("FARWIRE_ROBOT_KEY", broker.robot_key());
    let mut robot = robot.spawn().expect("cargo build --examples has built it");
    let mut lines = BufReader::new(robot.stdout.take().expect("it is piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "waiting for an operator");
    let mut operator = bare("operator");
    operator.arg("3").env("FARWIRE_BROKER", broker.url()).env("FARWIRE_OPERATOR_TOKEN", broker.operator_token());
    let told = printed(operator);
    assert!(told[0].starts_with("round trip to the robot: "), "{told:?}");
    assert_eq!(lines.next().expect("a line").expect("text"), "moved 5 steps");
    assert!(robot.wait().expect("it has ended").success());
}
