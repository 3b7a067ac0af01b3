//! What a hostile session costs a driven robot beside it: commands at 50 Hz from one client to another through an SFU, in
//! three cases by turns: nothing else; a hostile client whose packets go to a port where they are read and dropped, which
//! is what the machine's load alone costs; and the same packets to the SFU. Prints the commands' latency and the CPU of
//! each, and how much the SFU's memory has grown.
//!
//! The SFU, the clients, the attacker and whoever drops are processes of their own. The attacker has the last core to
//! itself. On the first one the clients come before the SFU, as if they were on machines of their own; so do the others
//! here before what else runs.
//!
//! ```text
//! cargo run --release -p farwire-tests --example hostile -- flood 20 5
//! cargo run --release -p farwire-tests --example hostile -- flood 20 5 again
//! cargo run --release -p farwire-tests --example hostile -- replay 20 5
//! cargo run --release -p farwire-tests --example hostile -- stall 20 5
//! ```

mod attacker;
mod pair;
mod process;
mod serve;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use crate::attacker::Attack;
use crate::pair::HZ;
use crate::process::{Process, Rank};

pub(crate) const SECRET: &str = "hostile-beside-a-driven-robot";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Nothing,
    Aside,
    Attacked,
}

/// What one turn of a case has shown.
struct Turn {
    case: Case,
    p50: u64,
    p99: u64,
    longest: u64,
    missing: usize,
    /// Per cent of one core.
    sfu: f64,
    sink: f64,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve::serve(),
        ["sink"] => serve::sink(),
        ["pair", root] => pair::pair(root),
        ["attack", kind, root, publisher, sink, again] => {
            let attack = Attack::named(kind).ok_or("no such attack")?;
            attacker::run(attack, root, publisher, sink.parse().ok(), again == "again")
        }
        [kind, ref rest @ ..] if Attack::named(kind).is_some() => {
            let number = |at: usize, default| rest.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
            compare(kind, number(0, 20), number(1, 3), rest.contains(&"again"))
        }
        _ => Err("say flood, tiny, replay, forge or stall, then seconds and rounds".into()),
    }
}

fn compare(kind: &str, seconds: usize, rounds: usize, again: bool) -> Outcome<()> {
    let mut server = Process::start(&["serve"], Rank::Middle)?;
    let root = server.line()?;
    let mut sink = Process::start(&["sink"], Rank::Middle)?;
    let beside = sink.line()?;
    let mut pair = Process::start(&["pair", &root], Rank::First)?;
    let publisher = pair.line()?;
    let again = if again { "again" } else { "once" };
    let mut drive = |case| -> Outcome<(Turn, String)> {
        let to = if case == Case::Aside { beside.as_str() } else { "sfu" };
        let mut attacker = match case {
            Case::Nothing => None,
            _ => Some(Process::start(&["attack", kind, &root, &publisher, to, again], Rank::Apart)?),
        };
        if let Some(attacker) = &mut attacker {
            attacker.line()?;
        }
        let (start, before) = (Instant::now(), (server.cpu()?, sink.cpu()?));
        pair.say(&seconds.to_string())?;
        let mut times = pair.line()?.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / start.elapsed().as_secs_f64();
        let (sfu, idle) = (share(server.cpu()? - before.0), share(sink.cpu()? - before.1));
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let missing = seconds * HZ as usize - times.len();
        let turn = Turn { case, p50: at(0.5), p99: at(0.99), longest: at(1.0), missing, sfu, sink: idle };
        let said = attacker.map(Process::end).transpose()?.unwrap_or_default();
        Ok((turn, said))
    };
    // The first ones are not counted.
    drive(Case::Nothing)?;
    let first = server.memory()?;
    drive(Case::Attacked)?;
    let mut turns = Vec::new();
    for _ in 0..rounds {
        for case in Case::ALL {
            let (turn, said) = drive(case)?;
            println!("{turn}  {said}");
            turns.push(turn);
        }
    }
    println!("medians of {rounds} rounds of {seconds} s, {kind} {again}:");
    for case in Case::ALL {
        println!("{}", Turn::median(case, &turns));
    }
    println!("the SFU's memory grew by {} KiB at most", server.most_memory()?.saturating_sub(first) / 1024);
    Ok(())
}

impl Case {
    const ALL: [Case; 3] = [Case::Nothing, Case::Aside, Case::Attacked];
}

impl Turn {
    /// Of each number the median over the turns of one case.
    fn median(case: Case, turns: &[Turn]) -> Turn {
        let of = |number: fn(&Turn) -> f64| {
            let mut numbers: Vec<f64> = turns.iter().filter(|turn| turn.case == case).map(number).collect();
            numbers.sort_unstable_by(f64::total_cmp);
            let middle = [numbers.len().saturating_sub(1) / 2, numbers.len() / 2];
            middle.iter().filter_map(|at| numbers.get(*at)).sum::<f64>() / 2.0
        };
        let whole = |number| of(number) as u64;
        Turn {
            case,
            p50: whole(|turn| turn.p50 as f64),
            p99: whole(|turn| turn.p99 as f64),
            longest: whole(|turn| turn.longest as f64),
            missing: whole(|turn| turn.missing as f64) as usize,
            sfu: of(|turn| turn.sfu),
            sink: of(|turn| turn.sink),
        }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turn { case, p50, p99, longest, missing, sfu, sink } = self;
        let case = match case {
            Case::Nothing => "nothing",
            Case::Aside => "aside",
            Case::Attacked => "attacked",
        };
        write!(f, "{case:8} p50 {p50:5} us, p99 {p99:6} us, longest {longest:7} us, {missing} missing, ")?;
        write!(f, "CPU of the SFU {sfu:5.1} %, of who drops {sink:5.1} %")
    }
}
