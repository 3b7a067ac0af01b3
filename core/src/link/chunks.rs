//! The chunks of an SCTP packet (RFC 9260, section 3), as far as a link looks into them.

use std::ops::Range;

/// Ports, verification tag and checksum.
pub(super) const COMMON_HEADER: usize = 12;

/// A DATA chunk's header.
pub(super) const DATA_HEADER: usize = 16;

pub(super) const DATA: u8 = 0;
pub(super) const INIT: u8 = 1;
pub(super) const INIT_ACK: u8 = 2;
pub(super) const SACK: u8 = 3;
pub(super) const RECONFIG: u8 = 130;
pub(super) const FORWARD_TSN: u8 = 192;
/// RFC 8260's, of which nothing is negotiated.
pub(super) const I_FORWARD_TSN: u8 = 194;

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Where it begins in its packet.
    pub(super) at: usize,
    /// The whole chunk without padding, cut where the packet ends.
    pub(super) bytes: &'a [u8],
    /// Its length as it says itself.
    pub(super) len: usize,
}

impl Chunk<'_> {
    /// A number of two bytes at this place of the chunk.
    pub(super) fn short(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.field(at..at + 2)?))
    }

    /// A number of four bytes at this place of the chunk.
    pub(super) fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.field(at..at + 4)?))
    }

    fn field<const N: usize>(&self, at: Range<usize>) -> Option<[u8; N]> {
        self.bytes.get(at)?.try_into().ok()
    }
}

/// The chunks of a packet, up to the first that has no header. What is shorter than its own header counts as four bytes,
/// so that they end.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = COMMON_HEADER;
    std::iter::from_fn(move || {
        let rest = packet.get(at..)?;
        let &[kind, flags, high, low, ..] = rest else { return None };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let chunk = Chunk { kind, flags, at, bytes: &rest[..len.min(rest.len())], len };
        at += len.max(4).next_multiple_of(4);
        Some(chunk)
    })
}

/// The verification tag of a packet.
pub(super) fn tag(packet: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?))
}
