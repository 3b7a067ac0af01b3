//! FORWARD-TSN (RFC 3758, section 3.2) and I-FORWARD-TSN (RFC 8260, section 2.3): what the far end gives up.

use super::{Chunk, I_FORWARD_TSN, short, word};

/// A message, and with it all before it, that is given up on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skip {
    pub(crate) stream: u16,
    pub(crate) unordered: bool,
    pub(crate) number: u32,
}

/// Either of the two as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forward<'a> {
    pub(crate) cumulative: u32,
    interleaved: bool,
    skips: &'a [u8],
}

impl<'a> Forward<'a> {
    pub(crate) fn read(chunk: &Chunk<'a>) -> Option<Forward<'a>> {
        Some(Forward {
            cumulative: word(chunk.value, 0)?,
            interleaved: chunk.kind == I_FORWARD_TSN,
            skips: &chunk.value[4..],
        })
    }

    pub(crate) fn skips(&self) -> impl Iterator<Item = Skip> + use<'a> {
        let interleaved = self.interleaved;
        let size = if interleaved { 8 } else { 4 };
        self.skips.chunks_exact(size).filter_map(move |entry| {
            let stream = short(entry, 0)?;
            Some(if interleaved {
                Skip { stream, unordered: short(entry, 2)? & 1 != 0, number: word(entry, 4)? }
            } else {
                Skip { stream, unordered: false, number: u32::from(short(entry, 2)?) }
            })
        })
    }

    /// The value of a chunk.
    pub(crate) fn write(to: &mut Vec<u8>, cumulative: u32, interleaved: bool, skips: impl Iterator<Item = Skip>) {
        to.extend_from_slice(&cumulative.to_be_bytes());
        for skip in skips {
            to.extend_from_slice(&skip.stream.to_be_bytes());
            if interleaved {
                to.extend_from_slice(&u16::from(skip.unordered).to_be_bytes());
                to.extend_from_slice(&skip.number.to_be_bytes());
            } else {
                to.extend_from_slice(&(skip.number as u16).to_be_bytes());
            }
        }
    }
}
