//! An operator's end of a broker's bridge.

mod config;
mod errands;
mod heartbeats;
mod problem;
mod session;
mod settings;

pub use self::config::OperatorConfig;
use self::problem::HANDED_OVER;
pub use self::problem::OperatorProblem;
use self::session::Operator;
pub use self::settings::OperatorSettings;
use super::{Attempt, Connect, Dial, Provider};
use crate::EndReason;
use crate::signalling::Retry;
use crate::wire::teleop::code::{KEY_REVOKED, NOT_JOINED};

impl Connect for OperatorConfig {
    fn url(&self) -> &str {
        &self.url
    }

    fn reconnects(&self) -> bool {
        self.reconnect
    }

    fn provider(&self, attempt: &Attempt) -> Box<dyn Provider> {
        Box::new(Operator::new(self, attempt))
    }

    fn judge(&self, end: &EndReason) -> Retry {
        match end {
            EndReason::Api(error) if error.code() == KEY_REVOKED => Retry::Never,
            // Somebody else has the robot, as after a 409.
            EndReason::Api(error) if error.code() == NOT_JOINED && error.is_refusal() => Retry::Never,
            // Somebody else has it, by this operator's own wish.
            EndReason::Unavailable(problem) if problem.code() == HANDED_OVER => Retry::Never,
            _ => Retry::after(end),
        }
    }
}

impl From<OperatorConfig> for Dial {
    fn from(config: OperatorConfig) -> Dial {
        Dial::new(config)
    }
}
