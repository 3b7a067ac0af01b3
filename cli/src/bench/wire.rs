//! Either driver, for the benchmark's workers.
//!
//! farwire for tokio runs here as in a service with one thread: the thread that waits drives the connection.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use farwire::{Accepted, Config, Delivery, Message, PublishError, RecvError, TopicError};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::time;

use crate::failure::Failure;
use crate::settings::Sfu;

/// Which of farwire's drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Driver {
    Blocking,
    Tokio,
}

impl Driver {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Driver::Blocking => "blocking",
            Driver::Tokio => "tokio",
        }
    }
}

/// Connects, and waits.
#[derive(Clone)]
pub(super) enum Wire {
    Blocking,
    Tokio(Arc<Runtime>),
}

pub(super) enum Connection {
    Blocking(farwire::Connection),
    Tokio(Arc<Runtime>, farwire::tokio::Connection),
}

#[derive(Clone)]
pub(super) enum Publisher {
    Blocking(farwire::Publisher),
    Tokio(Arc<Runtime>, farwire::tokio::Publisher),
}

pub(super) enum Subscription {
    Blocking(farwire::Subscription),
    Tokio(Arc<Runtime>, farwire::tokio::Subscription),
}

impl Wire {
    pub(super) fn new(driver: Driver) -> Result<Wire, Failure> {
        match driver {
            Driver::Blocking => Ok(Wire::Blocking),
            Driver::Tokio => match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => Ok(Wire::Tokio(Arc::new(runtime))),
                Err(error) => Err(Failure::failed(format_args!("cannot start a tokio runtime: {error}"))),
            },
        }
    }

    pub(super) fn connect(&self, sfu: &Sfu, publisher_session: Option<&str>) -> Result<Connection, Failure> {
        match self {
            Wire::Blocking => sfu.connect(publisher_session).map(Connection::Blocking),
            Wire::Tokio(runtime) => {
                let connect = |config: Config| runtime.block_on(farwire::tokio::connect(config));
                let connection = sfu.dial(publisher_session, connect)?;
                Ok(Connection::Tokio(Arc::clone(runtime), connection))
            }
        }
    }

    /// Waits, and lets connections work meanwhile.
    pub(super) fn pause(&self, during: Duration) {
        match self {
            Wire::Blocking => thread::sleep(during),
            Wire::Tokio(runtime) => runtime.block_on(async { time::sleep(during).await }),
        }
    }

    /// [`Wire::pause`] until a time.
    pub(super) fn pause_until(&self, due: Instant) {
        match self {
            Wire::Blocking => crate::pace::sleep_until(due),
            Wire::Tokio(runtime) => runtime.block_on(async { time::sleep_until(due.into()).await }),
        }
    }
}

impl Connection {
    pub(super) fn session_id(&self) -> String {
        match self {
            Connection::Blocking(connection) => connection.session_id(),
            Connection::Tokio(_, connection) => connection.session_id(),
        }
    }

    pub(super) fn publisher(&self, topic: &str, delivery: Delivery) -> Result<Publisher, TopicError> {
        Ok(match self {
            Connection::Blocking(connection) => Publisher::Blocking(connection.publisher_with(topic, delivery)?),
            Connection::Tokio(runtime, connection) => {
                Publisher::Tokio(Arc::clone(runtime), connection.publisher_with(topic, delivery)?)
            }
        })
    }

    pub(super) fn subscribe(&self, topic: &str, delivery: Delivery) -> Result<Subscription, TopicError> {
        Ok(match self {
            Connection::Blocking(connection) => Subscription::Blocking(connection.subscribe_with(topic, delivery)?),
            Connection::Tokio(runtime, connection) => {
                Subscription::Tokio(Arc::clone(runtime), connection.subscribe_with(topic, delivery)?)
            }
        })
    }

    pub(super) fn flush(&self, timeout: Duration) -> bool {
        match self {
            Connection::Blocking(connection) => connection.flush(timeout),
            Connection::Tokio(runtime, connection) => {
                runtime.block_on(async { time::timeout(timeout, connection.flush()).await }).unwrap_or(false)
            }
        }
    }
}

impl Publisher {
    /// Publishes, and waits for room where every message counts.
    pub(super) fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        match self {
            Publisher::Blocking(publisher) => publisher.publish(message),
            Publisher::Tokio(runtime, publisher) => loop {
                match publisher.publish(message) {
                    Err(PublishError::QueueFull { .. }) => runtime.block_on(publisher.ready())?,
                    result => return result,
                }
            },
        }
    }
}

impl Subscription {
    pub(super) fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError> {
        match self {
            Subscription::Blocking(subscription) => subscription.recv_timeout(timeout),
            Subscription::Tokio(runtime, subscription) => {
                if let Some(message) = subscription.try_recv()? {
                    return Ok(message);
                }
                let received = runtime.block_on(async { time::timeout(timeout, subscription.recv()).await });
                received.unwrap_or(Err(RecvError::Timeout))
            }
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        match self {
            Subscription::Blocking(subscription) => subscription.dropped(),
            Subscription::Tokio(_, subscription) => subscription.dropped(),
        }
    }
}
