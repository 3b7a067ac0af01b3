//! Two processes that meet: `meet robot [MESSAGES]` prints its session, and `meet operator SESSION [MESSAGES]` hears it.

use std::time::Duration;
use std::{env, thread};

use farwire::{Config, Delivery, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_env(|name| env::var(name).ok())?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["robot"] => robot(config, u64::MAX),
        ["robot", messages] => robot(config, messages.parse()?),
        ["operator", session] => operator(config, session, usize::MAX),
        ["operator", session, messages] => operator(config, session, messages.parse()?),
        _ => Err("usage: meet robot [MESSAGES] | meet operator SESSION [MESSAGES]".into()),
    }
}

fn robot(config: Config, messages: u64) -> Result<(), Box<dyn std::error::Error>> {
    let robot = connect(config)?;
    println!("{}", robot.session_id());
    let events = robot.publisher_with("events", Delivery::RELIABLE)?;
    for n in 0..messages {
        events.publish_text(&format!("event {n}"))?;
        thread::sleep(Duration::from_millis(20));
    }
    robot.flush(Duration::from_secs(5));
    Ok(())
}

fn operator(config: Config, session: &str, messages: usize) -> Result<(), Box<dyn std::error::Error>> {
    let events = connect(config.publisher_session(session)?)?.subscribe_with("events", Delivery::RELIABLE)?;
    for event in events.iter().take(messages) {
        println!("{}", String::from_utf8_lossy(&event));
    }
    Ok(())
}
