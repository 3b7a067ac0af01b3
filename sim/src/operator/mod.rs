//! The operator at its terminal: from keys or a script to a velocity, and the screen.
//!
//! [`Pilot`] turns keys into velocities and [`Performance`] does so with a [`Script`]; a
//! [`teleop::Operator`](farwire_core::teleop::Operator) says them. [`Report`] is what the robot reports, as people read it, and
//! [`View`] lays all of it out as text.

mod chooser;
mod drawing;
mod pilot;
mod report;
mod screen;
mod script;
mod sight;

pub use self::chooser::{Chooser, short};
pub use self::pilot::{Deed, FULL, HOLD, Key, Pilot, Seat};
pub use self::report::Report;
pub use self::screen::{Clock, View, Way};
pub use self::script::{Performance, Script, Step};
pub use self::sight::Sight;
