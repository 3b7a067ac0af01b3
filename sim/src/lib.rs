//! A simulated robot in its room, and the operator who drives it, without connection, terminal or clock.
//!
//! Everything here is plain data with time as an argument: who is there, what was commanded and which keys were pressed
//! comes in, and velocities, telemetry and lines of text go out. The `farwire` command carries it over a connection, and
//! the tests drive it in virtual time.
//!
//! - [`robot`] stands unless it has an operator, a fresh command and no emergency stop, and drives in a room with walls.
//! - [`operator`] is the other end: keys or a script, the emergency stop that is said until it is heard, and the screen.
//! - [`Ordered`], [`Minimap`], [`Velocity`] and [`Pose`] are what both say to each other.
//!
//! ```
//! use farwire_sim::Velocity;
//! use farwire_sim::robot::Body;
//!
//! let mut robot = Body::new();
//! robot.guard.operator_came();
//! robot.guard.command(Velocity { linear: 0.5, angular: 0.0 });
//! for _ in 0..50 {
//!     robot.step();
//! }
//! assert!(robot.telemetry("rover", 0.0).contains(r#""mode":"driving""#));
//! ```

mod minimap;
pub mod operator;
mod order;
mod pose;
pub mod robot;
mod span;
mod velocity;

pub use crate::minimap::{Cell, Corner, FREE, Kind, Minimap, OCCUPIED};
pub use crate::order::{Order, Ordered};
pub use crate::pose::Pose;
pub use crate::span::parse_span;
pub use crate::velocity::Velocity;
