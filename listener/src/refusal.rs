//! What the listener answers by itself when it refuses.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{Full, LengthLimitError};
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use crate::exchange::{METHODS, json};

/// Why the listener answers by itself.
pub(crate) enum Refusal {
    UnknownMethod,
    UnknownPath,
    UriTooLong,
    BodyTooLong,
    BodyTooSlow,
    BodyBroken,
    NoReply,
}

impl Refusal {
    pub(crate) fn of_body(error: &(dyn Error + Send + Sync + 'static)) -> Refusal {
        if error.is::<LengthLimitError>() { Refusal::BodyTooLong } else { Refusal::BodyBroken }
    }

    pub(crate) fn into_response(self) -> hyper::Response<Full<Bytes>> {
        let (status, code, description) = match self {
            Refusal::UnknownMethod => (StatusCode::METHOD_NOT_ALLOWED, "decoding_error", "method not supported"),
            Refusal::UnknownPath => (StatusCode::NOT_FOUND, "not_found", "nothing is served at this path"),
            Refusal::UriTooLong => (StatusCode::URI_TOO_LONG, "decoding_error", "URI too long"),
            Refusal::BodyTooLong => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "body too long"),
            Refusal::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "decoding_error", "body did not arrive in time"),
            Refusal::BodyBroken => (StatusCode::BAD_REQUEST, "decoding_error", "body could not be read"),
            Refusal::NoReply => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable_error", "no answer in time"),
        };
        let body = format!(r#"{{"errorCode":"{code}","errorDescription":"{description}"}}"#);
        let mut response = json(status, body.into_bytes());
        let headers = response.headers_mut();
        match self {
            Refusal::UnknownMethod => {
                headers.insert(header::ALLOW, METHODS);
            }
            // The rest of the body stands between here and the next request.
            Refusal::BodyTooLong | Refusal::BodyTooSlow | Refusal::BodyBroken => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Refusal::UnknownPath | Refusal::UriTooLong | Refusal::NoReply => {}
        }
        response
    }
}
