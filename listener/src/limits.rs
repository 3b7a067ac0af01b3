//! Every bound of the listener.

use std::time::Duration;

/// The longest request line and header block, in bytes. Hyper answers a longer one with 431.
pub const MAX_HEADER: usize = 16 * 1024;
/// The longest path and query, in bytes. A longer one gets 414.
pub const MAX_URI: usize = 4 * 1024;
/// The longest request body, in bytes, of a route that does not set its own. A longer one gets 413.
pub const MAX_BODY: usize = 1024 * 1024;
/// Connections open at once, unless set. For a further one an idle one gives way: of those that never had a request answered
/// with success if there are such, of the address with the most of them, the one that is idle for longest; if none is idle, one
/// whose body does not come. While all wait for their answers, further ones wait in the system's accept queue, of [`BACKLOG`].
pub const MAX_CONNECTIONS: usize = 256;
/// Connections that wait to be accepted, as far as the system allows so many.
pub const BACKLOG: u32 = 1024;
/// What a body has beyond this many bytes counts against [`BODY_MEMORY`]. So much of a body that is refused is read, if it
/// comes at once, for the connection to go on.
pub const SMALL_BODY: usize = 16 * 1024;
/// Bytes of all bodies in memory at once, unless set, from the first byte until the request is answered; the first
/// [`SMALL_BODY`] of each do not count, whose bound is the number of connections. When it is used up, the body that wants
/// more is answered 503.
pub const BODY_MEMORY: usize = 16 * 1024 * 1024;
/// From the previous response, or the connection's start, to a request's complete header block. Past it the connection
/// is closed, so it bounds idle keep-alive as well. A TLS handshake has as long.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// From the header block to the complete body. Past it the answer is 408.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a body may take whatever its size; beyond, it has to have come at [`MIN_BODY_RATE`], or the answer is 408.
pub const BODY_GRACE: Duration = Duration::from_secs(2);
/// The slowest body, in bytes a second.
pub const MIN_BODY_RATE: u32 = 1024;
/// From the complete request to the handler's reply. Past it the answer is 503.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long, at the least, a client may leave a response unread that does not fit the system's buffers. At twice this
/// time the connection is closed.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Wrong keys that one address may send at once, before they are answered 429.
pub const GUESSES: u32 = 20;
/// After how long one more is allowed.
pub const GUESS_EVERY: Duration = Duration::from_secs(1);
/// Addresses whose wrong keys are counted; beyond them, all others share one count.
pub const MAX_GUESSERS: usize = 4_096;

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
    /// See [`BODY_GRACE`].
    pub body_grace: Duration,
    /// See [`BODY_MEMORY`].
    pub body_memory: usize,
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
            body_grace: BODY_GRACE,
            body_memory: BODY_MEMORY,
            reply: REPLY_TIMEOUT,
            stall: STALL_TIMEOUT,
        }
    }
}
