//! What a listener has turned away.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one listener, of which none is left out of the page at `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) foreign_hosts: AtomicU64,
    pub(crate) foreign_origins: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) bodies: AtomicU64,
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// A complete text of OpenMetrics 1.0.
    pub(crate) fn to_text(&self, open: usize, evicted: u64) -> String {
        let mut text = String::new();
        let mut say = |name: &str, kind: &str, help: &str, value: u64| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP farwire_listener_{name} {help}");
            let _ = writeln!(text, "# TYPE farwire_listener_{name} {kind}");
            let _ = writeln!(text, "farwire_listener_{name}{suffix} {value}");
        };
        say("connections", "gauge", "Connections that are open", open as u64);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, help, value) in [
            ("connections_evicted", "Idle connections that gave way to new ones", evicted),
            ("foreign_hosts", "Requests for a host that is not this server", of(&self.foreign_hosts)),
            ("foreign_origins", "Requests of pages that may not ask", of(&self.foreign_origins)),
            ("turned_away", "Requests that a gate refused before their body was read", of(&self.turned_away)),
            ("bodies_refused", "Bodies that were too long, too slow, broken or too many", of(&self.bodies)),
        ] {
            say(name, "counter", help, value);
        }
        text.push_str("# EOF\n");
        text
    }
}
