//! Counters that can be read at any time.

use crate::demux::Miss;

/// What one topic has seen on one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// Messages handed to the transport.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that were refused: too large, queue full, or no connection.
    pub refused: u64,
    /// Messages dropped unsent because newer ones took their place.
    pub replaced: u64,
    /// Messages that wait now.
    pub queued: usize,
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
}

impl TopicStats {
    pub(crate) fn note_sent(&mut self, len: usize) {
        self.sent += 1;
        self.sent_bytes += len as u64;
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
