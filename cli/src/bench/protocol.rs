//! What the benchmark's parent and its workers say to each other: one JSON object per line, one answer per question.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Parent to worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Ask {
    /// CPU time of the process so far. Every worker answers `Cpu`.
    Cpu,
    /// Connects, with the other's session to subscribe from. Answers `Session`.
    Connect { publisher_session: Option<String> },
    /// Closes every connection. Answers `Ready`.
    Disconnect,

    /// Publisher: times from `connect` to the first message back on an own topic. Answers `Times`.
    TimeConnects { times: u32 },
    /// Publisher: CPU of a connection with nothing to do. Answers `Idle`.
    Idle { during: Duration },
    /// Publisher: opens a topic. Answers `Ready`, or `TooLarge` when a message of that size cannot be delivered.
    Open { topic: String, reliable: bool, size: usize },
    /// Publisher: publishes warm-up messages until it is told `Heard`; that one is answered.
    Call,
    /// Publisher: the subscriber hears; warms up at full speed, flushes, and answers `Ready`.
    Heard,
    /// Publisher: publishes as fast as it may until the time is over or it has sent so many messages, flushes for no
    /// longer than `drain`, and answers `Flooded`.
    Flood { during: Option<Duration>, messages: Option<u64>, rate: Option<f64>, drain: Duration },
    /// Publisher: subscribes to echoes on a second connection. Answers `Ready`.
    HearEchoes { publisher_session: String, topic: String, reliable: bool },
    /// Publisher: publishes at a fixed rate, each after the echo of the one before. Answers `Pinged`.
    Ping { during: Duration, hz: f64 },

    /// Subscriber: subscribes, and answers `Ready` when the first message is there; echoes each one if told to.
    Listen { topic: String, reliable: bool, echo: Option<String> },
    /// Subscriber: answers `Received` once it has `expected`, has heard nothing for `quiet`, or it is `until`, by
    /// [`now`](super::worker::now).
    Settle { expected: Option<u64>, quiet: Option<Duration>, until: Duration },
}

/// Worker to parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    Ready,
    /// The SFU's API root; the SFU's worker says it unasked, once.
    Serving {
        url: String,
    },
    Cpu {
        time: Duration,
    },
    Session {
        id: String,
    },
    Times {
        each: Vec<Duration>,
    },
    Idle {
        cpu_percent: f64,
    },
    /// What a message there may have at most, in bytes.
    TooLarge {
        limit: usize,
    },
    Flooded(Flooded),
    Received(Received),
    Pinged(Pinged),
    /// What was asked for cannot be done, and why.
    Failed {
        why: String,
    },
}

/// What the publisher put into a throughput run.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Flooded {
    pub(super) sent: u64,
    /// Of those, dropped at the publisher in favour of newer ones.
    pub(super) replaced: u64,
    pub(super) took: Duration,
    /// When the last one was published, by [`now`](super::worker::now).
    pub(super) ended: Duration,
}

/// What the subscriber got of the measured messages.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Received {
    pub(super) messages: u64,
    /// Messages with a lower number than one before them.
    pub(super) overtaken: u64,
    /// Messages that arrived, but were dropped unread because the mailbox was full.
    pub(super) unread: u64,
    /// Between the first and the last one.
    pub(super) took: Duration,
    /// When the last one came, by [`now`](super::worker::now).
    pub(super) last: Option<Duration>,
}

/// A ping-pong run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Pinged {
    pub(super) sent: u64,
    pub(super) returned: u64,
    /// None if no ping returned.
    pub(super) times: Option<RoundTrips>,
}

/// How long pings took that returned.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct RoundTrips {
    pub(super) p50: Duration,
    pub(super) p90: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_each() {
        let ask = Ask::Flood {
            during: Some(Duration::from_millis(1500)),
            messages: None,
            rate: Some(0.5),
            drain: Duration::ZERO,
        };
        let line = serde_json::to_string(&ask).expect("plain data");
        assert!(!line.contains('\n'), "{line}");
        assert!(matches!(serde_json::from_str(&line), Ok(Ask::Flood { messages: None, .. })), "{line}");
        let line = serde_json::to_string(&Answer::Flooded(Flooded::default())).expect("plain data");
        assert!(matches!(serde_json::from_str(&line), Ok(Answer::Flooded(_))), "{line}");
    }
}
