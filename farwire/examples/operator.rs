//! An operator on tokio: drives a robot forward through a broker, asks it for light, and says what it hears.
//!
//! ```text
//! FARWIRE_BROKER=http://127.0.0.1:8787 FARWIRE_OPERATOR_TOKEN=… \
//!     cargo run -p farwire --features tokio,teleop --example operator -- SECONDS
//! ```

use std::error::Error;
use std::time::Duration;

use farwire::lcm::geometry_msgs::{Twist, Vector3};
use farwire::teleop::{Command, Heard, OperatorConfig};
use farwire::tokio::{Operator, connect};
use tokio::time::{Instant, timeout, timeout_at};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(1.0), |seconds| seconds.parse())?;
    let connection = connect(OperatorConfig::from_env(|name| std::env::var(name).ok())?).await?;
    if let Some(clock) = connection.clock() {
        println!("round trip to the robot: {:?}", clock.round_trip);
    }
    let mut operator = Operator::start(&connection, 20.0)?;
    let lasts = Duration::try_from_secs_f64(seconds)?;
    let forward = Twist { linear: Vector3 { x: 0.5, ..Vector3::default() }, ..Twist::default() };
    // It counts for so long, and then the robot is told to stand.
    operator.drive(forward, lasts);
    let light = operator.ask(Command::Light { brightness: 1.0 });
    let end = Instant::now() + lasts;
    while let Ok(Ok(heard)) = timeout_at(end, operator.heard()).await {
        match heard {
            Heard::Acknowledged { nonce, ok, .. } if nonce == light => println!("light: {ok}"),
            Heard::Telemetry(telemetry) => println!("battery: {:?} %", telemetry.soc),
            _ => {}
        }
    }
    // What is said last is to arrive; a robot that is gone by then is not waited for.
    let _ = timeout(Duration::from_secs(1), operator.leave(&connection)).await;
    Ok(())
}
