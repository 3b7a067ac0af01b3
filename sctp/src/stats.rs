//! What an association counts.

use std::time::Duration;

/// Counters since the beginning, and how things are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Packets given to be sent.
    pub packets_sent: u64,
    /// Bytes of those.
    pub bytes_sent: u64,
    /// Packets that were understood.
    pub packets_received: u64,
    /// Bytes of those.
    pub bytes_received: u64,
    /// Packets that were not: torn, of another association, with a wrong checksum.
    pub packets_refused: u64,
    /// Data chunks sent, with those that were sent again.
    pub chunks_sent: u64,
    /// Data chunks that came for the first time.
    pub chunks_received: u64,
    /// Data chunks that had come before.
    pub duplicates: u64,
    /// Data chunks that were dropped, to be sent again, as there was no room.
    pub chunks_dropped: u64,
    /// Data chunks sent again.
    pub retransmits: u64,
    /// Times that the retransmission timer ran out.
    pub timeouts: u64,
    /// Probes for a lost tail.
    pub probes: u64,
    /// Timeouts and probes that were for nothing, since the acknowledgement was under way.
    pub spurious: u64,
    /// Times that the congestion window was made smaller for a loss.
    pub congestion_events: u64,
    /// Messages taken to be sent.
    pub messages_sent: u64,
    /// Messages received in whole.
    pub messages_received: u64,
    /// Messages given up after a part was sent.
    pub messages_abandoned: u64,
    /// Messages dropped before any part was sent, for their age or because their stream was reset.
    pub messages_expired: u64,
    /// Messages of the far end that it gave up.
    pub messages_skipped: u64,
    /// Smoothed round-trip time; `None` before the first.
    pub round_trip: Option<Duration>,
    /// The shortest round trip of late.
    pub min_round_trip: Option<Duration>,
    /// After this time without an acknowledgement something counts as lost.
    pub rto: Duration,
    /// By how much the far end delays acknowledgements, as measured.
    pub peer_ack_delay: Duration,
    /// The congestion window in bytes.
    pub window: usize,
    /// Bytes in flight.
    pub in_flight: usize,
    /// Room that the far end has told of.
    pub peer_window: usize,
    /// Room here.
    pub own_window: usize,
    /// Bytes that are queued and were not sent.
    pub queued: usize,
    /// Bytes of the far end held here, with overhead.
    pub held: usize,
    /// Whether long messages give way in between.
    pub interleaving: bool,
    /// Whether packets go without checksum.
    pub zero_checksum: bool,
}
