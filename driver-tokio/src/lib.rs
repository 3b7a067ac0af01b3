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
//! - [`connect`] dials an SFU, or whatever a [`Dial`] names, and gives a [`Connection`], which any number of tasks can share.
//! - A [`Publisher`] sends at once, without waiting; [`Publisher::ready`] waits for room in a full queue.
//! - A [`Subscription`] is a bounded mailbox: a stream, [`recv`](Subscription::recv), the
//!   [`latest`](Subscription::latest) message, or a [`Callback`]. [`Container`] says how much it holds and what gives
//!   way.
//! - [`shared()`] gives all parts of a program that dial the same, such as equal [`Config`]s, the same connection, and
//!   [`shutdown_all`] closes what it gave.
//! - `Robot` and `Operator`, with the feature `teleop`, are the loops of a robot and of who drives it.
//! - When the last handle is dropped, on a runtime or elsewhere, the connection is closed and nothing is left of it: no
//!   task, no socket, no session on the SFU.
//!
//! Every future can be dropped at any time without losing a message. One task per connection receives and keeps the
//! timers, and each HTTP request is a task for as long as it takes. No protocol is decided here: that is
//! [`farwire_core`]'s.

mod callback;
mod connection;
mod mailbox;
#[cfg(feature = "teleop")]
mod operator;
mod publisher;
mod registry;
mod requests;
#[cfg(feature = "teleop")]
mod robot;
mod subscription;
mod task;
mod tasks;
mod wait;

#[doc(inline)]
pub use farwire_driver::exports::*;

pub use crate::callback::Callback;
pub use crate::connection::{Connection, connect};
#[cfg(feature = "teleop")]
pub use crate::operator::Operator;
pub use crate::publisher::Publisher;
pub use crate::registry::{shared, shutdown_all};
#[cfg(feature = "teleop")]
pub use crate::robot::Robot;
pub use crate::subscription::Subscription;
