//! A robot's loop, as a task of its author's.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use farwire_core::RecvError;
use farwire_core::teleop::Step;
use farwire_driver::ConnectError;
use farwire_driver::teleop::{Job, RobotSetup};
use tokio::time::timeout_at;

use crate::connection::Connection;
use crate::mailbox::poll;
use crate::tasks::Tasks;

/// The robot, as its tasks see it.
type Inner = farwire_driver::teleop::Robot<Tasks>;

farwire_driver::robot! {
    ///
    /// ```no_run
    /// # fn motors(_: f64, _: f64) {}
    /// use farwire_tokio::teleop::{Limits, RobotSetup};
    /// use farwire_tokio::{Robot, RobotConfig, connect};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = connect(RobotConfig::from_env(|name| std::env::var(name).ok())?).await?;
    /// let mut robot = Robot::start(&connection, RobotSetup::new(Limits::planar(0.8, 1.5)))?;
    /// loop {
    ///     let step = robot.step().await?;
    ///     motors(step.velocity.linear.x, step.velocity.angular.z);
    /// }
    /// # }
    /// ```
    ///
    /// On a runtime of one thread, a loop that blocks it also keeps the emergency stop from being heard.
    Tasks; ()
}

impl Robot {
    /// Puts a robot on the connection of a [`RobotConfig`](crate::RobotConfig), with a task of its own on the connection's
    /// runtime. Handlers of commands are called on its threads for blocking work.
    ///
    /// # Errors
    /// When the connection has ended or is none of a robot's.
    pub fn start(connection: &Connection, setup: impl Into<RobotSetup>) -> Result<Robot, ConnectError> {
        let runtime = connection.inner.engine().driver().runtime.clone();
        let spawn = {
            let runtime = runtime.clone();
            move |job: Job<Tasks>| drop(runtime.spawn_blocking(move || job.run()))
        };
        let inner = Inner::new(&connection.inner, setup.into(), spawn).map_err(ConnectError::topic)?;
        runtime.spawn(work(Arc::clone(&inner)));
        Ok(Robot { inner, worker: () })
    }

    /// Waits until the next step is due, a command comes, or something else is to be told, and says how fast to drive.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The reason why nothing more will come, after a step that said to stand.
    pub async fn step(&mut self) -> Result<Step, RecvError> {
        let robot = &self.inner;
        let (earliest, latest) = robot.due();
        let urgent = poll_fn(|context| poll(robot.commands(), context, |_| robot.is_urgent().then_some(())));
        if timeout_at(earliest.into(), urgent).await.is_err() {
            let news = poll_fn(|context| {
                poll(robot.commands(), context, |commands| (robot.is_urgent() || commands.has_news()).then_some(()))
            });
            // Whatever there is of it, the step says.
            let _ = timeout_at(latest.into(), news).await;
        }
        robot.step()
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        let () = self.worker;
        self.inner.close();
    }
}

/// Sees to orders and telemetry until the robot is let go of.
async fn work(robot: Arc<Inner>) {
    let mut next = Some(Instant::now());
    while let Some(deadline) = next {
        let orders = poll_fn(|context| poll(robot.orders(), context, |orders| robot.has_orders(orders).then_some(())));
        let _ = timeout_at(deadline.into(), orders).await;
        next = robot.turn();
    }
}
