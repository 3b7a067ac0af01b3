//! Connectivity checks (RFC 8445, section 7), as far as they say for whom they are.

/// Type, length, magic cookie and transaction.
const HEADER: usize = 20;

const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// HMAC-SHA1.
const INTEGRITY_LEN: usize = 20;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;

/// Whether a datagram is STUN, by its first byte, which differs from that of DTLS and RTP (RFC 7983).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first <= 3)
}

/// What a STUN binding request says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check<'a> {
    /// The ICE user fragment of the receiver.
    pub receiver: &'a str,
    /// Random for each check.
    pub transaction: [u8; 12],
    /// The sender's PRIORITY for the path.
    pub priority: u32,
}

/// Reads a connectivity check; `None` for any other datagram, and for one that nobody can verify. Nothing of it is verified
/// here, and nothing allocated. What follows the integrity, which does not cover it, does not count.
pub fn connectivity_check(datagram: &[u8]) -> Option<Check<'_>> {
    let (header, mut attributes) = datagram.split_at_checked(HEADER)?;
    let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if !header.starts_with(&BINDING_REQUEST) || header[4..8] != MAGIC || len != attributes.len() {
        return None;
    }
    let (mut receiver, mut priority) = (None, None);
    while let Some((&[kind, of_kind, high, low], rest)) = attributes.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(..len)?;
        match u16::from_be_bytes([kind, of_kind]) {
            // Of several, the first counts (RFC 8489, section 14).
            USERNAME if receiver.is_none() => receiver = Some(std::str::from_utf8(value).ok()?.split_once(':')?.0),
            PRIORITY if priority.is_none() => priority = Some(u32::from_be_bytes(value.try_into().ok()?)),
            MESSAGE_INTEGRITY if len == INTEGRITY_LEN => {
                let transaction = header[8..].try_into().ok()?;
                return Some(Check { receiver: receiver?, transaction, priority: priority? });
            }
            _ => {}
        }
        attributes = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use str0m::ice::{StunMessage, StunMessageBuilder, TransId};

    use super::*;

    fn request(username: &str, priority: u32) -> Vec<u8> {
        let message = StunMessageBuilder::new().binding().request().username(username).prio(priority);
        let message = message.use_candidate().ice_controlling(7).build(TransId::new());
        let mut bytes = vec![0; 512];
        let len = message.to_bytes(Some(b"password"), &mut bytes, |_, _| [3; 20]).expect("room");
        bytes.truncate(len);
        bytes
    }

    proptest! {
        #[test]
        fn reads_what_str0m_reads(name in "[a-z]{1,40}:[a-z]{1,40}", priority: u32, at: usize, byte: u8) {
            let mut bytes = request(&name, priority);
            let transaction = bytes[8..20].try_into().expect("twelve");
            let receiver = name.split_once(':').expect("a colon").0;
            prop_assert_eq!(connectivity_check(&bytes), Some(Check { receiver, transaction, priority }));
            for end in 0..bytes.len() {
                prop_assert_eq!(connectivity_check(&bytes[..end]), None);
            }
            let at = at % bytes.len();
            bytes[at] = byte;
            // What it takes for a check, str0m may refuse for more reasons; what str0m takes for one is one. It asks its parser
            // of STUN alone, which passes over the first two bits, nothing that begins otherwise (RFC 7983).
            let message = StunMessage::parse(&bytes).ok().filter(|_| is_stun(&bytes));
            if let Some(message) = message.filter(StunMessage::is_binding_request) {
                let check = connectivity_check(&bytes).expect("a check");
                prop_assert_eq!(Some(check.receiver), message.split_username().map(|(receiver, _)| receiver));
                prop_assert_eq!(Some(check.priority), message.prio());
            }
        }

        #[test]
        fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = connectivity_check(&bytes);
            let mut bytes = [&[0, 1, 0, bytes.len() as u8][..], &MAGIC, &[0; 12], &bytes].concat();
            let _ = connectivity_check(&bytes);
            bytes.truncate(30);
            let _ = connectivity_check(&bytes);
        }
    }

    #[test]
    fn what_follows_the_integrity_does_not_count() {
        let mut bytes = request("here:there", 9);
        // In the place of the fingerprint.
        let end = bytes.len() - 8;
        bytes[end..].copy_from_slice(&[0x00, 0x24, 0, 4, 255, 255, 255, 255]);
        assert_eq!(connectivity_check(&bytes).map(|check| check.priority), Some(9));
    }
}
