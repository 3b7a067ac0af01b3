//! Under str0m's SCTP: what DTLS decrypts is brought to the link past it, and what the link wants encrypted past it to DTLS.
//!
//! str0m hands its layers nothing, and links share the layer that stands here. So packets of SCTP go through str0m in the guise
//! of datagrams: a decrypted one as one that is to be sent, which the link [takes out](decrypted), and one that is to be encrypted
//! as one that was received, [marked](TO_ENCRYPT) by a byte with which nothing begins that the network brings. str0m's own SCTP
//! goes on trying to reach somebody, and is not heard.

use std::time::Instant;

use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput};

use super::layer::Between;

/// The port of SCTP at both ends, which all of WebRTC's implementations have (RFC 8841's `a=sctp-port`). No datagram that str0m
/// sends begins with its bytes: the first one is ZRTP's (RFC 7983).
const PORT: [u8; 2] = 5000_u16.to_be_bytes();

/// What stands before a packet that is to be encrypted. str0m gives what begins so to DTLS, in which no record does (RFC 6347,
/// RFC 9147).
pub(super) const TO_ENCRYPT: u8 = 31;

/// What says that DTLS is to be closed: str0m itself closes it only after its own SCTP, which never began. DTLS has no such record
/// either.
pub(super) const CLOSE: &[u8] = &[30];

/// What says, in the guise of a datagram to be sent, that the far end has closed DTLS. No protocol of WebRTC begins so (RFC 7983).
const CLOSED: &[u8] = &[0xff];

/// The packet that DTLS has decrypted, if what str0m sends is one. It is not to be sent.
pub(super) fn decrypted(datagram: &[u8]) -> Option<&[u8]> {
    datagram.starts_with(&PORT).then_some(datagram)
}

/// Whether what str0m sends says that the far end has closed DTLS. It is not to be sent.
pub(super) fn is_farewell(datagram: &[u8]) -> bool {
    datagram == CLOSED
}

/// Whether a datagram of the network's poses as one of the link's.
pub(super) fn is_posing(datagram: &[u8]) -> bool {
    datagram.first() == Some(&TO_ENCRYPT) || datagram.first() == CLOSE.first()
}

/// The seam of a connection.
#[derive(Debug)]
pub(super) struct Seam;

impl Between for Seam {
    fn new(_now: Instant) -> Seam {
        Seam
    }

    fn send(&mut self, _dtls: &mut dyn DtlsInstance, packet: &[u8]) -> Result<usize, DtlsImplError> {
        Ok(packet.len())
    }

    fn receive(&mut self, dtls: &mut dyn DtlsInstance, datagram: &[u8]) -> Result<(), DtlsImplError> {
        match datagram.split_first() {
            Some((&TO_ENCRYPT, packet)) => dtls.send_application_data(packet).map(drop),
            Some(_) if datagram == CLOSE => dtls.close(),
            _ => dtls.handle_packet(datagram),
        }
    }

    fn poll_output<'a>(&mut self, dtls: &mut dyn DtlsInstance, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match dtls.poll_output(buf) {
            DtlsOutput::ApplicationData(packet) if packet.starts_with(&PORT) => DtlsOutput::Packet(packet),
            // SCTP takes nothing from a packet without a header.
            DtlsOutput::ApplicationData(_) => DtlsOutput::ApplicationData(&[]),
            DtlsOutput::CloseNotify => DtlsOutput::Packet(CLOSED),
            output => output,
        }
    }
}
