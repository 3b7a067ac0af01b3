//! farwire for tokio: connect, publish, subscribe, as futures and streams.
//!
//! ```no_run
//! use farwire_tokio::{Config, Delivery, connect};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = connect(Config::from_env(|name| std::env::var(name).ok())?).await?;
//! let mut commands = connection.subscribe_with("commands", Delivery::RELIABLE)?;
//! let replies = connection.publisher_with("replies", Delivery::RELIABLE)?;
//! loop {
//!     let command = commands.recv().await?;
//!     replies.ready().await?;
//!     replies.publish(&command)?;
//! }
//! # }
//! ```
//!
//! - [`connect`] dials an SFU and gives a [`Connection`], which any number of tasks can share.
//! - A [`Publisher`] sends at once, without waiting; [`Publisher::ready`] waits for room in a full queue.
//! - A [`Subscription`] is a bounded mailbox: a stream, [`recv`](Subscription::recv), the
//!   [`latest`](Subscription::latest) message, or a [`Callback`]. [`Container`] says how much it holds and what gives
//!   way.
//! - [`shared()`] gives all parts of a program that have the same [`Config`] the same connection.
//! - When the last handle is dropped, on a runtime or elsewhere, the connection is closed and nothing is left of it: no
//!   task, no socket, no session on the SFU.
//!
//! Publishers and subscriptions carry bytes, or LCM messages of one type: [`Connection::publisher_of`] and
//! [`Connection::subscribe_to`]. The common robot messages are in [`lcm`], and [`lcm_messages!`] defines others.
//!
//! Topics are lossy unless asked for otherwise: [`Delivery::LOSSY`] suits state that the next message replaces,
//! [`Delivery::RELIABLE`] commands and events. Publisher and subscriber of a topic must use the same.
//!
//! Every future can be dropped at any time without losing a message. One task per connection receives and keeps the
//! timers; HTTP requests run on the runtime's threads for blocking work. No protocol is decided here: that is
//! [`farwire_core`]'s.

mod callback;
mod connection;
mod handle;
mod http;
mod mailbox;
mod publisher;
mod registry;
mod shared;
mod subscription;
mod task;

pub use farwire_core;
pub use farwire_core::broker::{IceServer, OperatorConfig, OperatorProblem, RobotConfig};
pub use farwire_core::lcm;
pub use farwire_core::link::LinkEnd;
pub use farwire_core::signalling::SignallingError;
pub use farwire_core::{
    Accepted, ClockEstimate, Config, ConfigError, Container, Content, Delivery, EndReason, MAX_TOPIC, Message,
};
pub use farwire_core::{ConnectionEvent, Dial, Events, OperatorLost};
pub use farwire_core::{PublishError, Raw, Receive, RecvError, Reliability, Secret, SessionId, Settings, Stage, Stats};
pub use farwire_core::{SubscribeOptions, Topic, TopicError, TopicNames, TopicStats, WhenFull, lcm_messages};

pub use crate::callback::Callback;
pub use crate::connection::{ConnectError, Connection, connect};
pub use crate::publisher::Publisher;
pub use crate::registry::shared;
pub use crate::subscription::Subscription;

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
