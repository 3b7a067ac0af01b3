//! A script of `interop/` that does what it is told.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest that a command may take.
const WITHIN: Duration = Duration::from_secs(60);

/// How long a script has to tidy up once it is told nothing more: what it has started is to end with it.
const TIDIES_WITHIN: Duration = Duration::from_secs(10);

/// The time between two looks whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running script that is told what to do by lines of JSON, and answers each with one.
pub(crate) struct Dialogue {
    process: Child,
    /// `None` once it is told nothing more.
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Dialogue {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Dialogue {
        let python = std::env::var("FARWIRE_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut process = Command::new(&python)
            .arg(format!("{}/../tests/interop/{script}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {python}: {error}"));
        let commands = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (lines, answers) = sync_channel(1);
        // It ends when the process does.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Dialogue { process, commands, answers }
    }

    /// What it says to a command; its errors fail the test.
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.commands.as_ref().expect("piped"), "{command}").expect("it runs");
        let line = self.answers.recv_timeout(WITHIN).expect("an answer; its stderr says why not");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(answer["error"], Value::Null, "to {command}");
        answer
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.commands = None;
        let begun = Instant::now();
        while begun.elapsed() < TIDIES_WITHIN && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(LOOK_EVERY);
        }
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
