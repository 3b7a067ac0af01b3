//! A robot that an operator drives through a broker, in DimOS's words: velocities, the emergency stop, a light and a horn.
//!
//! ```text
//! FARWIRE_BROKER=http://127.0.0.1:8787 FARWIRE_ROBOT_KEY=… cargo run -p farwire --features teleop --example teleoperated
//! ```
//!
//! With a number it ends after so many steps that moved it.

use std::env;
use std::error::Error;

use farwire::connect;
use farwire::teleop::{Command, Limits, Report, Robot, RobotConfig, RobotSetup, Task};

fn main() -> Result<(), Box<dyn Error>> {
    let steps_to_move = env::args().nth(1).map_or(Ok(u64::MAX), |steps| steps.parse())?;
    let connection = connect(RobotConfig::from_env(|name| env::var(name).ok())?)?;
    let setup = RobotSetup::new(Limits::planar(0.8, 1.5)).on_estop(brake).on("light", light).on("horn", |_| {
        eprintln!("TOOT");
        true
    });
    let mut robot = Robot::start(&connection, setup)?;
    println!("waiting for an operator");
    let mut moved = 0;
    while moved < steps_to_move {
        let step = robot.step()?;
        let (forward, left) = (step.velocity.linear.x, step.velocity.angular.z);
        drive(forward, left);
        moved += u64::from(forward != 0.0 || left != 0.0);
        for change in &step.changes {
            eprintln!("{change}");
        }
        robot.report(Report::default().soc(81.5).state("posture", "standing"));
    }
    drive(0.0, 0.0);
    println!("moved {moved} steps");
    Ok(())
}

/// Where the motors would be told.
fn drive(_forward: f64, _left: f64) {}

/// Where the brakes would be told. `true`: they hold.
fn brake() -> bool {
    true
}

fn light(task: &Task) -> bool {
    let Command::Light { brightness } = task.command else { return false };
    eprintln!("light at {:.0} %", brightness * 100.0);
    true
}
