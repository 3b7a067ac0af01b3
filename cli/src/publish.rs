//! `farwire pub`: publishes on a topic, and says how to receive it.

use std::io::{self, BufRead as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use farwire_blocking::{Accepted, Delivery, PublishError, Publisher};
use serde::Serialize;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
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
/// Publishes a counter and the time, ten times a second, until Ctrl-C. A message is lossy and unordered unless you ask
/// for --reliable. It is fine to publish before anybody subscribes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Any name, for example `odom` or `arm/joint states`
    topic: String,
    /// Publish each line of stdin as one message instead
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true, conflicts_with_all = ["hz", "size"])]
    stdin: Option<String>,
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
    /// Print one JSON object at the start and one at the end
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
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
    acknowledged: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let sfu = args.target.resolve()?;
    let connection = sfu.connect(None)?;
    // Only now: until here Ctrl-C may simply end the process.
    let interrupt = Interrupt::install()?;
    let delivery = if args.reliable { Delivery::RELIABLE } else { Delivery::LOSSY };
    let publisher = connection.publisher_with(&args.topic, delivery).map_err(Failure::usage)?;
    let announcement = announce(args, &sfu, connection.session_id());
    introduce(args, &sfu, connection.session_id())?;

    let mut tally = Tally::default();
    let published = publish_all(&publisher, Source::new(args), args.count, &interrupt, &mut tally);
    drop(announcement);
    tally.acknowledged = connection.flush(FLUSH);
    tally.replaced = connection.topic_stats(&args.topic).map_or(0, |stats| stats.replaced);
    conclude(args, &tally)?;
    published?;
    match tally {
        Tally { refused: 1.., .. } => Err(Failure::failed("not every message was accepted")),
        Tally { acknowledged: false, .. } if args.reliable => Err(Failure::failed(format_args!(
            "not every message was acknowledged within {} s: is the SFU still there?",
            FLUSH.as_secs()
        ))),
        _ => Ok(()),
    }
}

/// Lets `farwire sub` on this machine find us without being told the session.
fn announce(args: &Args, sfu: &Sfu, session: &str) -> Option<Announcement> {
    if !sfu.loopback {
        return None;
    }
    match Rendezvous::new(&args.topic, &sfu.app_id, sfu.port()).announce(session, args.reliable) {
        Ok(announcement) => Some(announcement),
        Err(error) => {
            output::note(format_args!("note: subscribers here will need --session, because {error}"));
            None
        }
    }
}

fn introduce(args: &Args, sfu: &Sfu, session: &str) -> Result<(), Failure> {
    let sub = subscribe_line(&args.topic, session, args.reliable, sfu);
    if args.json {
        return output::json(&Start { topic: &args.topic, session, sub: &sub });
    }
    output::note(format_args!("publishing {}; to receive it:\n  {sub}", shell_word(&args.topic)));
    if !sfu.loopback {
        output::note("  (there too, with FARWIRE_APP_SECRET exported)");
    }
    Ok(())
}

/// The command that receives what this one publishes.
fn subscribe_line(topic: &str, session: &str, reliable: bool, sfu: &Sfu) -> String {
    let mut words = vec!["farwire".to_owned(), "sub".to_owned()];
    // After `--`, a topic that starts with a dash is no flag.
    let dashed = topic.starts_with('-');
    if !dashed {
        words.push(shell_word(topic));
    }
    words.extend(["--session".to_owned(), shell_word(session)]);
    if reliable {
        words.push("--reliable".to_owned());
    }
    if sfu.url != DEFAULT_URL {
        words.extend(["--url".to_owned(), shell_word(&sfu.url)]);
    }
    if sfu.app_id != LOCAL_APP_ID {
        words.extend(["--app-id".to_owned(), shell_word(&sfu.app_id)]);
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
        match publish(publisher, &message) {
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
fn publish(publisher: &Publisher, message: &[u8]) -> Result<Accepted, PublishError> {
    match std::str::from_utf8(message) {
        Ok(text) => publisher.publish_text(text),
        Err(_) => publisher.publish(message),
    }
}

fn conclude(args: &Args, tally: &Tally) -> Result<(), Failure> {
    if args.json {
        return output::json(tally);
    }
    let Tally { sent, replaced, refused, acknowledged } = tally;
    let acknowledged = if *acknowledged { "all acknowledged" } else { "NOT all acknowledged" };
    output::note(format_args!("sent {sent}, replaced by newer ones {replaced}, refused {refused}; {acknowledged}"));
    Ok(())
}

/// Where the messages come from.
enum Source {
    Counter { seq: u64, size: Option<usize>, pace: Pace },
    Lines(Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    fn new(args: &Args) -> Source {
        match args.stdin {
            Some(_) => Source::Lines(lines_of_stdin()),
            None => Source::Counter { seq: 0, size: args.size, pace: Pace::new(Instant::now(), args.hz) },
        }
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
    use super::*;

    #[test]
    fn the_line_holds_what_the_subscriber_needs() {
        let local = Sfu::local(DEFAULT_URL.to_owned());
        assert_eq!(subscribe_line("odom", "s1", false, &local), "farwire sub odom --session s1");
        assert_eq!(subscribe_line("arm 1", "s1", true, &local), "farwire sub 'arm 1' --session s1 --reliable");
        assert_eq!(subscribe_line("-x", "s1", false, &local), "farwire sub --session s1 -- -x");
        let url = "https://rtc.live.cloudflare.com/v1".to_owned();
        let far = Sfu { url, app_id: "app1".to_owned(), app_secret: "hunter2".to_owned(), loopback: false };
        let line = subscribe_line("odom", "s1", false, &far);
        assert_eq!(line, "farwire sub odom --session s1 --url https://rtc.live.cloudflare.com/v1 --app-id app1");
    }
}
