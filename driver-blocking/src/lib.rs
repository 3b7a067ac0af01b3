//! farwire for plain threads: connect, publish, subscribe, without an async runtime.
//!
//! A robot's loop:
//!
//! ```no_run
//! use farwire_blocking::{Config, connect};
//! use std::{thread, time::Duration};
//!
//! # fn read_pose() -> [u8; 24] { [0; 24] }
//! # fn drive(_command: &[u8]) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = connect(Config::new("http://127.0.0.1:8787/v1", "farwire", "secret")?)?;
//! let pose = connection.publisher("pose")?;
//! let commands = connection.subscribe("cmd_vel")?;
//! loop {
//!     pose.publish(&read_pose())?;
//!     if let Some(command) = commands.latest()? {
//!         drive(&command);
//!     }
//!     thread::sleep(Duration::from_millis(10));
//! }
//! # }
//! ```
//!
//! - [`connect`] dials an SFU, or whatever a [`Dial`] names, and gives a [`Connection`], which any number of threads can share.
//! - A [`Publisher`] sends on the thread that calls it, down to the socket.
//! - A [`Subscription`] is a bounded mailbox: wait for the next message, take the newest and skip the rest, or have a
//!   [`Callback`] called for each. [`Container`] says how much it holds and what gives way.
//! - [`shared()`] gives all parts of a program that dial the same, such as equal [`Config`]s, the same connection, and
//!   [`shutdown_all`] closes what it gave.
//! - `Robot` and `Operator`, with the feature `teleop`, are the loops of a robot and of who drives it.
//! - When the last handle is dropped, the connection is closed and nothing is left of it: no
//!   thread, no socket, no session on the SFU.
//!
//! One thread per connection receives and keeps the timers; HTTP requests run on short-lived threads of their own. No
//! protocol is decided here: that is [`farwire_core`]'s.

mod callback;
mod connection;
mod io_thread;
mod leader;
mod mailbox;
#[cfg(feature = "teleop")]
mod operator;
mod publisher;
mod receive;
mod registry;
mod requests;
#[cfg(feature = "teleop")]
mod robot;
mod subscription;
mod threads;
mod turn;
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
pub use crate::subscription::{Iter, Subscription};
