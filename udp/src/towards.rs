//! Sockets that are to reach a certain host, by way of whatever interface leads there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::Socket;

/// Binds a socket to all interfaces, in the IP version of a host; `None`, for a host whose name is not looked up here, is
/// IPv4.
///
/// # Errors
/// When the system gives no socket; the error says for which address.
pub fn bind_towards(host: Option<IpAddr>) -> io::Result<Socket> {
    let any = SocketAddr::new(any_in_version_of(host.unwrap_or(UNKNOWN)), 0);
    Socket::bind(any)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot open a UDP socket on {any}: {error}")))
}

/// Where a socket that is bound to all interfaces can be reached by a host: at the interface that leads there.
pub fn address_towards(socket: &Socket, host: Option<IpAddr>) -> SocketAddr {
    let host = host.unwrap_or(UNKNOWN);
    let interface = interface_towards(host).unwrap_or(match host {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    });
    SocketAddr::new(interface, socket.local_addr().port())
}

/// Stands for a host of unknown address: one that is for documentation.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The address that routing picks; connecting a UDP socket sends nothing.
fn interface_towards(host: IpAddr) -> io::Result<IpAddr> {
    let probe = UdpSocket::bind((any_in_version_of(host), 0))?;
    probe.connect((host, 9))?;
    Ok(probe.local_addr()?.ip())
}

fn any_in_version_of(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reached_from_loopback_and_any_other_host_from_somewhere() {
        let loopback = Some(IpAddr::from(Ipv4Addr::LOCALHOST));
        let socket = bind_towards(loopback).expect("a socket");
        let address = address_towards(&socket, loopback);
        assert_eq!((address.ip(), address.port()), (Ipv4Addr::LOCALHOST.into(), socket.local_addr().port()));
        for host in [None, Some("198.51.100.9".parse().expect("an address"))] {
            let address = address_towards(&bind_towards(host).expect("a socket"), host);
            assert!(!address.ip().is_unspecified() && address.port() != 0, "{address}");
        }
    }
}
