//! A DataChannel SFU that speaks Cloudflare Realtime's API: for a laptop, a LAN, a ship without internet, and tests.
//!
//! [`Sfu`] is the state machine: HTTP requests and datagrams in, responses and datagrams out, deadlines named. It does no
//! I/O. [`Server`] runs one on an HTTP listener and a UDP socket, standalone or inside another program, and [`Engine`] one
//! whose API shares a listener with others:
//!
//! ```
//! let server = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret"))?;
//! println!("{}", server.api_root()); // http://127.0.0.1:41234/v1
//! # Ok::<(), farwire_sfu::SpawnError>(())
//! ```

mod api;
mod backpressure;
mod config;
mod error;
mod intake;
mod latency;
mod limits;
mod metrics;
mod outgoing;
mod pacer;
mod paths;
mod replies;
mod server;
mod session;
mod sfu;
mod stats;

/// The `Content-Type` of [`Stats::to_prometheus`].
pub use farwire_listener::METRICS_CONTENT_TYPE;
/// Who may ask [`Server`]'s API.
pub use farwire_listener::{Host, HostError, Origin, OriginError};

pub use crate::config::{Config, MIN_SECRET, SecretError};
pub use crate::latency::Latencies;
pub use crate::server::{Caller, Engine, Server, SpawnError};
pub use crate::sfu::{Incoming, Output, Sfu};
pub use crate::stats::Stats;
