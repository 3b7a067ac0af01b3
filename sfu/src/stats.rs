//! Counters that can be read at any time.

/// What an SFU has done since it started, and holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions that exist now.
    pub sessions: usize,
    /// Messages that came from publishers.
    pub received: u64,
    /// Messages that came from subscribers and were for their publishers.
    pub replies: u64,
    /// Messages handed to the transports of subscribers, or of publishers as replies.
    pub forwarded: u64,
    /// Messages that a lossy subscriber lost because newer ones took their place in its queue.
    pub replaced: u64,
    /// Messages that a subscriber did not get because they are larger than it receives.
    pub oversized: u64,
    /// Reliable subscriptions that were closed because their queue overflowed.
    pub overflowed: u64,
    /// Datagrams that belong to no session, or that WebRTC does not know.
    pub stray: u64,
}
