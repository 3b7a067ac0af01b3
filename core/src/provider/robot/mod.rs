//! A robot's end of a broker's bridge.

mod arrivals;
mod config;
mod session;
mod settings;

pub use self::config::RobotConfig;
use self::session::Robot;
pub use self::settings::RobotSettings;
use super::{Attempt, Connect, Dial, Provider};
use crate::EndReason;
use crate::signalling::Retry;
use crate::wire::teleop::code::{KEY_REVOKED, ROBOT_PRESENT, SESSION_DISPLACED};

impl Connect for RobotConfig {
    fn url(&self) -> &str {
        &self.url
    }

    fn reconnects(&self) -> bool {
        self.reconnect
    }

    fn provider(&self, attempt: &Attempt) -> Box<dyn Provider> {
        Box::new(Robot::new(self, attempt))
    }

    fn judge(&self, end: &EndReason) -> Retry {
        let EndReason::Api(error) = end else { return Retry::after(end) };
        match (error.code(), error.refusal_status()) {
            (KEY_REVOKED, _) => Retry::Never,
            (ROBOT_PRESENT | SESSION_DISPLACED, _) => Retry::Crowded,
            // A broker that does not say why: another robot may have registered with this one's key.
            (_, Some(404)) => Retry::Suspicious { refused: true },
            (_, Some(410)) => Retry::Suspicious { refused: false },
            _ => Retry::after(end),
        }
    }
}

impl From<RobotConfig> for Dial {
    fn from(config: RobotConfig) -> Dial {
        Dial::new(config)
    }
}
