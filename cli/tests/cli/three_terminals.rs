//! `farwire serve`, `farwire robot` and `farwire drive`: each may die, and none of the others has to be touched.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Running, Scratch};

/// Only bounds a hang.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// A circle, for longer than any test takes.
const CIRCLE: [&str; 8] = ["drive", "--json", "--forward", "0.3", "--turn", "0.6", "--for", "10000s"];

const ROBOT: [&str; 2] = ["robot", "--json"];

pub(crate) fn start(scratch: &Scratch, args: &[&str]) -> Running {
    Running::start(scratch.farwire(args))
}

pub(crate) fn serve(scratch: &Scratch, http: &str) -> (Running, Value) {
    let mut serve = start(scratch, &["serve", "--http", http, "--json", "--log", "off"]);
    let ready = parsed(&serve.line(SOON));
    (serve, ready)
}

pub(crate) fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
}

/// Reads on to the first of these events, and answers all that were passed on the way, it included.
pub(crate) fn until(running: &mut Running, events: &[&str]) -> Vec<Value> {
    let deadline = Instant::now() + SOON;
    let mut seen = Vec::new();
    loop {
        let line = parsed(&running.line(deadline.saturating_duration_since(Instant::now())));
        let found = line["event"].as_str().is_some_and(|event| events.contains(&event));
        seen.push(line);
        if found {
            return seen;
        }
    }
}

pub(crate) fn has(seen: &[Value], events: &[&str]) -> bool {
    seen.iter().any(|line| line["event"].as_str().is_some_and(|event| events.contains(&event)))
}

/// Ends it as a crash does.
fn kill(running: Running) {
    running.signal(Signal::KILL);
    drop(running);
}

#[test]
fn any_of_the_three_may_be_killed_and_comes_back() {
    let scratch = Scratch::new();
    let (broker, ready) = serve(&scratch, "127.0.0.1:0");
    let mut robot = start(&scratch, &ROBOT);
    until(&mut robot, &["connected"]);
    let drive = start(&scratch, &CIRCLE);
    until(&mut robot, &["driving"]);

    kill(drive);
    let stopped = until(&mut robot, &["stands"]);
    assert!(has(&stopped, &["stale", "operator_lost"]), "{stopped:#?}");
    let mut drive = start(&scratch, &CIRCLE);
    until(&mut robot, &["driving"]);

    // A robot that is not there does not move; that it is not there is told.
    kill(robot);
    until(&mut drive, &["robot_lost", "reconnecting"]);
    let mut robot = start(&scratch, &ROBOT);
    until(&mut robot, &["driving"]);

    kill(broker);
    let stopped = until(&mut robot, &["stands"]);
    assert!(has(&stopped, &["stale", "operator_lost"]), "{stopped:#?}");
    let url = ready["broker"].as_str().expect("a URL");
    let (_broker, again) = serve(&scratch, url.trim_start_matches("http://"));
    assert_eq!(again["broker"], url);
    let back = until(&mut robot, &["driving"]);
    assert!(has(&back, &["connected"]) && has(&back, &["operator_came"]), "{back:#?}");

    // The last that the operator says is that the robot shall stand, and it leaves.
    drive.signal(Signal::INT);
    let done = drive.end(SOON).expect(0).stdout;
    assert!(done.lines().last().is_some_and(|line| parsed(line)["event"] == "done"), "{done}");
    until(&mut robot, &["operator_lost"]);
    robot.signal(Signal::INT);
    robot.end(SOON).expect(0);
}

