//! A robot's loop: publishes its pose and takes the newest command. `robot [STEPS]`, with `FARWIRE_URL` and so on set.

use std::time::Duration;
use std::{env, thread};

use farwire::{Config, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps = env::args().nth(1).map_or(Ok(u64::MAX), |steps| steps.parse())?;
    let robot = connect(Config::from_env(|name| env::var(name).ok())?)?;
    let pose = robot.publisher("pose")?;
    let commands = robot.subscribe("cmd_vel")?;
    for step in 0..steps {
        pose.publish(&step.to_le_bytes())?;
        if let Some(command) = commands.latest()? {
            println!("a command of {} bytes", command.len());
        }
        thread::sleep(Duration::from_millis(10));
    }
    println!("{steps} steps");
    Ok(())
}
