//! What the demo's messages hold.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Kind, sequence number and time of publishing; two numbers of the topic's own follow.
const SIZE: usize = 1 + 8 + 8 + 8 + 8;

/// Whether a message counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Published until somebody hears it; counts for nothing.
    Call,
    /// A message of the drive.
    Data,
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    pub(super) seq: u64,
    /// When it was published, since [`epoch`].
    pub(super) stamp: Duration,
    /// Position in meters, or speed in m/s and rad/s.
    pub(super) values: [f64; 2],
}

impl Sample {
    pub(super) fn now(kind: Kind, seq: u64, values: [f64; 2]) -> Sample {
        Sample { kind, seq, stamp: epoch().elapsed(), values }
    }

    /// The message, filled up to `size`, since real odometry is not 33 bytes long.
    pub(super) fn encode(&self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size.max(SIZE));
        bytes.push(u8::from(self.kind == Kind::Data));
        bytes.extend(self.seq.to_le_bytes());
        bytes.extend((self.stamp.as_nanos() as u64).to_le_bytes());
        for value in self.values {
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(size.max(SIZE), 0);
        bytes
    }

    /// `None` for anything that [`Sample::encode`] did not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Sample> {
        let word = |at: usize| bytes.get(at..at + 8)?.try_into().ok();
        let kind = match bytes.first()? {
            0 => Kind::Call,
            1 => Kind::Data,
            _ => return None,
        };
        Some(Sample {
            kind,
            seq: u64::from_le_bytes(word(1)?),
            stamp: Duration::from_nanos(u64::from_le_bytes(word(9)?)),
            values: [f64::from_le_bytes(word(17)?), f64::from_le_bytes(word(25)?)],
        })
    }

    /// How long ago it was published: one clock, since both ends are in this process.
    pub(super) fn age(&self) -> Duration {
        epoch().elapsed().saturating_sub(self.stamp)
    }
}

/// The start of this process's time.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes() {
        for (kind, size) in [(Kind::Call, 0), (Kind::Data, 720)] {
            let sample = Sample::now(kind, 7, [1.5, -2.0]);
            let bytes = sample.encode(size);
            assert_eq!(bytes.len(), size.max(SIZE));
            assert_eq!(Sample::decode(&bytes), Some(sample));
            assert_eq!(Sample::decode(&bytes[..SIZE - 1]), None);
        }
        assert_eq!(Sample::decode(&[9; 40]), None);
        assert_eq!(Sample::decode(&[]), None);
    }
}
