//! The HTTP/1.1 listener of farwire's servers: bounded in everything, TLS if wanted, and without a word on what is asked.
//!
//! It refuses what is out of bounds, answers browsers' preflights, allows every origin (requests carry a key or a token,
//! never a cookie) and hands the rest to the [`Route`] whose prefix the path has. Bytes that are not HTTP, or a header
//! block over [`MAX_HEADER`], get hyper's bare 400 or 431.

mod exchange;
mod limits;
mod listener;
mod metrics;
mod refusal;
mod site;
mod tls;

pub use crate::exchange::{Incoming, Reply};
pub use crate::limits::{BODY_TIMEOUT, HEADER_TIMEOUT, LARGE_BODY, Limits, MAX_HEADER, MAX_LARGE_BODIES, MAX_URI};
pub use crate::limits::{MAX_BODY, MAX_CONNECTIONS, REPLY_TIMEOUT, STALL_TIMEOUT};
pub use crate::listener::Listener;
pub use crate::metrics::METRICS_CONTENT_TYPE;
pub use crate::site::{Route, Site};
pub use crate::tls::{Tls, TlsError};

#[cfg(test)]
mod tests;
