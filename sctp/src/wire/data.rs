//! DATA (RFC 9260, section 3.3.1) and I-DATA (RFC 8260, section 2.1).

use super::{CHUNK_HEADER, Chunk, I_DATA, short, word};

/// Header of a DATA chunk with the chunk's own.
pub(crate) const DATA_HEADER: usize = CHUNK_HEADER + 12;

/// Header of an I-DATA chunk with the chunk's own.
pub(crate) const I_DATA_HEADER: usize = CHUNK_HEADER + 16;

pub(crate) const END: u8 = 1;
pub(crate) const BEGIN: u8 = 2;
pub(crate) const UNORDERED: u8 = 4;
/// The acknowledgement is wanted at once (RFC 7053).
pub(crate) const IMMEDIATE: u8 = 8;

/// A chunk of user data as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Data<'a> {
    pub(crate) tsn: u32,
    pub(crate) stream: u16,
    pub(crate) flags: u8,
    /// Which message: its number on the stream; of 16 bits in DATA, where unordered messages have none.
    pub(crate) number: u32,
    /// The payload protocol; in I-DATA only a message's first fragment has it.
    pub(crate) ppid: u32,
    /// Which fragment, in I-DATA; 0 in DATA.
    pub(crate) fragment: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// `None` for a chunk without its header, or without user data, which is none (RFC 9260, section 6.2).
    pub(crate) fn read(chunk: &Chunk<'a>) -> Option<Data<'a>> {
        let value = chunk.value;
        let data = Data {
            tsn: word(value, 0)?,
            stream: short(value, 4)?,
            flags: chunk.flags,
            number: 0,
            ppid: 0,
            fragment: 0,
            payload: &[],
        };
        let data = if chunk.kind == I_DATA {
            let begins = chunk.flags & BEGIN != 0;
            let shared = word(value, 12)?;
            let (ppid, fragment) = if begins { (shared, 0) } else { (0, shared) };
            Data { number: word(value, 8)?, ppid, fragment, payload: value.get(16..)?, ..data }
        } else {
            Data { number: u32::from(short(value, 6)?), ppid: word(value, 8)?, payload: value.get(12..)?, ..data }
        };
        (!data.payload.is_empty()).then_some(data)
    }
}

/// What is written before a chunk's user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataHeader {
    pub(crate) tsn: u32,
    pub(crate) stream: u16,
    pub(crate) number: u32,
    /// The payload protocol, or in I-DATA of a later fragment which one it is.
    pub(crate) shared: u32,
}

impl DataHeader {
    pub(crate) fn write(&self) -> [u8; 12] {
        let mut header = [0; 12];
        header[..4].copy_from_slice(&self.tsn.to_be_bytes());
        header[4..6].copy_from_slice(&self.stream.to_be_bytes());
        header[6..8].copy_from_slice(&(self.number as u16).to_be_bytes());
        header[8..].copy_from_slice(&self.shared.to_be_bytes());
        header
    }

    pub(crate) fn write_interleaved(&self) -> [u8; 16] {
        let mut header = [0; 16];
        header[..4].copy_from_slice(&self.tsn.to_be_bytes());
        header[4..6].copy_from_slice(&self.stream.to_be_bytes());
        header[8..12].copy_from_slice(&self.number.to_be_bytes());
        header[12..].copy_from_slice(&self.shared.to_be_bytes());
        header
    }
}
