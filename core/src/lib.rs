//! The farwire protocol: pub/sub for robots over WebRTC DataChannels, as state machines without I/O.
//!
//! A robot dials out to an SFU that speaks Cloudflare Realtime's API and publishes topics on it; operators and services
//! subscribe to them. This crate knows the whole protocol and touches nothing outside itself: time, datagrams and HTTP
//! answers come in as arguments, and what is to be sent, asked or told goes out as values. A driver, such as
//! `farwire-blocking`, supplies sockets, timers and HTTP; an application with an event loop of its own can drive
//! [`Peer`] directly.
//!
//! - [`Peer`] is a connection: [`Peer::poll`] says what to do, the `handle_` methods take what came.
//! - [`Dial`] says what to connect to: an SFU, a [`broker`]'s bridge between a robot and its operator, or whatever else has a
//!   provider.
//! - [`Client`] is a peer with a [`Mailbox`] for each subscription, as drivers use it.
//! - [`Topic`], [`ChannelName`] and [`Delivery`] say what is carried, under which name, and how reliably.
//! - [`lcm`] defines, encodes and decodes typed messages, and [`demux`] tells them apart.
//! - [`link`] is one WebRTC transport, [`flow`] has the queues in front of it, and [`signalling`] is what servers are asked. An
//!   SFU builds on these as well.
//! - [`teleop`] is what a robot's author needs beside a connection: who may move it, commands, and reports.
//! - [`provider`] is for whoever brings two ends together in another way. It has the trait to implement, and an example.
//!
//! # Features
//!
//! None is on by default, and [`Peer`], [`Dial`] and all that they take and give need none.
//!
//! | feature | |
//! |---|---|
//! | `lcm` | [`lcm`]: typed messages |
//! | `toml` | settings from a TOML document; JSON is always there |
//! | `serde` | typed messages as serde's data, and `Serialize` for statistics |
//! | `teleop` | [`teleop`]: a robot on a broker's bridge, without its connection; turns on `lcm` |
//! | `driver` | for drivers: [`Client`], [`client`] and [`Mailbox`] |
//! | `provider` | for a provider of one's own: [`provider`], [`TokenBucket`], and from [`signalling`] what makes calls |
//! | `server` | for servers and simulators: [`link`], [`flow`] and [`wire`]; turns on `provider` |
//! | `fuzzing` | for the fuzz targets of this repository; no part of the interface |

// Tests start virtual time from the real one.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

#[cfg_attr(not(feature = "provider"), allow(dead_code, unreachable_pub))]
mod bucket;
#[cfg(feature = "driver")]
pub mod client;
// Only drivers need it.
#[cfg(not(feature = "driver"))]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod client;
mod clock;
mod config;
mod container;
mod content;
mod delivery;
pub mod demux;
mod end;
mod event;
#[cfg(feature = "server")]
pub mod flow;
// The SFU moves messages in the same way.
#[cfg(not(feature = "server"))]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod flow;
mod freshness;
pub mod lcm;
#[cfg(feature = "server")]
pub mod link;
// The SFU's sessions are links as well.
#[cfg(not(feature = "server"))]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod link;
#[cfg_attr(not(feature = "driver"), allow(dead_code, unreachable_pub))]
mod mailbox;
mod message;
mod name;
pub mod peer;
mod presence;
#[cfg(feature = "provider")]
pub mod provider;
// What `Dial` connects to without a provider of one's own.
#[cfg(not(feature = "provider"))]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod provider;
pub mod signalling;
mod stats;
#[cfg(feature = "teleop")]
pub mod teleop;
mod topic;
mod transport;
#[cfg(feature = "server")]
pub mod wire;
// Only what servers share with clients is public.
#[cfg(not(feature = "server"))]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod wire;

#[cfg(feature = "provider")]
pub use crate::bucket::TokenBucket;
#[cfg(feature = "driver")]
pub use crate::client::Client;
pub use crate::clock::{ClockEstimate, StampClock, WallClock};
#[cfg(feature = "server")]
pub use crate::config::host_ip;
pub use crate::config::{Config, ConfigError, Secret, SessionId, Settings};
pub use crate::container::{Container, SubscribeOptions, WhenFull};
pub use crate::content::{Content, Events, Raw, Receive, TopicNames};
pub use crate::delivery::{Delivery, Reliability};
pub use crate::end::{EndReason, Stage, Unavailable};
pub use crate::event::ConnectionEvent;
pub use crate::flow::Payload;
pub use crate::freshness::StampRefusal;
pub use crate::link::{LinkEnd, LinkError, LocalAddress, SctpEngine, StreamId, UnknownSctp};
pub use crate::mailbox::RecvError;
#[cfg(feature = "driver")]
pub use crate::mailbox::{Held, Mailbox};
#[cfg(not(feature = "driver"))]
use crate::mailbox::{Held, Mailbox};
pub use crate::message::Message;
pub use crate::name::{ChannelName, MAX_CHANNEL_NAME};
pub use crate::peer::{Accepted, Event, Output, Peer, PublishError, SubscriptionId, TopicId};
pub use crate::presence::OperatorLost;
pub use crate::provider::Dial;
pub use crate::stats::{ConnectionStats, LastError, SessionStats, Stats, TopicStats};
pub use crate::topic::{MAX_TOPIC, Topic, TopicError};
pub use crate::transport::{Direction, MAX_TRANSPORTS, TransportId};
pub use crate::wire::teleop::IceServer;

/// Teleoperation through a broker, from either end: the robot that registers there, and the operator that joins it.
///
/// ```text
///  robot    ─ register, heartbeat ─▶ broker ◀─ join, bridge ─ operator
///    └──────── cmd, state, map ────▶  SFU  ◀──── the same ──────┘
/// ```
///
/// The broker owns the SFU's sessions and says which channels there are: four, with fixed names and deliveries, open
/// while an operator is bridged. What only farwire's own broker has (`GET /sessions`, `takeover`, `operator_id`) is
/// not needed to reach a session by its id.
pub mod broker {
    pub use crate::provider::errand::{BrokerError, Errand, ErrandDone, ErrandId, Roster};
    pub use crate::provider::operator::{OperatorConfig, OperatorProblem, OperatorSettings};
    pub use crate::provider::robot::{RobotConfig, RobotSettings};
    pub use crate::wire::teleop::{
        CMD_UNRELIABLE, DriveCounts, IceServer, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK,
    };
}
