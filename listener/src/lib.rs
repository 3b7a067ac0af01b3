//! The HTTP/1.1 listener of farwire's servers, the SFU and the broker. Everything in it is bounded, and it speaks TLS if it is
//! given a certificate. It has no API of its own: what is asked is its routes' to answer.
//!
//! It refuses what is out of bounds, what asks for another host ([`Host`]), pages that nobody allowed ([`Origin`]), and
//! whoever a route's gate does not let in, before it reads a body; it answers browsers' preflights, and hands the rest to
//! the [`Route`] whose prefix the path has. Idle connections give way to new ones. Bytes that are not HTTP, or a header
//! block over [`MAX_HEADER`], get hyper's bare 400 or 431.

mod connections;
mod counters;
mod exchange;
mod guesses;
mod host;
mod limits;
mod listener;
mod metrics;
mod origin;
mod refusal;
mod site;
mod tls;
mod upload;

pub use crate::exchange::{Incoming, Pass, Reply};
pub use crate::guesses::{Guess, Guesses};
pub use crate::host::{Host, HostError};
pub use crate::limits::{BACKLOG, BODY_GRACE, BODY_MEMORY, BODY_TIMEOUT, HEADER_TIMEOUT, Limits, MAX_HEADER, MAX_URI};
pub use crate::limits::{GUESS_EVERY, GUESSES, MAX_BODY, MAX_CONNECTIONS, MAX_GUESSERS, MIN_BODY_RATE};
pub use crate::limits::{REPLY_TIMEOUT, SMALL_BODY, STALL_TIMEOUT};
pub use crate::listener::Listener;
pub use crate::metrics::{METRICS_CONTENT_TYPE, metrics_text};
pub use crate::origin::{Origin, OriginError};
pub use crate::site::{Route, Site};
pub use crate::tls::{Tls, TlsError};

#[cfg(test)]
mod tests;
