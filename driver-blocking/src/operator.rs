//! An operator of threads.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farwire_core::RecvError;
use farwire_core::broker::{BrokerError, Errand, ErrandDone, Roster};
use farwire_core::teleop::Heard;
use farwire_driver::ConnectError;

use crate::connection::Connection;
use crate::mailbox::wait_for;
use crate::threads::Threads;
use crate::wait::wait_until;

/// The operator, as its threads see it.
type Inner = farwire_driver::teleop::Operator<Threads>;

farwire_driver::operator! {
    ///
    /// ```no_run
    /// use farwire_blocking::lcm::geometry_msgs::{Twist, Vector3};
    /// use farwire_blocking::teleop::{Command, Heard};
    /// use farwire_blocking::{Operator, OperatorConfig, connect};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = connect(OperatorConfig::from_env(|name| std::env::var(name).ok())?)?;
    /// let operator = Operator::start(&connection, 20.0)?;
    /// let forward = Twist { linear: Vector3 { x: 0.5, ..Vector3::default() }, ..Twist::default() };
    /// operator.drive(forward, Duration::from_secs(2));
    /// let light = operator.ask(Command::Light { brightness: 1.0 });
    /// loop {
    ///     match operator.heard(Duration::from_secs(10))? {
    ///         Heard::Telemetry(telemetry) => println!("battery: {:?} %", telemetry.soc),
    ///         Heard::Acknowledged { nonce, ok, .. } if nonce == light => println!("light: {ok}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    Threads; Option<JoinHandle<()>>
}

impl Operator {
    /// Puts an operator on the connection of an [`OperatorConfig`](crate::OperatorConfig), that says its velocity so many times
    /// a second, from 0.1 to 100, on a thread of its own. 20 times suit robots that stop after 300 ms of silence.
    ///
    /// # Errors
    /// When the connection has ended or is none of an operator's, or the system gives no thread.
    pub fn start(connection: &Connection, hz: f64) -> Result<Operator, ConnectError> {
        let inner = Inner::new(&connection.inner, hz).map_err(ConnectError::topic)?;
        let worker = thread::Builder::new().name("farwire-operator".into()).spawn({
            let inner = Arc::clone(&inner);
            move || work(&inner)
        });
        Ok(Operator { worker: Some(worker.map_err(ConnectError::thread)?), inner })
    }

    /// Waits for what the robot says next, for at most `timeout`. The latest 256 wait to be heard.
    ///
    /// # Errors
    /// [`RecvError::Timeout`], and the reason why nothing more will come.
    pub fn heard(&self, timeout: Duration) -> Result<Heard, RecvError> {
        let operator = &self.inner;
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if let Some(heard) = operator.heard()? {
                return Ok(heard);
            }
            wait_for(operator.maps(), deadline, |maps| operator.may_have_heard(maps).then_some(Ok(())))?;
        }
    }

    /// Hands the robot over to somebody who watches it: by the id of its joining, as [`roster`](Self::roster) lists the viewers,
    /// or to the only one. Waits until the viewer has taken it or has not, which the broker says within 20 s; meanwhile this
    /// operator drives on, and when it is refused nothing has changed. The robot stands for no longer than between two of its
    /// heartbeats.
    ///
    /// When the viewer has the robot, this connection is over, with
    /// [`OperatorProblem::HandedOver`](crate::OperatorProblem::HandedOver) as its reason, and does not reconnect.
    ///
    /// # Errors
    /// Who cannot have it, or why the broker does not do it. After [`BrokerError::Unknown`] and
    /// [`BrokerError::NotConnected`] the viewer may have the robot.
    pub fn hand_over(&self, to: Option<&str>) -> Result<(), BrokerError> {
        self.run(Errand::HandOver { to: to.map(str::to_owned) }).map(drop)
    }

    /// Asks the broker who operates the robot and who watches it, and waits for its answer, for 10 s at most.
    ///
    /// # Errors
    /// Why the broker does not say it.
    pub fn roster(&self) -> Result<Roster, BrokerError> {
        self.run(Errand::Roster)?.roster()
    }

    fn run(&self, errand: Errand) -> Result<ErrandDone, BrokerError> {
        let id = self.inner.errand(errand)?;
        let mut outcome = Err(BrokerError::NotConnected);
        let engine = self.inner.connection().engine();
        wait_until(engine, None, |client| self.inner.is_errand_done(client, id, &mut outcome));
        self.inner.forget_errand(id);
        outcome
    }

    /// Tells the robot to stand, and waits for at most `timeout` until what was said last is delivered. Nothing is
    /// said after that.
    pub fn leave(&self, connection: &Connection, timeout: Duration) {
        for pause in self.inner.last_zeros() {
            thread::sleep(pause);
        }
        connection.flush(timeout);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.inner.close();
        if let Some(worker) = self.worker.take() {
            // A panic was told by the thread itself.
            let _ = worker.join();
        }
    }
}

/// Says what is due, and hears what comes, until the operator is let go of.
fn work(operator: &Inner) {
    let mut next = Some(Instant::now());
    while let Some(deadline) = next {
        let has_reports = |reports: &mut _| operator.has_reports(reports).then_some(Ok(()));
        let _ = wait_for(operator.reports(), Some(deadline), has_reports);
        next = operator.turn();
    }
}
