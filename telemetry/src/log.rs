//! Logs.

use farwire_core::client::Notice;
use tracing::{debug, info, warn};

/// Logs what a turn had to tell: troubles as warnings, a connection's beginning and end as information, the rest for
/// debugging.
pub fn log(notices: &[Notice]) {
    for notice in notices {
        match notice {
            Notice::Connected { .. } | Notice::Presence(_) | Notice::Ended(_) => info!(target: "farwire", "{notice}"),
            Notice::Trouble { .. }
            | Notice::Interrupted(_)
            | Notice::Reconnecting(_)
            | Notice::DialFailed(_)
            | Notice::HeartbeatFailing(_)
            | Notice::Warning(_) => {
                warn!(target: "farwire", "{notice}");
            }
            _ => debug!(target: "farwire", "{notice}"),
        }
    }
}
