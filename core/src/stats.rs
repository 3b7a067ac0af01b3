//! Counters that can be read at any time.
//!
//! Plain numbers: reading costs a copy, and counting an addition. With the feature `serde` they serialise, times as
//! seconds.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::demux::Miss;
use crate::{Direction, PublishError, StampRefusal, Topic};

/// What a connection has seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// The connection as a whole.
    pub connection: ConnectionStats,
    /// Each topic that it has now.
    pub topics: BTreeMap<Topic, TopicStats>,
}

/// What both of a connection's sessions have seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ConnectionStats {
    /// The session that publishes. Through a broker there is only this one, and it counts both directions.
    pub publish: SessionStats,
    /// The session that subscribes.
    pub subscribe: SessionStats,
    /// How often the connection was lost after it was up. It reconnects.
    pub losses: u64,
    /// The last thing that went wrong: a call to the API, or what ended the connection. It stays when it has been
    /// overcome.
    pub last_error: Option<LastError>,
}

impl SessionStats {
    /// Adds what the session has seen that came after this one.
    pub(crate) fn go_on(&mut self, next: &SessionStats) {
        *self = SessionStats {
            sent: self.sent + next.sent,
            sent_bytes: self.sent_bytes + next.sent_bytes,
            received: self.received + next.received,
            received_bytes: self.received_bytes + next.received_bytes,
            datagrams_sent: self.datagrams_sent + next.datagrams_sent,
            datagram_bytes_sent: self.datagram_bytes_sent + next.datagram_bytes_sent,
            datagrams_received: self.datagrams_received + next.datagrams_received,
            datagram_bytes_received: self.datagram_bytes_received + next.datagram_bytes_received,
            strays: self.strays + next.strays,
            requests: self.requests + next.requests,
            requests_failed: self.requests_failed + next.requests_failed,
            requests_retried: self.requests_retried + next.requests_retried,
            ..next.clone()
        };
    }

    /// Adds what a further transport of the same session has seen.
    pub(crate) fn add_further(&mut self, further: &SessionStats) {
        let own = self.clone();
        self.go_on(further);
        (self.up, self.round_trip) = (own.up, own.round_trip);
        self.in_flight = own.in_flight + further.in_flight;
        self.in_flight_bytes = own.in_flight_bytes + further.in_flight_bytes;
    }
}

impl ConnectionStats {
    /// The session of that direction.
    pub fn of(&self, direction: Direction) -> &SessionStats {
        match direction {
            Direction::Publish => &self.publish,
            Direction::Subscribe => &self.subscribe,
        }
    }
}

/// What one session has seen: its messages, its socket, and its calls to the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SessionStats {
    /// Whether it is connected now.
    pub up: bool,
    /// Messages handed to the transport, on all topics that there ever were.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages received.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages that the transport holds until they are acknowledged or given up.
    pub in_flight: usize,
    /// Their bytes.
    pub in_flight_bytes: usize,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Their bytes, without headers of UDP and IP.
    pub datagram_bytes_sent: u64,
    /// Datagrams received, without strays.
    pub datagrams_received: u64,
    /// Their bytes.
    pub datagram_bytes_received: u64,
    /// Datagrams that were not for this connection, or could not be understood.
    pub strays: u64,
    /// What the latest connectivity check took to the SFU and back; there is one about every second.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_seconds"))]
    pub round_trip: Option<Duration>,
    /// Requests made to the API.
    pub requests: u64,
    /// Those of them that the SFU refused, or that had no answer, or one that is not the API's. A request of which only
    /// some topics were refused is not among them: see [`TopicStats::last_error`].
    pub requests_failed: u64,
    /// Those of them that ask again: after a failure, or for a channel that the SFU refused or closed.
    pub requests_retried: u64,
}

/// What went wrong last. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LastError {
    /// When.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub at: Instant,
    /// What, for people.
    pub text: String,
}

impl LastError {
    pub(crate) fn new(at: Instant, error: &impl Display) -> LastError {
        LastError { at, text: error.to_string() }
    }
}

/// What one topic has seen on one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TopicStats {
    /// Messages handed to the transport.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that were refused, for whatever reason: too large, queue full, no channel, or no connection.
    pub refused: u64,
    /// Those of them that are larger than the SFU takes.
    pub too_large: u64,
    /// Those of them for which the queue had no room.
    pub queue_full: u64,
    /// Messages dropped unsent because newer ones took their place.
    pub replaced: u64,
    /// Messages dropped unsent because nobody could get them: while the connection was re-established, or nobody was at the
    /// far end of a broker's bridge.
    pub unheard: u64,
    /// Messages that wait now. Once the connection is over: those that were never sent.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Whether the channel to publish on is open.
    pub publishing: bool,
    /// Messages received, each counted once however many subscriptions got it.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Those of them that no subscription is for: each asks for a type, and none for this one.
    pub unmatched: u64,
    /// Those of them that are too short to have a type, while every subscription asks for one.
    pub too_short: u64,
    /// Messages that a typed subscription got, and that turned out to be none of its type. Counted when it takes them,
    /// once for each such subscription.
    pub undecodable: u64,
    /// Messages that subscriptions got and dropped unread: their mailboxes were full, or their holders took the latest.
    /// Counted once for each such subscription.
    pub unread: u64,
    /// Messages that subscriptions with a deadline got and did not deliver, because they were older than that, or from
    /// before the connection or the operator was lost. Counted once for each such subscription.
    pub stale: u64,
    /// Messages that subscriptions with a deadline did not deliver, because their stamps lie more than 50 ms ahead of the
    /// clock that judges them: see [`SubscribeOptions::stale_after`](crate::SubscribeOptions::stale_after).
    pub ahead: u64,
    /// Messages that subscriptions with a deadline did not deliver, because something newer, or an emergency stop, came first.
    pub disordered: u64,
    /// Messages that subscriptions with a deadline did not deliver, because they have no stamp, though their type has a place
    /// for one.
    pub unstamped: u64,
    /// Why the last message that a deadline or a stamp kept from being delivered was not. It stays when others are.
    pub last_refusal: Option<StampRefusal>,
    /// Messages that wait in mailboxes now.
    pub waiting: usize,
    /// Whether the channel to receive on is open.
    pub subscribed: bool,
    /// How often the SFU closed an open channel of this topic, of either direction. It is asked for again.
    pub interruptions: u64,
    /// What the last [`Event::Trouble`](crate::Event::Trouble) of this topic told. It stays when it has been overcome.
    pub last_error: Option<LastError>,
}

impl TopicStats {
    pub(crate) fn note_sent(&mut self, len: usize) {
        self.sent += 1;
        self.sent_bytes += len as u64;
    }

    pub(crate) fn note_refused(&mut self, error: &PublishError) {
        self.refused += 1;
        match error {
            PublishError::TooLarge { .. } => self.too_large += 1,
            PublishError::QueueFull { .. } => self.queue_full += 1,
            _ => {}
        }
    }

    pub(crate) fn note_received(&mut self, len: usize) {
        self.received += 1;
        self.received_bytes += len as u64;
    }

    pub(crate) fn note_missed(&mut self, miss: Miss) {
        match miss {
            Miss::Unmatched => self.unmatched += 1,
            Miss::TooShort => self.too_short += 1,
        }
    }
}

#[cfg(feature = "serde")]
fn as_seconds<S: serde::Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&time.map(|time| time.as_secs_f64()), serializer)
}
