//! Tells changes to whoever started the robot.

use std::fmt::Display;

use farwire_sim::robot::{Change, Timed};
use serde::Serialize;

use crate::failure::Failure;
use crate::output;
use crate::teleop::unix_now;

/// A line for each change.
#[derive(Clone, Copy)]
pub(super) struct Teller {
    json: bool,
}

impl Teller {
    pub(super) fn new(json: bool) -> Teller {
        Teller { json }
    }

    pub(super) fn tell(self, change: &(impl Serialize + Display)) -> Result<(), Failure> {
        match self.json {
            true => output::json(&Timed { robot_ts: unix_now().as_secs_f64(), change }),
            false => output::line(change),
        }
    }

    /// [`Teller::tell`], if there is something to tell.
    pub(super) fn tell_any(self, change: Option<Change>) -> Result<(), Failure> {
        change.map_or(Ok(()), |change| self.tell(&change))
    }
}
