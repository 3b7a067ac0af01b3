//! `farwire serve` as a broker, and `farwire keys`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::process::{Running, Scratch};
use farwire_core::link::{Link, Role};
use rustix::process::Signal;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
}

fn serve(scratch: &Scratch) -> (Running, Value) {
    let mut serve = Running::start(scratch.farwire(&["serve", "--http", "127.0.0.1:0", "--json"]));
    let ready = json(&serve.line(SOON));
    (serve, ready)
}

fn keys(scratch: &Scratch, args: &[&str]) -> crate::process::Ended {
    Running::start(scratch.farwire(&[&["keys"], args].concat())).end(SOON)
}

/// The status of a request.
fn status(broker: &str, request: &str, header: &str) -> u16 {
    ask(broker, request, header, "").0
}

/// The status and the body that a request is answered with.
fn ask(broker: &str, request: &str, header: &str, body: &str) -> (u16, String) {
    let address = broker.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let length = body.len();
    let head =
        format!("{request} HTTP/1.1\r\nHost: localhost\r\n{header}\r\nContent-Length: {length}\r\nConnection: close");
    write!(stream, "{head}\r\n\r\n{body}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"));
    (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

#[test]
fn the_first_start_gives_keys_and_later_ones_know_them() {
    let scratch = Scratch::new();
    let (running, ready) = serve(&scratch);
    let (broker, key) = (ready["broker"].as_str().expect("a URL"), ready["robot_key"].as_str().expect("a key"));
    let token = ready["operator_token"].as_str().expect("a token").to_owned();
    let robot = format!("X-Robot-API-Key: {key}");
    assert_eq!(status(broker, "GET /api/v1/sessions/turn-credentials", &robot), 200);
    assert_eq!(status(broker, "GET /api/v1/sessions", &format!("Authorization: Bearer {token}")), 200);
    assert_eq!(status(broker, "GET /api/v1/sessions", &robot), 401);
    let (counters, text) = ask(broker, "GET /metrics", "X: y", "");
    assert_eq!((counters, text.matches("# EOF\n").count(), text.ends_with("# EOF\n")), (200, 1, true), "{text}");
    assert!(text.contains("\nfarwire_sfu_sessions 0\n") && text.contains("\nfarwire_broker_robots 0\n"), "{text}");
    assert_eq!(status(broker, "POST /v1/apps/farwire/sessions/new", "Authorization: Bearer farwire-local"), 201);

    // Who has the state file has the say, also over a broker that runs.
    let made = json(&keys(&scratch, &["create", "robot", "rover", "--label", "spare", "--json"]).expect(0).stdout);
    let rover = format!("X-Robot-API-Key: {}", made["secret"].as_str().expect("a secret"));
    assert_eq!(status(broker, "GET /api/v1/sessions/turn-credentials", &rover), 200);
    let list = keys(&scratch, &["list"]).expect(0).stdout;
    assert!(list.contains("robot rover  spare") && list.contains("operator of all robots"), "{list}");
    assert!(!list.contains("farwire_"), "{list}");
    let id = made["id"].as_str().expect("an id");
    assert!(keys(&scratch, &["revoke", id]).expect(0).stdout.contains("robot rover"));
    assert_eq!(status(broker, "GET /api/v1/sessions/turn-credentials", &rover), 401);
    assert!(keys(&scratch, &["revoke", "12345678"]).expect(1).stderr.contains("farwire keys list"));
    let state = ready["state"].as_str().expect("a path");
    let second = ["serve", "--http", "127.0.0.1:0", "--state", state];
    let second = Running::start(scratch.farwire(&second)).end(SOON).expect(1).stderr;
    assert!(second.contains("in use") && second.contains("--state"), "{second}");
    // Who did not ask for a broker gets an SFU.
    let (second, alone) = serve(&scratch);
    assert!(alone.get("broker").is_none() && alone["api_root"].is_string(), "{alone}");
    drop(second);

    running.signal(Signal::TERM);
    let ended = running.end(SOON).expect(0);
    assert!(!ended.stderr.contains("farwire_"), "no secret in the log: {}", ended.stderr);
    // Without a broker the file itself is changed.
    keys(&scratch, &["create", "operator", "--robot", "rover", "--robot", "robot"]).expect(0);
    assert!(keys(&scratch, &["list"]).expect(0).stdout.contains("revoked  robot rover"));
    let (_running, ready) = serve(&scratch);
    assert!(ready.get("robot_key").is_none(), "{ready}");
    let broker = ready["broker"].as_str().expect("a URL");
    assert_eq!(status(broker, "GET /api/v1/sessions/turn-credentials", &robot), 200);
    assert_eq!(status(broker, "GET /api/v1/sessions/turn-credentials", &rover), 401);
}

#[test]
fn a_killed_broker_leaves_nothing_that_a_person_has_to_tidy_up() {
    let scratch = Scratch::new();
    let (running, ready) = serve(&scratch);
    let broker = ready["broker"].as_str().expect("a URL");
    let robot = format!("X-Robot-API-Key: {}", ready["robot_key"].as_str().expect("a key"));
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let offer = Link::new(Role::Client, nowhere, None, Instant::now()).offer();
    let body = serde_json::json!({"robot_name": "r", "sdp_offer": offer}).to_string();
    let (registered, answer) = ask(broker, "POST /api/v1/sessions", &robot, &body);
    let session = json(&answer)["session_id"].as_str().expect("an id").to_owned();
    let heartbeat = format!("POST /api/v1/sessions/{session}/heartbeat");
    assert_eq!((registered, status(broker, &heartbeat, &robot)), (201, 200));
    running.signal(Signal::KILL);
    drop(running);

    assert!(keys(&scratch, &["list"]).expect(0).stdout.contains("robot robot"));
    let (_running, ready) = serve(&scratch);
    let broker = ready["broker"].as_str().expect("a URL");
    // Its SFU went with it, and the robot is told so.
    let begun = Instant::now();
    let told = loop {
        match status(broker, &heartbeat, &robot) {
            503 if begun.elapsed() < SOON => std::thread::sleep(Duration::from_millis(10)),
            told => break told,
        }
    };
    assert_eq!(told, 404);
    assert_eq!(ask(broker, "POST /api/v1/sessions", &robot, &body).0, 201);
}

#[test]
fn a_person_is_told_what_to_do_with_the_first_keys() {
    let scratch = Scratch::new();
    let mut serve = Running::start(scratch.farwire(&["serve", "--http", "127.0.0.1:0"]));
    let lines: Vec<String> = (0..9).map(|_| serve.line(SOON)).collect();
    let text = lines.join("\n");
    for word in
        ["FARWIRE_ROBOT_KEY=farwire_robot_", "FARWIRE_OPERATOR_TOKEN=farwire_operator_", "broker.redb", "farwire keys"]
    {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

#[test]
fn a_broker_alone_drives_an_sfu_elsewhere() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let (_sfu, sfu) = serve(&one);
    let url = sfu["api_root"].as_str().expect("a URL");
    let args = ["serve", "--http", "127.0.0.1:0", "--json", "--sfu-url", url];
    let needs = Running::start(other.farwire(&args)).end(SOON).expect(2).stderr;
    assert!(needs.contains("FARWIRE_APP_ID"), "{needs}");
    let mut command = other.farwire(&args);
    command.env("FARWIRE_APP_ID", "farwire").env("FARWIRE_APP_SECRET", "farwire-local");
    let mut broker = Running::start(command);
    let ready = json(&broker.line(SOON));
    let base = ready["broker"].as_str().expect("a URL");
    assert_eq!((&ready["api_root"], ready.get("udp")), (&sfu["api_root"], None));
    assert_eq!(status(base, "POST /v1/apps/farwire/sessions/new", "Authorization: Bearer farwire-local"), 404);
    let robot = format!("X-Robot-API-Key: {}", ready["robot_key"].as_str().expect("a key"));
    assert_eq!(status(base, "GET /api/v1/sessions/turn-credentials", &robot), 200);
    let counters = ask(base, "GET /metrics", "X: y", "").1;
    assert!(counters.contains("farwire_broker_robots 0\n") && !counters.contains("farwire_sfu_"), "{counters}");
}

#[test]
fn what_cannot_be_is_said() {
    let scratch = Scratch::new();
    for args in [
        &["keys"] as &[&str],
        &["keys", "create", "operator"],
        &["keys", "create", "operator", "--all", "--robot", "r"],
        &["keys", "create", "robot", "a robot"],
        &["serve", "--tls-cert", "cert.pem"],
        &["serve", "--ice-server", "turn:turn.test,me"],
        &["serve", "--http", "127.0.0.1:0", "--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"],
    ] {
        Running::start(scratch.farwire(args)).end(SOON).expect(2);
    }
    let bad = Running::start(scratch.farwire(&["keys", "list", "--state", "/nowhere/broker.redb"])).end(SOON).expect(1);
    assert!(bad.stderr.contains("/nowhere/broker.redb"), "{}", bad.stderr);
}

/// Makes a state file, and ends the broker that did.
fn made(scratch: &Scratch) -> std::path::PathBuf {
    let (running, ready) = serve(scratch);
    let state = ready["state"].as_str().expect("a path").into();
    running.signal(Signal::TERM);
    running.end(SOON).expect(0);
    state
}

#[test]
fn a_damaged_state_file_is_named_and_left_as_it_is() {
    let scratch = Scratch::new();
    let state = made(&scratch);
    let whole = std::fs::read(&state).expect("the file");
    let mut flipped = whole.clone();
    // Of both commit slots, since either may be the one that counts.
    flipped[70] ^= 4;
    flipped[70 + 128] ^= 4;
    let mut zeroed = whole.clone();
    zeroed[4096..].fill(0);
    let garbage: Vec<u8> = (0..whole.len()).map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8).collect();
    for (damaged, what) in [
        (&whole[..whole.len() / 2], "half of it"),
        (&whole[..0], "nothing"),
        (&whole[..100], "a bit of it"),
        (&whole[..whole.len() - 4096], "all but a page"),
        (&flipped, "a bit of the header"),
        (&zeroed, "no pages"),
        (&garbage, "garbage"),
    ] {
        std::fs::write(&state, damaged).expect("written");
        for command in
            [&["serve", "--http", "127.0.0.1:0"] as &[&str], &["keys", "list"], &["keys", "revoke", "12345678"]]
        {
            let ended = Running::start(scratch.farwire(command)).end(SOON).expect(1);
            let told = &ended.stderr;
            let path = state.to_str().expect("text");
            assert!(
                told.contains(path) && told.contains("damaged") && told.contains("put a copy of it back"),
                "{what}: {told}"
            );
            assert!(!told.contains("panicked") && told.lines().count() == 1, "{what}: {told}");
            assert_eq!(std::fs::read(&state).expect("the file"), damaged, "{what}: it is left as it is");
        }
    }
    std::fs::write(&state, &whole).expect("put back");
    assert!(keys(&scratch, &["list"]).expect(0).stdout.contains("robot robot"));
}

#[test]
fn what_is_no_file_and_what_may_not_be_read_is_said() {
    let scratch = Scratch::new();
    let state = made(&scratch);
    let path = state.to_str().expect("text");
    std::fs::remove_file(&state).expect("removed");
    std::fs::create_dir(&state).expect("a directory");
    let directory = keys(&scratch, &["list"]).expect(1).stderr;
    assert!(directory.contains(path) && directory.contains("directory"), "{directory}");
    std::fs::remove_dir(&state).expect("removed");
    let (_running, ready) = serve(&scratch);
    assert!(ready["robot_key"].is_string(), "moved away, it is a first start: {ready}");
}

#[test]
fn a_directory_for_orders_that_somebody_else_made_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let scratch = Scratch::new();
    let state = made(&scratch);
    let mut orders = state.clone().into_os_string();
    orders.push(".d");
    let orders = std::path::PathBuf::from(orders);
    let target = state.with_file_name("target");
    std::fs::create_dir(&target).expect("a directory");
    symlink(&target, &orders).expect("linked");
    let serve_args = ["serve", "--http", "127.0.0.1:0", "--state", state.to_str().expect("text")];
    for command in [&serve_args as &[&str], &["keys", "list"]] {
        let refused = Running::start(scratch.farwire(command)).end(SOON).expect(1).stderr;
        assert!(refused.contains("0700") && refused.contains("remove it"), "{refused}");
    }
    std::fs::remove_file(&orders).expect("removed");
    std::fs::create_dir(&orders).expect("a directory");
    std::fs::set_permissions(&orders, std::fs::Permissions::from_mode(0o777)).expect("opened up");
    let refused = Running::start(scratch.farwire(&serve_args)).end(SOON).expect(1).stderr;
    assert!(refused.contains("mode 0777"), "{refused}");
    std::fs::remove_dir(&orders).expect("removed");
    keys(&scratch, &["list"]).expect(0);
}

#[test]
fn ids_as_people_have_them_make_keys() {
    let scratch = Scratch::new();
    let (_running, _) = serve(&scratch);
    let made = json(&keys(&scratch, &["create", "robot", "owner@example.com:go2", "--json"]).expect(0).stdout);
    assert_eq!(made["grant"]["robot"], "owner@example.com:go2");
    keys(&scratch, &["create", "operator", "--robot", "owner@example.com:go2"]).expect(0);
    assert!(keys(&scratch, &["list"]).expect(0).stdout.contains("operator of owner@example.com:go2"));
    for wrong in ["", "a/b", "a\u{1b}[2J", "a b"] {
        assert!(keys(&scratch, &["create", "robot", wrong]).expect(2).stderr.contains("1 to 128 characters"));
    }
}
