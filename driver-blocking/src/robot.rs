//! A robot's loop, on a thread of its author's.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use farwire_core::RecvError;
use farwire_core::teleop::Step;
use farwire_driver::ConnectError;
use farwire_driver::teleop::{Job, RobotSetup};

use crate::connection::Connection;
use crate::mailbox::wait_for;
use crate::threads::Threads;

/// The robot, as its threads see it.
type Inner = farwire_driver::teleop::Robot<Threads>;

farwire_driver::robot! {
    ///
    /// ```no_run
    /// # fn motors(_: f64, _: f64) {}
    /// use farwire_blocking::teleop::{Limits, RobotSetup};
    /// use farwire_blocking::{Robot, RobotConfig, connect};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = connect(RobotConfig::from_env(|name| std::env::var(name).ok())?)?;
    /// let mut robot = Robot::start(&connection, RobotSetup::new(Limits::planar(0.8, 1.5)))?;
    /// loop {
    ///     let step = robot.step()?;
    ///     motors(step.velocity.linear.x, step.velocity.angular.z);
    /// }
    /// # }
    /// ```
    Threads; Option<JoinHandle<()>>
}

impl Robot {
    /// Puts a robot on the connection of a [`RobotConfig`](crate::RobotConfig), with a thread of its own.
    ///
    /// # Errors
    /// When the connection has ended or is none of a robot's, or the system gives no thread.
    pub fn start(connection: &Connection, setup: impl Into<RobotSetup>) -> Result<Robot, ConnectError> {
        let inner = Inner::new(&connection.inner, setup.into(), spawn).map_err(ConnectError::topic)?;
        let worker = thread::Builder::new().name("farwire-robot".into()).spawn({
            let inner = Arc::clone(&inner);
            move || work(&inner)
        });
        Ok(Robot { worker: Some(worker.map_err(ConnectError::thread)?), inner })
    }

    /// Waits until the next step is due, a command comes, or something else is to be told, and says how fast to drive.
    ///
    /// # Errors
    /// The reason why nothing more will come, after a step that said to stand.
    pub fn step(&mut self) -> Result<Step, RecvError> {
        let robot = &self.inner;
        let (earliest, latest) = robot.due();
        let urgent = |_: &mut _| robot.is_urgent().then_some(Ok(()));
        if wait_for(robot.commands(), Some(earliest), urgent).is_err() {
            // Whatever there is of it, the step says.
            let _ = wait_for(robot.commands(), Some(latest), |commands| {
                (robot.is_urgent() || commands.has_news()).then_some(Ok(()))
            });
        }
        robot.step()
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.inner.close();
        if let Some(worker) = self.worker.take() {
            // A panic was told by the thread itself.
            let _ = worker.join();
        }
    }
}

/// Sees to orders and telemetry until the robot is let go of.
fn work(robot: &Arc<Inner>) {
    let mut next = Some(Instant::now());
    while let Some(deadline) = next {
        let _ = wait_for(robot.orders(), Some(deadline), |orders| robot.has_orders(orders).then_some(Ok(())));
        next = robot.turn();
    }
}

/// Without a thread the job has failed.
fn spawn(job: Job<Threads>) {
    let _ = thread::Builder::new().name("farwire-command".into()).spawn(move || job.run());
}
