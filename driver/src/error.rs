//! Why there is no connection.

use std::io;
use std::sync::Arc;

use farwire_core::{EndReason, TopicError};

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not called on a tokio runtime; only the driver for tokio says so.
    #[error("there is no tokio runtime here: call connect from a task of one")]
    NoRuntime,
    /// The system gives no socket; the error says which.
    #[error("{0}")]
    Socket(#[source] Arc<io::Error>),
    /// The system gives no thread; only the driver for threads says so.
    #[error("cannot start the connection's thread: {0}")]
    Thread(#[source] Arc<io::Error>),
    /// A topic that is needed cannot be had.
    #[error("{0}")]
    Topic(TopicError),
    /// The server refused, or was not reached in time.
    #[error("{0}")]
    Ended(EndReason),
}

impl ConnectError {
    /// The system gives no socket, or nothing to wait for it with.
    pub fn socket(error: io::Error) -> ConnectError {
        ConnectError::Socket(Arc::new(error))
    }

    /// A topic that is needed cannot be had.
    pub fn topic(error: TopicError) -> ConnectError {
        ConnectError::Topic(error)
    }

    /// The system gives no thread.
    pub fn thread(error: io::Error) -> ConnectError {
        ConnectError::Thread(Arc::new(error))
    }
}
