//! A world in one thread: several peers and an SFU with virtual time, a network with delay and loss between them, and
//! HTTP answers by script. The protocol's tests are written in it. [`Foreigners`] is the same for clients that are not
//! farwire's, and [`Teleop`] puts a broker between them.

// A method is named at every call, as a constant.
#![allow(clippy::needless_pass_by_value)]

pub mod busy_channel;
mod engine;
mod foreign;
pub mod fuzz;
pub mod hostile;
mod http;
mod inbox;
pub mod lcm;
mod mind;
mod teleop;
mod world;
mod world_broker;

pub use crate::foreign::{Client, Foreigners, Received, SFU};
pub use crate::http::{Fate, HttpLog};
pub use crate::inbox::{SharedInbox, Sharing};
pub use crate::teleop::{Asked, Ids, Teleop};
pub use crate::world::{LineClient, LineServer, Network, Node, Said, World};
