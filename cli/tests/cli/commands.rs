//! The commands at work, each in a process of its own.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use crate::process::{Running, Scratch};
use rustix::process::Signal;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// `farwire serve` on free ports, and its API root.
fn serve(scratch: &Scratch) -> (Running, String) {
    let mut serve = Running::start(scratch.farwire(&["serve", "--http", "127.0.0.1:0"]));
    let ready = serve.line(SOON);
    let url = ready.split(' ').next_back().expect("a word").to_owned();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/v1"), "{ready}");
    (serve, url)
}

fn start(scratch: &Scratch, url: &str, args: &[&str]) -> Running {
    let mut command = scratch.farwire(args);
    command.env("FARWIRE_URL", url);
    Running::start(command)
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
}

#[test]
fn demo_delivers_everything() {
    let demo = Running::start(Scratch::new().farwire(&["demo", "--seconds", "1"])).end(SOON).expect(0);
    assert!(demo.stdout.contains("odometry") && demo.stdout.contains("command_ack"), "{}", demo.stdout);
    assert!(!demo.stdout.contains('\r'), "a pipe is no terminal: {:?}", demo.stdout);
    let demo = Running::start(Scratch::new().farwire(&["demo", "--seconds", "0.5", "--json"])).end(SOON).expect(0);
    let result = json(&demo.stdout);
    assert_eq!(result["ok"], true, "{result}");
    assert_eq!(result["topics"][0]["sent"], 50, "{result}");
}

#[test]
fn three_terminals_need_no_settings() {
    let scratch = Scratch::new();
    let (serve, url) = serve(&scratch);
    let mut sub = start(&scratch, &url, &["sub", "arm/joint states", "--count", "20", "--timeout", "20", "--json"]);
    sub.note("waiting for", SOON);
    let publisher = start(&scratch, &url, &["pub", "arm/joint states", "--reliable", "--hz", "100"]);
    let received = sub.end(SOON).expect(0);
    let texts = received.stdout.lines().map(|line| json(json(line)["text"].as_str().expect("text")));
    let seqs: Vec<u64> = texts.map(|text| text["seq"].as_u64().expect("a number")).collect();
    assert_eq!(seqs, (seqs[0]..seqs[0] + 20).collect::<Vec<_>>());

    publisher.signal(Signal::INT);
    let published = publisher.end(SOON).expect(0);
    assert!(published.stderr.contains("all acknowledged"), "{published:#?}");
    serve.signal(Signal::TERM);
    serve.end(SOON).expect(0);
}

#[test]
fn the_printed_line_receives() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let mut publisher = start(&scratch, &url, &["pub", "odom", "--json", "--size", "1200", "--hz", "50"]);
    let introduced = json(&publisher.line(SOON));
    let line = introduced["sub"].as_str().expect("a command");
    // Nothing but the line itself: not even the URL is in the environment.
    let mut words: Vec<&str> = line.split(' ').skip(1).collect();
    words.extend(["--count", "3", "--timeout", "10", "--raw"]);
    let received = Running::start(Scratch::new().farwire(&words)).end(SOON).expect(0);
    assert_eq!(received.stdout.trim_end_matches('\n').len(), 3 * 1200, "{received:?}");
    publisher.signal(Signal::TERM);
    let concluded = json(&publisher.end(SOON).expect(0).stdout);
    assert!(concluded["sent"].as_u64() >= Some(3) && concluded["acknowledged"] == true, "{concluded}");
}

