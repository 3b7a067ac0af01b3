//! LCM messages: the wire codec, a macro that defines messages, and the common robot messages.
//!
//! A message on the wire is its type's [fingerprint](Message::FINGERPRINT), big-endian, and then its fields in the order
//! of the definition: integers and floats big-endian, no padding, nested messages without a fingerprint of their own.
//! Several types can share a channel, since the fingerprint tells them apart; see [`crate::demux`].
//!
//! Without the feature `lcm` only that is here, and the stamps of headers: what tells messages apart and how old they are.
//! With it, [`lcm_messages!`](crate::lcm_messages) takes a definition much as a `.lcm` file has it:
//!
//! ```
//! # #[cfg(feature = "lcm")] {
//! use farwire_core::lcm::{Message, std_msgs};
//!
//! farwire_core::lcm_messages! {
//!     package mine;
//!
//!     /// How warm each motor is, in degrees Celsius.
//!     pub struct MotorTemperatures {
//!         count int32_t motors;
//!         std_msgs::Header header;
//!         string names[motors];
//!         float celsius[motors];
//!     }
//! }
//!
//! let warm = MotorTemperatures { names: vec!["left".into()], celsius: vec![41.5], ..Default::default() };
//! let bytes = warm.to_bytes()?;
//! assert_eq!(MotorTemperatures::NAME, "mine.MotorTemperatures");
//! assert_eq!(bytes[..8], MotorTemperatures::FINGERPRINT.to_be_bytes());
//! assert_eq!(MotorTemperatures::decode(&bytes)?, warm);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Hostile input
//!
//! [`Message::decode`] takes any bytes. It never panics, nests at most [`MAX_DEPTH`] deep, and reserves memory only for
//! what the rest of the input can hold, so that what it allocates is at most a small multiple of the input's length.

#[cfg(feature = "lcm")]
mod element;
mod error;
#[cfg(feature = "lcm")]
mod field;
mod fingerprint;
#[cfg(feature = "lcm")]
pub mod geometry_msgs;
#[cfg(feature = "lcm")]
mod macros;
#[cfg(feature = "lcm")]
mod message;
#[cfg(feature = "lcm")]
mod names;
#[cfg(feature = "lcm")]
pub mod nav_msgs;
#[cfg(feature = "lcm")]
mod reader;
#[cfg(feature = "lcm")]
mod schema;
#[cfg(feature = "lcm")]
pub mod sensor_msgs;
#[cfg(all(feature = "lcm", feature = "serde"))]
mod serde;
#[cfg(feature = "lcm")]
mod shipped;
mod stamp;
#[cfg(feature = "lcm")]
pub mod std_msgs;
#[cfg(feature = "lcm")]
pub mod tf2_msgs;
#[cfg(feature = "lcm")]
mod writer;

pub use self::error::{DecodeCause, DecodeError, EncodeCause, EncodeError};
pub use self::fingerprint::{FINGERPRINT_LEN, fingerprint_of};
#[cfg(feature = "lcm")]
pub use self::message::Message;
#[cfg(feature = "lcm")]
pub use self::reader::{MAX_DEPTH, Reader};
#[cfg(feature = "lcm")]
pub use self::schema::{Dimension, Kind, Member, Schema};
pub use self::stamp::{stamp, stamp_at};
#[cfg(feature = "lcm")]
pub use self::writer::Writer;

/// What [`lcm_messages!`](crate::lcm_messages) expands to uses this; it may change at any time.
#[cfg(feature = "lcm")]
#[doc(hidden)]
pub mod macro_support {
    pub use std::string::String;

    pub use super::element::{Element, Primitive};
    pub use super::field::{Count, Field};
    pub use super::names::{Array, Names, Shape, read, written};
    pub use super::schema::plain;
    #[cfg(feature = "serde")]
    pub use super::serde::{AsField, SerdeMessage, deserialize, next_element, next_value};
    #[cfg(feature = "serde")]
    pub use ::serde;
}
