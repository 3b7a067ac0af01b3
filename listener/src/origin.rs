//! Which pages may ask: the `Origin` of a request is the page's that made it.

use std::fmt;
use std::str::FromStr;

use hyper::header::{self, HeaderMap, HeaderValue};

use crate::host::{Authority, Host, authority};
use crate::refusal::Refusal;

/// Where a page is from, as its browser tells it (RFC 6454): `https://operators.example.com`. `null` is one without an
/// origin, which any page can make itself; `*` is every page there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Any,
    Null,
    Page { scheme: String, host: Host, port: Option<u16> },
}

/// Why a text is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is wanted, such as https://operators.example.com or http://192.168.1.7:8000, without a path; or null, or *"
)]
pub struct OriginError;

impl Origin {
    /// Whether it is a page of the machine that its browser runs on.
    pub fn is_loopback(&self) -> bool {
        matches!(&self.0, Kind::Page { scheme, host, .. } if is_web(scheme) && host.is_loopback())
    }

    /// Whether it is the server's own, which was asked as `own`.
    fn is_of(&self, own: &Authority) -> bool {
        match &self.0 {
            Kind::Page { scheme, host, port } => {
                is_web(scheme) && *host == own.0 && *port == own.1.filter(|port| Some(*port) != default_port(scheme))
            }
            Kind::Any | Kind::Null => false,
        }
    }
}

fn is_web(scheme: &str) -> bool {
    default_port(scheme).is_some()
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Origin, OriginError> {
        match text {
            "*" => return Ok(Origin(Kind::Any)),
            // Some browsers call a page from a file by its scheme.
            "null" | "file://" => return Ok(Origin(Kind::Null)),
            _ => {}
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(is_known) {
            return Err(OriginError);
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = authority(rest).ok_or(OriginError)?;
        let port = port.filter(|port| Some(*port) != default_port(&scheme));
        Ok(Origin(Kind::Page { scheme, host, port }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("*"),
            Kind::Null => f.write_str("null"),
            Kind::Page { scheme, host, port: None } => write!(f, "{scheme}://{host}"),
            Kind::Page { scheme, host, port: Some(port) } => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

/// The page that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// It names none.
    None,
    /// One that may ask, as its browser wants to read it.
    Allowed(HeaderValue),
}

impl Page {
    /// The page of a request that was made to `own`, or the refusal of one that may not ask.
    pub(crate) fn check(allowed: &[Origin], headers: &HeaderMap, own: Option<&Authority>) -> Result<Page, Refusal> {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let Some(value) = given.next() else { return Ok(Page::None) };
        if allowed.contains(&Origin(Kind::Any)) {
            return Ok(Page::Allowed(HeaderValue::from_static("*")));
        }
        let origin = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
        let Some(origin) = origin.filter(|_| given.next().is_none()) else {
            return Err(Refusal::foreign_origin(None));
        };
        let is_own = own.is_some_and(|own| origin.is_of(own));
        match is_own || origin.is_loopback() || allowed.contains(&origin) {
            true => Ok(Page::Allowed(value.clone())),
            false => Err(Refusal::foreign_origin(Some(&origin))),
        }
    }

    /// Tells the browser whether the page may read a response (Fetch Standard, 3.2).
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Page::Allowed(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().expect("an origin")
    }

    #[test]
    fn origins_are_equal_as_browsers_have_it() {
        assert_eq!(origin("HTTPS://Ops.Example.com:443"), origin("https://ops.example.com"));
        assert_ne!(origin("http://ops.example.com"), origin("https://ops.example.com"));
        assert_ne!(origin("https://ops.example.com:444"), origin("https://ops.example.com"));
        for text in ["https://ops.example.com", "http://[::1]:8000", "null", "*", "chrome-extension://abc"] {
            assert_eq!(origin(text).to_string(), text);
        }
        for none in
            ["", "ops.example.com", "https://", "https://a/", "https://a/b", "https://u@a", "://a", "https://a b"]
        {
            assert_eq!(none.parse::<Origin>(), Err(OriginError), "{none}");
        }
    }

    #[test]
    fn loopback_pages_and_ones_own_are_allowed() {
        let own = authority("192.168.1.5:8787").expect("an authority");
        let asks = |allowed: &[&str], text: &str| {
            let allowed: Vec<Origin> = allowed.iter().map(|text| origin(text)).collect();
            let headers = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_str(text).expect("a value"))]);
            Page::check(&allowed, &headers, Some(&own)).is_ok()
        };
        for text in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:1", "http://192.168.1.5:8787"] {
            assert!(asks(&[], text), "{text}");
        }
        for text in
            ["null", "http://192.168.1.5", "https://evil.example", "file://", "", "http://localhost.evil.example"]
        {
            assert!(!asks(&[], text), "{text}");
            assert!(asks(&["*"], text), "{text}");
        }
        assert!(asks(&["null"], "null") && !asks(&["null"], "https://evil.example"));
        assert!(
            asks(&["https://ops.example"], "https://ops.example")
                && !asks(&["https://ops.example"], "http://ops.example")
        );
    }
}
