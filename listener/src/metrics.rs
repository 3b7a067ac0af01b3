//! Counters for Prometheus, of all that one listener serves: one registry, which everything on it contributes to.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// The `Content-Type` of counters: OpenMetrics 1.0.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the page is.
pub(crate) const PATH: &str = "/metrics";

/// What a collector says, as a complete text of OpenMetrics 1.0. Names get `prefix` and an underscore in front.
pub fn metrics_text(prefix: &str, collector: impl Collector) -> String {
    let mut registry = Registry::with_prefix(prefix);
    registry.register_collector(Box::new(collector));
    page(&registry)
}

/// All that a registry has.
pub(crate) fn page(registry: &Registry) -> String {
    let mut page = String::new();
    match encode(&mut page, registry) {
        Ok(()) => page,
        // Writing to a string does not fail.
        Err(fmt::Error) => String::new(),
    }
}

/// A collector of what is there when somebody asks.
pub(crate) struct Snapshots<F>(pub(crate) F);

impl<F, C> Collector for Snapshots<F>
where
    F: Fn() -> C + Send + Sync + 'static,
    C: Collector,
{
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)().encode(encoder)
    }
}

impl<F> fmt::Debug for Snapshots<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshots")
    }
}
