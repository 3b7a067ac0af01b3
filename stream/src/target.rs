//! Where a stream leads to.

use std::net::SocketAddr;
use std::net::TcpStream;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use farwire_core::signalling::Failure;
use farwire_http::Trust;
#[cfg(feature = "tls")]
use rustls::ClientConfig;
#[cfg(feature = "tls")]
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};

use crate::KEEPALIVE;

/// The server of a stream.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// How it is to show who it is, with TLS.
    pub(crate) tls: Option<Tls>,
}

/// Whom to believe to be the server.
#[cfg(feature = "tls")]
pub(crate) type Tls = (Arc<ClientConfig>, ServerName<'static>);

/// Nobody.
#[cfg(not(feature = "tls"))]
pub(crate) type Tls = std::convert::Infallible;

impl Target {
    /// Reads `tcp://host:port` or `tls://host:port`.
    pub(crate) fn new(url: &str, trust: &Trust) -> Result<Target, Failure> {
        let unusable = || Failure::Connect("the URL is neither tcp://host:port nor tls://host:port".to_owned());
        let (scheme, authority) = url.split_once("://").ok_or_else(unusable)?;
        let (host, port) = authority.trim_end_matches('/').rsplit_once(':').ok_or_else(unusable)?;
        let port = port.parse().map_err(|_| unusable())?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.contains(['/', '@', '[', ']']) {
            return Err(unusable());
        }
        let tls = match scheme {
            "tcp" => None,
            "tls" => Some(tls(host, trust)?),
            _ => return Err(unusable()),
        };
        Ok(Target { host: host.to_owned(), port, tls })
    }

    /// The failure for that the name leads nowhere.
    pub(crate) fn nowhere(&self) -> Failure {
        Failure::Connect(format!("{} has no address", self.host))
    }
}

#[cfg(feature = "tls")]
fn tls(host: &str, trust: &Trust) -> Result<Tls, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::Connect(format!("{host} is no name that a certificate could be for")))?;
    Ok((Arc::clone(trust.config()?), name))
}

#[cfg(not(feature = "tls"))]
fn tls(_: &str, trust: &Trust) -> Result<Tls, Failure> {
    trust.check()?;
    Err(Failure::Tls("this program speaks no TLS on streams".to_owned()))
}

/// The time for one of several addresses: half of what is left, so that the others have a chance, and all of it for the last.
pub(crate) fn share(left: Duration, tried: usize, addresses: &[SocketAddr]) -> Duration {
    if tried + 1 < addresses.len() { left / 2 } else { left }
}

/// Has the system send at once, and notice a server that is gone.
pub(crate) fn tune(socket: &TcpStream) {
    // What this system does not have, it does without.
    let _ = socket.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    // Otherwise Linux asks nine times, 75 s apart.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
    let keepalive = keepalive.with_interval(KEEPALIVE / 6);
    let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
}

/// The failure for that the server has closed the stream.
pub(crate) fn closed_by_server() -> Failure {
    Failure::Broken("the server closed the stream".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_host_and_a_port() {
        let trust = Trust::from_env(|_| None);
        let parts = |url: &str| {
            let target = Target::new(url, &trust).ok()?;
            Some((target.host, target.port, target.tls.is_some()))
        };
        let some = |host: &str, port, tls| Some((host.to_owned(), port, tls));
        assert_eq!(parts("tcp://localhost:9"), some("localhost", 9, false));
        assert_eq!(parts("tls://sfu.example:7443/"), some("sfu.example", 7443, true));
        assert_eq!(parts("tcp://[::1]:9"), some("::1", 9, false));
        for url in [
            "",
            "tcp://",
            "tcp://h",
            "tcp://:9",
            "tcp://h:x",
            "tcp://h:99999",
            "tcp://u@h:9",
            "http://h:9",
            "tls://a b:9",
        ] {
            assert_eq!(parts(url), None, "{url}");
        }
    }
}
