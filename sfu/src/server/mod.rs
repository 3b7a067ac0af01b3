//! Runs an [`Sfu`](crate::Sfu) on a UDP socket, and its API on an HTTP listener: one thread for each.

mod engine;
mod gate;

use std::io;
use std::net::{IpAddr, SocketAddr};

use farwire_core::UnknownSctp;
use farwire_listener::{Listener, Site};

pub use self::engine::{Caller, Engine};
use crate::config::SecretError;
use crate::{Config, Stats};

/// An SFU that runs until it is dropped. Dropping it ends all sessions, tells their clients, and joins its threads.
pub struct Server {
    api_root: String,
    /// Dropped before the SFU's thread ends, so that no request comes any more.
    listener: Option<Listener>,
    engine: Engine,
}

/// Why an SFU does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The address of the API.
    #[error("cannot listen for HTTP on {0}: {1}")]
    Http(SocketAddr, #[source] io::Error),
    /// The address for datagrams.
    #[error("cannot receive datagrams on {0}: {1}")]
    Udp(SocketAddr, #[source] io::Error),
    /// Clients cannot send to an unspecified address.
    #[error("datagrams are received on {0}, which clients cannot send to: announce an address of this machine")]
    Announce(SocketAddr),
    /// The variable `FARWIRE_SCTP` names no SCTP.
    #[error(transparent)]
    Sctp(#[from] UnknownSctp),
    /// The app's secret is one that others can guess.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The system gives no thread or pipe.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
}

impl Server {
    /// Starts an SFU.
    ///
    /// # Errors
    /// When an address is taken or cannot be announced, the secret is too weak for where the API listens, or the system is
    /// out of threads or file descriptors.
    pub fn spawn(config: Config) -> Result<Server, SpawnError> {
        let http = config.http;
        config.check_secret(http)?;
        let (hosts, origins) = (config.allowed_hosts.clone(), config.allowed_origins.clone());
        let engine = Engine::spawn(config)?;
        let site = hosts.into_iter().fold(engine.site(), Site::allow_host);
        let site = origins.into_iter().fold(site, Site::allow_origin);
        let listener = Listener::spawn(http, site).map_err(|error| SpawnError::Http(http, error))?;
        let api_root = format!("http://{}/v1", reachable(listener.local_addr()));
        Ok(Server { api_root, listener: Some(listener), engine })
    }

    /// The root of the API, which ends in `/v1`.
    pub fn api_root(&self) -> String {
        self.api_root.clone()
    }

    /// Where datagrams arrive.
    pub fn udp_addr(&self) -> SocketAddr {
        self.engine.udp_addr()
    }

    /// Sessions that exist now.
    pub fn sessions(&self) -> usize {
        self.stats().sessions
    }

    /// Counters, as of the last turn of the SFU's thread.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener = None;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("api_root", &self.api_root)
            .field("udp", &self.udp_addr())
            .finish_non_exhaustive()
    }
}

/// An address that this machine's own clients can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
