//! A service: answers each command on `commands` with its length on `replies`, for any number of robots at once.
//!
//! ```text
//! FARWIRE_URL=http://127.0.0.1:8787/v1 cargo run -p farwire --features tokio --example service -- SESSION…
//! ```
//!
//! Each SESSION is the publishing session of a robot. Without one it talks to itself, as a test of the SFU.

use std::error::Error;
use std::time::Duration;

use farwire::tokio::connect;
use farwire::{Config, Delivery, RecvError};
use tokio::task::JoinSet;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let config = Config::from_env(|name| std::env::var(name).ok())?;
    let mut robots = JoinSet::new();
    let sessions: Vec<String> = std::env::args().skip(1).collect();
    if sessions.is_empty() {
        return talk_to_oneself(config).await;
    }
    for session in sessions {
        robots.spawn(serve(config.clone().publisher_session(&session)?));
    }
    while let Some(served) = robots.join_next().await {
        // One robot's end is not the others'.
        if let Err(error) = served? {
            eprintln!("{error}");
        }
    }
    Ok(())
}

/// Serves one robot until its connection ends.
async fn serve(config: Config) -> Outcome {
    let connection = connect(config).await?;
    let mut commands = connection.subscribe_with("commands", Delivery::RELIABLE)?;
    let replies = connection.publisher_with("replies", Delivery::RELIABLE)?;
    println!("serving; the robot finds replies at session {}", connection.session_id());
    loop {
        let command = match commands.recv().await {
            Ok(command) => command,
            Err(RecvError::Lagged(missed)) => {
                eprintln!("{missed} commands were too many at once");
                continue;
            }
            Err(error) if error.is_passing() => continue,
            Err(error) => return Err(error.into()),
        };
        replies.ready().await?;
        replies.publish(format!("{} bytes", command.len()).as_bytes())?;
    }
}

/// A robot and its service in one process.
async fn talk_to_oneself(config: Config) -> Outcome {
    let robot = connect(config.clone()).await?;
    let commands = robot.publisher_with("commands", Delivery::RELIABLE)?;
    let service = connect(config.clone().publisher_session(robot.session_id())?).await?;
    let mut heard = service.subscribe_with("commands", Delivery::RELIABLE)?;
    tokio::time::timeout(Duration::from_secs(10), heard.opened()).await??;
    for n in 1..=3usize {
        commands.publish(&vec![0; n])?;
        println!("heard {} bytes", heard.recv().await?.len());
    }
    Ok(())
}
