//! Credentials for TURN servers, made from a secret that they share with the broker.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farwire_core::Secret;
use farwire_core::broker::IceServer;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::key::KeyId;

/// What TURN servers share with a broker: coturn's `static-auth-secret`. Its `Debug` leaves the secret out.
///
/// Of it each robot and operator gets credentials of its own, which end by themselves ("A REST API For Access To TURN
/// Services", draft-uberti-behave-turn-rest): the username is the time of their end in seconds since 1970 and the id of the
/// key, the credential is the username's HMAC.
#[derive(Debug, Clone)]
pub struct TurnSecret {
    secret: Secret,
    lifetime: Duration,
}

impl TurnSecret {
    /// This secret, for credentials that are good for a day.
    pub fn new(secret: &str) -> TurnSecret {
        TurnSecret { secret: Secret::new(secret), lifetime: Duration::from_secs(24 * 3600) }
    }

    /// Sets for how long credentials are good: a minute to 48 hours; what is outside counts as the nearest. A connection by
    /// way of the server may end with them.
    pub fn lifetime(mut self, lifetime: Duration) -> TurnSecret {
        self.lifetime = lifetime.clamp(Duration::from_secs(60), Duration::from_secs(48 * 3600));
        self
    }

    /// Whether credentials are made for a server: it is one for TURN, and comes without any.
    pub fn is_for(server: &IceServer) -> bool {
        let is_turn = |url: &String| url.starts_with("turn:") || url.starts_with("turns:");
        server.credential.is_none() && server.urls.iter().any(is_turn)
    }

    /// The server with credentials for whoever has a key; `None` if they cannot be made.
    fn mint(&self, server: IceServer, key: &KeyId, unix: u64) -> Option<IceServer> {
        let username = format!("{}:{key}", unix.saturating_add(self.lifetime.as_secs()));
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.reveal().as_bytes()).ok()?;
        mac.update(username.as_bytes());
        Some(server.credentials(&username, &STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The servers as somebody is told them, at a time in seconds since 1970. One that needs credentials which cannot be made,
/// since the time of day is not known, is left out.
pub(crate) fn ice_servers(
    servers: &[IceServer],
    secret: Option<&TurnSecret>,
    key: &KeyId,
    unix: Option<u64>,
) -> Vec<IceServer> {
    let told = servers.iter().cloned().filter_map(|server| match secret.filter(|_| TurnSecret::is_for(&server)) {
        Some(secret) => secret.mint(server, key, unix?),
        None => Some(server),
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_that_coturn_computes() {
        // printf 1800003600:0011223344 | openssl dgst -sha1 -hmac north -binary | base64
        let secret = TurnSecret::new("north").lifetime(Duration::from_secs(3600));
        let servers =
            [IceServer::new("stun:s"), IceServer::new("turn:t"), IceServer::new("turns:t").credentials("me", "fixed")];
        let key = KeyId::new("0011223344");
        let told = ice_servers(&servers, Some(&secret), &key, Some(1_800_000_000));
        let credential = |server: &IceServer| server.credential.as_ref().map(|secret| secret.reveal().to_owned());
        assert_eq!((told[0].username.as_deref(), credential(&told[0])), (None, None));
        assert_eq!(told[1].username.as_deref(), Some("1800003600:0011223344"));
        assert_eq!(credential(&told[1]).as_deref(), Some("zVmBgerdMCs/WPbxG4XxPI9FDA8="));
        assert_eq!((told[2].username.as_deref(), credential(&told[2]).as_deref()), (Some("me"), Some("fixed")));
        assert_eq!(ice_servers(&servers, Some(&secret), &key, None).len(), 2, "without the time of day");
        assert_eq!(ice_servers(&servers, None, &key, None), servers, "without a secret");
        assert!(!format!("{secret:?}").contains("north"));
    }

    #[test]
    fn no_credential_is_for_ever() {
        for (asked, got) in [(0, 60), (600, 600), (u64::MAX, 48 * 3600)] {
            assert_eq!(TurnSecret::new("s").lifetime(Duration::from_secs(asked)).lifetime.as_secs(), got);
        }
    }
}
