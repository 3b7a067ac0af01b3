//! LCM messages: the wire codec, a macro that defines messages, and the common robot messages.
//!
//! A message on the wire is its type's [fingerprint](Message::FINGERPRINT), big-endian, and then its fields in the order
//! of the definition: integers and floats big-endian, no padding, nested messages without a fingerprint of their own.
//! Several types can share a channel, since the fingerprint tells them apart; see [`crate::demux`].
//!
//! [`lcm_messages!`](crate::lcm_messages) takes a definition much as a `.lcm` file has it:
//!
//! ```
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
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Hostile input
//!
//! [`Message::decode`] takes any bytes. It never panics, nests at most [`MAX_DEPTH`] deep, and reserves memory only for
//! what the rest of the input can hold, so that what it allocates is at most a small multiple of the input's length.

mod element;
mod error;
mod field;
pub mod geometry_msgs;
mod macros;
mod message;
mod names;
pub mod nav_msgs;
mod reader;
mod schema;
pub mod sensor_msgs;
#[cfg(feature = "serde")]
mod serde;
mod shipped;
mod stamp;
pub mod std_msgs;
pub mod tf2_msgs;
mod writer;

pub use self::error::{DecodeCause, DecodeError, EncodeCause, EncodeError};
pub use self::message::{FINGERPRINT_LEN, Message, fingerprint_of};
pub use self::reader::{MAX_DEPTH, Reader};
pub use self::schema::{Dimension, Kind, Member, Schema};
pub use self::stamp::{stamp, stamp_at};
pub use self::writer::Writer;

/// What [`lcm_messages!`](crate::lcm_messages) expands to uses this; it may change at any time.
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
