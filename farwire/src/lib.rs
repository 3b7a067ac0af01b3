//! Pub/sub and teleoperation for robots over WebRTC DataChannels.
//!
//! A robot dials out, from behind any NAT, to an SFU that speaks Cloudflare Realtime's API: Cloudflare's own, or the one
//! of `farwire serve` on this machine. Its topics reach operators and services anywhere.
//!
//! A robot's loop on a plain thread:
//!
//! ```no_run
//! # #[cfg(all(feature = "blocking", feature = "http"))] {
//! use std::{thread, time::Duration};
//!
//! # fn read_pose() -> [u8; 24] { [0; 24] }
//! # fn drive(_command: &[u8]) {}
//! let config = farwire::Config::new("http://127.0.0.1:8787/v1", "farwire", "farwire-local")?;
//! let robot = farwire::connect(config)?;
//! let pose = robot.publisher("pose")?;
//! let commands = robot.subscribe("cmd_vel")?;
//! loop {
//!     pose.publish(&read_pose())?;
//!     if let Some(command) = commands.latest()? {
//!         drive(&command);
//!     }
//!     thread::sleep(Duration::from_millis(10));
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A service on tokio, which all parts of a program share:
//!
//! ```no_run
//! # #[cfg(all(feature = "tokio", feature = "http"))]
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use farwire::{Config, Container, Delivery};
//!
//! let connection = farwire::tokio::shared(Config::from_env(|name| std::env::var(name).ok())?).await?;
//! let mut newest = connection.subscribe_with("odom", Container::ring(1))?;
//! let events = connection.publisher_with("events", Delivery::RELIABLE)?;
//! loop {
//!     let odometry = newest.recv().await?;
//!     events.ready().await?;
//!     events.publish(&odometry)?;
//! }
//! # }
//! ```
//!
//! # Where things are
//!
//! - `connect` and `shared`, with the feature `blocking`, give a `Connection` for plain threads, and `shutdown_all` closes what
//!   is shared. The module `tokio`, with the feature of that name, has the same as futures and streams.
//! - [`Config`] says which SFU and who we are to it. With the feature `teleop`, the module `teleop` has the configurations
//!   of a robot and an operator that meet through a broker, and the loop of a robot that is driven.
//! - [`Delivery`] and [`Container`] say how reliably a topic is carried, and how much of it a subscription holds.
//! - The module `lcm` and `lcm_messages!`, with the feature `lcm`, are for typed messages.
//! - [`proto`] is the protocol as a state machine without I/O, for an event loop of one's own.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `blocking` | yes | connections for plain threads, at the root |
//! | `tokio` | | connections for tokio |
//! | `http` | yes | asks an SFU or a broker over HTTP; without it, `connect` says that nothing can be asked |
//! | `tls` | yes | HTTPS |
//! | `lcm` | yes | typed messages |
//! | `toml` | yes | settings from a TOML document |
//! | `teleop` | | robots and operators through a broker, and the loop of either; turns on `lcm` |
//! | `provider` | | what a provider of one's own is made of, in `proto::provider` |
//! | `metrics` | | counters for the `metrics` crate's recorder |
//! | `serde` | | typed messages and statistics as serde's data |

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "teleop")]
pub mod teleop;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "blocking")]
pub use farwire_blocking::{
    Callback, ConnectError, Connection, Iter, Publisher, Subscription, connect, shared, shutdown_all,
};

pub use farwire_core as proto;

// How to reach an SFU, and what became of it.
pub use farwire_core::LinkEnd;
pub use farwire_core::signalling::{SignallingError, SignallingErrorKind};
pub use farwire_core::{
    Config, ConfigError, ConnectionEvent, Dial, EndReason, Events, Secret, SessionId, Settings, Stage,
};

// What is sent and received.
pub use farwire_core::{
    Accepted, Container, Content, Delivery, MAX_TOPIC, Message, PublishError, Raw, Receive, RecvError, Reliability,
    SubscribeOptions, Topic, TopicError, TopicNames, WhenFull,
};
#[cfg(feature = "lcm")]
pub use farwire_core::{lcm, lcm_messages};

// What was counted.
pub use farwire_core::{ConnectionStats, LastError, SessionStats, StampRefusal, Stats, TopicStats};

/// The README's examples compile.
#[cfg(all(doctest, feature = "blocking", feature = "tokio", feature = "http", feature = "lcm", feature = "teleop"))]
#[doc = include_str!("../../README.md")]
struct Readme;
