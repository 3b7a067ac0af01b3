//! What the listener answers by itself when it refuses, in the shape of Cloudflare's API.

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header;

use crate::exchange::{METHODS, json};
use crate::host::Host;
use crate::origin::Origin;

/// Why the listener answers by itself. Nothing in its text needs JSON's escapes: what it repeats are hosts and origins.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    description: String,
}

const UNREADABLE: &str = "decoding_error";
const FORBIDDEN: &str = "forbidden";
const UNAVAILABLE: &str = "temporarily_unavailable_error";

impl Refusal {
    pub(crate) fn host() -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, UNREADABLE, "one Host header is needed, with a host and perhaps a port")
    }

    pub(crate) fn foreign_host(host: &Host) -> Refusal {
        let text = format!(
            "this server does not go by the name {host}, so a page may have pointed it here: ask it by its address, or \
             have the name allowed where it is started (farwire serve --allow-host {host})"
        );
        Refusal::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", text)
    }

    pub(crate) fn foreign_origin(origin: Option<&Origin>) -> Refusal {
        let text = match origin {
            Some(origin) => format!(
                "pages from {origin} may not ask this server: have them allowed where it is started \
                 (farwire serve --allow-origin {origin})"
            ),
            None => "the Origin header cannot be read, so this is no page that may ask this server".to_owned(),
        };
        Refusal::new(StatusCode::FORBIDDEN, FORBIDDEN, text)
    }

    pub(crate) fn metrics() -> Refusal {
        let text = "the counters are for this machine alone: ask from there, or have them opened where the server is \
                    started (farwire serve --public-metrics)";
        Refusal::new(StatusCode::FORBIDDEN, FORBIDDEN, text)
    }

    pub(crate) fn unknown_method() -> Refusal {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, UNREADABLE, "method not supported")
    }

    pub(crate) fn unknown_path() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", "nothing is served at this path")
    }

    pub(crate) fn uri_too_long() -> Refusal {
        Refusal::new(StatusCode::URI_TOO_LONG, UNREADABLE, "URI too long")
    }

    pub(crate) fn body_too_long() -> Refusal {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "body too long")
    }

    pub(crate) fn body_too_slow() -> Refusal {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, UNREADABLE, "body did not arrive in time")
    }

    pub(crate) fn body_broken() -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, UNREADABLE, "body could not be read")
    }

    pub(crate) fn no_memory() -> Refusal {
        let text = "the bodies of other requests take all the memory there is for them: try again in a second";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, text)
    }

    pub(crate) fn no_reply() -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, "no answer in time")
    }

    fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Refusal {
        Refusal { status, code, description: description.into() }
    }

    /// The text, for the log.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn into_response(self) -> hyper::Response<Full<Bytes>> {
        let body = serde_json::json!({ "errorCode": self.code, "errorDescription": self.description }).to_string();
        let mut response = json(self.status, body.into_bytes());
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, METHODS);
        }
        response
    }
}
