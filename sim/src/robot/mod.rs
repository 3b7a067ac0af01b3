//! The robot: what it was told, its wheels, its room, its battery, and what it reports.
//!
//! [`Body`] is the whole of it. Whoever carries its connection tells its [`Guard`] what came and who is there, calls
//! [`Body::step`] [`STEP_HZ`] times a second, and publishes [`Body::telemetry`] and [`Body::minimap`].

mod base;
mod battery;
mod body;
mod change;
mod guard;
mod room;
mod telemetry;

pub use self::base::{Base, LIMITS};
pub use self::battery::Battery;
pub use self::body::{Body, STEP_HZ};
pub use self::change::{Change, Timed};
pub use self::guard::{Guard, State};
pub use self::room::Room;