#[test]
fn a_file_says_which_sfu_and_which_publisher() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let toml = format!("url = '{url}'\napp_id = 'farwire'\napp_secret = 'farwire-local'\nconnect_timeout = 10\n");
    let toml = scratch.file("sfu.toml", &toml);
    let mut publisher = Running::start(scratch.farwire(&["pub", "odom", "--hz", "50", "--json", "--config", &toml]));
    let session = json(&publisher.line(SOON))["session"].as_str().expect("a session").to_owned();
    let json = scratch.file("sub.json", &format!(r#"{{"url": "{url}", "publisher_session": "{session}"}}"#));
    let args = ["sub", "odom", "--count", "1", "--timeout", "10", "--config", &json];
    // Elsewhere, so that it cannot find the publisher by itself.
    let received = Running::start(Scratch::new().farwire(&args)).end(SOON).expect(0);
    assert!(received.stdout.contains("\"seq\""), "{received:?}");
    assert!(received.stderr.contains(&session), "{received:?}");
    // A variable goes before the file.
    let mut command = Scratch::new().farwire(&args);
    command.env("FARWIRE_PUBLISHER_SESSION", "no/session");
    let refused = Running::start(command).end(SOON).expect(2).stderr;
    assert!(refused.contains("FARWIRE_PUBLISHER_SESSION is \"no/session\""), "{refused}");
}

#[test]
fn lines_of_stdin_become_messages() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let mut publisher = start(&scratch, &url, &["pub", "log", "-", "--reliable"]);
    let mut sub = start(&scratch, &url, &["sub", "log", "--count", "3", "--timeout", "15"]);
    let mut stdin = publisher.stdin.take().expect("piped");
    while !sub.has_ended() {
        stdin.write_all(b"gr\xc3\xbc\xc3\x9f dich\n").expect("written");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(sub.end(SOON).expect(0).stdout, "grüß dich\n".repeat(3));
    drop(stdin);
    publisher.end(SOON).expect(0);
}

/// Publishes lines reliably until the first is there, then `count` numbered ones, and waits until the SFU has them.
fn publish_numbered(scratch: &Scratch, url: &str, name: &str, count: usize, mut arrived: impl FnMut() -> bool) {
    let mut publisher = start(scratch, url, &["pub", "log", "-", "--reliable"]);
    let mut stdin = publisher.stdin.take().expect("piped");
    while !arrived() {
        stdin.write_all(b"first\n").expect("written");
        std::thread::sleep(Duration::from_millis(10));
    }
    let padding = "x".repeat(100);
    for number in 0..count {
        writeln!(stdin, "{name} {number} {padding}").expect("written");
    }
    drop(stdin);
    let published = publisher.end(SOON).expect(0);
    assert!(published.stderr.contains("all acknowledged"), "{published:#?}");
}

/// The numbers in lines that `publish_numbered` wrote under this name, up to the last one.
fn numbers(lines: &mut impl Iterator<Item = String>, name: &str, count: usize) -> Vec<usize> {
    let number = |line: String| line.strip_prefix(name)?.split(' ').nth(1)?.parse::<usize>().ok();
    let mut numbers = Vec::new();
    while numbers.last() != Some(&(count - 1)) {
        let line = lines.next().expect("sub goes on");
        numbers.extend(number(line));
    }
    numbers
}

/// The lines for as long as one comes in time: what waits for a line that was lost is to fail, and not to hang.
fn timely(lines: impl Iterator<Item = String> + Send + 'static) -> impl Iterator<Item = String> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(0);
    std::thread::spawn(move || lines.take_while(|line| sender.send(line.clone()).is_ok()).count());
    std::iter::from_fn(move || receiver.recv_timeout(SOON).ok())
}

#[test]
fn a_blocked_pipe_costs_no_reliable_message() {
    const COUNT: usize = 5_000;
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let mut command = scratch.farwire(&["sub", "log", "--reliable"]);
    command.env("FARWIRE_URL", &url);
    let (mut sub, stdout) = Running::start_unread(command);
    sub.note("waiting for", SOON);
    let (told, first) = std::sync::mpsc::channel();
    let lines = std::thread::spawn(move || {
        let mut lines = stdout.lines().map_while(Result::ok);
        told.send(lines.next()).expect("the test waits");
        lines
    });
    // From the first line on nobody reads the pipe, which holds far less than what is published.
    publish_numbered(&scratch, &url, "one", COUNT, || first.try_recv().is_ok());
    let mut lines = timely(lines.join().expect("read"));
    let received = numbers(&mut lines, "one", COUNT);
    assert!(received.iter().copied().eq(0..COUNT), "{} of {COUNT}", received.len());
    sub.signal(Signal::INT);
    let ended = sub.end(SOON).expect(0);
    assert!(ended.stderr.contains("received") && !ended.stderr.contains("dropped"), "{ended:#?}");
}

#[test]
fn what_waits_is_printed_before_a_newer_publisher_is_followed() {
    const COUNT: usize = 3_000;
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let mut command = scratch.farwire(&["sub", "log", "--reliable"]);
    command.env("FARWIRE_URL", &url);
    let (mut sub, stdout) = Running::start_unread(command);
    sub.note("waiting for", SOON);
    let (told, first) = std::sync::mpsc::channel();
    let lines = std::thread::spawn(move || {
        let mut lines = stdout.lines().map_while(Result::ok);
        told.send(lines.next()).expect("the test waits");
        lines
    });
    publish_numbered(&scratch, &url, "one", COUNT, || first.try_recv().is_ok());
    let mut newer = start(&scratch, &url, &["pub", "log", "-", "--reliable"]);
    newer.note("publishing", SOON);
    let mut lines = timely(lines.join().expect("read"));
    let received = numbers(&mut lines, "one", COUNT);
    assert!(received.iter().copied().eq(0..COUNT), "{} of {COUNT}", received.len());
    sub.note("newer publisher", SOON);
    let mut stdin = newer.stdin.take().expect("piped");
    sub.note("subscribing to", SOON);
    let writer = std::thread::spawn(move || {
        while stdin.write_all(b"second\n").is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(lines.any(|line| line == "second"));
    sub.signal(Signal::INT);
    drop((sub, newer));
    writer.join().expect("it ends with its publisher");
}

#[test]
fn typed_messages_go_in_and_out_as_json() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let twist = ["--type", "geometry_msgs.TwistStamped"];
    let message = r#"{"header": {"frame_id": "base"}, "twist": {"linear": {"x": 0.5}}}"#;
    let _publisher =
        start(&scratch, &url, &[&["pub", "cmd_vel", "--json", message, "--hz", "50"][..], &twist].concat());
    let receive = |args: &[&str]| {
        let args = [&["sub", "cmd_vel", "--count", "1", "--timeout", "15"], args].concat();
        start(&scratch, &url, &args).end(SOON).expect(0).stdout
    };
    let received = json(&receive(&[&twist[..], &["--json"]].concat()));
    assert_eq!((&received["type"], &received["length"]), (&twist[1].into(), &77.into()));
    assert_eq!(received["message"]["header"]["frame_id"], "base");
    assert_eq!(received["message"]["twist"]["linear"]["x"], 0.5);
    assert_eq!(json(&receive(&twist)), received["message"]);
    assert_eq!(receive(&["--type", "std_msgs.Bool"]), "[77 bytes of type 9cd2bcbe6cb2a7c0]\n");
    let unknown = json(&receive(&["--type", "std_msgs.Bool", "--json"]));
    assert_eq!(unknown["fingerprint"], "9cd2bcbe6cb2a7c0");
}

#[test]
fn a_subscriber_follows_its_publisher() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let mut sub = start(&scratch, &url, &["sub", "odom", "--timeout", "20"]);
    for _ in 0..2 {
        let publisher = start(&scratch, &url, &["pub", "odom", "--hz", "50"]);
        sub.note("subscribing to", SOON);
        let line = sub.line(SOON);
        assert!(line.contains("\"seq\""), "{line}");
        publisher.signal(Signal::INT);
        publisher.end(SOON).expect(0);
        sub.note("is gone", SOON);
    }
    sub.signal(Signal::INT);
    let ended = sub.end(SOON).expect(0);
    assert!(ended.stderr.contains("received"), "{ended:?}");
}

#[test]
fn impatience_fails() {
    let scratch = Scratch::new();
    let (_serve, url) = serve(&scratch);
    let failed = start(&scratch, &url, &["sub", "odom", "--timeout", "0.2"]).end(SOON).expect(1);
    assert!(failed.stderr.contains("no publisher on \"odom\""), "{failed:?}");
}
