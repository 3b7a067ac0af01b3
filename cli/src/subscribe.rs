//! `farwire sub`: prints what arrives on a topic.

use std::io::{self, BufWriter, StdoutLock, Write as _};
use std::time::{Duration, Instant};

use farwire::{Connection, Delivery, Message, RecvError, Subscription};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::message_type::MessageType;
use crate::output;
use crate::pace::parse_seconds;
use crate::rendezvous::{Found, Rendezvous};
use crate::settings::{Sfu, Target};
use crate::show;

/// How often a wait for messages looks up for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// How often a wait for a publisher looks for one.
const LOOK_OUT: Duration = Duration::from_millis(50);
/// How often a subscriber looks for a newer publisher.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How many messages share one write to stdout, and pass between two looks at the clock.
const BURST: usize = 256;
/// How many messages wait at most: what a reliable subscription holds.
const MOST_WAITING: usize = 65_536;
/// When a channel that is still not open deserves a word.
const SLOW_OPEN: Duration = Duration::from_secs(3);

/// Print what arrives on a topic
///
/// On this machine it finds the publisher by itself, waits for one if there is none, and follows it when it restarts.
/// For any other SFU, pass the --session that `farwire pub` prints.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The topic's name, as the publisher spells it
    topic: String,
    /// The publisher's session; FARWIRE_PUBLISHER_SESSION and a --config file can name it, too
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    session: Option<String>,
    /// The publisher publishes with --reliable
    #[arg(long)]
    reliable: bool,
    /// Show messages of this LCM type, such as `geometry_msgs.TwistStamped`, by their fields, and others as their
    /// fingerprint and length
    #[arg(long = "type", value_name = "TYPE", value_parser = MessageType::parse, conflicts_with = "raw")]
    kind: Option<MessageType>,
    /// Stop after this many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Fail when nothing arrives for this long, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    timeout: Option<Duration>,
    /// Print one JSON object per message: seq, length, and text or base64; with --type, the message
    #[arg(long, conflicts_with = "raw")]
    json: bool,
    /// Write the bytes as they come, with nothing between messages
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    target: Target,
}

/// A publisher to subscribe from.
struct Source {
    session: String,
    reliable: bool,
}

/// Why receiving stopped.
enum Stop {
    /// Enough received, or Ctrl-C.
    Done,
    /// The publisher is gone or there is a newer one.
    Moved,
}

/// Where a look at what is there came to.
enum Looked {
    /// As much was printed as was asked for.
    Enough,
    /// Nothing more is there.
    Nothing,
    /// Nothing more will come.
    Ended(RecvError),
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let sfu = args.target.resolve()?;
    let session = args.session.as_deref().or(sfu.publisher_session());
    let rendezvous = match session {
        Some(_) => None,
        None if sfu.config.is_loopback() => Some(Rendezvous::new(&args.topic, &sfu.config.app_id, sfu.config.port())),
        None => {
            return Err(Failure::usage(format_args!(
                "whose {:?}? pass --session with the publisher's session: `farwire pub` prints it, \
                 and `Connection::session_id` returns it",
                args.topic
            )));
        }
    };
    rendezvous.as_ref().map(Rendezvous::check).transpose().map_err(Failure::failed)?;
    let mut receiver = Receiver {
        printer: Printer::new(args),
        interrupt: Interrupt::install()?,
        last_news: Instant::now(),
        dropped: 0,
        rendezvous,
        session: session.unwrap_or_default(),
        args,
    };
    let done = receiver.follow(&sfu);
    receiver.conclude();
    done?;
    match receiver.dropped {
        0 => Ok(()),
        dropped => Err(Failure::failed(format_args!(
            "{dropped} messages of a reliable topic were dropped here, because they came faster than they could be printed"
        ))),
    }
}

struct Receiver<'a> {
    args: &'a Args,
    /// The publisher that was named, if there is no `rendezvous`.
    session: &'a str,
    rendezvous: Option<Rendezvous>,
    printer: Printer<'a>,
    interrupt: Interrupt,
    /// When the last message came, or when the wait for one began.
    last_news: Instant,
    dropped: u64,
}

