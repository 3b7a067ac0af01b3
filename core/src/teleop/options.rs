//! What a robot is like, and what it can do beside driving.

use std::collections::BTreeSet;
use std::time::Duration;

use super::limits::Limits;
use crate::wire::teleop::Command;

/// Commands of its own that a robot can have.
const MAX_COMMANDS: usize = 64;

/// What a robot is like. Without anything said it stands: its limits are 0.
#[derive(Debug, Clone, PartialEq)]
pub struct RobotOptions {
    pub(super) limits: Limits,
    pub(super) stale_after: Duration,
    pub(super) telemetry_hz: f64,
    pub(super) map_hz: f64,
    pub(super) odom_hz: f64,
    pub(super) nav_reach: f64,
    pub(super) sport: BTreeSet<String>,
    pub(super) cameras: Vec<String>,
    /// The kinds of commands that it has somebody to run for.
    pub(super) commands: BTreeSet<String>,
    /// Something is to be told to stop at an emergency stop, beside the drive.
    pub(super) has_actuators: bool,
}

impl Default for RobotOptions {
    fn default() -> RobotOptions {
        RobotOptions::new(Limits::default())
    }
}

impl From<Limits> for RobotOptions {
    fn from(limits: Limits) -> RobotOptions {
        RobotOptions::new(limits)
    }
}

impl RobotOptions {
    /// A robot that drives within these limits.
    pub fn new(limits: Limits) -> RobotOptions {
        RobotOptions {
            limits,
            stale_after: Duration::from_millis(300),
            telemetry_hz: 3.0,
            map_hz: 2.0,
            odom_hz: 15.0,
            nav_reach: 100.0,
            sport: BTreeSet::new(),
            cameras: Vec::new(),
            commands: BTreeSet::new(),
            has_actuators: false,
        }
    }

    /// How old a drive command may be, by its stamp, and so how long the robot goes on when none comes any more; 300 ms unless
    /// said otherwise, and never less than 20 ms.
    #[must_use]
    pub fn stale_after(mut self, stale_after: Duration) -> RobotOptions {
        self.stale_after = stale_after.max(Duration::from_millis(20));
        self
    }

    /// Telemetry per second, from 0.1 to 100; 3 unless said otherwise, as DimOS's robots have it.
    #[must_use]
    pub fn telemetry_hz(mut self, hz: f64) -> RobotOptions {
        self.telemetry_hz = rate(hz, 3.0);
        self
    }

    /// Maps per second at most, from 0.1 to 100; 2 unless said otherwise.
    #[must_use]
    pub fn map_hz(mut self, hz: f64) -> RobotOptions {
        self.map_hz = rate(hz, 2.0);
        self
    }

    /// Poses per second at most, from 0.1 to 100; 15 unless said otherwise.
    #[must_use]
    pub fn odom_hz(mut self, hz: f64) -> RobotOptions {
        self.odom_hz = rate(hz, 15.0);
        self
    }

    /// How far from the world's origin a `nav_goal` may lie along x or y, in m; 100 unless said otherwise.
    #[must_use]
    pub fn nav_reach(mut self, metres: f64) -> RobotOptions {
        self.nav_reach = if metres.is_finite() { metres.max(0.0) } else { 0.0 };
        self
    }

    /// The names that a `sport_cmd` may have. Unless there are some, none is run.
    #[must_use]
    pub fn sport<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> RobotOptions {
        self.sport.extend(names.into_iter().map(Into::into).take(MAX_COMMANDS));
        self
    }

    /// The names of its cameras; the first is shown until an operator chooses.
    #[must_use]
    pub fn cameras<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> RobotOptions {
        self.cameras = names.into_iter().map(Into::into).take(MAX_COMMANDS).collect();
        self
    }

    /// Commands of this kind can be run: one of DimOS's, such as `light`, or one of the robot's own. Up to 64; a kind that this
    /// is not said of is answered with `ok: false`.
    #[must_use]
    pub fn command(mut self, kind: &str) -> RobotOptions {
        if self.commands.len() < MAX_COMMANDS {
            self.commands.insert(kind.to_owned());
        }
        self
    }

    /// An emergency stop is more than to stand: its acknowledgement waits for actuators that are told to stop.
    #[must_use]
    pub fn actuators(mut self) -> RobotOptions {
        self.has_actuators = true;
        self
    }

    /// How old a drive command may be.
    pub fn stale_after_time(&self) -> Duration {
        self.stale_after
    }

    /// Whether a command is one that it can and may run. What is not finite or too far was none before.
    pub(super) fn allows(&self, command: &Command) -> bool {
        let is_sane = match command {
            Command::Sport { name } => self.sport.contains(name),
            Command::NavGoal { x, y } => x.abs().max(y.abs()) <= self.nav_reach,
            Command::TeleopScale { scale } => scale.is_finite() && *scale > 0.0,
            _ => true,
        };
        is_sane && self.commands.contains(command.name())
    }
}

fn rate(hz: f64, usual: f64) -> f64 {
    if hz.is_finite() { hz.clamp(0.1, 100.0) } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_run() {
        let sport = |name: &str| Command::Sport { name: name.to_owned() };
        let options = RobotOptions::default().sport(["Hello"]).nav_reach(10.0);
        assert!(!options.allows(&sport("Hello")), "nobody runs it");
        let options = options.command("sport_cmd").command("nav_goal").command("teleop_scale");
        assert!(options.allows(&sport("Hello")) && !options.allows(&sport("FrontFlip")));
        for (x, y, is_allowed) in [(10.0, -10.0, true), (10.1, 0.0, false), (0.0, -11.0, false)] {
            assert_eq!(options.allows(&Command::NavGoal { x, y }), is_allowed);
        }
        for (scale, is_allowed) in [(0.5, true), (0.0, false), (-1.0, false), (f64::INFINITY, false)] {
            assert_eq!(options.allows(&Command::TeleopScale { scale }), is_allowed);
        }
        assert!(!options.allows(&Command::NavCancel));
    }
}
