//! Signalling: what is asked of servers, how long and how often, and what is made of their answers.
//!
//! The state machines in this crate decide what is asked, when, how often and for how long; a driver only carries the
//! bytes. There are two ways to carry them: HTTP requests ([`Request`], [`Response`]), and lines on a stream
//! ([`StreamCommand`], [`StreamEvent`]). An SFU reads the same values from the other side.
//!
//! [`Calls`] is what every provider that asks over HTTP has in common: the call in flight, the delays after failures, and the
//! reading of answers, which fails with a [`SignallingError`]. A [`Dialect`] says which refusals of a server pass, and what a
//! person can do about the others. [`Retry`] says whether reconnecting helps once a connection is over.

#[cfg_attr(not(feature = "provider"), allow(dead_code, unreachable_pub))]
mod backoff;
mod body;
#[cfg_attr(not(feature = "provider"), allow(dead_code, unreachable_pub))]
mod calls;
mod error;
pub(crate) mod policy;
#[cfg_attr(not(feature = "provider"), allow(dead_code, unreachable_pub))]
mod reconnect;
#[cfg_attr(not(feature = "provider"), allow(dead_code, unreachable_pub))]
mod reply;
mod request;
mod stream;

pub use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

#[cfg(feature = "provider")]
pub use self::backoff::Backoff;
#[cfg(not(feature = "provider"))]
pub(crate) use self::backoff::Backoff;
pub use self::body::{Body, BodyKind};
#[cfg(feature = "provider")]
pub use self::calls::Calls;
#[cfg(not(feature = "provider"))]
pub(crate) use self::calls::Calls;
pub use self::error::{SignallingError, SignallingErrorKind};
pub(crate) use self::reconnect::Reconnect;
#[cfg(feature = "provider")]
pub use self::reconnect::Retry;
#[cfg(not(feature = "provider"))]
pub(crate) use self::reconnect::Retry;
#[cfg(feature = "provider")]
pub use self::reply::{Dialect, Refusal, Reply};
#[cfg(not(feature = "provider"))]
pub(crate) use self::reply::{Dialect, Reply};
#[cfg(feature = "server")]
pub use self::request::bearer;
pub use self::request::{Failure, MAX_RESPONSE, Request, RequestId, Response};
pub use self::stream::{MAX_LINE, MAX_QUEUED_LINES, StreamCommand, StreamEvent, StreamKey};
