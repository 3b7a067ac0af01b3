//! `farwire` processes with deadlines.

use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A place of one's own for rendezvous files, so that tests and people do not meet.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("farwire-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&directory).expect("scratch directory");
        Scratch(directory)
    }

    /// `farwire`, with nothing set but what is given.
    pub(crate) fn farwire(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farwire"));
        for setting in ["URL", "APP_ID", "APP_SECRET", "PUBLISHER_SESSION", "CONNECT_TIMEOUT", "STATE", "SFU_URL"] {
            command.env_remove(format!("FARWIRE_{setting}"));
        }
        for setting in ["BROKER", "ROBOT_KEY", "OPERATOR_TOKEN", "ROBOT", "ROBOT_ID", "ROBOT_NAME", "ROBOT_TYPE"] {
            command.env_remove(format!("FARWIRE_{setting}"));
        }
        for setting in ["DURATION_S", "MAX_MESSAGES", "RECEIVE_TIMEOUT_S"] {
            command.env_remove(format!("DIMOS_BENCH_{setting}"));
        }
        for setting in ["API_KEY", "OPERATOR_TOKEN", "BROKER_URL", "ROBOT_ID"] {
            command.env_remove(format!("TELEOP_{setting}"));
        }
        for setting in ["BROKER_URL", "API_KEY", "ROBOT_ID", "ROBOT_NAME", "ROBOT_TYPE", "HEARTBEAT_HZ"] {
            command.env_remove(format!("TRANSPORTS__BROKER__{setting}"));
        }
        command.env("XDG_RUNTIME_DIR", &self.0).env("XDG_STATE_HOME", &self.0).args(args);
        command
    }
}

impl Scratch {
    /// Names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("there");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Writes a file, and says where it is.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that is killed when the test is over.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// How a process ended, and what it had said that nobody had read yet.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("farwire starts");
        let stdin = child.stdin.take();
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        Running { child, stdin, stdout, stderr }
    }

    /// With a stdout that nobody reads but who has it: [`line`](Self::line) and the end know nothing of it.
    pub(crate) fn start_unread(mut command: Command) -> (Running, BufReader<ChildStdout>) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("farwire starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        (Running { child, stdin, stdout: lines(std::io::empty()), stderr }, stdout)
    }

    /// The next line on stdout.
    pub(crate) fn line(&mut self, within: Duration) -> String {
        match self.stdout.recv_timeout(within) {
            Ok(line) => line,
            Err(error) => {
                let _ = self.child.kill();
                let stderr: Vec<String> = self.stderr.iter().collect();
                panic!("no line on stdout within {within:?} ({error}); stderr: {stderr:#?}");
            }
        }
    }

    /// Waits for a line on stderr that holds `word`.
    pub(crate) fn note(&mut self, word: &str, within: Duration) -> String {
        let deadline = Instant::now() + within;
        let mut seen = Vec::new();
        loop {
            match self.stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(word) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no {word:?} on stderr within {within:?} ({error}), but {seen:#?}"),
            }
        }
    }

    /// Whether stdout has ended, which is when the process has.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What Ctrl-C and `kill` do.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("the process is there");
    }

    /// Waits for the end.
    pub(crate) fn end(mut self, within: Duration) -> Ended {
        drop(self.stdin.take());
        let deadline = Instant::now() + within;
        let rest = |name: &str, lines: &Receiver<String>| {
            let mut text = String::new();
            loop {
                match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                    Ok(line) => text = text + &line + "\n",
                    Err(RecvTimeoutError::Disconnected) => return text,
                    Err(RecvTimeoutError::Timeout) => panic!("still running after {within:?}; {name} so far:\n{text}"),
                }
            }
        };
        let (stdout, stderr) = (rest("stdout", &self.stdout), rest("stderr", &self.stderr));
        // Both pipes are closed, so this does not wait for long.
        let status = self.child.wait().expect("a status");
        Ended { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Panics with everything it said unless it exited with `code`.
    pub(crate) fn expect(self, code: i32) -> Ended {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
