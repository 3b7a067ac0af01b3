//! What a server is called. The `Host` of a request says by which name it was found, and a page can have a name of its own
//! point here (DNS rebinding): then the browser takes the server for the page's own, whatever CORS says.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::header::{self, HeaderMap};
use hyper::{Uri, Version};

use crate::refusal::Refusal;

/// The longest name of a host, in bytes (RFC 1035, 2.3.4).
const MAX_NAME: usize = 253;

/// A host as a URL names it: a name or an IP address, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Ip(IpAddr),
    /// In lower case, without the dot that may end it.
    Name(String),
}

/// Why a text is no [`Host`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a host's name or IP address is wanted, without scheme, port and path")]
pub struct HostError;

impl Host {
    /// Whether it means the machine that asks: a loopback address, or `localhost` and what is below it (RFC 6761, 6.3).
    pub fn is_loopback(&self) -> bool {
        match &self.0 {
            Kind::Ip(ip) => ip.is_loopback(),
            Kind::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Host {
        Host(Kind::Ip(ip.to_canonical()))
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Host, HostError> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        // Which of its own interfaces a client used means nothing here (RFC 6874, 1).
        let bare = if text.starts_with('[') { bare.split('%').next().unwrap_or_default() } else { bare };
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Host::from(ip));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        match (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_known) {
            true => Ok(Host(Kind::Name(name))),
            false => Err(HostError),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Kind::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Kind::Name(name) => f.write_str(name),
        }
    }
}

/// A host, and the port if one was named.
pub(crate) type Authority = (Host, Option<u16>);

/// Reads `host` or `host:port`, an IPv6 address in brackets.
pub(crate) fn authority(text: &str) -> Option<Authority> {
    let (host, port) = match text.rfind(':') {
        Some(at) if !text[at..].contains(']') => (&text[..at], &text[at + 1..]),
        _ => (text, ""),
    };
    // An IPv6 address without its brackets could be cut anywhere.
    if host.contains(':') && !host.starts_with('[') {
        return None;
    }
    let port = match port {
        "" => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    Some((host.parse().ok()?, port))
}

/// The names by which a server lets itself be asked.
#[derive(Debug, Default)]
pub(crate) struct Names {
    allowed: Vec<Host>,
    /// The address that is listened on may be all of them.
    is_unspecified: bool,
}

impl Names {
    /// Those that were allowed, and those of the machine for a server that listens beyond loopback.
    pub(crate) fn new(allowed: &[Host], listens_on: SocketAddr) -> Names {
        let mut names = Names { allowed: allowed.to_vec(), is_unspecified: listens_on.ip().is_unspecified() };
        if !listens_on.ip().to_canonical().is_loopback() {
            names.allowed.extend(machine());
        }
        names
    }

    /// The host that a request names, or the refusal of one that is not this server. What cannot be rebound is a loopback
    /// name and the very address at which a connection came in; HTTP/1.0, which may leave the host out, no browser speaks.
    pub(crate) fn check(
        &self,
        (version, uri, headers): (Version, &Uri, &HeaderMap),
        local: SocketAddr,
    ) -> Result<Option<Authority>, Refusal> {
        let mut given = headers.get_all(header::HOST).iter();
        let (first, second) = (given.next(), given.next());
        let host = match (first, second) {
            (None, _) if version < Version::HTTP_11 => None,
            (Some(host), None) => Some(host.to_str().ok().and_then(authority).ok_or_else(Refusal::host)?),
            _ => return Err(Refusal::host()),
        };
        // In a request to a proxy the target names the host as well (RFC 9112, 3.2.2).
        let target = match uri.authority() {
            Some(target) => Some(authority(target.as_str()).ok_or_else(Refusal::host)?),
            None => None,
        };
        for (host, _) in host.iter().chain(&target) {
            if !self.is_own(host, local) {
                return Err(Refusal::foreign_host(host));
            }
        }
        Ok(target.or(host))
    }

    fn is_own(&self, host: &Host, local: SocketAddr) -> bool {
        let is_listened_on = match &host.0 {
            Kind::Ip(ip) => *ip == local.ip().to_canonical() || (ip.is_unspecified() && self.is_unspecified),
            Kind::Name(_) => false,
        };
        host.is_loopback() || is_listened_on || self.allowed.contains(host)
    }
}

/// What this machine is called, and the same in the network's own domain (mDNS).
fn machine() -> Vec<Host> {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().unwrap_or_default();
    let short = name.split('.').next().unwrap_or_default();
    [name.to_owned(), short.to_owned(), format!("{short}.local")].iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().expect("a host")
    }

    #[test]
    fn hosts_are_read_as_urls_have_them() {
        assert_eq!(host("LocalHost."), host("localhost"));
        assert_eq!(host("[::ffff:127.0.0.1]"), host("127.0.0.1"));
        assert_eq!(host("[fe80::1%25eth0]"), host("fe80::1"));
        for loopback in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(host(loopback).is_loopback(), "{loopback}");
        }
        for other in ["localhost.example", "notlocalhost", "128.0.0.1", "127.1", "0.0.0.0", "[::2]"] {
            assert!(!host(other).is_loopback(), "{other}");
        }
        for none in ["", ".", "a b", "http://a", "a/b", "a:1", "a@b", "ü", "a\u{0}", &"a".repeat(300)] {
            assert_eq!(none.parse::<Host>(), Err(HostError), "{none}");
        }
    }

    #[test]
    fn authorities_have_a_port_or_none() {
        assert_eq!(authority("a:80"), Some((host("a"), Some(80))));
        assert_eq!(authority("a:"), Some((host("a"), None)));
        assert_eq!(authority("[::1]"), Some((host("::1"), None)));
        assert_eq!(authority("[::1]:8787"), Some((host("::1"), Some(8787))));
        for none in ["", ":80", "::1", "::1:80", "a:b", "a:+1", "a:70000", "a:80:80", "[::1", "u@a", "a,b", "a b"] {
            assert_eq!(authority(none), None, "{none}");
        }
    }

    #[test]
    fn the_address_at_which_a_connection_came_in_is_own() {
        let names = Names::new(&[host("robots.example.com")], SocketAddr::from(([0, 0, 0, 0], 8787)));
        let local: SocketAddr = "[::ffff:192.168.1.5]:8787".parse().expect("an address");
        for own in ["192.168.1.5", "[::ffff:192.168.1.5]", "robots.example.com", "localhost"] {
            assert!(names.is_own(&host(own), local), "{own}");
        }
        for foreign in ["192.168.1.6", "evil.example", "www.robots.example.com"] {
            assert!(!names.is_own(&host(foreign), local), "{foreign}");
        }
    }

    #[test]
    fn a_machine_has_a_name_and_only_beyond_loopback() {
        let open = Names::new(&[], SocketAddr::from(([0, 0, 0, 0], 1)));
        let own = Names::new(&[], SocketAddr::from(([127, 0, 0, 1], 1)));
        let local = SocketAddr::from(([127, 0, 0, 1], 1));
        for name in machine().iter().filter(|name| !name.is_loopback()) {
            assert!(open.is_own(name, local) && !own.is_own(name, local), "{name}");
        }
        assert!(open.is_own(&host("0.0.0.0"), local) && !own.is_own(&host("0.0.0.0"), local));
    }
}
