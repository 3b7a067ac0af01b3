//! Measures the blocking driver on one machine: an SFU, a publisher and a subscriber in one process.
//!
//! `cargo run --profile dist -p farwire-benches --bin loopback -- [first|flood|ping|crowd|idle] [seconds or count]`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use farwire_blocking::{Config, Connection, Delivery, connect};
use farwire_sfu::Server;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let what = args.next().unwrap_or_else(|| "all".to_owned());
    let amount: Option<u64> = args.next().map(|text| text.parse()).transpose()?;
    let sfu = Server::spawn(farwire_sfu::Config::new("app", "secret"))?;
    let wanted = |name: &str| what == name || what == "all";
    if wanted("first") {
        first(&sfu, amount.unwrap_or(20))?;
    }
    if wanted("flood") {
        for delivery in [Delivery::RELIABLE, Delivery::LOSSY] {
            flood(&sfu, delivery, Duration::from_secs(amount.unwrap_or(5)))?;
        }
    }
    if wanted("ping") {
        ping(&sfu, Duration::from_secs(amount.unwrap_or(5)))?;
    }
    if wanted("crowd") {
        crowd(&sfu, amount.unwrap_or(100))?;
    }
    if wanted("idle") {
        idle(&sfu, Duration::from_secs(amount.unwrap_or(5)))?;
    }
    Ok(())
}

fn pair(sfu: &Server) -> Result<[Connection; 2]> {
    let config = || Config::new(&sfu.api_root(), "app", "secret");
    let robot = connect(config()?)?;
    let operator = connect(config()?.publisher_session(robot.session_id())?)?;
    Ok([robot, operator])
}

/// As fast as the reliable queue lets a publisher go.
fn flood(sfu: &Server, delivery: Delivery, time: Duration) -> Result<()> {
    let [robot, operator] = pair(sfu)?;
    let publisher = robot.publisher_with("flood", delivery)?;
    let subscription = operator.subscribe_with("flood", delivery)?;
    subscription.wait_open(Duration::from_secs(5))?;
    let before = Cpu::now();
    let start = Instant::now();
    let receiver = thread::Builder::new().name("receiver".into()).spawn(move || {
        let mut received = 0_u64;
        for message in &subscription {
            if message.is_empty() {
                break;
            }
            received += 1;
        }
        (received, subscription.dropped())
    })?;
    let mut sent = 0_u64;
    while start.elapsed() < time {
        for _ in 0..64 {
            publisher.publish(&[7; 64])?;
            sent += 1;
        }
    }
    robot.flush(Duration::from_secs(5));
    let took = start.elapsed();
    let cpu = Cpu::now().since(&before);
    while !receiver.is_finished() {
        publisher.publish(b"")?;
        thread::sleep(Duration::from_millis(10));
    }
    let (received, dropped) = receiver.join().map_err(|_| "the receiver panicked")?;
    let stats = robot.topic_stats("flood").unwrap_or_default();
    let rate = received as f64 / took.as_secs_f64();
    println!(
        "flood {delivery}: {sent} published, {} sent, {received} received, {dropped} dropped, {rate:.0}/s",
        stats.sent
    );
    println!("  {:.2} us of CPU per received message: {}", cpu.total() / received as f64, cpu.per(received));
    Ok(())
}

