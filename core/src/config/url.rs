//! The root of an API, as a URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Checks a root, and takes the slashes from its end; `None` for anything else.
pub(super) fn api_root(url: &str) -> Option<&str> {
    let root = url.trim_end_matches('/');
    let plain = root.bytes().all(|b| b.is_ascii_graphic()) && !root.contains(['?', '#', '@', '"', '<', '>', '\\']);
    (plain && host_and_port(root).is_some()).then_some(root)
}

/// The host and port part.
pub(super) fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split('/').next()
}

/// The host, an IPv6 address without its brackets, and the port if one is named.
pub(super) fn host_and_port(url: &str) -> Option<(&str, Option<u16>)> {
    let authority = authority(url)?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            match rest {
                "" => (host, None),
                rest => (host, Some(rest.strip_prefix(':')?)),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        // A sign would parse, too.
        Some(port) => Some(port.parse().ok().filter(|_| port.bytes().all(|b| b.is_ascii_digit()))?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// The host's address, if it needs no look-up.
pub(super) fn ip(host: &str) -> Option<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        assert_eq!(host_and_port("http://127.0.0.1:8787/v1"), Some(("127.0.0.1", Some(8787))));
        assert_eq!(host_and_port("https://rtc.live.cloudflare.com/v1"), Some(("rtc.live.cloudflare.com", None)));
        assert_eq!(host_and_port("http://[::1]:9/v1"), Some(("::1", Some(9))));
        assert_eq!(host_and_port("http://[::1]"), Some(("::1", None)));
    }

    #[test]
    fn only_roots_pass() {
        assert_eq!(api_root("http://127.0.0.1:8787/v1/"), Some("http://127.0.0.1:8787/v1"));
        for url in [
            "",
            "127.0.0.1:8787",
            "rtc.example/v1",
            "ftp://x/v1",
            "http://",
            "http:///v1",
            "http://:80/v1",
            "http://a b/v1",
            "http://u:p@h/v1",
            "http://h/v1?x",
            "http://host:port/",
            "http://host:/v1",
            "http://host:+80/v1",
            "http://host:65536/v1",
            "http://::1/v1",
            "https://[/v1",
            "http://[::1",
            "http://[::1]9/v1",
            "http://[host]/v1",
        ] {
            assert_eq!(api_root(url), None, "{url}");
        }
    }
}
