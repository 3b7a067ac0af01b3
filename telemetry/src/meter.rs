//! Counters.

use std::time::{Duration, Instant};

/// How often a connection's counters are recorded, at most.
pub const METER_EVERY: Duration = Duration::from_secs(1);

/// Records one connection's counters, if the feature `metrics` is on. They are recorded when something happens on the
/// connection, which on a live one is at least every other second.
///
/// | metric | labels besides `session` | |
/// |---|---|---|
/// | `farwire_up` | `transport` | 1 while connected |
/// | `farwire_round_trip_seconds` | `transport` | to the far end and back |
/// | `farwire_in_flight_messages` | `transport` | that the transport holds |
/// | `farwire_messages_sent` | `topic` | handed to the transport |
/// | `farwire_bytes_sent` | `topic` | |
/// | `farwire_messages_received` | `topic` | each once |
/// | `farwire_bytes_received` | `topic` | |
/// | `farwire_messages_dropped` | `topic`, `cause` | `refused`, `replaced`, `unheard`, `unmatched`, `too_short`, `undecodable`, `unread`, `stale`, `ahead`, `disordered`, `unstamped` |
/// | `farwire_queued_messages` | `topic` | that wait to be sent |
/// | `farwire_waiting_messages` | `topic` | that wait to be received |
#[derive(Debug, Default)]
pub struct Meter {
    last: Option<Instant>,
}

impl Meter {
    /// Whether it is time to [`record`](Meter::record). Never without the feature `metrics`.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = cfg!(feature = "metrics") && self.last.is_none_or(|last| now >= last + METER_EVERY);
        if due {
            self.last = Some(now);
        }
        due
    }

    /// Records the counters of the connection with this publishing session. Without the feature `metrics` it does nothing.
    #[cfg(feature = "metrics")]
    pub fn record(&self, session: &str, stats: &farwire_core::Stats) {
        use farwire_core::Direction;
        use metrics::{counter, gauge};

        for (direction, name) in [(Direction::Publish, "publish"), (Direction::Subscribe, "subscribe")] {
            let transport = stats.connection.of(direction);
            let labels = [("session", session.to_owned()), ("transport", name.to_owned())];
            gauge!("farwire_up", &labels).set(f64::from(u8::from(transport.up)));
            gauge!("farwire_in_flight_messages", &labels).set(transport.in_flight as f64);
            if let Some(round_trip) = transport.round_trip {
                gauge!("farwire_round_trip_seconds", &labels).set(round_trip.as_secs_f64());
            }
        }
        for (topic, of_topic) in &stats.topics {
            let labels = [("session", session.to_owned()), ("topic", topic.to_string())];
            counter!("farwire_messages_sent", &labels).absolute(of_topic.sent);
            counter!("farwire_bytes_sent", &labels).absolute(of_topic.sent_bytes);
            counter!("farwire_messages_received", &labels).absolute(of_topic.received);
            counter!("farwire_bytes_received", &labels).absolute(of_topic.received_bytes);
            gauge!("farwire_queued_messages", &labels).set(of_topic.queued as f64);
            gauge!("farwire_waiting_messages", &labels).set(of_topic.waiting as f64);
            for (cause, dropped) in [
                ("refused", of_topic.refused),
                ("replaced", of_topic.replaced),
                ("unheard", of_topic.unheard),
                ("unmatched", of_topic.unmatched),
                ("too_short", of_topic.too_short),
                ("undecodable", of_topic.undecodable),
                ("unread", of_topic.unread),
                ("stale", of_topic.stale),
                ("ahead", of_topic.ahead),
                ("disordered", of_topic.disordered),
                ("unstamped", of_topic.unstamped),
            ] {
                let [of_session, of_topic] = labels.clone();
                let labels = [of_session, of_topic, ("cause", cause.to_owned())];
                counter!("farwire_messages_dropped", &labels).absolute(dropped);
            }
        }
    }

    /// Records the counters of the connection with this publishing session. Without the feature `metrics` it does nothing.
    #[cfg(not(feature = "metrics"))]
    pub fn record(&self, _session: &str, _stats: &farwire_core::Stats) {}
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use farwire_core::{Stats, Topic, TopicStats};
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;

    #[test]
    fn records_what_the_stats_say_once_a_second() {
        let mut meter = Meter::default();
        let now = Instant::now();
        assert!(meter.is_due(now) && !meter.is_due(now) && meter.is_due(now + METER_EVERY));
        let (mut stats, mut topic) = (Stats::default(), TopicStats::default());
        (topic.sent, topic.unread) = (7, 3);
        stats.topics.insert(Topic::new("odom").expect("a topic"), topic);
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || meter.record("abc", &stats));
        let values: Vec<_> = snapshotter.snapshot().into_vec();
        let value = |name: &str, cause: Option<&str>| {
            values.iter().find_map(|(key, _, _, value)| {
                let is_it = key.key().name() == name
                    && cause.is_none_or(|cause| key.key().labels().any(|label| label.value() == cause));
                is_it.then_some(value)
            })
        };
        assert_eq!(value("farwire_messages_sent", None), Some(&DebugValue::Counter(7)));
        assert_eq!(value("farwire_messages_dropped", Some("unread")), Some(&DebugValue::Counter(3)));
        assert_eq!(value("farwire_up", None), Some(&DebugValue::Gauge(0.0.into())));
    }
}