/// 64 bytes there and back at 1 kHz.
fn ping(sfu: &Server, time: Duration) -> Result<()> {
    let [robot, operator] = pair(sfu)?;
    let [there, back] =
        [robot.publisher_with("ping", Delivery::RELIABLE)?, operator.publisher_with("pong", Delivery::RELIABLE)?];
    let config = Config::new(&sfu.api_root(), "app", "secret")?.publisher_session(operator.session_id())?;
    let listener = connect(config)?;
    let heard = operator.subscribe_with("ping", Delivery::RELIABLE)?;
    let answers = listener.subscribe_with("pong", Delivery::RELIABLE)?;
    heard.wait_open(Duration::from_secs(5))?;
    answers.wait_open(Duration::from_secs(5))?;
    let before = Cpu::now();
    let echo = thread::Builder::new().name("echo".into()).spawn(move || {
        for message in &heard {
            if message.is_empty() || back.publish(&message).is_err() {
                break;
            }
        }
    })?;
    let start = Instant::now();
    let mut times = Vec::new();
    let mut next = start;
    while start.elapsed() < time {
        next += Duration::from_millis(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        there.publish(&[7; 64])?;
        answers.recv_timeout(Duration::from_secs(5))?;
        times.push(sent.elapsed());
    }
    let cpu = Cpu::now().since(&before);
    there.publish(b"")?;
    echo.join().map_err(|_| "the echo panicked")?;
    let count = times.len();
    times.sort_unstable();
    println!("ping: {count} round trips, median {:?}, p99 {:?}", times[count / 2], times[count * 99 / 100]);
    println!("  {:.1} us of CPU per round trip: {}", cpu.total() / count as f64, cpu.per(count as u64));
    Ok(())
}

/// Round trips on a connection that three other threads flood.
fn crowd(sfu: &Server, count: u64) -> Result<()> {
    let connection = connect(Config::new(&sfu.api_root(), "app", "secret")?)?;
    let subscription = connection.subscribe_with("echo", Delivery::RELIABLE)?;
    let publisher = connection.publisher_with("echo", Delivery::RELIABLE)?;
    subscription.wait_open(Duration::from_secs(5))?;
    let stop = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| -> Result<()> {
        for n in 0..3 {
            let flood = connection.publisher(&format!("flood/{n}"))?;
            scope.spawn({
                let stop = &stop;
                move || while !stop.load(Ordering::Relaxed) && flood.publish(&[7; 64]).is_ok() {}
            });
        }
        thread::sleep(Duration::from_millis(100));
        for _ in 0..count {
            let start = Instant::now();
            publisher.publish(b"ping")?;
            subscription.recv_timeout(Duration::from_secs(30))?;
            times.push(start.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        Ok(())
    })?;
    times.sort_unstable();
    println!("crowd: median {:?}, slowest {:?}", times[times.len() / 2], times[times.len() - 1]);
    for n in 0..3 {
        println!("  {:?}", connection.topic_stats(&format!("flood/{n}")).unwrap_or_default());
    }
    Ok(())
}

/// From `connect` to the first message received, both ends in turn.
fn first(sfu: &Server, count: u64) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        let connection = connect(Config::new(&sfu.api_root(), "app", "secret")?)?;
        let subscription = connection.subscribe_with("first", Delivery::RELIABLE)?;
        connection.publisher_with("first", Delivery::RELIABLE)?.publish(b"hello")?;
        // What is published before the subscription is open does not reach it.
        while subscription.recv_timeout(Duration::from_millis(1)).is_err() {
            connection.publisher_with("first", Delivery::RELIABLE)?.publish(b"hello")?;
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("first message: median {:?}, slowest {:?}", times[times.len() / 2], times[times.len() - 1]);
    Ok(())
}

fn idle(sfu: &Server, time: Duration) -> Result<()> {
    let [robot, operator] = pair(sfu)?;
    let (_publisher, subscription) = (robot.publisher("t")?, operator.subscribe("t")?);
    subscription.wait_open(Duration::from_secs(5))?;
    let before = Cpu::now();
    thread::sleep(time);
    let cpu = Cpu::now().since(&before);
    println!("idle: {:.3} % of a core for two connections and the SFU", cpu.total() / time.as_micros() as f64 * 100.0);
    Ok(())
}

/// CPU time by thread name, in microseconds.
struct Cpu(BTreeMap<String, f64>);

impl Cpu {
    fn now() -> Cpu {
        let mut times = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let nanos: f64 = stat.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default();
            *times.entry(name.trim().to_owned()).or_default() += nanos / 1000.0;
        }
        Cpu(times)
    }

    fn since(mut self, before: &Cpu) -> Cpu {
        for (name, time) in &mut self.0 {
            *time -= before.0.get(name).copied().unwrap_or_default();
        }
        self
    }

    fn total(&self) -> f64 {
        self.0.values().sum()
    }

    fn per(&self, count: u64) -> String {
        let part = |(name, time): (&String, &f64)| format!("{name} {:.2}", time / count as f64);
        self.0.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}
