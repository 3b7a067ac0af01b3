//! Empty messages, which SCTP cannot carry and str0m drops.
//!
//! RFC 8831 sends an empty message as one byte of padding under a payload type of its own. str0m hands SCTP the empty
//! buffer instead: nothing is sent, and on an ordered stream every later message waits for it. So a link writes a
//! one-byte text that is not UTF-8, which no text can be, and this layer under SCTP turns its DATA chunk into the one
//! that the RFC asks for before DTLS encrypts it.

use std::time::Instant;

use crc::{CRC_32_ISCSI, Crc, Table};
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};

/// What is written, as text, for an empty binary message.
const EMPTY_BINARY: u8 = 0xfe;

/// What is written, as text, for an empty text message.
const EMPTY_TEXT: u8 = 0xff;

/// SCTP payload protocol identifiers (RFC 8831, section 8).
const PPID_TEXT: u32 = 51;
const PPID_TEXT_EMPTY: u32 = 56;
const PPID_BINARY_EMPTY: u32 = 57;

const COMMON_HEADER: usize = 12;
const DATA_HEADER: usize = 16;
const DATA: u8 = 0;

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

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

/// str0m's crypto with this layer in its DTLS.
pub(super) fn crypto_provider() -> CryptoProvider {
    CryptoProvider { dtls_provider: &Layer, ..from_feature_flags() }
}

/// Turns the stand-ins of an SCTP packet into RFC 8831's empty messages; `None` when it holds none.
fn rewrite(packet: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten: Option<Vec<u8>> = None;
    let mut at = COMMON_HEADER;
    while let Some([kind, _, high, low]) = packet.get(at..at + 4) {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind == DATA && len == DATA_HEADER + 1 {
            let ppid = packet.get(at + 12..at + 16)?;
            let replacement = match *packet.get(at + DATA_HEADER)? {
                EMPTY_BINARY if ppid == PPID_TEXT.to_be_bytes() => Some(PPID_BINARY_EMPTY),
                EMPTY_TEXT if ppid == PPID_TEXT.to_be_bytes() => Some(PPID_TEXT_EMPTY),
                _ => None,
            };
            if let Some(ppid) = replacement {
                let copy = rewritten.get_or_insert_with(|| packet.to_vec());
                copy[at + 12..at + 16].copy_from_slice(&ppid.to_be_bytes());
                copy[at + DATA_HEADER] = 0;
            }
        }
        // Chunks are padded to four bytes; a length of less than its own header would never end.
        at += len.max(4).next_multiple_of(4);
    }
    if let Some(packet) = &mut rewritten {
        packet[8..COMMON_HEADER].fill(0);
        let checksum = CRC32C.checksum(packet);
        packet[8..COMMON_HEADER].copy_from_slice(&checksum.to_le_bytes());
    }
    rewritten
}

#[derive(Debug)]
struct Layer;

impl DtlsProvider for Layer {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = from_feature_flags().dtls_provider.new_dtls(cert, now, version, mtu)?;
        Ok(Box::new(Rewriting(inner)))
    }
}

#[derive(Debug)]
struct Rewriting(Box<dyn DtlsInstance>);

impl DtlsInstance for Rewriting {
    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        match rewrite(data) {
            Some(rewritten) => self.0.send_application_data(&rewritten),
            None => self.0.send_application_data(data),
        }
    }

    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
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
