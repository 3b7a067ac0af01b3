//! What an SFU needs to know.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use farwire_core::{SctpEngine, Secret};
use farwire_listener::{Host, Origin};

/// The shortest secret of an app whose API other machines reach, in bytes: no address may guess often, but there are many.
pub const MIN_SECRET: usize = 16;

/// Why a secret is not enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is the one of the documentation.
    #[error(
        "{0} is open to other machines, and everybody knows the default secret: choose one of {MIN_SECRET} characters or more, \
         such as `openssl rand -hex 16` makes"
    )]
    Known(SocketAddr),
    /// It can be guessed.
    #[error(
        "{at} is open to other machines, and the app's secret has {bytes} characters, which can be guessed: choose one of \
         {MIN_SECRET} or more, such as `openssl rand -hex 16` makes"
    )]
    Short {
        /// Where the API listens.
        at: SocketAddr,
        /// How long the secret is.
        bytes: usize,
    },
}

/// Where an SFU listens, and for whom.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The only application.
    pub app_id: String,
    /// Its secret, which every request carries.
    pub app_secret: Secret,
    /// Where the API listens. 127.0.0.1 with a port of the system's choice unless set.
    pub http: SocketAddr,
    /// Where all sessions' datagrams arrive. 127.0.0.1 with a port of the system's choice unless set.
    pub udp: SocketAddr,
    /// The address that clients are told to send datagrams to, when it is not the one in `udp`. Needed when that is
    /// unspecified (`0.0.0.0`).
    pub announce: Option<IpAddr>,
    /// Sessions at most; further ones are answered 503. 4,096 unless set.
    pub max_sessions: usize,
    /// Names by which [`Server`](crate::Server)'s API may be asked beside its addresses; see
    /// [`Site::allow_host`](farwire_listener::Site::allow_host).
    pub allowed_hosts: Vec<Host>,
    /// Pages that may ask it beside those on loopback; see
    /// [`Site::allow_origin`](farwire_listener::Site::allow_origin).
    pub allowed_origins: Vec<Origin>,
    /// Whose SCTP carries the channels.
    pub sctp: SctpEngine,
}

impl Config {
    /// An SFU on loopback for one application.
    pub fn new(app_id: &str, app_secret: &str) -> Config {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            app_id: app_id.to_owned(),
            app_secret: Secret::new(app_secret),
            http: any_port,
            udp: any_port,
            announce: None,
            max_sessions: 4096,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            sctp: SctpEngine::default(),
        }
    }

    /// Sets whose SCTP carries the channels.
    #[must_use]
    pub fn sctp(mut self, engine: SctpEngine) -> Config {
        self.sctp = engine;
        self
    }

    /// Sets where the API listens; port 0 lets the system choose.
    pub fn http(mut self, address: SocketAddr) -> Config {
        self.http = address;
        self
    }

    /// Sets where datagrams arrive; port 0 lets the system choose.
    pub fn udp(mut self, address: SocketAddr) -> Config {
        self.udp = address;
        self
    }

    /// Sets the address that clients are told.
    pub fn announce(mut self, address: IpAddr) -> Config {
        self.announce = Some(address);
        self
    }

    /// Sets the bound on sessions.
    pub fn max_sessions(mut self, sessions: usize) -> Config {
        self.max_sessions = sessions;
        self
    }
    /// Lets the API be asked by this name as well.
    pub fn allow_host(mut self, host: Host) -> Config {
        self.allowed_hosts.push(host);
        self
    }

    /// Lets pages from there ask as well.
    pub fn allow_origin(mut self, origin: Origin) -> Config {
        self.allowed_origins.push(origin);
        self
    }

    /// Checks that the secret is good enough for an API that listens at this address; on loopback any is.
    ///
    /// # Errors
    /// When other machines reach the address, and could guess the secret.
    pub fn check_secret(&self, listens_on: SocketAddr) -> Result<(), SecretError> {
        let secret = self.app_secret.reveal();
        match listens_on.ip().to_canonical().is_loopback() {
            true => Ok(()),
            false if secret == farwire_core::Config::LOCAL_APP_SECRET => Err(SecretError::Known(listens_on)),
            false if secret.len() < MIN_SECRET => Err(SecretError::Short { at: listens_on, bytes: secret.len() }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_a_secret_has_to_be_one() {
        let check = |secret: &str, at: &str| Config::new("app", secret).check_secret(at.parse().expect("an address"));
        for at in ["127.0.0.1:1", "[::1]:1"] {
            assert_eq!(check("a", at), Ok(()));
        }
        for at in ["0.0.0.0:1", "192.168.1.5:1", "[::]:1"] {
            assert!(matches!(check("farwire-local", at), Err(SecretError::Known(_))));
            assert!(matches!(check("a", at), Err(SecretError::Short { bytes: 1, .. })));
            assert!(matches!(check("fifteen letters", at), Err(SecretError::Short { bytes: 15, .. })));
            assert_eq!(check("sixteen letters!", at), Ok(()));
        }
    }
}
