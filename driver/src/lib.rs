//! What farwire's drivers have in common: everything but waiting.
//!
//! A driver puts sockets, timers and HTTP around core's [`Client`](farwire_core::Client). What is to be done after each call of
//! it, who keeps a connection open, how a process shares one, and what publishers, subscriptions and callbacks are made of is
//! the same whether a program waits as threads or as tasks, and stands here. A driver is a [`Driver`]: how it wakes those who
//! wait, and how it carries requests. Its own crate adds the waiting and the shape of its API; the methods that all drivers
//! give their users come from the macros here.
//!
//! - [`Engine`] is one connection: the client behind its lock, and [what follows each call](Engine::act).
//! - [`Connection`], [`Publisher`], [`Subscription`] and [`Callback`] are what a driver wraps for its users.
//! - [`Registry`] has the connections that a process shares.
//! - `teleop`, with the feature of that name, has a robot's loop.
//! - [`exports`] is what every driver passes on of core.

mod answer;
mod callback;
mod connection;
mod engine;
mod error;
pub mod exports;
mod lease;
mod mailbox;
mod methods;
mod platform;
mod priority_mutex;
mod publisher;
mod registry;
mod sockets;
mod streams;
mod subscription;
mod system;
#[cfg(feature = "teleop")]
pub mod teleop;

pub use farwire_core;

pub use crate::answer::Answer;
pub use crate::callback::{Callback, Caller};
pub use crate::connection::Connection;
pub use crate::engine::{Engine, Guard, Next, State};
pub use crate::error::ConnectError;
pub use crate::lease::Lease;
pub use crate::mailbox::{Awaited, SharedMailbox, Sharing, Waits};
pub use crate::platform::{Bell, ClientOf, Driver, InboxOf, Requests};
pub use crate::publisher::Publisher;
pub use crate::registry::{Attempt, Connecting, Joined, Registry};
pub use crate::sockets::Sockets;
pub use crate::subscription::Subscription;
