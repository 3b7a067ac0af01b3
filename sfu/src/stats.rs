//! Counters that can be read at any time.

use crate::Latencies;

/// What an SFU has done since it started, and holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions that exist now.
    pub sessions: usize,
    /// Channels that sessions publish now.
    pub publications: u64,
    /// Subscriptions that exist now.
    pub subscriptions: u64,
    /// Sessions that have been created.
    pub created: u64,
    /// Sessions that ended before they connected.
    pub unconnected: u64,
    /// Connected sessions that were given up because nothing was heard from them.
    pub lost: u64,
    /// Calls of the API.
    pub calls: u64,
    /// Calls that were refused as a whole.
    pub refused: u64,
    /// Of them, those with a wrong secret or without one.
    pub wrong_secrets: u64,
    /// Messages that came from publishers.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages that came from subscribers and were for their publishers.
    pub replies: u64,
    /// Messages handed to the transports of subscribers, or of publishers as replies.
    pub forwarded: u64,
    /// Their bytes.
    pub forwarded_bytes: u64,
    /// Messages that wait in queues now.
    pub queued: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Messages that a lossy subscriber lost because newer ones took their place in its queue.
    pub replaced: u64,
    /// Messages that a subscriber did not get because it has not acknowledged its channel yet, as it had asked for.
    pub gated: u64,
    /// Messages that a subscriber did not get because they are larger than it receives.
    pub oversized: u64,
    /// Messages that waited in queues when their receivers' channels ended.
    pub abandoned: u64,
    /// Messages of subscribers that may not reply.
    pub unwanted: u64,
    /// Reliable subscriptions that were closed because a message was larger than its receiver takes.
    pub outsized: u64,
    /// Reliable subscriptions that were closed because their queue overflowed.
    pub overflowed: u64,
    /// Datagrams received.
    pub datagrams: u64,
    /// Datagrams that belong to no session, or that WebRTC does not know.
    pub stray: u64,
    /// Datagrams that found their session's share used up and no room to wait.
    pub crowded: u64,
    /// Connectivity checks that had been seen before, and came again from elsewhere or too often.
    pub replayed: u64,
    /// Connectivity checks that were too many, and were not looked at.
    pub excess_checks: u64,
    /// Packets inside sessions' DTLS that SCTP did not get: too far after data that is missing, or too many.
    pub refused_packets: u64,
    /// Datagrams that the system did not take for sending.
    pub unsent: u64,
    /// Sessions that were ended because their clients broke SCTP's rules in a way that costs without bound.
    pub violations: u64,
    /// How long forwarded messages stayed: from the datagram's arrival to the turn in which the receiver's transport got
    /// the message.
    pub latencies: Latencies,
}
