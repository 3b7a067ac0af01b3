//! Carries the requests of [`farwire_core`] over HTTP and HTTPS: what farwire's drivers have in common.
//!
//! What to ask, how long to wait and what to make of an answer is core's. This crate carries bytes. It has two clients that
//! differ only in how they wait: [`Client`] blocks the thread that asks (feature `blocking`, by ureq), and [`AsyncClient`] is
//! for tasks (feature `tokio`, by hyper). Whom they trust, which proxy they use, that they follow no redirect, what they take at
//! most and how they name a failure stands here once.
//!
//! HTTPS is a feature more, `tls` and `tokio-tls`. What a build lacks is there by name and says so when it is asked. Without a
//! client there is [`Trust`] alone, for other protocols over TLS.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "blocking")]
mod blocking;
#[cfg(not(all(feature = "blocking", feature = "tokio")))]
mod disabled;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod exchange;
mod failure;
mod lookup;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod proxy;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod redirect;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod settings;
mod trust;
#[cfg(feature = "tls")]
mod verifier;

#[cfg(feature = "tokio")]
pub use crate::asynchronous::AsyncClient;
#[cfg(feature = "blocking")]
pub use crate::blocking::Client;
#[cfg(not(feature = "tokio"))]
pub use crate::disabled::AsyncClient;
#[cfg(not(feature = "blocking"))]
pub use crate::disabled::Client;
pub use crate::failure::io_failure;
#[cfg(feature = "tls")]
pub use crate::failure::tls_failure;
pub use crate::lookup::look_up;
pub use crate::trust::{TRUST, Trust};
