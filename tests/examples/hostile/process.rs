//! Processes of the measurement: this program with another role.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Outcome;

const PAGE: u64 = 4096;

/// Where a process runs, and before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// On the first core, before all others.
    First,
    /// On the first core, after the first, and before what is not of the measurement.
    Middle,
    /// On the last core.
    Apart,
}

/// A child process, which ends with this.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(role: &[&str], rank: Rank) -> Outcome<Process> {
        let cores = thread::available_parallelism()?.get();
        let core = if rank == Rank::Apart { cores - 1 } else { 0 }.to_string();
        let before: &[&str] = match rank {
            Rank::First => &["chrt", "-f", "10"],
            Rank::Middle => &["chrt", "-f", "5"],
            Rank::Apart => &["nice", "-n", "-10"],
        };
        let program = std::env::current_exe()?;
        let mut command = Command::new("taskset");
        command.args(["-c", &core]).args(before).arg(program).args(role);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        Ok(Process { child, input, output: BufReader::new(output) })
    }

    /// Its next line.
    pub(crate) fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim() {
            "" => Err("a process of the measurement said nothing".into()),
            line => Ok(line.to_owned()),
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> Outcome<()> {
        Ok(writeln!(self.input, "{line}")?)
    }

    /// Ends it, and has its last line.
    pub(crate) fn end(mut self) -> Outcome<String> {
        self.say("end")?;
        self.line()
    }

    /// The CPU that its threads have used.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += schedstat.split(' ').next().ok_or("no such field")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        Ok(statm.split(' ').nth(1).ok_or("no such field")?.parse::<u64>()? * PAGE)
    }

    /// The most resident bytes that it has had.
    pub(crate) fn most_memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no such field")?;
        Ok(line.trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What waits for a line hears it; what waits for the end of its input has it when `input` is dropped, after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
