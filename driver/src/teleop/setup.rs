//! A robot as its author describes it: what it is like, and what is run for its commands.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farwire_core::teleop::{Command, RobotOptions};

/// What a robot is like, and what it does for its operator's commands. Nothing of it blocks the robot's loop: each handler is
/// called on a thread of its own, one at a time, and may take as long as it wants to.
pub struct RobotSetup {
    pub(super) options: RobotOptions,
    pub(super) handlers: HashMap<String, Handler>,
    pub(super) stop: Option<Stop>,
    pub(super) overdue: Option<Overdue>,
    pub(super) period: Duration,
}

/// What is run for a kind of command.
pub(super) type Handler = Arc<Mutex<dyn FnMut(&Task) -> bool + Send>>;

/// What stops the actuators.
pub(super) type Stop = Arc<Mutex<dyn FnMut() -> bool + Send>>;

/// What stops a robot whose loop does not.
pub(super) type Overdue = Arc<Mutex<dyn FnMut() + Send>>;

/// A command that is run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Task {
    /// What is to be done.
    pub command: Command,
    pub(super) is_aborted: Arc<AtomicBool>,
}

impl Task {
    /// Whether it counts for nothing any more: the emergency stop came, or the operator is gone. A handler that takes long looks
    /// at this between its steps, and leaves off.
    pub fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
    }
}

impl RobotSetup {
    /// A robot like this, that can nothing but drive; [`Limits`](farwire_core::teleop::Limits) say how fast, and
    /// [`RobotOptions`] the rest. Its loop comes round 50 times a second.
    pub fn new(options: impl Into<RobotOptions>) -> RobotSetup {
        let period = Duration::from_millis(20);
        RobotSetup { options: options.into(), handlers: HashMap::new(), stop: None, overdue: None, period }
    }

    /// How often the robot's loop comes round at least, from 1 to 1000 times a second.
    #[must_use]
    pub fn loop_hz(mut self, hz: f64) -> RobotSetup {
        let hz = if hz.is_finite() { hz.clamp(1.0, 1000.0) } else { 50.0 };
        self.period = Duration::from_secs_f64(1.0 / hz);
        self
    }

    /// Runs this for each command of a kind: one of DimOS's, such as `light` or `nav_goal`, or one of the robot's own. What it
    /// returns is what the operator is told; a panic is `false`. Kinds that nothing is run for are answered with `ok: false`.
    #[must_use]
    pub fn on(mut self, kind: &str, handler: impl FnMut(&Task) -> bool + Send + 'static) -> RobotSetup {
        self.options = self.options.command(kind);
        self.handlers.insert(kind.to_owned(), Arc::new(Mutex::new(handler)));
        self
    }

    /// Runs this at each emergency stop, on a thread of its own and at once, even while the robot's loop or a command is busy. It
    /// returns whether the actuators have stopped, which is what the operator is told; until it has returned, the stop is not
    /// released. That the drive stands does not wait for it.
    #[must_use]
    pub fn on_estop(mut self, stop: impl FnMut() -> bool + Send + 'static) -> RobotSetup {
        self.options = self.options.actuators();
        self.stop = Some(Arc::new(Mutex::new(stop)));
        self
    }

    /// Runs this, on a thread of its own, when the robot has to stand and its loop, which was told to move, has not come round for
    /// 100 ms to hear so: because it blocks. Once each time; it is the place to stop the motors behind the loop's back.
    #[must_use]
    pub fn on_overdue(mut self, stop: impl FnMut() + Send + 'static) -> RobotSetup {
        self.overdue = Some(Arc::new(Mutex::new(stop)));
        self
    }
}

impl From<RobotOptions> for RobotSetup {
    fn from(options: RobotOptions) -> RobotSetup {
        RobotSetup::new(options)
    }
}

impl fmt::Debug for RobotSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobotSetup")
            .field("options", &self.options)
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}
