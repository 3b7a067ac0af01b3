//! What an association may take, how patient it is, and what it offers to the far end.

use std::time::Duration;

/// The largest packet of SCTP that passes any path of WebRTC inside UDP and DTLS, in bytes.
pub const DEFAULT_MAX_PACKET: usize = 1200;

/// Settings of an [`Association`](crate::Association). Change fields of [`Config::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The port of both ends: 5000, as every SDP says (RFC 8841).
    pub port: u16,
    /// The largest packet to send, in bytes, without what DTLS adds. At least 256; less counts as that.
    pub max_packet: usize,
    /// How much may wait here for [`receive`](crate::Association::receive) or for what is missing, in bytes. It is the window
    /// that the far end is told. At least 64 KiB; less counts as that. What is held beyond it ends the association once it
    /// is twice as much, so this is the bound of its memory as well.
    pub receive_buffer: usize,
    /// How much may be queued and not yet acknowledged, in bytes, each message with 64 of overhead.
    pub send_buffer: usize,
    /// The largest message that is taken from the far end, in bytes. A larger one ends the association.
    pub max_message: usize,
    /// Messages of more bytes come in parts as they arrive. At most a quarter of `receive_buffer`; more counts as that.
    pub max_whole: usize,
    /// Streams on which the far end may send at a time. More end the association.
    pub max_streams: usize,
    /// Until when a lost packet is waited for before the first measured round trip.
    pub rto_initial: Duration,
    /// The least time after which an unacknowledged packet counts as lost.
    pub rto_min: Duration,
    /// The longest pause between two attempts, so that is how long it takes at most to notice that a path is back.
    pub rto_max: Duration,
    /// How long an acknowledgement may wait for a second packet or for data of ours.
    pub ack_delay: Duration,
    /// A heartbeat is sent after this time of silence; `None` for no heartbeats.
    pub heartbeat: Option<Duration>,
    /// The association ends when something has waited for an answer this long; `None` if others decide.
    pub give_up_after: Option<Duration>,
    /// How much may be in flight.
    pub congestion: CongestionControl,
    /// The largest congestion window, in bytes.
    pub max_window: usize,
    /// The same where a round trip takes less than 2 ms. There it is not the path that holds what is in flight, but the receiving
    /// socket's buffer, 208 KiB with overhead by default on Linux, and what it does not hold is lost.
    pub max_near_window: usize,
    /// Offers that long messages give way to others in between (I-DATA, RFC 8260).
    pub interleaving: bool,
    /// Offers packets without a checksum (RFC 9653). Only under DTLS, whose own check is the reason why none is needed.
    pub zero_checksum: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            port: 5000,
            max_packet: DEFAULT_MAX_PACKET,
            receive_buffer: 1 << 20,
            send_buffer: 1 << 20,
            max_message: 256 * 1024,
            max_whole: 256 * 1024,
            max_streams: 4096,
            rto_initial: Duration::from_millis(500),
            rto_min: Duration::from_millis(50),
            rto_max: Duration::from_secs(2),
            ack_delay: Duration::from_millis(20),
            heartbeat: Some(Duration::from_secs(30)),
            give_up_after: Some(Duration::from_secs(60)),
            congestion: CongestionControl::NewReno,
            max_window: 8 << 20,
            max_near_window: 64 * 1024,
            interleaving: true,
            zero_checksum: true,
        }
    }
}

/// How an association finds out how much the path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CongestionControl {
    /// Fills the path's queue until it loses something (RFC 9260, section 7), and leaves slow start when delays grow.
    #[default]
    NewReno,
    /// Keeps the queue of the path's narrowest place at a few packets, for what must not wait behind bulk (after Copa). It
    /// gives way to others that fill the queue.
    Delay,
}
