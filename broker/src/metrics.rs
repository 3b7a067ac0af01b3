//! [`Stats`] as Prometheus reads them.

use std::fmt;

use farwire_listener::metrics_text;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::stats::Stats;

/// In front of every name.
pub(crate) const PREFIX: &str = "farwire_broker";

impl Stats {
    /// The counters in the text format of Prometheus (OpenMetrics 1.0). Nothing in it names a robot, an operator or a key.
    pub fn to_prometheus(&self) -> String {
        metrics_text(PREFIX, *self)
    }
}

impl Collector for Stats {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self;
        let gauges = [
            ("robots", "Robots that are registered", stats.robots),
            ("operators", "Operators that have joined", stats.operators),
            ("viewers", "Those who watch robots", stats.viewers),
            ("bridges", "Bridges between a robot and its operator", stats.bridges),
            ("sfu_sessions", "Sessions on the SFU, those that are being closed included", stats.sfu_sessions),
        ];
        for (name, help, value) in gauges {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)?;
        }
        let counters = [
            ("registrations", "Robots that were registered, each time that they were", stats.registrations),
            ("joins", "Operators that were let in", stats.joins),
            ("takeovers", "Operators that were ended by one with another token", stats.takeovers),
            ("handed_over", "Robots that one operator handed over to another", stats.handed_over),
            ("bridges_built", "Bridges that were built", stats.bridges_built),
            ("bridges_broken", "Bridges of which the SFU closed a channel", stats.bridges_broken),
            ("requests", "Requests of robots and operators", stats.requests),
            ("wrong_keys", "Requests with a wrong key or without one", stats.wrong_keys),
            ("sfu_calls", "Calls to the SFU", stats.sfu_calls),
            ("sfu_calls_failed", "Calls that the SFU did not answer or refused", stats.sfu_calls_failed),
            ("turn_minted", "TURN credentials that Cloudflare minted", stats.turn_minted),
            ("turn_failed", "Requests for TURN credentials that failed", stats.turn_failed),
        ];
        for (name, help, value) in counters {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        let help = "Requests that were refused, by the status of the answer";
        let mut metric = encoder.encode_descriptor("requests_refused", help, None, MetricType::Counter)?;
        for (status, value) in stats.refused.by_status() {
            ConstCounter::new(value).encode(metric.encode_family(&[("status", status)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_everything_in_the_form_that_prometheus_reads() {
        let mut stats = Stats { robots: 3, requests: 70, ..Stats::default() };
        stats.refused.count(409);
        let text = stats.to_prometheus();
        for line in [
            "# HELP farwire_broker_robots Robots that are registered",
            "# TYPE farwire_broker_robots gauge",
            "farwire_broker_robots 3",
            "# TYPE farwire_broker_requests counter",
            "farwire_broker_requests_total 70",
            "farwire_broker_requests_refused_total{status=\"409\"} 1",
            "farwire_broker_requests_refused_total{status=\"503\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
