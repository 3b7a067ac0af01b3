//! `farwire pub`: publishes on a topic, and says how to receive it.

use std::io::{self, BufRead as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use farwire::{Accepted, Delivery, PublishError, Publisher};
use serde::Serialize;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::message_type::MessageType;
use crate::output;
use crate::pace::{Pace, parse_hz};
use crate::payload;
use crate::rendezvous::{Announcement, Rendezvous};
use crate::settings::{DEFAULT_URL, LOCAL_APP_ID, Sfu, Target};
use crate::show::shell_word;

/// How long the last messages may take to be acknowledged.
const FLUSH: Duration = Duration::from_secs(5);
/// How often a wait for stdin looks up for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);

/// Publish on a topic, and print the `farwire sub` line that receives it
///
/// Publishes a counter and the time, ten times a second, until Ctrl-C; or with --type and --json, a message of yours. A
/// message is lossy and unordered unless you ask for --reliable. It is fine to publish before anybody subscribes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Any name, for example `odom` or `arm/joint states`
    #[arg(required_unless_present = "json")]
    topic: Option<String>,
    /// Publish each line of stdin as one message instead
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true, conflicts_with_all = ["hz", "size"])]
    stdin: Option<String>,
    /// Publish the message that --json gives, of this LCM type, such as `geometry_msgs.TwistStamped`
    #[arg(long = "type", value_name = "TYPE", value_parser = MessageType::parse, conflicts_with_all = ["stdin", "size"])]
    kind: Option<MessageType>,
    /// Messages per second
    #[arg(long, default_value = "10", value_parser = parse_hz)]
    hz: f64,
    /// Make every message this long, in bytes
    #[arg(long, value_name = "BYTES")]
    size: Option<usize>,
    /// Stop after this many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Deliver every message, in order; subscribers must ask for the same
    #[arg(long)]
    reliable: bool,
    /// With --type: the message as a JSON object; what it leaves out is zero or empty. Otherwise: print one JSON object at
    /// the start and one at the end
    #[arg(long, value_name = "MESSAGE", num_args = 0..=1)]
    json: Option<Option<String>>,
    #[command(flatten)]
    target: Target,
}

/// What the arguments come to.
#[derive(Debug, PartialEq)]
struct Task<'a> {
    topic: &'a str,
    stdin: bool,
    /// Report in JSON.
    json: bool,
    /// A message of one's own.
    message: Option<Vec<u8>>,
}

impl Args {
    /// Settles what `--json` means: without `--type` it takes no value, so that what it took is the topic.
    fn task(&self) -> Result<Task<'_>, Failure> {
        let given = self.json.as_ref().and_then(Option::as_deref);
        let positional = [self.topic.as_deref(), self.stdin.as_deref()];
        let words = match (self.kind, given) {
            (Some(kind), Some(json)) => {
                let wrong = |error| Failure::usage(format_args!("--json is no {}: {error}", kind.name));
                let topic = self.topic.as_deref().ok_or_else(no_topic)?;
                let message = Some(kind.encode_json(json).map_err(wrong)?);
                return Ok(Task { topic, stdin: false, json: false, message });
            }
            (Some(kind), None) => {
                let name = kind.name;
                return Err(Failure::usage(format_args!("which {name}? pass it with --json, '{{}}' for one of zeros")));
            }
            (None, _) => given.into_iter().chain(positional.into_iter().flatten()).collect::<Vec<_>>(),
        };
        let (topic, stdin) = match words[..] {
            [topic] => (topic, false),
            [topic, "-"] | ["-", topic] => (topic, true),
            [] => return Err(no_topic()),
            _ => return Err(Failure::usage("one topic, please; --json takes a message only together with --type")),
        };
        Ok(Task { topic, stdin, json: self.json.is_some(), message: None })
    }
}

fn no_topic() -> Failure {
    Failure::usage("on which topic? name one, for example `odom`")
}

#[derive(Serialize)]
struct Start<'a> {
    topic: &'a str,
    session: &'a str,
    sub: &'a str,
}

/// What became of the messages.
#[derive(Default, Serialize)]
struct Tally {
    sent: u64,
    /// Sent, but dropped again in favour of newer ones, because the network was slower.
    replaced: u64,
    refused: u64,
    /// Published while the connection was reconnecting, so that nobody could get it.
    unheard: u64,
    acknowledged: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let task = args.task()?;
    let sfu = args.target.resolve()?;
    let connection = sfu.connect(None)?;
    // Only now: until here Ctrl-C may simply end the process.
    let interrupt = Interrupt::install()?;
    let delivery = if args.reliable { Delivery::RELIABLE } else { Delivery::LOSSY };
    let publisher = connection.publisher_with(task.topic, delivery).map_err(Failure::usage)?;
    let announcement = announce(task.topic, args.reliable, &sfu, &connection.session_id());
    introduce(&task, args, &sfu, &connection.session_id())?;

