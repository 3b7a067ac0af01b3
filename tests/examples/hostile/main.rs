//! What a hostile session costs a driven robot beside it: the SFU in a process of its own, commands at 50 Hz from one
//! client to another, and now and then an attacker with a good key. Prints the latency with and without, in turns, and how
//! much the SFU's memory has grown.
//!
//! ```text
//! cargo run --release -p farwire-tests --example hostile -- flood 20
//! cargo run --release -p farwire-tests --example hostile -- flood 20 again
//! cargo run --release -p farwire-tests --example hostile -- replay 20
//! cargo run --release -p farwire-tests --example hostile -- stall 20
//! ```

mod attacker;
mod server;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, Connection, Delivery};

use crate::attacker::Attack;
use crate::server::Server;

pub(crate) const SECRET: &str = "hostile-beside-a-driven-robot";

const HZ: u32 = 50;

/// Turns of each kind; the first pair warms up.
const TURNS: u32 = 4;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let attack = match arguments.first().map(String::as_str) {
        Some("serve") => return server::serve(),
        Some("flood") => Attack::Flood,
        Some("tiny") => Attack::Tiny,
        Some("replay") => Attack::Replay,
        Some("stall") => Attack::Stall,
        _ => return Err("say flood, tiny, replay or stall, and seconds".into()),
    };
    let seconds = arguments.get(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(20);
    let comes_again = arguments.get(2).is_some_and(|word| word == "again");
    let server = Server::start()?;
    let config = Config::new(&server.root, "app", SECRET)?;
    let robot = farwire_blocking::connect(config.clone())?;
    let operator = farwire_blocking::connect(config.clone().publisher_session(robot.session_id())?)?;
    let before = server.memory()?;
    let (mut quiet, mut attacked, mut most) = (Vec::new(), Vec::new(), before);
    for turn in 0..TURNS {
        let without = drive(&robot, &operator, seconds)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, root, publisher) = (stop.clone(), server.root.clone(), robot.session_id());
        let attacker = thread::spawn(move || attacker::run(attack, comes_again, &root, &publisher, &stopped));
        let with = drive(&robot, &operator, seconds);
        most = most.max(server.memory()?);
        stop.store(true, Ordering::Relaxed);
        let sent = attacker.join().map_err(|_| "the attacker panicked")??;
        if turn > 0 {
            quiet.extend(without);
            attacked.extend(with?);
        }
        println!("turn {turn}: {sent}");
    }
    for (name, times) in [("without", &mut quiet), ("with", &mut attacked)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
        let missing = (TURNS - 1) * seconds * HZ - times.len() as u32;
        println!("{name:8} p50 {:5} us, p99 {:6} us, longest {:7} us, {missing} missing", at(0.5), at(0.99), at(1.0));
    }
    println!("the SFU's memory grew by {} KiB", most.saturating_sub(before) / 1024);
    Ok(())
}

/// How long each command took.
fn drive(robot: &Connection, operator: &Connection, seconds: u32) -> Outcome<Vec<Duration>> {
    let publisher = robot.publisher_with("commands", Delivery::LOSSY)?;
    let subscription = operator.subscribe_with("commands", Delivery::LOSSY)?;
    subscription.wait_open(Duration::from_secs(10))?;
    let (start, count) = (Instant::now(), seconds * HZ);
    let receiver = thread::spawn(move || {
        let mut times = Vec::new();
        while let Ok(message) = subscription.recv_timeout(Duration::from_secs(3)) {
            let sent = message.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            times.push(start.elapsed().saturating_sub(Duration::from_nanos(sent)));
        }
        times
    });
    for n in 0..count {
        thread::sleep((start + Duration::from_secs(1) * n / HZ).saturating_duration_since(Instant::now()));
        publisher.publish(&[&(start.elapsed().as_nanos() as u64).to_be_bytes()[..], &[0; 92]].concat())?;
    }
    receiver.join().map_err(|_| "the receiver panicked".into())
}
