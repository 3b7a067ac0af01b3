//! The common header, its checksum, and the chunks behind it.

use super::{CHUNK_HEADER, Chunk, DataHeader, IMMEDIATE, Torn, items, short, word};

/// Ports, verification tag and checksum.
pub(crate) const COMMON_HEADER: usize = 12;

/// Where the checksum is.
const CHECKSUM: std::ops::Range<usize> = 8..12;

/// A packet as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) destination: u16,
    pub(crate) tag: u32,
    checksum: u32,
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` for what has no common header and first chunk.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Packet<'a>> {
        if bytes.len() < COMMON_HEADER + CHUNK_HEADER {
            return None;
        }
        let checksum = u32::from_le_bytes(*bytes[CHECKSUM].first_chunk()?);
        Some(Packet { destination: short(bytes, 2)?, tag: word(bytes, 4)?, checksum, bytes })
    }

    /// Whether it goes without checksum, which has to be agreed.
    pub(crate) fn has_no_checksum(&self) -> bool {
        self.checksum == 0
    }

    pub(crate) fn is_intact(&self) -> bool {
        self.checksum == checksum(self.bytes)
    }

    /// The chunks, up to one that is torn.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = Result<Chunk<'a>, Torn>> + use<'a> {
        items(&self.bytes[COMMON_HEADER..]).map(|item| {
            let (first, value) = item?;
            let [kind, flags] = first.to_be_bytes();
            Ok(Chunk { kind, flags, value })
        })
    }

    pub(crate) fn first_kind(&self) -> u8 {
        self.bytes[COMMON_HEADER]
    }
}

/// CRC32c over a packet, as if its checksum was 0.
fn checksum(packet: &[u8]) -> u32 {
    let head = crc32c::crc32c(&packet[..CHECKSUM.start]);
    let zero = crc32c::crc32c_append(head, &[0; 4]);
    crc32c::crc32c_append(zero, &packet[CHECKSUM.end..])
}

/// Writes one packet.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    max: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut Vec<u8>, max: usize, port: u16, tag: u32) -> Writer<'a> {
        bytes.clear();
        bytes.reserve(max);
        for port in [port, port] {
            bytes.extend_from_slice(&port.to_be_bytes());
        }
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Writer { bytes, max }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == COMMON_HEADER
    }

    /// Bytes that are left, for chunk headers and values.
    pub(crate) fn room(&self) -> usize {
        self.max.saturating_sub(self.bytes.len())
    }

    pub(crate) fn put(&mut self, kind: u8, flags: u8, value: &[u8]) {
        self.put_parts(kind, flags, value, &[]);
    }

    /// A chunk whose value comes in two parts.
    pub(crate) fn put_parts(&mut self, kind: u8, flags: u8, head: &[u8], rest: &[u8]) {
        let len = CHUNK_HEADER + head.len() + rest.len();
        let [high, low] = (len as u16).to_be_bytes();
        self.bytes.extend_from_slice(&[kind, flags, high, low]);
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(&[0; 3][..len.next_multiple_of(4) - len]);
    }

    /// A chunk of user data: where its flags are.
    pub(crate) fn put_data(
        &mut self,
        kind: u8,
        flags: u8,
        header: &DataHeader,
        interleaved: bool,
        bytes: &[u8],
    ) -> usize {
        let at = self.bytes.len() + 1;
        match interleaved {
            true => self.put_parts(kind, flags, &header.write_interleaved(), bytes),
            false => self.put_parts(kind, flags, &header.write(), bytes),
        }
        at
    }

    /// The acknowledgement of the chunk with its flags there is wanted at once.
    pub(crate) fn ask_at_once(&mut self, flags: usize) {
        if let Some(flags) = self.bytes.get_mut(flags) {
            *flags |= IMMEDIATE;
        }
    }

    /// The packet is complete.
    pub(crate) fn finish(self, with_checksum: bool) {
        if with_checksum {
            let sum = checksum(self.bytes);
            self.bytes[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        }
    }
}
