//! Logs.

use farwire_core::ConnectionEvent;
use farwire_core::client::Notice;
use tracing::{Level, debug, info, warn};

/// Logs what a turn had to tell: troubles as warnings, a connection's beginning and end and who is there as information, the
/// rest for debugging.
pub fn log(notices: &[Notice]) {
    for notice in notices {
        match level(notice) {
            Level::WARN => warn!(target: "farwire", "{notice}"),
            Level::INFO => info!(target: "farwire", "{notice}"),
            _ => debug!(target: "farwire", "{notice}"),
        }
    }
}

/// Logs a trouble that is nobody's in particular.
pub fn log_trouble(trouble: &dyn std::fmt::Display) {
    warn!(target: "farwire", "{trouble}");
}

fn level(notice: &Notice) -> Level {
    match notice {
        Notice::Trouble { .. } | Notice::Interrupted(_) => Level::WARN,
        Notice::Connection(event) => match event {
            ConnectionEvent::Reconnecting { .. }
            | ConnectionEvent::ReconnectFailed { .. }
            | ConnectionEvent::HeartbeatFailing { .. }
            | ConnectionEvent::Warning { .. } => Level::WARN,
            ConnectionEvent::Connected { .. }
            | ConnectionEvent::OperatorPresent
            | ConnectionEvent::OperatorLost { .. }
            | ConnectionEvent::HandedOver
            | ConnectionEvent::RobotPresent
            | ConnectionEvent::RobotLost
            | ConnectionEvent::Ended { .. } => Level::INFO,
            _ => Level::DEBUG,
        },
        _ => Level::DEBUG,
    }
}
