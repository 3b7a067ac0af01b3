//! The proxy between a client and its server, as the environment names it.

use std::ffi::OsString;
use std::time::Duration;

use farwire_core::signalling::Failure;
use http::Uri;
use percent_encoding::percent_decode_str;

use crate::failure::Fault;

/// Where a proxy may be named; the first that is set counts.
const VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Where servers are named that are reached without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy that is used, if one is, and what was set but cannot be used.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    used: Option<(&'static str, Proxy)>,
    exceptions: Vec<Exception>,
    ignored: Vec<&'static str>,
}

/// A proxy that is spoken to by CONNECT.
pub(crate) struct Proxy {
    /// Whether it is spoken to over TLS.
    pub(crate) is_tls: bool,
    /// A name, or an address, in brackets if that is IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// A user and a password.
    pub(crate) credentials: Option<(String, String)>,
}

impl Proxies {
    pub(crate) fn from_env(mut lookup: impl FnMut(&str) -> Option<OsString>) -> Proxies {
        let exceptions = EXCEPTIONS.iter().find_map(|name| lookup(name)).unwrap_or_default();
        let mut proxies = Proxies { exceptions: Exception::list(&exceptions.to_string_lossy()), ..Proxies::default() };
        for name in VARIABLES {
            let Some(value) = lookup(name).filter(|value| !value.is_empty()) else { continue };
            match value.to_str().and_then(Proxy::parse) {
                Some(proxy) => {
                    proxies.used = Some((name, proxy));
                    break;
                }
                None => proxies.ignored.push(name),
            }
        }
        proxies
    }

    /// The proxy on the way to a server.
    pub(crate) fn towards(&self, target: &Uri) -> Option<&Proxy> {
        self.named_towards(target).map(|(_, proxy)| proxy)
    }

    fn named_towards(&self, target: &Uri) -> Option<&(&'static str, Proxy)> {
        let host = target.host().unwrap_or_default().to_ascii_lowercase();
        self.used.as_ref().filter(|_| !self.exceptions.iter().any(|exception| exception.matches(&host)))
    }

    /// Why there is no answer from `target`, with the proxy that was in between or is missing.
    pub(crate) fn explain(&self, target: &Uri, fault: Fault, timeout: Duration) -> Failure {
        let host = target.host().unwrap_or_default();
        let Some((variable, proxy)) = self.named_towards(target) else {
            return match (fault.failure(host, timeout), self.ignored.first()) {
                (Failure::Connect(text), Some(name)) => Failure::Connect(format!(
                    "{text} ({name} is not used: it names no HTTP proxy, as http://host:port does)"
                )),
                (failure, _) => failure,
            };
        };
        // Never its user and password.
        let named = format!("the proxy {}:{} that {variable} names", proxy.host, proxy.port);
        if let Fault::Proxy(status) = fault {
            return Failure::Connect(refusal(&named, variable, proxy, host, status));
        }
        match fault.failure(&proxy.host, timeout) {
            Failure::Connect(text) => Failure::Connect(format!(
                "{named} is not reached: {text} (is it right? With {host} in NO_PROXY it is not used)"
            )),
            Failure::Timeout(after) => Failure::Broken(format!("no answer within {after:?} through {named}")),
            Failure::Broken(text) => Failure::Broken(format!("{text} (through {named})")),
            Failure::Tls(text) => Failure::Tls(format!("{text} (through {named})")),
            failure => failure,
        }
    }
}

impl Proxy {
    /// Reads `http://user:password@host:port`, of which all but the host may be missing; user and password are
    /// percent-encoded. `None`: it is another one than by CONNECT, or none at all.
    fn parse(url: &str) -> Option<Proxy> {
        let url = url.trim().parse::<Uri>().ok()?;
        let authority = url.authority()?;
        let is_tls = match url.scheme_str() {
            None | Some("http") => false,
            Some("https") => true,
            Some(_) => return None,
        };
        let credentials = match authority.as_str().rsplit_once('@') {
            Some((credentials, _)) => {
                let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
                let decode = |text| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
                Some((decode(user)?, decode(password)?))
            }
            None => None,
        };
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Some(Proxy { is_tls, host: authority.host().to_owned(), port, credentials })
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A server, or several, that are reached without the proxy.
#[derive(Debug, PartialEq)]
enum Exception {
    Any,
    Host(String),
    /// `192.168.*` or `192.168.`
    Prefix(String),
    /// `*.example.com` or `.example.com`, which is not `example.com` itself.
    Suffix(String),
}

impl Exception {
    /// Those in a list with commas.
    fn list(text: &str) -> Vec<Exception> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| Exception::parse(&name.to_ascii_lowercase())).collect()
    }

