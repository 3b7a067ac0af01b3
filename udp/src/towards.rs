//! Sockets that are to reach a certain host, by way of whatever interface leads there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::Socket;

/// Binds a socket to all interfaces, in both IP versions where the system has both: where a host's name leads, and which
/// version what it names then has, is not known yet. Without IPv6 it is one for IPv4.
///
/// # Errors
/// When the system gives no socket, or none for the version of `host`; the error says for which address.
pub fn bind_towards(host: Option<IpAddr>) -> io::Result<Socket> {
    let both = bind(Ipv6Addr::UNSPECIFIED.into());
    match (both, host) {
        (Ok(socket), _) if socket.is_dual_stack() => Ok(socket),
        (only_v6, Some(IpAddr::V6(_))) => only_v6,
        _ => bind(Ipv4Addr::UNSPECIFIED.into()),
    }
}

/// Where a socket that is bound to all interfaces can be reached: by a host, at the interface that leads there, and in the
/// other IP version, if the socket has both. For a host of unknown address the first is IPv4, unless only IPv6 leads anywhere.
pub fn addresses_towards(socket: &Socket, host: Option<IpAddr>) -> (SocketAddr, Option<SocketAddr>) {
    let port = socket.local_addr().port();
    let has = |ip: IpAddr| socket.is_dual_stack() || ip.is_ipv4() == socket.local_addr().is_ipv4();
    let mut found = [host.unwrap_or(UNKNOWN_V4), UNKNOWN_V4, UNKNOWN_V6].map(|host| (host, interface_towards(host)));
    if host.is_none() && has(UNKNOWN_V6) && found[0].1.is_err() && found[2].1.is_ok() {
        found.swap(0, 2);
    }
    let [(first, offered), others @ ..] = found;
    let other = others.into_iter().find(|(host, _)| host.is_ipv4() != first.is_ipv4() && has(*host));
    let address = |host: IpAddr, interface: io::Result<IpAddr>| {
        // Without a way out there is still this machine.
        let interface = interface.unwrap_or(match host {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
        SocketAddr::new(interface, port)
    };
    (address(first, offered), other.map(|(host, interface)| address(host, interface)))
}

/// Stand for hosts of unknown address: ones that are for documentation.
const UNKNOWN_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const UNKNOWN_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

fn bind(ip: IpAddr) -> io::Result<Socket> {
    let any = SocketAddr::new(ip, 0);
    Socket::bind(any)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot open a UDP socket on {any}: {error}")))
}

/// The address that routing picks; connecting a UDP socket sends nothing.
fn interface_towards(host: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match host {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let probe = UdpSocket::bind((any, 0))?;
    probe.connect((host, 9))?;
    Ok(probe.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reached_from_loopback_and_any_other_host_from_somewhere() {
        let loopback = Some(IpAddr::from(Ipv4Addr::LOCALHOST));
        let socket = bind_towards(loopback).expect("a socket");
        let port = socket.local_addr().port();
        assert_eq!(addresses_towards(&socket, loopback).0, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        for host in [None, Some("198.51.100.9".parse().expect("an address"))] {
            let socket = bind_towards(host).expect("a socket");
            let (address, other) = addresses_towards(&socket, host);
            for address in [Some(address), other].into_iter().flatten() {
                assert!(!address.ip().is_unspecified() && address.port() == socket.local_addr().port(), "{address}");
            }
            assert!(other.is_none_or(|other| other.is_ipv4() != address.is_ipv4()));
            assert_eq!(other.is_some(), socket.is_dual_stack());
        }
    }

    #[test]
    fn a_host_in_ipv6_is_offered_ipv6_and_ipv4_is_there_as_well() {
        let host = Some(IpAddr::from(Ipv6Addr::LOCALHOST));
        // A machine without IPv6 has nothing to test here.
        let Ok(socket) = bind_towards(host) else { return };
        let (offered, other) = addresses_towards(&socket, host);
        assert_eq!(offered.ip(), Ipv6Addr::LOCALHOST);
        assert_eq!(other.is_some_and(|other| other.is_ipv4()), socket.is_dual_stack());
    }
}
