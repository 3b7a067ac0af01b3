//! The robot: its wheels, its room, its battery, and what it reports.
//!
//! [`Body`] is the whole of it. A [`teleop::Robot`](farwire_core::teleop::Robot) says who may move it: each of its steps goes into
//! [`Body::step`], and [`Body::report`], [`Body::grid`] and [`Body::pose`] come back.

mod base;
mod battery;
mod body;
mod change;
mod room;

pub use self::base::{Base, LIMITS};
pub use self::battery::Battery;
pub use self::body::{Body, STEP_HZ};
pub use self::change::{Change, Timed};
pub use self::room::Room;
