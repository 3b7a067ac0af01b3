//! A worker process, seen from inside: reads questions from stdin, writes answers to stdout.

use std::fmt;
use std::io::{self, BufRead as _};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use farwire_sfu::{Config, Server};

use super::protocol::{Answer, Ask};
use super::wire::{Driver, Wire};
use super::{publisher, subscriber};
use crate::failure::Failure;
use crate::output;
use crate::settings::{LOCAL_APP_ID, LOCAL_APP_SECRET, Target};

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    Sfu,
    #[value(name = "pub")]
    Publisher,
    #[value(name = "sub")]
    Subscriber,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Role::Sfu => "sfu",
            Role::Publisher => "pub",
            Role::Subscriber => "sub",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Sfu => "SFU",
            Role::Publisher => "publisher",
            Role::Subscriber => "subscriber",
        })
    }
}

/// Started by `farwire bench`, not by people
#[derive(clap::Args)]
pub(crate) struct Args {
    role: Role,
    /// The driver to measure
    #[arg(long, default_value = "blocking")]
    driver: Driver,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let asks = asks();
    match args.role {
        Role::Sfu => serve(&asks),
        Role::Publisher => publisher::run(args.target.resolve()?, Wire::new(args.driver)?, &asks),
        Role::Subscriber => subscriber::run(args.target.resolve()?, Wire::new(args.driver)?, &asks),
    }
}

/// The parent's questions. When its end of the pipe closes it is gone, and so are we, whatever we are doing.
fn asks() -> Receiver<Ask> {
    let (sender, asks) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(ask) => {
                    if sender.send(ask).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    output::note(format_args!("not a question of `farwire bench`: {error}"));
                    break;
                }
            }
        }
        std::process::exit(1);
    });
    asks
}

fn serve(asks: &Receiver<Ask>) -> Result<(), Failure> {
    let server = match Server::spawn(Config::new(LOCAL_APP_ID, LOCAL_APP_SECRET)) {
        Ok(server) => server,
        Err(error) => return answer(&Answer::Failed { why: error.to_string() }),
    };
    answer(&Answer::Serving { url: server.api_root() })?;
    for ask in asks {
        match ask {
            Ask::Cpu => answer(&Answer::Cpu { time: cpu_time() })?,
            other => answer(&Answer::Failed { why: format!("an SFU is not asked {other:?}") })?,
        }
    }
    Ok(())
}

/// Writes one answer; a failure is one, too.
pub(super) fn answer(answer: &Answer) -> Result<(), Failure> {
    output::json(answer)
}

/// What [`Ask`]s come to: an answer, none yet, or a reason that the parent should hear.
pub(super) fn answer_or_fail(result: Result<Option<Answer>, Failure>) -> Result<(), Failure> {
    match result {
        Ok(Some(said)) => answer(&said),
        Ok(None) => Ok(()),
        Err(Failure::OutputClosed) => Err(Failure::OutputClosed),
        Err(failure) => answer(&Answer::Failed { why: failure.to_string() }),
    }
}

/// Since a time in the past that is the same for all processes of this machine, and never zero.
pub(super) fn now() -> Duration {
    // Reading an `Instant` costs less than asking the system each time.
    static EPOCH: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (epoch, then) = EPOCH.get_or_init(|| {
        let then = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let then = Duration::new(then.tv_sec.unsigned_abs(), u32::try_from(then.tv_nsec).unwrap_or(0));
        (Instant::now(), then + Duration::from_nanos(1))
    });
    *then + epoch.elapsed()
}

/// CPU time of all threads of this process, user and system.
pub(super) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
