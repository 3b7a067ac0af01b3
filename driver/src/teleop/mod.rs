//! Both ends of a broker's bridge, as authors of robots and operators have them: everything but waiting.

mod job;
mod methods;
mod operator;
mod robot;
mod setup;

pub use self::job::Job;
pub use self::operator::Operator;
pub use self::robot::Robot;
pub use self::setup::{RobotSetup, Task};
