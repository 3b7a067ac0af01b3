//! Where a link's socket is.

use std::net::{IpAddr, SocketAddr};

/// Where a socket can be reached: at an address in one IP version and, if it has both, at one in the other.
///
/// The first is offered to the far end. The other is used if the far end names an address in its version, so that one socket
/// serves whatever an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress {
    offered: SocketAddr,
    other: Option<SocketAddr>,
}

impl LocalAddress {
    /// With an address in the other IP version; one in the same version counts for nothing.
    pub fn dual(offered: SocketAddr, other: Option<SocketAddr>) -> LocalAddress {
        LocalAddress { offered, other: other.filter(|other| other.is_ipv4() != offered.is_ipv4()) }
    }

    pub(crate) fn offered(&self) -> SocketAddr {
        self.offered
    }

    /// The address at which a far one reaches the socket.
    pub(super) fn facing(&self, far: SocketAddr) -> SocketAddr {
        self.other.filter(|other| other.is_ipv4() == far.is_ipv4()).unwrap_or(self.offered)
    }

    /// Whether an answer names addresses, and none that this socket has an IP version for.
    pub(super) fn is_apart_from(&self, answer: &str) -> bool {
        let has = |ip: IpAddr| {
            ip.is_ipv4() == self.offered.is_ipv4() || self.other.is_some_and(|other| ip.is_ipv4() == other.is_ipv4())
        };
        let mut named = candidates(answer).peekable();
        named.peek().is_some() && !named.any(has)
    }

    /// The one that was not offered, if an answer makes it of use.
    pub(super) fn wanted_by(&self, answer: &str) -> Option<SocketAddr> {
        let other = self.other?;
        candidates(answer).any(|ip| ip.is_ipv4() == other.is_ipv4()).then_some(other)
    }
}

impl From<SocketAddr> for LocalAddress {
    fn from(only: SocketAddr) -> LocalAddress {
        LocalAddress { offered: only, other: None }
    }
}

/// The addresses of an SDP's candidates (RFC 8839): the fifth word. What is no address is no help here.
fn candidates(sdp: &str) -> impl Iterator<Item = IpAddr> {
    let lines = sdp.lines().filter_map(|line| line.trim().strip_prefix("a=candidate:"));
    lines.filter_map(|line| line.split_ascii_whitespace().nth(4)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_address_serves_what_the_answer_names() {
        let (v4, v6): (SocketAddr, SocketAddr) = (([192, 0, 2, 1], 7).into(), "[2001:db8::1]:7".parse().expect("one"));
        let local = LocalAddress::dual(v4, Some(v6));
        let answer = |ip: &str| format!("v=0\r\na=candidate:1 1 udp 2130706431 {ip} 3478 typ host\r\n");
        assert_eq!(local.wanted_by(&answer("2001:db8::9")), Some(v6));
        assert_eq!(local.wanted_by(&answer("192.0.2.9")), None);
        assert_eq!(local.wanted_by(&answer("name.local")), None);
        assert_eq!(local.wanted_by("a=candidate:"), None);
        assert_eq!((local.facing(v4), local.facing(v6), local.offered()), (v4, v6, v4));
        let single = LocalAddress::dual(v4, Some(([192, 0, 2, 2], 7).into()));
        assert_eq!(single, LocalAddress::from(v4));
        assert!(single.is_apart_from(&answer("2001:db8::9")) && !single.is_apart_from(&answer("192.0.2.9")));
        assert!(!single.is_apart_from("v=0") && !local.is_apart_from(&answer("2001:db8::9")));
        assert_eq!((single.facing(v6), single.wanted_by(&answer("2001:db8::9"))), (v4, None));
    }
}
