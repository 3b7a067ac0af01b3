//! Robots or operators, as tasks of one process.

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use farwire_tokio::{Accepted, Connection, OperatorConfig, Publisher, RobotConfig, Subscription, connect};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::Outcome;
use crate::tally::{Tally, Way};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Robot,
    Operator,
}

/// How long what was sent may be on its way after the end.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dialing,
    Running,
    /// Nothing is sent any more.
    Draining,
    Over,
}

/// What a child does: dial, say so, work from `go` to `stop`, and report.
pub(crate) fn run(role: Role, url: &str) -> Outcome<()> {
    let secrets = std::io::stdin().lock().lines().next().ok_or("no secrets")??;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, phase) = watch::channel(Phase::Dialing);
    let secrets: Vec<String> = secrets.split(' ').map(str::to_owned).collect();
    let dialing: Vec<_> = secrets.into_iter().map(|secret| runtime.spawn(dial(role, url.to_owned(), secret))).collect();
    let mut connections = Vec::new();
    for dialed in dialing {
        connections.push(runtime.block_on(dialed)??);
    }
    println!("ready");
    let work = connections.iter().map(|connection| runtime.spawn(end(role, Arc::clone(connection), phase.clone())));
    let work: Vec<_> = work.collect();
    let driver = std::thread::spawn(move || -> Outcome<()> {
        for (word, next) in [("go", Phase::Running), ("stop", Phase::Draining)] {
            let line = std::io::stdin().lock().lines().next().ok_or("the parent is gone")??;
            if line != word {
                return Err(format!("{line:?} instead of {word:?}").into());
            }
            tell.send_replace(next);
        }
        std::thread::sleep(GRACE);
        tell.send_replace(Phase::Over);
        Ok(())
    });
    let mut tally = Tally::default();
    for task in work {
        tally.add(&runtime.block_on(task)?);
    }
    driver.join().map_err(|_| "the driver panicked")??;
    for connection in &connections {
        tally.losses += connection.stats().connection.losses;
    }
    println!("{}", serde_json::to_string(&tally)?);
    Ok(())
}

async fn dial(role: Role, url: String, secret: String) -> Outcome<Arc<Connection>> {
    let patience = Duration::from_secs(60);
    let dialed = match role {
        Role::Robot => connect(RobotConfig::new(&url, &secret)?.connect_timeout(patience)).await,
        Role::Operator => connect(OperatorConfig::new(&url, &secret)?.connect_timeout(patience)).await,
    };
    Ok(Arc::new(dialed?))
}

async fn end(role: Role, connection: Arc<Connection>, phase: watch::Receiver<Phase>) -> Tally {
    let sender = |topic, hz, len| {
        let publisher = connection.publisher(topic).expect("a topic of the bridge");
        tokio::spawn(send(publisher, hz, len, phase.clone()))
    };
    let receiver = |topic| {
        let subscription = connection.subscribe(topic).expect("a topic of the bridge");
        tokio::spawn(receive(subscription, phase.clone()))
    };
    let mut tally = Tally::default();
    match role {
        Role::Robot => {
            let (telemetry, maps) = (sender("state_reliable_back", 10, 300), sender("map_unreliable", 1, 4096));
            let (commands, orders) = (receiver("cmd_unreliable"), receiver("state_reliable"));
            (tally.telemetry, tally.maps) = (telemetry.await.expect("done"), maps.await.expect("done"));
            (tally.commands, tally.orders) = (commands.await.expect("done"), orders.await.expect("done"));
        }
        Role::Operator => {
            let (commands, orders) = (sender("cmd_unreliable", 50, 100), sender("state_reliable", 5, 100));
            let (telemetry, maps) = (receiver("state_reliable_back"), receiver("map_unreliable"));
            (tally.commands, tally.orders) = (commands.await.expect("done"), orders.await.expect("done"));
            (tally.telemetry, tally.maps) = (telemetry.await.expect("done"), maps.await.expect("done"));
        }
    }
    tally
}

async fn in_phase(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    while *phase.borrow_and_update() != wanted {
        if phase.changed().await.is_err() {
            return;
        }
    }
}

/// A message: a number, the time in nanoseconds since 1970, and filling.
async fn send(publisher: Publisher, hz: u32, len: usize, mut phase: watch::Receiver<Phase>) -> Way {
    let mut way = Way::default();
    in_phase(&mut phase, Phase::Running).await;
    // They do not all send at the same moment.
    let period = Duration::from_secs(1) / hz;
    let offset = period.mul_f64(f64::from(nanos() as u32 % 1000) / 1000.0);
    let mut ticks = interval_at(Instant::now() + offset, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut message = vec![0; len];
    while *phase.borrow() == Phase::Running {
        ticks.tick().await;
        message[..8].copy_from_slice(&way.sent.to_be_bytes());
        message[8..16].copy_from_slice(&nanos().to_be_bytes());
        match publisher.publish(&message) {
            Ok(Accepted::Dropped | Accepted::ReplacedOldest) => way.dropped += 1,
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
        way.sent += 1;
    }
    way
}

async fn receive(mut subscription: Subscription, mut phase: watch::Receiver<Phase>) -> Way {
    let mut way = Way::default();
    let mut next = 0;
    loop {
        let message = tokio::select! {
            message = subscription.recv() => message,
            () = in_phase(&mut phase, Phase::Over) => return way,
        };
        let Ok(message) = message else { continue };
        let arrived = nanos();
        // Pings and pongs are text.
        let (Some(number), Some(sent)) = (word(&message, 0), word(&message, 8)) else { continue };
        if message.is_text() {
            continue;
        }
        way.received += 1;
        way.missing += u64::from(number > next) * number.saturating_sub(next);
        next = next.max(number + 1);
        way.latencies.push(u32::try_from(arrived.saturating_sub(sent) / 1000).unwrap_or(u32::MAX));
    }
}

fn word(message: &[u8], at: usize) -> Option<u64> {
    message.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