    let mut tally = Tally::default();
    let published = publish_all(&publisher, Source::new(&task, args), args.count, &interrupt, &mut tally);
    drop(announcement);
    tally.acknowledged = connection.flush(FLUSH);
    tally.replaced = connection.topic_stats(task.topic).map_or(0, |stats| stats.replaced);
    conclude(task.json, &tally)?;
    published?;
    match tally {
        Tally { unheard: 1.., .. } if args.reliable => {
            Err(Failure::failed("not every message was sent: the connection was lost meanwhile"))
        }
        Tally { refused: 1.., .. } => Err(Failure::failed("not every message was accepted")),
        Tally { acknowledged: false, .. } if args.reliable => Err(Failure::failed(format_args!(
            "not every message was acknowledged within {} s: is the SFU still there?",
            FLUSH.as_secs()
        ))),
        _ => Ok(()),
    }
}

/// Lets `farwire sub` on this machine find us without being told the session.
fn announce(topic: &str, reliable: bool, sfu: &Sfu, session: &str) -> Option<Announcement> {
    if !sfu.config.is_loopback() {
        return None;
    }
    match Rendezvous::new(topic, &sfu.config.app_id, sfu.config.port()).announce(session, reliable) {
        Ok(announcement) => Some(announcement),
        Err(error) => {
            output::note(format_args!("note: subscribers here will need --session, because {error}"));
            None
        }
    }
}

fn introduce(task: &Task<'_>, args: &Args, sfu: &Sfu, session: &str) -> Result<(), Failure> {
    let sub = subscribe_line(task.topic, args.kind.map(|kind| kind.name), session, args.reliable, sfu);
    if task.json {
        return output::json(&Start { topic: task.topic, session, sub: &sub });
    }
    output::note(format_args!("publishing {}; to receive it:\n  {sub}", shell_word(task.topic)));
    if !sfu.config.is_loopback() {
        output::note("  (there too, with FARWIRE_APP_SECRET exported)");
    }
    Ok(())
}

/// The command that receives what this one publishes.
fn subscribe_line(topic: &str, kind: Option<&str>, session: &str, reliable: bool, sfu: &Sfu) -> String {
    let mut words = vec!["farwire".to_owned(), "sub".to_owned()];
    // After `--`, a topic that starts with a dash is no flag.
    let dashed = topic.starts_with('-');
    if !dashed {
        words.push(shell_word(topic));
    }
    if let Some(kind) = kind {
        words.extend(["--type".to_owned(), kind.to_owned()]);
    }
    words.extend(["--session".to_owned(), shell_word(session)]);
    if reliable {
        words.push("--reliable".to_owned());
    }
    if sfu.config.url != DEFAULT_URL {
        words.extend(["--url".to_owned(), shell_word(&sfu.config.url)]);
    }
    if sfu.config.app_id != LOCAL_APP_ID {
        words.extend(["--app-id".to_owned(), shell_word(&sfu.config.app_id)]);
    }
    if dashed {
        words.extend(["--".to_owned(), shell_word(topic)]);
    }
    words.join(" ")
}

fn publish_all(
    publisher: &Publisher,
    mut source: Source,
    count: Option<u64>,
    interrupt: &Interrupt,
    tally: &mut Tally,
) -> Result<(), Failure> {
    for _ in 0..count.unwrap_or(u64::MAX) {
        let Some(message) = source.next(interrupt)? else { return Ok(()) };
        match publish(publisher, source.is_typed(), &message) {
            Ok(Accepted::Dropped) => {
                if tally.unheard == 0 {
                    output::note(
                        "the connection is lost, and reconnecting: what is published meanwhile reaches nobody",
                    );
                }
                tally.unheard += 1;
            }
            Ok(_) => tally.sent += 1,
            Err(error @ PublishError::QueueFull { .. }) => {
                if tally.refused == 0 {
                    output::note(format_args!("a message was refused: {error}"));
                }
                tally.refused += 1;
            }
            Err(error) => {
                tally.refused += 1;
                return Err(Failure::failed(format_args!("stopped publishing: {error}")));
            }
        }
    }
    Ok(())
}

/// Text goes as text, which is what a browser hands to its page as a string.
fn publish(publisher: &Publisher, typed: bool, message: &[u8]) -> Result<Accepted, PublishError> {
    match std::str::from_utf8(message) {
        Ok(text) if !typed => publisher.publish_text(text),
        _ => publisher.publish(message),
    }
}

