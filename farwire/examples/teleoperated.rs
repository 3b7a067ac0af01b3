//! A robot that an operator drives through a broker: it obeys fresh commands, and stands from `estop` to `estop_clear`.
//!
//! ```text
//! FARWIRE_BROKER=http://127.0.0.1:8787 FARWIRE_ROBOT_KEY=… cargo run -p farwire --features teleop --example teleoperated
//! ```
//!
//! With a number it ends after so many commands.

use std::env;
use std::error::Error;
use std::time::Duration;

use farwire::lcm::geometry_msgs::TwistStamped;
use farwire::teleop::{CMD_UNRELIABLE, RobotConfig, STATE_RELIABLE};
use farwire::{Delivery, SubscribeOptions, connect};
use serde_json::Value;

/// Without a command that is younger than this, the robot stands.
const FRESH: Duration = Duration::from_millis(300);

fn main() -> Result<(), Box<dyn Error>> {
    let commands_to_obey = env::args().nth(1).map_or(Ok(u64::MAX), |commands| commands.parse())?;
    let robot = connect(RobotConfig::from_env(|name| env::var(name).ok())?)?;
    let commands = robot.subscribe_to_with::<TwistStamped>(
        CMD_UNRELIABLE,
        SubscribeOptions::from(Delivery::LOSSY).stale_after(FRESH),
    )?;
    let orders = robot.subscribe_with(STATE_RELIABLE, Delivery::RELIABLE)?;
    println!("waiting for an operator");
    let (mut is_stopped, mut obeyed) = (false, 0);
    while obeyed < commands_to_obey {
        // A command, or after 20 ms none: orders are looked at first either way.
        let command = commands.recv_timeout(FRESH / 15);
        while let Some(order) = orders.try_recv()? {
            match serde_json::from_slice::<Value>(&order).ok().as_ref().and_then(|order| order["type"].as_str()) {
                Some("estop") => is_stopped = true,
                Some("estop_clear") => is_stopped = false,
                _ => {}
            }
        }
        match command {
            Ok(_) if is_stopped => drive(0.0, 0.0),
            Ok(command) => {
                drive(command.twist.linear.x, command.twist.angular.z);
                obeyed += 1;
            }
            // Between two commands the last one counts.
            Err(farwire::RecvError::Timeout) => {}
            // No fresh command, the operator gone, or the connection lost: whatever it is, stand still.
            Err(error) if error.is_passing() => drive(0.0, 0.0),
            Err(error) => return Err(error.into()),
        }
    }
    println!("obeyed {obeyed} commands");
    Ok(())
}

/// Where the motors would be told.
fn drive(_forward: f64, _left: f64) {}
