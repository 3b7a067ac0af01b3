//! An operator on tokio: drives a robot forward through a broker, stamping its commands in the robot's time.
//!
//! ```text
//! FARWIRE_BROKER=http://127.0.0.1:8787 FARWIRE_OPERATOR_TOKEN=… \
//!     cargo run -p farwire --features tokio,teleop --example operator -- SECONDS
//! ```

use std::error::Error;
use std::time::Duration;

use farwire::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire::lcm::std_msgs::{Header, Time};
use farwire::teleop::{CMD_UNRELIABLE, OperatorConfig};
use farwire::tokio::connect;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(1.0), |seconds| seconds.parse())?;
    let operator = connect(OperatorConfig::from_env(|name| std::env::var(name).ok())?).await?;
    if let Some(clock) = operator.clock() {
        println!("round trip to the robot: {:?}", clock.round_trip);
    }
    let commands = operator.publisher_of::<TwistStamped>(CMD_UNRELIABLE)?;
    let mut every = tokio::time::interval(Duration::from_millis(50));
    let steps = (seconds / 0.05) as u32;
    for step in 0..steps {
        every.tick().await;
        // The last ones say: stand.
        let speed = if step + 5 < steps { 0.5 } else { 0.0 };
        // Before the robot's clock is known there is no stamp, and the robot would refuse a command without one.
        let Some(stamp) = operator.stamp().and_then(Time::from_unix) else { continue };
        commands.publish(&TwistStamped {
            header: Header { stamp, ..Header::default() },
            twist: Twist { linear: Vector3 { x: speed, ..Vector3::default() }, ..Twist::default() },
        })?;
    }
    // What was said last is to arrive; a robot that is gone by then is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), operator.flush()).await;
    Ok(())
}
