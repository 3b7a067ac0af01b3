//! Loads an SFU in a process of its own, and reports what that costs it.
//!
//! ```text
//! cargo run --profile dist -p farwire-benches --bin sfu_load -- fan-out 1 10 100 500
//! cargo run --profile dist -p farwire-benches --bin sfu_load -- idle 1000
//! cargo run --profile dist -p farwire-benches --bin sfu_load -- churn 10000
//! ```

mod client;
#[path = "../process.rs"]
mod process;
mod server;

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Api, Fleet};
use crate::server::Server;

/// Sessions that one thread drives: what a waiter can watch.
const FLEET: usize = 64;
const HZ: u32 = 100;
const SECONDS: u32 = 10;
const PAYLOAD: [u8; 100] = [7; 100];

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(),
        Some("fan-out") => numbers.into_iter().try_for_each(fan_out),
        Some("idle") => numbers.into_iter().try_for_each(idle),
        Some("churn") => numbers.into_iter().try_for_each(churn),
        _ => Err("say fan-out, idle or churn, and numbers".into()),
    }
}

/// One publisher, reliable messages, and this many subscribers.
fn fan_out(subscribers: usize) -> Outcome<()> {
    let server = Server::start()?;
    let api = Api::new(&server.root);
    let mut publisher = Fleet::connect(&api, 1)?;
    let stream = publisher.publish(&api, "t")?;
    let publishing = publisher.id(0).to_owned();
    let received = AtomicU64::new(0);
    let expected = u64::from(HZ * SECONDS) * subscribers as u64;
    thread::scope(|scope| -> Outcome<()> {
        let (ready, readies) = std::sync::mpsc::channel();
        for first in (0..subscribers).step_by(FLEET) {
            let (api, publishing, ready, received) = (&api, &publishing, ready.clone(), &received);
            let count = FLEET.min(subscribers - first);
            scope.spawn(move || -> Outcome<()> {
                let mut fleet = Fleet::connect(api, count)?;
                fleet.subscribe(api, publishing, "t")?;
                ready.send(())?;
                let give_up = Instant::now() + Duration::from_secs(u64::from(SECONDS) + 60);
                while received.load(Ordering::Relaxed) < expected && Instant::now() < give_up {
                    let came = fleet.drive(Instant::now() + Duration::from_millis(100))?;
                    received.fetch_add(came, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        drop(ready);
        let fleets = subscribers.div_ceil(FLEET);
        for _ in 0..fleets {
            // The publisher's link wants to be driven meanwhile.
            while readies.try_recv().is_err() {
                publisher.drive(Instant::now() + Duration::from_millis(20))?;
            }
        }
        let before = process::cpu(server.process())?;
        let start = Instant::now();
        for n in 0..HZ * SECONDS {
            publisher.drive(start + Duration::from_secs(1) * n / HZ)?;
            publisher.write(0, stream, &PAYLOAD)?;
        }
        let settled = Instant::now() + Duration::from_secs(20);
        while received.load(Ordering::Relaxed) < expected && Instant::now() < settled {
            publisher.drive(Instant::now() + Duration::from_millis(20))?;
        }
        let cpu = process::cpu(server.process())? - before;
        let came = received.load(Ordering::Relaxed);
        println!(
            "{subscribers:5} subscribers: {came} of {expected} came, {:.2} us of the SFU's CPU each, {:.0} % of a core",
            cpu.as_secs_f64() * 1e6 / came.max(1) as f64,
            cpu.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0,
        );
        Ok(())
    })
}

/// This many sessions that are connected and do nothing.
fn idle(sessions: usize) -> Outcome<()> {
    let server = Server::start()?;
    let api = Api::new(&server.root);
    // The first ones pay for what all share.
    let _warm = Fleet::connect(&api, 8)?;
    let before = process::memory(server.process())?;
    let measured = AtomicU64::new(0);
    thread::scope(|scope| -> Outcome<()> {
        let (ready, readies) = std::sync::mpsc::channel();
        for first in (0..sessions).step_by(FLEET) {
            let (api, ready, measured) = (&api, ready.clone(), &measured);
            let count = FLEET.min(sessions - first);
            scope.spawn(move || -> Outcome<()> {
                let mut fleet = Fleet::connect(api, count)?;
                ready.send(())?;
                while measured.load(Ordering::Relaxed) == 0 {
                    fleet.drive(Instant::now() + Duration::from_millis(200))?;
                }
                Ok(())
            });
        }
        drop(ready);
        let fleets = sessions.div_ceil(FLEET);
        let connected = readies.iter().take(fleets).count();
        thread::sleep(Duration::from_secs(2));
        let (cpu, start) = (process::cpu(server.process())?, Instant::now());
        thread::sleep(Duration::from_secs(10));
        let busy = (process::cpu(server.process())? - cpu).as_secs_f64() / start.elapsed().as_secs_f64();
        let each = (process::memory(server.process())?.saturating_sub(before)) / sessions as u64;
        measured.store(1, Ordering::Relaxed);
        println!(
            "{sessions} idle sessions (on {connected} of {fleets} threads): {each} bytes each, {:.2} % of a core",
            busy * 100.0
        );
        Ok(())
    })
}

/// This many sessions in five waves, of which every second connects, and all are dropped.
fn churn(sessions: usize) -> Outcome<()> {
    let server = Server::start()?;
    let api = Api::new(&server.root);
    let mut memory = Vec::new();
    for _ in 0..5 {
        for n in 0..sessions / 5 {
            match n % 2 {
                0 => Fleet::connect(&api, 1)?.close(),
                _ => api.abandon()?,
            }
        }
        // What never connected is dropped after 30 s.
        thread::sleep(Duration::from_secs(32));
        memory.push(process::memory(server.process())? / 1024);
    }
    println!("{sessions} sessions came and went; KiB of memory after each fifth: {memory:?}");
    Ok(())
}
