//! Every bound of the listener.

use std::time::Duration;

/// The longest request line and header block, in bytes. Hyper answers a longer one with 431.
pub const MAX_HEADER: usize = 16 * 1024;
/// The longest path and query, in bytes. A longer one gets 414.
pub const MAX_URI: usize = 4 * 1024;
/// The longest request body, in bytes, of a route that does not set its own. A longer one gets 413.
pub const MAX_BODY: usize = 1024 * 1024;
/// Connections open at once, unless set. Further ones wait in the system's accept queue.
pub const MAX_CONNECTIONS: usize = 256;
/// A body that is longer than this, in bytes, or does not say its length counts as large.
pub const LARGE_BODY: usize = 16 * 1024;
/// Large bodies that are read at once. Further ones wait, as part of [`BODY_TIMEOUT`].
pub const MAX_LARGE_BODIES: usize = 256;
/// From the previous response, or the connection's start, to a request's complete header block. Past it the connection
/// is closed, so it bounds idle keep-alive as well. A TLS handshake has as long.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// From the header block to the complete body. Past it the answer is 408.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// From the complete request to the handler's reply. Past it the answer is 503.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long, at the least, a client may leave a response unread that does not fit the system's buffers. At twice this
/// time the connection is closed.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The bounds that servers and tests choose.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// See [`MAX_CONNECTIONS`].
    pub connections: usize,
    /// See [`HEADER_TIMEOUT`].
    pub header: Duration,
    /// See [`BODY_TIMEOUT`].
    pub body: Duration,
    /// See [`REPLY_TIMEOUT`].
    pub reply: Duration,
    /// See [`STALL_TIMEOUT`].
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: MAX_CONNECTIONS,
            header: HEADER_TIMEOUT,
            body: BODY_TIMEOUT,
            reply: REPLY_TIMEOUT,
            stall: STALL_TIMEOUT,
        }
    }
}
