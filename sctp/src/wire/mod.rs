//! The bytes of SCTP: packets, chunks and parameters (RFC 9260, section 3), read from any bytes and written.

mod data;
mod forward;
mod init;
mod packet;
mod reconfig;
mod sack;

pub(crate) use self::data::{BEGIN, DATA_HEADER, Data, DataHeader, END, I_DATA_HEADER, IMMEDIATE, UNORDERED};
pub(crate) use self::forward::{Forward, Skip};
pub(crate) use self::init::{Init, read_init, unrecognized_parameters, write_init};
pub(crate) use self::packet::{COMMON_HEADER, Packet, Writer};
pub(crate) use self::reconfig::{Outcome, Request, Response, read_reconfig, write_request, write_response};
pub(crate) use self::sack::{Sack, write_sack};

pub(crate) const DATA: u8 = 0;
pub(crate) const INIT: u8 = 1;
pub(crate) const INIT_ACK: u8 = 2;
pub(crate) const SACK: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 4;
pub(crate) const HEARTBEAT_ACK: u8 = 5;
pub(crate) const ABORT: u8 = 6;
pub(crate) const SHUTDOWN: u8 = 7;
pub(crate) const SHUTDOWN_ACK: u8 = 8;
pub(crate) const ERROR: u8 = 9;
pub(crate) const COOKIE_ECHO: u8 = 10;
pub(crate) const COOKIE_ACK: u8 = 11;
pub(crate) const SHUTDOWN_COMPLETE: u8 = 14;
/// RFC 8260.
pub(crate) const I_DATA: u8 = 64;
/// RFC 6525.
pub(crate) const RECONFIG: u8 = 130;
/// RFC 4820.
pub(crate) const PAD: u8 = 132;
/// RFC 3758.
pub(crate) const FORWARD_TSN: u8 = 192;
/// RFC 8260.
pub(crate) const I_FORWARD_TSN: u8 = 194;

/// Causes of ABORT and ERROR chunks (RFC 9260, section 3.3.10).
pub(crate) const CAUSE_UNRECOGNIZED_CHUNK: u16 = 6;
pub(crate) const CAUSE_USER_ABORT: u16 = 12;
pub(crate) const CAUSE_PROTOCOL_VIOLATION: u16 = 13;

/// The largest chunk header: type, flags, length.
pub(crate) const CHUNK_HEADER: usize = 4;

/// One chunk of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// Without header and padding.
    pub(crate) value: &'a [u8],
}

/// A number of two bytes at this place.
pub(crate) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of four bytes at this place.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The type-length-value items of chunks and parameters have this form alike: the first 16 bits, and the value. `None` after the
/// last; an item that is torn is the last, as `Err`.
pub(crate) fn items(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Torn>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let item = item(rest);
        rest = match item {
            // Padding may be left out at the end.
            Ok((_, value)) => rest.get((CHUNK_HEADER + value.len()).next_multiple_of(4)..).unwrap_or_default(),
            Err(Torn) => &[],
        };
        Some(item)
    })
}

fn item(bytes: &[u8]) -> Result<(u16, &[u8]), Torn> {
    let (Some(kind), Some(len)) = (short(bytes, 0), short(bytes, 2)) else { return Err(Torn) };
    let value = bytes.get(CHUNK_HEADER..usize::from(len)).ok_or(Torn)?;
    Ok((kind, value))
}

/// Something has no header, or says to be longer than what is there, or shorter than its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Torn;

/// Appends an item, padded.
pub(crate) fn put_item(to: &mut Vec<u8>, kind: u16, value: &[&[u8]]) {
    let len = CHUNK_HEADER + value.iter().map(|part| part.len()).sum::<usize>();
    to.extend(kind.to_be_bytes());
    to.extend((len as u16).to_be_bytes());
    for part in value {
        to.extend_from_slice(part);
    }
    to.resize(to.len() + len.next_multiple_of(4) - len, 0);
}

#[cfg(test)]
mod tests;
