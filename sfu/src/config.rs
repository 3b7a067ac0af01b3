//! What an SFU needs to know.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use farwire_core::Secret;

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
        }
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
}
