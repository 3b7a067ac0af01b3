//! Connecting, and the handle that comes of it.

use std::sync::Arc;

use farwire_core::{Client, Dial, EndReason};
use farwire_driver::{ConnectError, Engine, Lease, Sockets};
use tokio::runtime;

use crate::mailbox::ByWaker;
use crate::publisher::Publisher;
use crate::subscription::Subscription;
use crate::task::{self, Watched};
use crate::tasks::Tasks;
use crate::wait::wait_until;

/// Dials an SFU ([`Config`](crate::Config)), or a broker as a robot ([`RobotConfig`](crate::RobotConfig)) or an operator
/// ([`OperatorConfig`](crate::OperatorConfig)), and waits until the connection is up: for an operator, until the robot
/// answers. A connection that is lost after that reconnects by itself. Dropping the future gives up, and leaves nothing.
///
/// The connection lives on the runtime that this is called on, which needs its I/O and time drivers: one task, and one more
/// for each request that is under way. When that runtime is shut down, the connection ends.
///
/// # Errors
/// When it is not up within the configuration's `connect_timeout`, cannot come up at all, or this is not called on a runtime.
/// Nothing is left of it then.
///
/// # Panics
/// When the runtime has no I/O or time driver; `#[tokio::main]` and `Builder::enable_all` have both.
pub async fn connect(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    up(begin(&dial.into())?).await.map(|inner| Connection { inner })
}

/// Begins to dial.
pub(crate) fn begin(dial: &Dial) -> Result<Arc<Lease<Tasks>>, ConnectError> {
    let runtime = runtime::Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
    let sockets = Sockets::bind(dial)?;
    let watched = Watched::new(&sockets).map_err(ConnectError::socket)?;
    let engine = Engine::new(dial, &sockets, ByWaker, Tasks::new(dial.is_loopback(), runtime.clone()));
    runtime.spawn(task::run(Arc::clone(&engine), watched));
    Ok(Lease::first(engine))
}

/// Waits until what dials is up, or has failed.
pub(crate) async fn up(lease: Arc<Lease<Tasks>>) -> Result<farwire_driver::Connection<Tasks>, ConnectError> {
    let is_up = wait_until(lease.engine(), |client| client.is_connected()).await;
    farwire_driver::Connection::of_new(lease, is_up)
}

farwire_driver::connection! {
    /// It is open while any of its [`Connection`], [`Publisher`], [`Subscription`] and [`Callback`](crate::Callback) handles
    /// is. Dropping the last one, on a runtime or elsewhere, closes it at once and tells the SFU; what still waits in send
    /// queues is not sent, so [`flush`](Self::flush) first where that matters.
    Tasks
}

impl Connection {
    /// Waits until everything that was published has been acknowledged, or given up by a lossy transport. `false`: the
    /// connection has ended.
    ///
    /// An acknowledgement is the SFU's; it says nothing about subscribers.
    pub async fn flush(&self) -> bool {
        !self.inner.lease().is_closed() && wait_until(self.inner.engine(), Client::is_flushed).await
    }

    /// Waits until the connection is over, and says why.
    pub async fn closed(&self) -> EndReason {
        let lease = self.inner.lease();
        // A share can be closed while the connection lives on.
        wait_until(self.inner.engine(), |_| lease.is_closed()).await;
        lease.ended().unwrap_or(EndReason::Closed)
    }
}
