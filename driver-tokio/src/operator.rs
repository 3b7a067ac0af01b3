//! An operator of tasks.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use farwire_core::RecvError;
use farwire_core::broker::{BrokerError, Errand, ErrandDone, ErrandId, Roster};
use farwire_core::teleop::Heard;
use farwire_driver::ConnectError;
use tokio::time::{sleep, timeout_at};

use crate::connection::Connection;
use crate::mailbox::poll;
use crate::tasks::Tasks;
use crate::wait::wait_until;

/// The operator, as its tasks see it.
type Inner = farwire_driver::teleop::Operator<Tasks>;

farwire_driver::operator! {
    ///
    /// On a runtime of one thread, a program that blocks it also keeps the velocity from being said, and the robot stops.
    Tasks; ()
}

impl Operator {
    /// Puts an operator on the connection of an [`OperatorConfig`](crate::OperatorConfig), that says its velocity so many times
    /// a second, from 0.1 to 100, in a task of its own on the connection's runtime. 20 times suit robots that stop after 300 ms
    /// of silence.
    ///
    /// # Errors
    /// When the connection has ended or is none of an operator's.
    pub fn start(connection: &Connection, hz: f64) -> Result<Operator, ConnectError> {
        let inner = Inner::new(&connection.inner, hz).map_err(ConnectError::topic)?;
        connection.inner.engine().driver().runtime.spawn(work(Arc::clone(&inner)));
        Ok(Operator { inner, worker: () })
    }

    /// Waits for what the robot says next. The latest 256 wait to be heard; dropping the future loses nothing.
    ///
    /// # Errors
    /// The reason why nothing more will come.
    pub async fn heard(&mut self) -> Result<Heard, RecvError> {
        let operator = &self.inner;
        loop {
            if let Some(heard) = operator.heard()? {
                return Ok(heard);
            }
            poll_fn(|context| poll(operator.maps(), context, |maps| operator.may_have_heard(maps).then_some(()))).await;
        }
    }

    /// Hands the robot over to somebody who watches it: by the id of its joining, as [`roster`](Self::roster) lists the viewers,
    /// or to the only one. Waits until the viewer has taken it or has not, which the broker says within 20 s; meanwhile this
    /// operator drives on, and when it is refused nothing has changed. The robot stands for no longer than between two of its
    /// heartbeats. Dropping the future takes nothing back.
    ///
    /// When the viewer has the robot, this connection is over, with
    /// [`OperatorProblem::HandedOver`](crate::OperatorProblem::HandedOver) as its reason, and does not reconnect.
    ///
    /// # Errors
    /// Who cannot have it, or why the broker does not do it. After [`BrokerError::Unknown`] and
    /// [`BrokerError::NotConnected`] the viewer may have the robot.
    pub async fn hand_over(&self, to: Option<&str>) -> Result<(), BrokerError> {
        self.run(Errand::HandOver { to: to.map(str::to_owned) }).await.map(drop)
    }

    /// Asks the broker who operates the robot and who watches it, and waits for its answer, for 10 s at most.
    ///
    /// # Errors
    /// Why the broker does not say it.
    pub async fn roster(&self) -> Result<Roster, BrokerError> {
        self.run(Errand::Roster).await?.roster()
    }

    async fn run(&self, errand: Errand) -> Result<ErrandDone, BrokerError> {
        let Running { operator, id } = &Running { operator: &self.inner, id: self.inner.errand(errand)? };
        let mut outcome = Err(BrokerError::NotConnected);
        wait_until(operator.connection().engine(), |client| operator.is_errand_done(client, *id, &mut outcome)).await;
        outcome
    }

    /// Tells the robot to stand, and waits until what was said last is delivered. Nothing is said after that.
    pub async fn leave(&self, connection: &Connection) {
        for pause in self.inner.last_zeros() {
            sleep(pause).await;
        }
        connection.flush().await;
    }
}

/// An errand, which is forgotten when its future is dropped.
struct Running<'a> {
    operator: &'a Inner,
    id: ErrandId,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.operator.forget_errand(self.id);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let () = self.worker;
        self.inner.close();
    }
}

/// Says what is due, and hears what comes, until the operator is let go of.
async fn work(operator: Arc<Inner>) {
    let mut next = Some(Instant::now());
    while let Some(deadline) = next {
        let reports =
            poll_fn(|context| poll(operator.reports(), context, |reports| operator.has_reports(reports).then_some(())));
        let _ = timeout_at(deadline.into(), reports).await;
        next = operator.turn();
    }
}
