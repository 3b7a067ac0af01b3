//! Connecting, and the handle that comes of it.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::{Client, Dial};
use farwire_driver::{ConnectError, Engine, Lease, Sockets};
use farwire_udp::Waiter;

use crate::io_thread;
use crate::leader::LeaderSlot;
use crate::mailbox::Waiters;
use crate::publisher::Publisher;
use crate::subscription::Subscription;
use crate::threads::Threads;
use crate::wait::wait_until;

/// Dials an SFU ([`Config`](crate::Config)), or a broker as a robot ([`RobotConfig`](crate::RobotConfig)) or an operator
/// ([`OperatorConfig`](crate::OperatorConfig)), and blocks until the connection is up: for an operator, until the robot
/// answers. A connection that is lost after that reconnects by itself.
///
/// # Errors
/// When it is not up within the configuration's `connect_timeout`, or cannot come up at all. Nothing is left of it then.
pub fn connect(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    begin(&dial.into()).and_then(up).map(|inner| Connection { inner })
}

/// Begins to dial.
pub(crate) fn begin(dial: &Dial) -> Result<Arc<Lease<Threads>>, ConnectError> {
    let sockets = Sockets::bind(dial)?;
    let waiter = || {
        Waiter::new(sockets.to_vec()).map_err(|error| {
            ConnectError::socket(io::Error::new(error.kind(), format!("cannot wait for the UDP sockets: {error}")))
        })
    };
    // The first waiter goes first: a caller that waits for a message.
    let (leads_waiter, leads_waker) = waiter()?;
    let (io_waiter, io_waker) = waiter()?;
    let lead = LeaderSlot::new(sockets.clone(), leads_waiter);
    let engine =
        Engine::new(dial, &sockets, Waiters::new(leads_waker), Threads::new(dial.is_loopback(), lead, io_waker));
    let thread = thread::Builder::new().name("farwire-io".into()).spawn({
        let engine = Arc::clone(&engine);
        move || io_thread::run(&engine, &sockets, io_waiter)
    });
    engine.driver().own(thread.map_err(ConnectError::thread)?);
    Ok(Lease::first(engine))
}

/// Blocks until what dials is up, or has failed.
pub(crate) fn up(lease: Arc<Lease<Threads>>) -> Result<farwire_driver::Connection<Threads>, ConnectError> {
    let is_up = wait_until(lease.engine(), None, |client| client.is_connected());
    farwire_driver::Connection::of_new(lease, is_up)
}

farwire_driver::connection! {
    /// It is open while any of its [`Connection`], [`Publisher`] and [`Subscription`] handles is. Dropping the last one
    /// closes it at once and tells the SFU; what still waits in send queues is not sent, so [`flush`](Self::flush) first
    /// where that matters.
    Threads
}

impl Connection {
    /// Waits until everything that was published has been acknowledged, or given up by a lossy transport. `false`: not
    /// within `timeout`, or the connection has ended.
    ///
    /// An acknowledgement is the SFU's; it says nothing about subscribers.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        !self.inner.lease().is_closed() && wait_until(self.inner.engine(), deadline, Client::is_flushed)
    }
}
