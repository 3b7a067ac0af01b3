//! Something that runs for a robot, and is answered in any case.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, Weak};

use farwire_core::teleop::RunId;

use super::robot::Robot;
use super::setup::{Handler, Overdue, Stop, Task};
use crate::platform::Driver;

/// Something that a driver runs where it may block. Dropped without having run, it has failed.
pub struct Job<D: Driver> {
    robot: Weak<Robot<D>>,
    /// What its end is told of; `None`: nobody.
    run: Option<RunId>,
    work: Work,
    ok: bool,
}

pub(super) enum Work {
    Command(Handler, Task),
    Stop(Stop),
    Overdue(Overdue),
    /// Nobody said what is to be run.
    Nothing,
}

impl<D: Driver> Job<D> {
    pub(super) fn new(robot: Weak<Robot<D>>, run: Option<RunId>, work: Work) -> Job<D> {
        Job { robot, run, work, ok: false }
    }

    /// Runs it. What a handler broke in its own state when it panicked is its own to see to.
    pub fn run(mut self) {
        let work = &self.work;
        let ok = catch_unwind(AssertUnwindSafe(|| match work {
            Work::Command(handler, task) => handler.lock().unwrap_or_else(PoisonError::into_inner)(task),
            Work::Stop(stop) => stop.lock().unwrap_or_else(PoisonError::into_inner)(),
            Work::Overdue(stop) => {
                stop.lock().unwrap_or_else(PoisonError::into_inner)();
                true
            }
            Work::Nothing => false,
        }));
        self.ok = ok.unwrap_or(false);
    }
}

impl<D: Driver> Drop for Job<D> {
    fn drop(&mut self) {
        if let Some(run) = self.run
            && let Some(robot) = self.robot.upgrade()
        {
            robot.done(run, self.ok);
        }
    }
}

impl<D: Driver> fmt::Debug for Job<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("run", &self.run).finish_non_exhaustive()
    }
}
