//! The operator: from keys or a script to a velocity, what is said until it is heard, and the screen.
//!
//! [`Pilot`] turns keys into velocities and [`Performance`] does so with a [`Script`]. [`Insistence`] and [`Orders`] see to
//! the emergency stop. [`Said`] reads what the robot reports, and [`View`] lays all of it out as text.

mod drawing;
mod insistence;
mod orders;
mod pilot;
mod report;
mod screen;
mod script;
mod sight;

pub use self::insistence::Insistence;
pub use self::orders::Orders;
pub use self::pilot::{Deed, FULL, HOLD, Key, Pilot};
pub use self::report::{Report, Said};
pub use self::screen::{Clock, View};
pub use self::script::{Performance, Script, Step};
pub use self::sight::Sight;
