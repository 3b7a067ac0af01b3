//! [`Stats`] as Prometheus reads them.

use std::fmt;
use std::time::Duration;

use farwire_listener::metrics_text;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::Stats;

/// In front of every name.
pub(crate) const PREFIX: &str = "farwire_sfu";

impl Stats {
    /// The counters in the text format of Prometheus (OpenMetrics 1.0). Nothing in it names a session, a channel or a
    /// client.
    pub fn to_prometheus(&self) -> String {
        metrics_text(PREFIX, *self)
    }
}

impl Collector for Stats {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self;
        let gauges = [
            ("sessions", "Sessions that exist", None, stats.sessions as u64),
            ("publications", "Channels that are published", None, stats.publications),
            ("subscriptions", "Subscriptions that exist", None, stats.subscriptions),
            ("queue_messages", "Messages that wait for their receivers", None, stats.queued),
            ("queue", "Bytes of the messages that wait for their receivers", Some(Unit::Bytes), stats.queued_bytes),
        ];
        for (name, help, unit, value) in gauges {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)?;
        }
        let counters = [
            ("sessions_created", "Sessions that have been created", None, stats.created),
            ("sessions_unconnected", "Sessions that ended before they connected", None, stats.unconnected),
            ("sessions_lost", "Sessions given up because nothing was heard from them", None, stats.lost),
            ("api_calls", "Calls of the API", None, stats.calls),
            ("api_calls_refused", "Calls of the API that were refused", None, stats.refused),
            ("wrong_secrets", "Calls with a wrong secret or without one", None, stats.wrong_secrets),
            ("messages_received", "Messages from publishers", None, stats.received),
            ("received", "Bytes of messages from publishers", Some(Unit::Bytes), stats.received_bytes),
            ("replies", "Messages from subscribers to their publishers", None, stats.replies),
            ("messages_forwarded", "Messages handed to receivers' transports", None, stats.forwarded),
            (
                "forwarded",
                "Bytes of messages handed to receivers' transports",
                Some(Unit::Bytes),
                stats.forwarded_bytes,
            ),
            (
                "subscriptions_outsized",
                "Reliable subscriptions closed for a message too large for its receiver",
                None,
                stats.outsized,
            ),
            ("subscriptions_overflowed", "Reliable subscriptions closed for being slow", None, stats.overflowed),
            ("datagrams_received", "Datagrams received", None, stats.datagrams),
            ("datagrams_stray", "Datagrams that belong to no session or are not WebRTC", None, stats.stray),
            ("datagrams_crowded", "Datagrams beyond their session's share and room", None, stats.crowded),
            ("checks_replayed", "Connectivity checks that had been seen before", None, stats.replayed),
            ("checks_excess", "Connectivity checks that were too many", None, stats.excess_checks),
            ("packets_refused", "Packets too far after missing data, or too many", None, stats.refused_packets),
            ("datagrams_unsent", "Datagrams that the system did not take", None, stats.unsent),
            ("sessions_violating", "Sessions ended for breaking SCTP's rules", None, stats.violations),
        ];
        for (name, help, unit, value) in counters {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        let dropped = [
            ("replaced", stats.replaced),
            ("gated", stats.gated),
            ("oversized", stats.oversized),
            ("abandoned", stats.abandoned),
            ("unwanted", stats.unwanted),
        ];
        let help = "Messages that a receiver did not get, by cause";
        let mut metric = encoder.encode_descriptor("messages_dropped", help, None, MetricType::Counter)?;
        for (cause, value) in dropped {
            ConstCounter::new(value).encode(metric.encode_family(&[("cause", cause)])?)?;
        }
        let help = "From a message's arrival until a receiver's transport has it";
        let unit = Some(&Unit::Seconds);
        let mut metric = encoder.encode_descriptor("forwarding_latency", help, unit, MetricType::Histogram)?;
        let latencies = &stats.latencies;
        let bound = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
        let buckets: Vec<_> = latencies.buckets().map(|(upper, count)| (bound(upper), count)).collect();
        metric.encode_histogram::<NoLabelSet>(latencies.sum().as_secs_f64(), latencies.count(), &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_everything_in_the_form_that_prometheus_reads() {
        let mut stats = Stats { sessions: 3, received_bytes: 70, replaced: 5, ..Stats::default() };
        stats.latencies.add(Duration::from_micros(80));
        stats.latencies.add(Duration::from_secs(9));
        let text = stats.to_prometheus();
        for line in [
            "farwire_sfu_sessions 3",
            "# TYPE farwire_sfu_received_bytes counter",
            "farwire_sfu_received_bytes_total 70",
            "farwire_sfu_messages_dropped_total{cause=\"replaced\"} 5",
            "farwire_sfu_forwarding_latency_seconds_bucket{le=\"0.00005\"} 0",
            "farwire_sfu_forwarding_latency_seconds_bucket{le=\"0.0001\"} 1",
            "farwire_sfu_forwarding_latency_seconds_bucket{le=\"+Inf\"} 2",
            "farwire_sfu_forwarding_latency_seconds_count 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