    fn parse(name: &str) -> Exception {
        if name == "*" {
            Exception::Any
        } else if let Some(suffix) = name.strip_prefix('*') {
            Exception::Suffix(suffix.to_owned())
        } else if name.starts_with('.') {
            Exception::Suffix(name.to_owned())
        } else if let Some(prefix) = name.strip_suffix('*') {
            Exception::Prefix(prefix.to_owned())
        } else if name.ends_with('.') {
            Exception::Prefix(name.to_owned())
        } else {
            Exception::Host(name.to_owned())
        }
    }

    /// Whether it is for a host, whose name is in small letters.
    fn matches(&self, host: &str) -> bool {
        match self {
            Exception::Any => true,
            Exception::Host(name) => name == host,
            Exception::Prefix(prefix) => host.starts_with(prefix),
            Exception::Suffix(suffix) => host.ends_with(suffix),
        }
    }
}

/// What a proxy said to CONNECT.
fn refusal(named: &str, variable: &str, proxy: &Proxy, host: &str, status: Option<u16>) -> String {
    match status {
        Some(407) if proxy.credentials.is_some() => {
            format!("{named} does not accept the user and password in it (407)")
        }
        Some(407) => format!("{named} wants a user and password (407): {variable}=http://user:password@host:port"),
        Some(status @ 500..) => format!("{named} cannot reach {host} ({status})"),
        Some(status) => {
            format!("{named} does not let through to {host} ({status}): allow it there, or put {host} into NO_PROXY")
        }
        None => format!("{named} does not answer CONNECT: is it an HTTP proxy?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_with_all_that_may_be_missing() {
        let parts =
            |url: &str| Proxy::parse(url).map(|proxy| (proxy.is_tls, proxy.host, proxy.port, proxy.credentials));
        let some = |is_tls, host: &str, port| Some((is_tls, host.to_owned(), port, None));
        assert_eq!(parts("proxy.example"), some(false, "proxy.example", 80));
        assert_eq!(parts(" proxy.example:3128 "), some(false, "proxy.example", 3128));
        assert_eq!(parts("http://proxy.example/"), some(false, "proxy.example", 80));
        assert_eq!(parts("HTTPS://proxy.example"), some(true, "proxy.example", 443));
        assert_eq!(parts("http://[::1]:8080"), some(false, "[::1]", 8080));
        let credentials = |url| Proxy::parse(url).and_then(|proxy| proxy.credentials);
        let told = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(credentials("http://u:p%40ss+@h:1"), told("u", "p@ss+"));
        assert_eq!(credentials("http://u@h"), told("u", ""));
        for url in ["socks5://127.0.0.1:1080", "://", "", "http://", "ftp://h", "http://%ff@h"] {
            assert!(Proxy::parse(url).is_none(), "{url}");
        }
        assert!(!format!("{:?}", Proxy::parse("http://user:hunter2@h")).contains("hunter2"));
    }

    #[test]
    fn exceptions_are_names_beginnings_and_ends() {
        let matches = |list: &str, host: &str| Exception::list(list).iter().any(|exception| exception.matches(host));
        for (list, host, expected) in [
            ("example.com", "example.com", true),
            ("EXAMPLE.com", "example.com", true),
            ("example.com", "a.example.com", false),
            (".example.com", "a.example.com", true),
            ("*.example.com, other", "a.b.example.com", true),
            (".example.com", "example.com", false),
            ("10.*", "10.0.0.1", true),
            ("10.0.", "10.0.0.1", true),
            ("10.1.", "10.0.0.1", false),
            (" , *", "anything", true),
            ("", "anything", false),
        ] {
            assert_eq!(matches(list, host), expected, "{list} {host}");
        }
    }
}
