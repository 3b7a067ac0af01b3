//! Loads one `farwire serve` with robots and their operators, in processes of their own, and reports what arrived and how
//! late.
//!
//! ```text
//! cargo build --profile dist && cargo run --profile dist -p farwire-benches --bin teleop_load -- target/dist/farwire 200 20
//! ```
//!
//! Each operator sends 50 commands a second on `cmd_unreliable` and 5 on `state_reliable`, each robot 10 messages of
//! telemetry on `state_reliable_back` and one map of 4 KiB on `map_unreliable`.

mod end;
#[path = "../process.rs"]
mod process;
mod server;
mod tally;

use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::end::Role;
use crate::server::Server;
use crate::tally::Tally;

/// Connections in one process: each has a few descriptors.
const PER_PROCESS: usize = 50;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["robots", url] => end::run(Role::Robot, url),
        ["operators", url] => end::run(Role::Operator, url),
        [farwire, pairs, seconds] => load(farwire, pairs.parse()?, seconds.parse()?),
        _ => Err("say where the command farwire is, how many pairs, and for how many seconds".into()),
    }
}

fn load(farwire: &str, pairs: usize, seconds: u64) -> Outcome<()> {
    let server = Server::start(farwire, pairs)?;
    let dial = Instant::now();
    let mut robots = Vec::new();
    for some in server.robots.chunks(PER_PROCESS) {
        robots.push(Ends::start("robots", &server.url, some)?);
    }
    robots.iter_mut().try_for_each(Ends::wait_ready)?;
    println!("{pairs} robots are registered after {:.1} s", dial.elapsed().as_secs_f64());
    let mut operators = Vec::new();
    for some in server.operators.chunks(PER_PROCESS) {
        operators.push(Ends::start("operators", &server.url, some)?);
    }
    operators.iter_mut().try_for_each(Ends::wait_ready)?;
    println!("{pairs} operators drive after {:.1} s", dial.elapsed().as_secs_f64());

    let (before, begun) = (process::cpu(server.process())?, Instant::now());
    for ends in robots.iter_mut().chain(&mut operators) {
        ends.say("go")?;
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let (cpu, time) = (process::cpu(server.process())? - before, begun.elapsed());
    for ends in robots.iter_mut().chain(&mut operators) {
        ends.say("stop")?;
    }
    let mut totals = Tally::default();
    for ends in robots.iter_mut().chain(&mut operators) {
        totals.add(&ends.report()?);
    }
    totals.print();
    let share = 100.0 * cpu.as_secs_f64() / time.as_secs_f64();
    println!("farwire serve: {share:.0} % of a core, {:.0} MB", process::memory(server.process())? as f64 / 1e6);
    Ok(())
}

/// A process with several robots or operators.
struct Ends {
    child: Child,
    output: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Ends {
    fn start(role: &str, url: &str, secrets: &[String]) -> Outcome<Ends> {
        use std::io::BufRead;
        let mut child = Command::new(std::env::current_exe()?)
            .args([role, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = std::io::BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut ends = Ends { child, output };
        ends.say(&secrets.join(" "))?;
        Ok(ends)
    }

    fn say(&mut self, line: &str) -> Outcome<()> {
        use std::io::Write;
        let input = self.child.stdin.as_mut().ok_or("no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn wait_ready(&mut self) -> Outcome<()> {
        match self.output.next() {
            Some(line) if line.as_ref().is_ok_and(|line| line == "ready") => Ok(()),
            other => Err(format!("not ready: {other:?}").into()),
        }
    }

    fn report(&mut self) -> Outcome<Tally> {
        let line = self.output.next().ok_or("no report")??;
        self.child.wait()?;
        Ok(serde_json::from_str(&line)?)
    }
}
