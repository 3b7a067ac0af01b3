//! A connection's transports, and the directions of its topics.

/// The most transports that a connection may have.
pub const MAX_TRANSPORTS: usize = 4;

/// Which of a connection's transports, each of which has a UDP socket of its own: 0 for the first, and below
/// [`MAX_TRANSPORTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(u8);

impl TransportId {
    /// The first, which every connection has.
    pub const FIRST: TransportId = TransportId(0);

    /// Of the transport with this number; `None` from [`MAX_TRANSPORTS`] on.
    pub fn new(number: usize) -> Option<TransportId> {
        (number < MAX_TRANSPORTS).then_some(TransportId(number as u8))
    }

    /// Its number, counted from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Which way a topic's messages go, as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From here to others.
    Publish,
    /// From others to here.
    Subscribe,
}

impl Direction {
    /// Both.
    pub const ALL: [Direction; 2] = [Direction::Publish, Direction::Subscribe];
}
