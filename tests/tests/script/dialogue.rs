//! A script of `interop/` that does what it is told.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The longest that a command may take.
const WITHIN: Duration = Duration::from_secs(60);

/// A running script that is told what to do by lines of JSON, and answers each with one.
pub(crate) struct Dialogue {
    process: Child,
    commands: ChildStdin,
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
        let commands = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (lines, answers) = sync_channel(1);
        // It ends when the process does.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Dialogue { process, commands, answers }
    }

    /// What it says to a command; its errors fail the test.
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.commands, "{command}").expect("it runs");
        let line = self.answers.recv_timeout(WITHIN).expect("an answer; its stderr says why not");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(answer["error"], Value::Null, "to {command}");
        answer
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
