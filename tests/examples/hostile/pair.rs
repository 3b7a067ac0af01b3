//! A driven robot and its operator.

use std::io::BufRead;
use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, Connection, Delivery};

use crate::{Outcome, SECRET};

/// Commands in a second.
pub(crate) const HZ: u32 = 50;

/// Says the publisher's session, and then for each number of seconds that it is told how long the commands took, in
/// microseconds.
pub(crate) fn pair(root: &str) -> Outcome<()> {
    let config = Config::new(root, "app", SECRET)?;
    let operator = farwire_blocking::connect(config.clone())?;
    let robot = farwire_blocking::connect(config.publisher_session(operator.session_id())?)?;
    println!("{}", operator.session_id());
    for line in std::io::stdin().lock().lines() {
        let times = drive(&operator, &robot, line?.parse()?)?;
        println!("{}", times.iter().map(|time| time.as_micros().to_string()).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// How long each command took.
fn drive(operator: &Connection, robot: &Connection, seconds: u32) -> Outcome<Vec<Duration>> {
    let publisher = operator.publisher_with("commands", Delivery::LOSSY)?;
    let subscription = robot.subscribe_with("commands", Delivery::LOSSY)?;
    subscription.wait_open(Duration::from_secs(10))?;
    let (start, count) = (Instant::now(), seconds * HZ);
    let receiver = thread::spawn(move || {
        let mut times = Vec::new();
        while let Ok(message) = subscription.recv_timeout(Duration::from_secs(1)) {
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
