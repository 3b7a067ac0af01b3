//! What is in front of every message, and tells types apart.

/// Bytes of the fingerprint in front of every message.
pub const FINGERPRINT_LEN: usize = 8;

/// The fingerprint of the message that `bytes` are; `None` if they are too short for one.
pub fn fingerprint_of(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|fingerprint| u64::from_be_bytes(*fingerprint))
}
