//! Empty messages, which SCTP cannot carry and str0m drops.
//!
//! RFC 8831 sends an empty message as one byte of padding under a payload type of its own. str0m hands SCTP the empty buffer
//! instead: nothing is sent, and on an ordered stream every later message waits for it. So a link writes a one-byte text that
//! is not UTF-8, which no text can be, and the [interceptor](super::intercept) under SCTP turns its DATA chunk into the one
//! that the RFC asks for before DTLS encrypts it.

use crc::{CRC_32_ISCSI, Crc, Table};

use super::chunks::{COMMON_HEADER, DATA, DATA_HEADER, chunks};

/// What is written, as text, for an empty binary message.
const EMPTY_BINARY: u8 = 0xfe;

/// What is written, as text, for an empty text message.
const EMPTY_TEXT: u8 = 0xff;

/// SCTP payload protocol identifiers (RFC 8831, section 8).
const PPID_TEXT: u32 = 51;
const PPID_TEXT_EMPTY: u32 = 56;
const PPID_BINARY_EMPTY: u32 = 57;

pub(super) static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// What str0m is to write for a message: the message itself, or the stand-in of an empty one. `None` for a text that
/// would be taken for a stand-in; it is not UTF-8.
pub(super) fn stand_in(binary: bool, bytes: &[u8]) -> Option<(bool, &[u8])> {
    match (binary, bytes) {
        (true, []) => Some((false, &[EMPTY_BINARY])),
        (false, []) => Some((false, &[EMPTY_TEXT])),
        (false, [EMPTY_BINARY | EMPTY_TEXT]) => None,
        message => Some(message),
    }
}

/// Turns the stand-ins of an SCTP packet into RFC 8831's empty messages; `None` when it holds none.
pub(super) fn rewrite(packet: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten: Option<Vec<u8>> = None;
    for chunk in chunks(packet) {
        if chunk.kind == DATA && chunk.len == DATA_HEADER + 1 {
            let ppid = chunk.word(12)?;
            let replacement = match *chunk.bytes.get(DATA_HEADER)? {
                EMPTY_BINARY if ppid == PPID_TEXT => Some(PPID_BINARY_EMPTY),
                EMPTY_TEXT if ppid == PPID_TEXT => Some(PPID_TEXT_EMPTY),
                _ => None,
            };
            if let Some(ppid) = replacement {
                let (at, copy) = (chunk.at, rewritten.get_or_insert_with(|| packet.to_vec()));
                copy[at + 12..at + 16].copy_from_slice(&ppid.to_be_bytes());
                copy[at + DATA_HEADER] = 0;
            }
        }
    }
    if let Some(packet) = &mut rewritten {
        packet[8..COMMON_HEADER].fill(0);
        let checksum = CRC32C.checksum(packet);
        packet[8..COMMON_HEADER].copy_from_slice(&checksum.to_le_bytes());
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data_chunk(ppid: u32, payload: &[u8]) -> Vec<u8> {
        let mut chunk = vec![DATA, 7, 0, 0, 0, 0, 0, 9, 0, 5, 0, 3];
        chunk.extend(ppid.to_be_bytes());
        chunk.extend(payload);
        let len = chunk.len() as u16;
        chunk[2..4].copy_from_slice(&len.to_be_bytes());
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut packet = vec![19, 136, 19, 136, 1, 2, 3, 4, 0, 0, 0, 0];
        packet.extend(chunks.concat());
        let checksum = CRC32C.checksum(&packet);
        packet[8..12].copy_from_slice(&checksum.to_le_bytes());
        packet
    }

    #[test]
    fn stand_ins_become_empty_messages_and_nothing_else_changes() {
        let mixed = packet(&[
            data_chunk(PPID_TEXT, b"hello"),
            data_chunk(PPID_TEXT, &[EMPTY_BINARY]),
            data_chunk(53, &[EMPTY_TEXT]),
            data_chunk(PPID_TEXT, &[EMPTY_TEXT]),
        ]);
        let expected = packet(&[
            data_chunk(PPID_TEXT, b"hello"),
            data_chunk(PPID_BINARY_EMPTY, &[0]),
            data_chunk(53, &[EMPTY_TEXT]),
            data_chunk(PPID_TEXT_EMPTY, &[0]),
        ]);
        assert_eq!(rewrite(&mixed), Some(expected));
        assert_eq!(rewrite(&packet(&[data_chunk(PPID_TEXT, b"x")])), None);
    }

    #[test]
    fn the_checksum_is_crc32c() {
        assert_eq!(CRC32C.checksum(b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn any_bytes_keep_their_length(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(rewritten) = rewrite(&packet) {
                prop_assert_eq!(rewritten.len(), packet.len());
            }
        }
    }
}
