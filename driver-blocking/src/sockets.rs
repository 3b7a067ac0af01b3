//! The two UDP sockets of a connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use farwire_core::Config;
use farwire_udp::Socket;

/// The sockets, in the order of `farwire_core::Side::ALL`.
pub(crate) type Sockets = [Arc<Socket>; 2];

/// Binds both sockets to all interfaces, in the IP version of the API's host.
pub(crate) fn bind(config: &Config) -> io::Result<Sockets> {
    let any: IpAddr = match host_ip(config) {
        Some(IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let any = SocketAddr::new(any, 0);
    let bind = || {
        Socket::bind(any)
            .map(Arc::new)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot open a UDP socket on {any}: {error}")))
    };
    Ok([bind()?, bind()?])
}

/// Where the sockets can be reached: they are bound to all interfaces, so the interface is the one that leads to the
/// API's host.
pub(crate) fn local_addresses(config: &Config, sockets: &Sockets) -> [SocketAddr; 2] {
    // An address for documentation stands for a host whose name is not looked up here.
    let towards = host_ip(config).unwrap_or(Ipv4Addr::new(192, 0, 2, 1).into());
    let interface = interface_towards(towards).unwrap_or(match towards {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    });
    sockets.each_ref().map(|socket| SocketAddr::new(interface, socket.local_addr().port()))
}

/// Whether the API's host is this machine.
pub(crate) fn is_loopback(config: &Config) -> bool {
    host_ip(config).is_some_and(|ip| ip.is_loopback())
}

/// The address that routing picks; connecting a UDP socket sends nothing.
fn interface_towards(destination: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match destination {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let probe = UdpSocket::bind((any, 0))?;
    probe.connect((destination, 9))?;
    Ok(probe.local_addr()?.ip())
}

/// The API's host, if it needs no look-up.
fn host_ip(config: &Config) -> Option<IpAddr> {
    let authority = config.authority();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => authority.split(':').next()?,
    };
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        host => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        Config::new(url, "app", "secret").expect("a good config")
    }

    #[test]
    fn finds_the_ip_of_a_host_that_is_one() {
        let ip = |url: &str| host_ip(&config(url)).map(|ip| ip.to_string());
        assert_eq!(ip("http://127.0.0.1:8787/v1").as_deref(), Some("127.0.0.1"));
        assert_eq!(ip("http://localhost/v1").as_deref(), Some("127.0.0.1"));
        assert_eq!(ip("https://[::1]:8787/v1").as_deref(), Some("::1"));
        assert_eq!(ip("https://[2001:db8::7]").as_deref(), Some("2001:db8::7"));
        assert_eq!(ip("https://rtc.live.cloudflare.com/v1"), None);
    }

    #[test]
    fn loopback_is_reached_from_loopback() {
        let config = config("http://127.0.0.1:8787/v1");
        let sockets = bind(&config).expect("two sockets");
        for (address, socket) in local_addresses(&config, &sockets).iter().zip(&sockets) {
            assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
            assert_eq!(address.port(), socket.local_addr().port());
        }
    }

    #[test]
    fn any_other_host_gets_an_address_too() {
        let config = config("https://rtc.example/v1");
        let sockets = bind(&config).expect("two sockets");
        assert!(local_addresses(&config, &sockets).iter().all(|address| !address.ip().is_unspecified()));
    }
}
