//! What goes over the wire and what comes back, whichever client carries it.

use farwire_core::signalling::{Failure, Method, Request};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::redirect;
use crate::settings::Settings;

/// How the clients call themselves.
pub(crate) const USER_AGENT: &str = concat!("farwire/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// The head and the body with which a request goes out, unless there is no time or nobody to trust for it.
pub(crate) fn begin(mut request: Request, settings: &Settings) -> Result<(http::Request<()>, Option<String>), Failure> {
    if request.timeout.is_zero() {
        return Err(Failure::Timeout(request.timeout));
    }
    settings.check(&request.url)?;
    let body = take_body(&mut request);
    let head = head(request).map_err(|error| Failure::Broken(error.to_string()))?;
    Ok((head, body))
}

/// The body with which a request goes out. `None`: it has none, not even an empty one.
fn take_body(request: &mut Request) -> Option<String> {
    // Without a body these still say that its length is 0.
    let is_empty = request.method == Method::POST || request.method == Method::PUT;
    request.body.take().or_else(|| is_empty.then(String::new))
}

/// The head with which a request goes out, but for what its body and its client add.
fn head(request: Request) -> Result<http::Request<()>, http::Error> {
    let mut head = http::Request::builder().method(request.method).uri(request.url).body(())?;
    *head.headers_mut() = request.headers;
    Ok(head)
}

/// What a head of an answer asks for.
pub(crate) enum Answer {
    /// Its status, and that its body is wanted: at most [`MAX_RESPONSE`](farwire_core::signalling::MAX_RESPONSE) bytes.
    Body(u16),
    /// It only says to ask elsewhere.
    Elsewhere(Failure),
}

impl Answer {
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap<HeaderValue>) -> Answer {
        match headers.get(header::LOCATION).filter(|_| status.is_redirection()) {
            Some(location) => Answer::Elsewhere(Failure::Redirected {
                status: status.as_u16(),
                to: redirect::shown(location.as_bytes()),
            }),
            None => Answer::Body(status.as_u16()),
        }
    }
}
