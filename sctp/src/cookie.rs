//! The cookie: all that one end says to begin an association, in the keeping of the other, and verified when it comes back
//! (RFC 9260, section 5.1.3). And what is drawn by chance.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::wire::{Init, word};

const MAC: usize = 32;

/// The seed of an association, from which all that is secret follows.
#[derive(Clone)]
pub(crate) struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn new(seed: [u8; 32]) -> Secret {
        Secret(seed)
    }

    fn mac(&self, purpose: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose);
        Some(mac)
    }

    /// A number that nobody can guess.
    pub(crate) fn number(&self, purpose: &str) -> u32 {
        let bytes = self.mac(purpose.as_bytes()).map(|mac| mac.finalize().into_bytes());
        bytes.and_then(|bytes| word(&bytes, 0)).unwrap_or(1)
    }

    /// A cookie that says this of the far end.
    pub(crate) fn cookie(&self, peer: &Init) -> Vec<u8> {
        let mut bytes = crate::wire::write_init(peer, None);
        if let Some(mut mac) = self.mac(b"cookie") {
            mac.update(&bytes);
            bytes.extend(mac.finalize().into_bytes());
        }
        bytes
    }

    /// What a cookie of ours says. `None` for one that is not.
    pub(crate) fn open(&self, cookie: &[u8]) -> Option<Init> {
        let (bytes, code) = cookie.split_at_checked(cookie.len().checked_sub(MAC)?)?;
        let mut mac = self.mac(b"cookie")?;
        mac.update(bytes);
        mac.verify_slice(code).ok()?;
        Some(crate::wire::read_init(bytes)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_cookies_of_ones_own_are_opened() {
        let peer = Init { tag: 7, window: 8, outbound: 9, inbound: 10, tsn: 11, reconfig: true, ..Init::default() };
        let secret = Secret::new([1; 32]);
        let cookie = secret.cookie(&peer);
        assert_eq!(secret.open(&cookie), Some(peer));
        assert_eq!(Secret::new([2; 32]).open(&cookie), None);
        for at in 0..cookie.len() {
            let mut other = cookie.clone();
            other[at] ^= 1;
            assert_eq!(secret.open(&other), None);
            assert_eq!(secret.open(&cookie[..at]), None);
        }
        assert_ne!(secret.number("tag"), secret.number("tsn"));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