#[test]
fn an_emergency_stop_stops_and_is_released() {
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let mut robot = start(&scratch, &ROBOT);
    until(&mut robot, &["connected"]);
    let steps = "forward 0.3 left 0.6 2s, estop 2s, forward 1s, release 1s, forward 0.3 left 0.6 1s";
    let drive = start(&scratch, &["drive", "--json", "--script", steps]);
    let stopped = until(&mut robot, &["estop_released"]);
    let names: Vec<&str> = stopped.iter().filter_map(|line| line["event"].as_str()).collect();
    let at =
        |name: &str| names.iter().position(|event| *event == name).unwrap_or_else(|| panic!("no {name}: {names:?}"));
    assert!(at("driving") < at("estop_engaged") && at("estop_engaged") < at("stands"), "{names:?}");
    // Nothing moved it before it was released.
    assert!(!names[at("stands")..].contains(&"driving"), "{names:?}");
    until(&mut robot, &["driving"]);

    let seen: Vec<Value> = drive.end(SOON).expect(0).stdout.lines().map(parsed).collect();
    let acknowledged =
        |engaged: bool| seen.iter().any(|line| line["event"] == "estop_acknowledged" && line["engaged"] == engaged);
    assert!(acknowledged(true) && acknowledged(false), "{seen:#?}");
    let states: Vec<&str> = seen.iter().filter_map(|line| line["state"].as_str()).collect();
    assert!(states.contains(&"driving") && states.contains(&"estopped"), "{states:?}");
    let telemetry = seen.iter().find_map(|line| line.get("telemetry")).expect("telemetry");
    assert!(telemetry["odometry"]["pose"]["position"]["x"].is_number(), "{telemetry}");
}

#[test]
fn the_first_keys_lie_where_only_their_owner_finds_them() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let [local, state] = ["local_keys", "state"].map(|name| ready[name].as_str().expect("a path"));
    let mode = std::fs::metadata(local).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let [left, kept] = [local, state].map(|path| std::fs::read(path).expect("readable"));
    for secret in ["robot_key", "operator_token"].map(|name| ready[name].as_str().expect("a secret").as_bytes()) {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(holds(&left) && !holds(&kept));
    }

    let other = Scratch::new();
    let mut serve = start(&other, &["serve", "--http", "127.0.0.1:0", "--json", "--no-local-keys"]);
    let ready = parsed(&serve.line(SOON));
    assert!(ready.get("local_keys").is_none() && ready["robot_key"].is_string());
    let lost = start(&other, &ROBOT).end(SOON).expect(2).stderr;
    assert!(lost.contains("FARWIRE_ROBOT_KEY") && lost.contains("--key-file"), "{lost}");
}

#[test]
fn a_wrong_key_is_an_error_at_once() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let broker = ready["broker"].as_str().expect("a URL");
    for (args, variable) in [(&CIRCLE[..], "FARWIRE_OPERATOR_TOKEN"), (&ROBOT[..], "FARWIRE_ROBOT_KEY")] {
        let mut command = scratch.farwire(args);
        command.env(variable, "hunter2").env("FARWIRE_BROKER", broker);
        let ended = Running::start(command).end(SOON).expect(1);
        assert!(ended.stderr.contains(variable) && ended.stderr.contains("refuses"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{ended:#?}");
    }
    // DimOS's variables are read where farwire's are not set.
    for (args, variable) in [(&CIRCLE[..], "TELEOP_OPERATOR_TOKEN"), (&ROBOT[..], "TRANSPORTS__BROKER__API_KEY")] {
        let mut command = scratch.farwire(args);
        command.env(variable, "hunter2").env("TRANSPORTS__BROKER__BROKER_URL", broker);
        let ended = Running::start(command).end(SOON).expect(1);
        assert!(ended.stderr.contains(variable) && ended.stderr.contains("refuses"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{ended:#?}");
    }
    // What lies around is for its own broker.
    let far = start(&scratch, &["robot", "--broker", "http://127.0.0.1:9"]).end(SOON).expect(2).stderr;
    assert!(far.contains("http://127.0.0.1:9") && far.contains(broker), "{far}");
}

#[test]
fn an_operator_waits_for_its_robot() {
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let mut drive = start(&scratch, &CIRCLE);
    let waiting = until(&mut drive, &["waiting"]);
    assert!(waiting[0]["why"].as_str().is_some_and(|why| why.contains("robot")), "{waiting:#?}");
    let mut robot = start(&scratch, &ROBOT);
    until(&mut robot, &["driving"]);
}