impl Receiver<'_> {
    /// Receives from one publisher after the other.
    fn follow(&mut self, sfu: &Sfu) -> Result<(), Failure> {
        loop {
            let Some(source) = self.source()? else { return Ok(()) };
            let connection = sfu.connect(Some(&source.session))?;
            let subscription = self.subscribe(&connection, &source)?;
            output::note(format_args!("subscribing to {:?} from session {}", self.args.topic, source.session));
            if let Stop::Done = self.receive(&subscription, &source)? {
                return Ok(());
            }
        }
    }

    /// The publisher that was named, or the newest on this machine once there is one; `None` after Ctrl-C.
    fn source(&self) -> Result<Option<Source>, Failure> {
        let Some(rendezvous) = &self.rendezvous else {
            return Ok(Some(Source { session: self.session.to_owned(), reliable: self.args.reliable }));
        };
        let mut told = false;
        loop {
            if let Some(found) = rendezvous.newest() {
                if found.reliable != self.args.reliable {
                    // The SFU cannot mix the two, and the publisher is the one that decides.
                    let delivery = if found.reliable { "reliable" } else { "lossy" };
                    output::note(format_args!("{:?} is published {delivery}: receiving it like that", self.args.topic));
                }
                return Ok(Some(Source { session: found.session, reliable: found.reliable }));
            }
            if !told {
                let topic = show::shell_word(&self.args.topic);
                output::note(format_args!("waiting for a `farwire pub {topic}` on this machine (or pass --session)"));
                told = true;
            }
            self.check_patience("no publisher")?;
            if self.interrupt.wait_until(Instant::now() + LOOK_OUT) {
                return Ok(None);
            }
        }
    }

    fn subscribe(&self, connection: &Connection, source: &Source) -> Result<Subscription, Failure> {
        let delivery = if source.reliable { Delivery::RELIABLE } else { Delivery::LOSSY };
        connection.subscribe_with(&self.args.topic, delivery).map_err(Failure::usage)
    }

    fn receive(&mut self, subscription: &Subscription, source: &Source) -> Result<Stop, Failure> {
        let subscribed = Instant::now();
        let (mut open, mut gone) = (false, false);
        let mut look_again = subscribed + LOOK_AGAIN;
        loop {
            if let Some(stop) = self.receive_burst(subscription, source, &mut open)? {
                return Ok(stop);
            }
            if self.enough() || self.interrupt.is_set() {
                return Ok(Stop::Done);
            }
            self.check_patience("nothing arrived")?;
            let now = Instant::now();
            if now >= look_again {
                look_again = now + LOOK_AGAIN;
                match self.newest() {
                    Some(found) if found.session != source.session => {
                        // The rest is of this publisher, and nobody will be able to ask for it again.
                        self.print_rest(subscription)?;
                        output::note(format_args!("{:?} has a newer publisher: following it", self.args.topic));
                        return Ok(if self.enough() { Stop::Done } else { Stop::Moved });
                    }
                    None if self.rendezvous.is_some() && !std::mem::replace(&mut gone, true) => {
                        output::note(format_args!(
                            "the publisher of {:?} is gone: waiting for the next",
                            self.args.topic
                        ));
                    }
                    _ => {}
                }
            }
            if !open && now > subscribed + SLOW_OPEN {
                open = true;
                if subscription.wait_open(Duration::ZERO).is_err() {
                    self.explain_silence(subscription, source);
                }
            }
        }
    }

    /// Waits a tick for a message, and prints it with those that wait behind it.
    fn receive_burst(
        &mut self,
        subscription: &Subscription,
        source: &Source,
        open: &mut bool,
    ) -> Result<Option<Stop>, Failure> {
        let first = subscription.recv_timeout(TICK).map(Some);
        match self.print_all(first, subscription, BURST, open)? {
            Looked::Ended(why) => self.closed(source, &why).map(Some),
            _ => Ok(None),
        }
    }

    /// Prints what has arrived from a publisher that is not followed any more.
    fn print_rest(&mut self, subscription: &Subscription) -> Result<(), Failure> {
        let mut left = MOST_WAITING;
        while left > 0 && !self.enough() && !self.interrupt.is_set() {
            let burst = left.min(BURST);
            let Looked::Enough = self.print_all(subscription.try_recv(), subscription, burst, &mut true)? else {
                break;
            };
            left -= burst;
        }
        Ok(())
    }

    /// Prints `next` and what is there behind it, at most `most` in all. It takes nothing that it does not print.
    fn print_all(
        &mut self,
        mut next: Result<Option<Message>, RecvError>,
        subscription: &Subscription,
        most: usize,
        open: &mut bool,
    ) -> Result<Looked, Failure> {
        let mut taken = 0;
        let looked = loop {
            match next {
                Ok(Some(message)) => {
                    *open = true;
                    self.last_news = Instant::now();
                    self.printer.print(&message)?;
                }
                Ok(None) | Err(RecvError::Timeout) => break Looked::Nothing,
                Err(RecvError::Lagged(missed)) => self.lag(missed),
                Err(RecvError::Interrupted) => {
                    output::note(format_args!("{:?} was interrupted: waiting for its publisher", self.args.topic));
                }
                Err(why) => break Looked::Ended(why),
            }
            taken += 1;
            if taken == most || self.enough() {
                break Looked::Enough;
            }
            next = subscription.try_recv();
        };
        self.printer.flush()?;
        Ok(looked)
    }

    /// The end of a publisher is no failure if the next one can be found.
    fn closed(&mut self, source: &Source, why: &RecvError) -> Result<Stop, Failure> {
        let still_there = match &self.rendezvous {
            Some(rendezvous) => rendezvous.newest().is_some_and(|found| found.session == source.session),
            None => true,
        };
        if still_there {
            return Err(match why {
                RecvError::Closed(reason) => Failure::failed(reason),
                other => Failure::failed(format_args!("stopped receiving: {other}")),
            });
        }
        output::note(format_args!("the publisher of {:?} is gone", self.args.topic));
        self.last_news = Instant::now();
        Ok(Stop::Moved)
    }

    fn newest(&self) -> Option<Found> {
        self.rendezvous.as_ref().and_then(Rendezvous::newest)
    }

    /// Says what the SFU says, or else what people most often get wrong.
    fn explain_silence(&self, subscription: &Subscription, source: &Source) {
        match subscription.trouble() {
            Some(trouble) => output::note(format_args!("still trying to subscribe: {trouble}")),
            None => output::note(format_args!(
                "session {} does not publish {:?} yet; is the topic spelled the same on both sides, \
                 and --reliable on both or on neither?",
                source.session, self.args.topic
            )),
        }
    }

    fn lag(&mut self, missed: u64) {
        if self.dropped == 0 {
            output::note("messages come faster than they can be printed: some are dropped here");
        }
        self.dropped += missed;
    }

    fn enough(&self) -> bool {
        self.args.count.is_some_and(|count| self.printer.printed >= count)
    }

    fn check_patience(&self, what: &str) -> Result<(), Failure> {
        match self.args.timeout {
            Some(timeout) if self.last_news.elapsed() >= timeout => Err(Failure::failed(format_args!(
                "{what} on {:?} for {} s (--timeout), after {} messages",
                self.args.topic,
                timeout.as_secs_f64(),
                self.printer.printed
            ))),
            _ => Ok(()),
        }
    }

    fn conclude(&self) {
        let dropped = match self.dropped {
            0 => String::new(),
            dropped => format!(", dropped {dropped} here"),
        };
        output::note(format_args!("received {}{dropped}", self.printer.printed));
    }
}

