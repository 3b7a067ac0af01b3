//! HTTP requests and responses as plain values.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;

/// The largest response body that a driver hands back, in bytes. A longer one is [`Failure::TooLarge`].
pub const MAX_RESPONSE: usize = 256 * 1024;

/// Pairs a request with its response. Never used twice by one state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request that a driver is to make.
///
/// Its `Debug` leaves out the headers and the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Goes back with the response.
    pub id: RequestId,
    /// The request's method.
    pub method: Method,
    /// The absolute URL, `http` or `https`.
    pub url: String,
    /// Its headers. Credentials are marked as sensitive. `Content-Length`, `Host` and `User-Agent` are the driver's.
    pub headers: HeaderMap,
    /// Made for the server's sake at the end of a connection: it is to go out although the connection is over, and its
    /// answer is of no use.
    pub is_farewell: bool,
    /// A body, whose type is in the headers.
    pub body: Option<String>,
    /// The time from the first byte sent to the last one received. Past it the driver answers [`Failure::Timeout`].
    pub timeout: Duration,
}

impl Request {
    /// A request without headers or body.
    pub fn new(id: RequestId, method: Method, url: String, timeout: Duration) -> Self {
        Request { id, method, url, headers: HeaderMap::new(), is_farewell: false, body: None, timeout }
    }

    /// The value of a header, if there is one that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Adds a header that no log may show, such as a credential. One that cannot stand in a header is left out.
    pub fn with_secret(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// Gives it a JSON body. What has no encoding is left out; plain data has one.
    pub fn with_json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_string(body).ok();
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id.0)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A response of any status.
///
/// Its `Debug` leaves out the body, which may hold SDP credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body, at most [`MAX_RESPONSE`] bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("body", &self.body.len()).finish()
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No complete response within [`Request::timeout`]. Whether the server acted on the request is unknown.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The server could not be reached, so it did not act on the request.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The response was longer than [`MAX_RESPONSE`].
    #[error("the answer is longer than {MAX_RESPONSE} bytes; check the URL")]
    TooLarge,
    /// Something answered that only says to ask elsewhere, which no server of these APIs does. It is not asked there:
    /// what a request holds is for its own server.
    #[error(
        "answered {status} to {to}: is there a captive portal or a proxy in between? If there is none, check the URL"
    )]
    Redirected {
        /// The HTTP status, 300 to 399.
        status: u16,
        /// Where to, without what a person should not read in a log: no user, path or query.
        to: String,
    },
    /// TLS could not show that the server is the one that was meant, so it was asked nothing.
    #[error("{0}")]
    Tls(String),
    /// The exchange broke off. Whether the server acted on the request is unknown.
    #[error("{0}")]
    Broken(String),
}

/// The token in an `Authorization` header of the scheme `Bearer`, whose name may have any case (RFC 9110, 11.1; RFC
/// 6750, 2.1). `None` for another scheme.
#[cfg(any(feature = "server", test))]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_one_in_any_case() {
        for header in ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret ", " bEaReR s3cret"] {
            assert_eq!(bearer(header), Some("s3cret"), "{header:?}");
        }
        for header in ["", "Bearer", "s3cret", "Basic s3cret", "Bearers3cret", "Bear er"] {
            assert_eq!(bearer(header), None, "{header:?}");
        }
    }
}
