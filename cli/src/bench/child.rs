//! A worker process, seen from the parent.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use super::protocol::{Answer, Ask};
use super::wire::Driver;
use super::worker::Role;
use crate::failure::Failure;
use crate::settings::Sfu;

/// How often a wait for one worker looks at the other.
const LOOK: Duration = Duration::from_millis(20);

/// Killed when dropped; ends by itself when the parent is gone and its stdin closes.
pub(super) struct Worker {
    role: Role,
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
}

impl Worker {
    /// Starts this very program as a worker. The settings go by environment, where other users cannot see the secret.
    pub(super) fn start(role: Role, driver: Driver, sfu: Option<&Sfu>) -> Result<Worker, Failure> {
        let failed = |error| Failure::failed(format_args!("cannot start the {role} worker: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command
            .args(["bench-worker", role.as_str(), "--driver", driver.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for setting in ["URL", "APP_ID", "APP_SECRET", "PUBLISHER_SESSION", "CONNECT_TIMEOUT"] {
            command.env_remove(format!("FARWIRE_{setting}"));
        }
        if let Some(Sfu { config }) = sfu {
            command
                .env("FARWIRE_URL", &config.url)
                .env("FARWIRE_APP_ID", &config.app_id)
                .env("FARWIRE_APP_SECRET", config.app_secret.reveal())
                .env("FARWIRE_CONNECT_TIMEOUT", config.connect_timeout.as_secs_f64().to_string());
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::failed(format_args!("the {role} worker came without pipes")));
        };
        // A thread, because a read of a pipe has no deadline.
        let (lines, answers) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Worker { role, child, stdin, answers })
    }

    /// Sends a question without waiting for its answer.
    pub(super) fn tell(&mut self, ask: &Ask) -> Result<(), Failure> {
        let line = serde_json::to_string(ask).map_err(|error| self.failure(error))?;
        writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush()).map_err(|error| self.failure(error))
    }

    /// Waits for the next answer; a worker that fails, ends or hangs is an error.
    pub(super) fn answer(&mut self, within: Duration) -> Result<Answer, Failure> {
        let line = match self.answers.recv_timeout(within) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                return Err(self.failure(format_args!("no answer within {} s", within.as_secs_f64())));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
        };
        self.read(&line)
    }

    /// Waits for the next answer while another worker is at work that is not to answer meanwhile: if that one fails, this one may
    /// wait in vain, and the reason is the other's.
    pub(super) fn answer_beside(&mut self, other: &mut Worker, within: Duration) -> Result<Answer, Failure> {
        let deadline = Instant::now() + within;
        loop {
            match other.answers.try_recv() {
                Ok(line) => {
                    let answer = other.read(&line)?;
                    return Err(other.unexpected(&answer));
                }
                Err(TryRecvError::Disconnected) => return Err(other.ended()),
                Err(TryRecvError::Empty) => {}
            }
            match self.answers.recv_timeout(LOOK) {
                Ok(line) => return self.read(&line),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    return Err(self.failure(format_args!("no answer within {} s", within.as_secs_f64())));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn ended(&mut self) -> Failure {
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        self.failure(format_args!("it ended ({status})"))
    }

    fn read(&self, line: &str) -> Result<Answer, Failure> {
        match serde_json::from_str(line) {
            Ok(Answer::Failed { why }) => Err(self.failure(why)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.failure(format_args!("it said {line:?}, which is no answer: {error}"))),
        }
    }

    pub(super) fn ask(&mut self, ask: &Ask, within: Duration) -> Result<Answer, Failure> {
        self.tell(ask)?;
        self.answer(within)
    }

    /// For an answer of the wrong kind.
    pub(super) fn unexpected(&self, answer: &Answer) -> Failure {
        self.failure(format_args!("unexpected answer {answer:?}"))
    }

    fn failure(&self, why: impl fmt::Display) -> Failure {
        Failure::failed(format_args!("the benchmark's {} failed: {why}", self.role))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
