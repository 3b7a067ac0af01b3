//! What was sent, what arrived, and how late.

use serde::{Deserialize, Serialize};

/// Counts of several ends.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) commands: Way,
    pub(crate) orders: Way,
    pub(crate) telemetry: Way,
    pub(crate) maps: Way,
    /// Connections that were lost.
    pub(crate) losses: u64,
}

/// One channel.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) sent: u64,
    /// Of them, those that nobody could get.
    pub(crate) dropped: u64,
    pub(crate) received: u64,
    /// Missing between two that arrived.
    pub(crate) missing: u64,
    /// In microseconds.
    pub(crate) latencies: Vec<u32>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.commands.add(&other.commands);
        self.orders.add(&other.orders);
        self.telemetry.add(&other.telemetry);
        self.maps.add(&other.maps);
        self.losses += other.losses;
    }

    pub(crate) fn print(&mut self) {
        self.commands.print("commands, lossy");
        self.orders.print("orders, reliable");
        self.telemetry.print("telemetry, reliable");
        self.maps.print("maps, lossy");
        println!("{} connections were lost", self.losses);
    }
}

impl Way {
    fn add(&mut self, other: &Way) {
        self.sent += other.sent;
        self.dropped += other.dropped;
        self.received += other.received;
        self.missing += other.missing;
        self.latencies.extend(&other.latencies);
    }

    fn print(&mut self, name: &str) {
        let Way { sent, dropped, received, missing, .. } = *self;
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let place = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
            f64::from(self.latencies.get(place).copied().unwrap_or_default()) / 1000.0
        };
        println!(
            "{name}: {sent} sent, {received} received, {dropped} dropped at the sender, {missing} missing in between; \
             p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.2} ms",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
        );
    }
}
