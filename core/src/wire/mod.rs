//! Every JSON shape, name and message kind that goes over a network, once: clients, the SFU and the broker all use these.
//!
//! - [`cloudflare`] is Cloudflare Realtime's DataChannel API.
//! - [`teleop`] is teleoperation through a broker: its HTTP calls, its four channels, and what is said on them.
//!
//! Unknown fields are ignored everywhere. A field that only one end reads is read by that end alone, so that another
//! program's idea of it does no harm. This module is public with the feature `server`.

pub mod cloudflare;
mod object;
pub mod teleop;

pub use self::object::Object;
