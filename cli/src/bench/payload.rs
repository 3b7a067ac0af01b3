//! What the benchmark's messages hold.

use std::time::{Duration, Instant};

/// The smallest message: kind and sequence number in one word, the time of publishing in another.
pub(super) const HEADER: usize = 16;

const KIND_SHIFT: u32 = 56;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Opens channels and windows; not counted.
    WarmUp,
    /// Counted.
    Measured,
}

/// The first bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) seq: u64,
    /// By the publisher's clock; the same process reads it back.
    pub(super) stamp: Duration,
}

/// A message of fixed size that is written over for each publish.
pub(super) struct Payload {
    bytes: Vec<u8>,
    epoch: Instant,
}

impl Payload {
    pub(super) fn new(size: usize) -> Payload {
        Payload { bytes: vec![0; size.max(HEADER)], epoch: Instant::now() }
    }

    pub(super) fn fill(&mut self, kind: Kind, seq: u64) -> &[u8] {
        let word = seq | (kind as u64) << KIND_SHIFT;
        let stamp = self.epoch.elapsed().as_nanos() as u64;
        self.bytes[..8].copy_from_slice(&word.to_le_bytes());
        self.bytes[8..HEADER].copy_from_slice(&stamp.to_le_bytes());
        &self.bytes
    }

    /// How long ago `header` was filled in here.
    pub(super) fn age(epoch: Instant, header: &Header) -> Duration {
        epoch.elapsed().saturating_sub(header.stamp)
    }

    pub(super) fn epoch(&self) -> Instant {
        self.epoch
    }
}

impl Header {
    /// `None` for anything that is none of ours.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let word = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
        let stamp = u64::from_le_bytes(bytes.get(8..HEADER)?.try_into().ok()?);
        let kind = match word >> KIND_SHIFT {
            0 => Kind::WarmUp,
            1 => Kind::Measured,
            _ => return None,
        };
        Some(Header { kind, seq: word & ((1 << KIND_SHIFT) - 1), stamp: Duration::from_nanos(stamp) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back() {
        let mut payload = Payload::new(64);
        for (kind, seq) in [(Kind::WarmUp, 0), (Kind::Measured, 123_456_789)] {
            let bytes = payload.fill(kind, seq);
            assert_eq!(bytes.len(), 64);
            let header = Header::read(bytes).expect("ours");
            assert_eq!((header.kind, header.seq), (kind, seq));
        }
        assert_eq!(Header::read(&[0xff; 64]), None);
        assert_eq!(Header::read(&[0; HEADER - 1]), None);
        assert_eq!(Payload::new(0).fill(Kind::WarmUp, 0).len(), HEADER);
    }
}