fn conclude(json: bool, tally: &Tally) -> Result<(), Failure> {
    if json {
        return output::json(tally);
    }
    let Tally { sent, replaced, refused, unheard, acknowledged } = tally;
    let acknowledged = if *acknowledged { "all acknowledged" } else { "NOT all acknowledged" };
    let unheard = match unheard {
        0 => String::new(),
        unheard => format!(", lost without a connection {unheard}"),
    };
    output::note(format_args!(
        "sent {sent}, replaced by newer ones {replaced}, refused {refused}{unheard}; {acknowledged}"
    ));
    Ok(())
}

/// Where the messages come from.
enum Source {
    Counter { seq: u64, size: Option<usize>, pace: Pace },
    Lines(Receiver<io::Result<Vec<u8>>>),
    Message { bytes: Vec<u8>, pace: Pace },
}

impl Source {
    fn new(task: &Task<'_>, args: &Args) -> Source {
        let pace = Pace::new(Instant::now(), args.hz);
        match &task.message {
            Some(bytes) => Source::Message { bytes: bytes.clone(), pace },
            None if task.stdin => Source::Lines(lines_of_stdin()),
            None => Source::Counter { seq: 0, size: args.size, pace },
        }
    }

    fn is_typed(&self) -> bool {
        matches!(self, Source::Message { .. })
    }

    /// Waits for the next message; `None` at the end, or after Ctrl-C.
    fn next(&mut self, interrupt: &Interrupt) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Source::Counter { seq, size, pace } => {
                if interrupt.wait_until(pace.next(Instant::now())) {
                    return Ok(None);
                }
                *seq += 1;
                Ok(Some(payload::counter(*seq, SystemTime::now(), *size)))
            }
            Source::Message { bytes, pace } => {
                let interrupted = interrupt.wait_until(pace.next(Instant::now()));
                Ok((!interrupted).then(|| bytes.clone()))
            }
            Source::Lines(lines) => loop {
                match lines.recv_timeout(TICK) {
                    _ if interrupt.is_set() => return Ok(None),
                    Ok(Ok(line)) => return Ok(Some(line)),
                    Ok(Err(error)) => return Err(Failure::failed(format_args!("cannot read stdin: {error}"))),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                }
            },
        }
    }
}

/// Reads on a thread of its own, since a read of stdin cannot be interrupted.
fn lines_of_stdin() -> Receiver<io::Result<Vec<u8>>> {
    let (lines, receiver) = mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use farwire::Config;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Args {
        Command::try_parse_from(["pub"].iter().chain(words)).expect("it parses").args
    }

    #[test]
    fn json_takes_a_value_only_with_a_type() {
        let reports = Task { topic: "odom", stdin: false, json: true, message: None };
        for words in [&["odom", "--json"], &["--json", "odom"]] {
            assert_eq!(args(words).task().expect("a task"), reports, "{words:?}");
        }
        let lines = Task { stdin: true, ..reports };
        for words in [&["odom", "-", "--json"], &["--json", "odom", "-"], &["odom", "--json", "-"]] {
            assert_eq!(args(words).task().expect("a task"), lines, "{words:?}");
        }
        let message = Some(b"\x1e\xbe\xf0\x6a\x50\x95\x0e\x3e\x01".to_vec());
        let typed = args(&["odom", "--type", "std_msgs.Bool", "--json", r#"{"data": true}"#]);
        assert_eq!(typed.task().expect("a task"), Task { topic: "odom", stdin: false, json: false, message });
        for words in [
            &["odom", "--type", "std_msgs.Bool"] as &[&str],
            &["odom", "--type", "std_msgs.Bool", "--json"],
            &["odom", "--type", "std_msgs.Bool", "--json", "{"],
            &["--type", "std_msgs.Bool", "--json", "{}"],
            &["odom", "--json", "{}"],
            &["--json"],
        ] {
            assert!(matches!(args(words).task(), Err(Failure::Usage(_))), "{words:?}");
        }
    }

    #[test]
    fn the_line_holds_what_the_subscriber_needs() {
        let local = Sfu::local(DEFAULT_URL).expect("a good URL");
        assert_eq!(subscribe_line("odom", None, "s1", false, &local), "farwire sub odom --session s1");
        assert_eq!(subscribe_line("arm 1", None, "s1", true, &local), "farwire sub 'arm 1' --session s1 --reliable");
        assert_eq!(subscribe_line("-x", None, "s1", false, &local), "farwire sub --session s1 -- -x");
        let config = Config::new("https://rtc.live.cloudflare.com/v1", "app1", "hunter2").expect("a good config");
        let far = Sfu { config };
        let line = subscribe_line("odom", None, "s1", false, &far);
        assert_eq!(line, "farwire sub odom --session s1 --url https://rtc.live.cloudflare.com/v1 --app-id app1");
    }
}