/// Writes messages in the form that was asked for.
struct Printer<'a> {
    out: BufWriter<StdoutLock<'a>>,
    form: Form,
    printed: u64,
}

enum Form {
    Human,
    Json,
    Raw,
    TypedHuman(MessageType),
    TypedJson(MessageType),
}

impl Printer<'_> {
    fn new(args: &Args) -> Printer<'static> {
        let form = match args {
            Args { json: true, kind: Some(kind), .. } => Form::TypedJson(*kind),
            Args { kind: Some(kind), .. } => Form::TypedHuman(*kind),
            Args { json: true, .. } => Form::Json,
            Args { raw: true, .. } => Form::Raw,
            _ => Form::Human,
        };
        Printer { out: BufWriter::new(io::stdout().lock()), form, printed: 0 }
    }

    fn print(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.printed += 1;
        let written = match self.form {
            Form::Human => writeln!(self.out, "{}", show::human(message)),
            Form::Raw => self.out.write_all(message),
            Form::TypedHuman(kind) => writeln!(self.out, "{}", show::typed_human(kind, message)),
            Form::TypedJson(kind) => writeln!(self.out, "{}", show::typed_json(kind, self.printed, message)),
            Form::Json => serde_json::to_writer(&mut self.out, &show::json(self.printed, message))
                .map_err(io::Error::from)
                .and_then(|()| writeln!(self.out)),
        };
        written.map_err(|error| output::write_failed(&error))
    }

    /// Messages of one burst share a write.
    fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| output::write_failed(&error))
    }
}
