//! SCTP for WebRTC data channels, as a state machine without I/O.
//!
//! An [`Association`] is one end. Packets, time and calls go in; packets, events and messages come out. It opens no socket,
//! reads no clock and starts no thread. What DTLS decrypts goes to [`handle_packet`](Association::handle_packet); what
//! [`poll_packet`](Association::poll_packet) gives is to be encrypted and sent.
//!
//! It speaks RFC 9260 as WebRTC uses it (RFC 8831, RFC 8832): both ends may begin at once, streams are reset (RFC 6525),
//! messages may be given up (RFC 3758, RFC 7496), long ones give way in between (RFC 8260), packets may go without a
//! checksum (RFC 9653), and acknowledgements are asked for at once where one is waited for (RFC 7053). Loss is noticed by time
//! (after RFC 8985). The cost of a message does not depend on how much is in flight.
//!
//! The far end may be hostile: memory, streams, gaps and work per packet are bounded by [`Config`], and what breaks a rule that
//! every sender keeps ends the association with a [`Violation`].
//!
//! ```
//! use std::time::Instant;
//! use bytes::Bytes;
//! use farwire_sctp::{Association, Channel, Config, Delivery, Kind};
//!
//! let now = Instant::now();
//! let mut here = Association::new(Config::default(), [1; 32], now);
//! let mut there = Association::new(Config::default(), [2; 32], now);
//! here.connect(now);
//! there.connect(now);
//! here.open_negotiated(7, &Channel::new(Delivery::reliable())).unwrap();
//! here.send(now, 7, Kind::Text, Bytes::from("hello")).unwrap();
//! let mut packet = Vec::new();
//! for _ in 0..4 {
//!     while here.poll_packet(now, &mut packet) {
//!         there.handle_packet(now, &packet);
//!     }
//!     while there.poll_packet(now, &mut packet) {
//!         here.handle_packet(now, &packet);
//!     }
//! }
//! assert_eq!(there.receive().unwrap().bytes, "hello");
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod allowance;
mod association;
mod config;
mod congestion;
mod cookie;
mod dcep;
mod error;
mod event;
mod message;
mod number;
mod receive;
mod send;
mod stats;
mod table;
mod wire;

pub use crate::association::Association;
pub use crate::config::{Config, CongestionControl, DEFAULT_MAX_PACKET};
pub use crate::error::{OpenError, SendError};
pub use crate::event::{EndReason, Event, Violation};
pub use crate::message::{Channel, Delivery, Kind, MAX_NAMES, Part, Priority, Received, Reliability};
pub use crate::stats::Stats;
