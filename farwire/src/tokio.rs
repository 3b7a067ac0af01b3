//! Connections for tokio: connect, publish and subscribe, as futures and streams.
//!
//! Everything that is no connection, publisher or subscription is at the root of this crate.

pub use farwire_tokio::{Callback, ConnectError, Connection, Publisher, Subscription, connect, shared, shutdown_all};
#[cfg(feature = "teleop")]
pub use farwire_tokio::{Operator, Robot};
