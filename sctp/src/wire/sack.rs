//! Selective acknowledgements (RFC 9260, section 3.3.4).

use super::{short, word};

/// A SACK as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sack<'a> {
    pub(crate) cumulative: u32,
    pub(crate) window: u32,
    gaps: &'a [u8],
    duplicates: &'a [u8],
}

impl<'a> Sack<'a> {
    /// `None` for a chunk that has not what it says.
    pub(crate) fn read(value: &'a [u8]) -> Option<Sack<'a>> {
        let gaps_end = 12 + 4 * usize::from(short(value, 8)?);
        let duplicates_end = gaps_end + 4 * usize::from(short(value, 10)?);
        Some(Sack {
            cumulative: word(value, 0)?,
            window: word(value, 4)?,
            gaps: value.get(12..gaps_end)?,
            duplicates: value.get(gaps_end..duplicates_end)?,
        })
    }

    /// What came after the cumulative acknowledgement, as first and last distance from it.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        self.gaps
            .chunks_exact(4)
            .map(|gap| (u16::from_be_bytes([gap[0], gap[1]]), u16::from_be_bytes([gap[2], gap[3]])))
    }

    pub(crate) fn duplicates(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.duplicates.chunks_exact(4).map(|tsn| u32::from_be_bytes([tsn[0], tsn[1], tsn[2], tsn[3]]))
    }
}

/// The value of a SACK.
pub(crate) fn write_sack(
    to: &mut Vec<u8>,
    cumulative: u32,
    window: u32,
    gaps: impl ExactSizeIterator<Item = (u16, u16)>,
    duplicates: &[u32],
) {
    to.extend_from_slice(&cumulative.to_be_bytes());
    to.extend_from_slice(&window.to_be_bytes());
    to.extend_from_slice(&(gaps.len() as u16).to_be_bytes());
    to.extend_from_slice(&(duplicates.len() as u16).to_be_bytes());
    for (first, last) in gaps {
        to.extend_from_slice(&first.to_be_bytes());
        to.extend_from_slice(&last.to_be_bytes());
    }
    for tsn in duplicates {
        to.extend_from_slice(&tsn.to_be_bytes());
    }
}
