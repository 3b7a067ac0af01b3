//! What a listener has turned away.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// In front of every name.
pub(crate) const PREFIX: &str = "farwire_listener";

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

/// What the page says of the listener itself.
#[derive(Debug)]
pub(crate) struct Snapshot {
    open: usize,
    evicted: u64,
    foreign_hosts: u64,
    foreign_origins: u64,
    turned_away: u64,
    bodies: u64,
}

impl Snapshot {
    pub(crate) fn new(counters: &Counters, (open, evicted): (usize, u64)) -> Snapshot {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            open,
            evicted,
            foreign_hosts: of(&counters.foreign_hosts),
            foreign_origins: of(&counters.foreign_origins),
            turned_away: of(&counters.turned_away),
            bodies: of(&counters.bodies),
        }
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metric = encoder.encode_descriptor("connections", "Connections that are open", None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(self.open).unwrap_or(i64::MAX)).encode(metric)?;
        for (name, help, value) in [
            ("connections_evicted", "Idle connections that gave way to new ones", self.evicted),
            ("foreign_hosts", "Requests for a host that is not this server", self.foreign_hosts),
            ("foreign_origins", "Requests of pages that may not ask", self.foreign_origins),
            ("turned_away", "Requests that a gate refused before their body was read", self.turned_away),
            ("bodies_refused", "Bodies that were too long, too slow, broken or too many", self.bodies),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        Ok(())
    }
}
