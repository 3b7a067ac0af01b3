//! The examples run, against an SFU in this process. `cargo test` builds them, unless it is told which targets to build.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use farwire_sfu::Server;

fn sfu() -> Server {
    Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU")
}

/// An example with this SFU in its environment.
fn example(name: &str, sfu: &Server) -> Command {
    let test = env::current_exe().expect("a path");
    let directory = test.parent().and_then(|deps| deps.parent()).expect("the target's directory").join("examples");
    let mut command = Command::new(directory.join(name));
    command
        .env_remove("FARWIRE_PUBLISHER_SESSION")
        .env_remove("FARWIRE_CONNECT_TIMEOUT")
        .env("FARWIRE_URL", sfu.api_root())
        .env("FARWIRE_APP_ID", "app")
        .env("FARWIRE_APP_SECRET", "secret")
        .stdout(Stdio::piped());
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
