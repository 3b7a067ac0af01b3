//! Requests as the API wants them, and what its answers mean.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::api::{ErrorBody, code};
use crate::http::{Failure, Method, Request, RequestId, Response};
use crate::{Config, SessionId};

/// In the path of every call to a broker.
const BROKER_PATH: &str = "/api/v1/sessions";

/// The longest piece of a server's error text that is passed on, in characters.
const MAX_DESCRIPTION: usize = 200;

/// Why a call to the API has not done what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// There is no answer.
    #[error("{method} {url}: {failure}")]
    Http {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: String,
        /// Why there is none.
        failure: Failure,
    },
    /// The SFU refused.
    #[error("{method} {url}: {status} {code}: {description}{}", self.advice())]
    Refused {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: String,
        /// The HTTP status; 200 when only this item of a request was refused.
        status: u16,
        /// The API's error code, empty without one.
        code: String,
        /// The SFU's text, shortened.
        description: String,
    },
    /// The answer is not what the API documents, so this is probably not an SFU, or not a broker.
    #[error("{method} {url}: the answer (status {status}) is not one of this API; check the URL")]
    Garbage {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

impl ApiError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            ApiError::Http { failure, .. } => !matches!(failure, Failure::TooLarge),
            ApiError::Refused { status, code, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
                    || code::RETRYABLE.contains(&code.as_str())
                    || (*status == 200 && code == code::NOT_FOUND_TRACK)
            }
            ApiError::Garbage { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
        }
    }

    /// Whether the SFU may have done what was asked although its answer did not arrive.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, ApiError::Http { failure: Failure::Timeout(_) | Failure::Broken(_), .. })
    }

    /// Whether the session no longer exists.
    pub fn is_session_gone(&self) -> bool {
        matches!(self, ApiError::Refused { status: 410, .. })
    }

    /// What a person can do about it.
    fn advice(&self) -> &'static str {
        match self {
            ApiError::Refused { status: 401, url, .. } if url.contains(BROKER_PATH) => {
                " (is this the key that the broker gave out, for a robot or for an operator, and has it not been revoked?)"
            }
            // A broker says by itself what is wrong.
            ApiError::Refused { url, .. } if url.contains(BROKER_PATH) => "",
            ApiError::Refused { status: 401 | 403, .. } => " (is FARWIRE_APP_SECRET the secret of this app?)",
            ApiError::Refused { status: 404, .. } => " (is FARWIRE_APP_ID right, and does the URL end in /v1?)",
            ApiError::Refused { code, .. } if code == code::NOT_FOUND_TRACK => {
                " (nobody publishes this topic on that session yet)"
            }
            _ => "",
        }
    }
}

/// Builds requests for one app. Its `Debug` leaves out the secret.
pub struct Api {
    root: String,
    authorization: String,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Api {
    /// For the app that a configuration names.
    pub fn new(config: &Config) -> Api {
        Api {
            root: format!("{}/apps/{}", config.url, config.app_id),
            authorization: format!("Bearer {}", config.app_secret.reveal()),
        }
    }

    /// A request for `path` under the app, which starts with a slash.
    pub fn request(&self, id: RequestId, method: Method, path: &str, timeout: Duration) -> Request {
        let mut request = Request::new(id, method, format!("{}{path}", self.root), timeout);
        request.authorization = Some(self.authorization.clone());
        request
    }

    /// A request about one session; `action` is empty or starts with a slash.
    pub fn session_request(
        &self,
        id: RequestId,
        method: Method,
        session: &SessionId,
        action: &str,
        timeout: Duration,
    ) -> Request {
        self.request(id, method, &format!("/sessions/{session}{action}"), timeout)
    }
}

/// Reads an answer. Any 2xx with the right body is a success, as DimOS takes it.
///
/// # Errors
/// When there is no answer, the SFU refuses, or the answer is none of the API's.
pub fn read<T: DeserializeOwned>(method: Method, url: &str, result: Result<Response, Failure>) -> Result<T, ApiError> {
    let url = url.to_owned();
    let response = result.map_err(|failure| ApiError::Http { method, url: url.clone(), failure })?;
    let status = response.status;
    // An error may come with any status, and then has its own code.
    let error = serde_json::from_slice::<ErrorBody>(&response.body).unwrap_or_default();
    if !(200..300).contains(&status) || error.error_code.is_some() {
        if error.error_code.is_none() && !matches!(status, 400..=599) {
            return Err(ApiError::Garbage { method, url, status });
        }
        return Err(refused(method, url, status, error));
    }
    serde_json::from_slice(&response.body).map_err(|_| ApiError::Garbage { method, url, status })
}

/// An error of a whole request, or with status 200 of one of its items. Its texts are shortened and printable.
pub fn refused(method: Method, url: String, status: u16, error: ErrorBody) -> ApiError {
    let printable = |text: String| text.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect();
    ApiError::Refused {
        method,
        url,
        status,
        code: printable(error.error_code.unwrap_or_default()),
        description: printable(error.error_description.unwrap_or_else(|| "no description".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::api::NewSession;

    fn answer(status: u16, body: &str) -> Result<NewSession, ApiError> {
        read(Method::Post, "http://h/v1", Ok(Response { status, body: body.into() }))
    }

    #[test]
    fn reads_what_servers_answer() {
        assert_eq!(answer(200, r#"{"sessionId":"s"}"#).map(|s| s.session_id).as_deref(), Ok("s"));
        assert_eq!(answer(201, r#"{"sessionId":"s","more":1}"#).map(|s| s.session_id).as_deref(), Ok("s"));
        let wrong_secret = answer(401, r#"{"errorCode":"unauthorized","errorDescription":"no"}"#).expect_err("401");
        assert!(!wrong_secret.is_retryable() && wrong_secret.to_string().contains("FARWIRE_APP_SECRET"));
        for (status, body) in [(500, "oops"), (503, "{}"), (429, ""), (200, r#"{"errorCode":"backend_error"}"#)] {
            assert!(answer(status, body).expect_err(body).is_retryable(), "{status} {body}");
        }
        for (status, body) in [(200, "<html>"), (200, "{}"), (302, ""), (200, r#"{"sessionId":7}"#)] {
            let error = answer(status, body).expect_err(body);
            assert!(matches!(error, ApiError::Garbage { .. }) && !error.is_retryable(), "{status} {body}");
        }
        assert!(answer(410, r#"{"errorCode":"session_error"}"#).expect_err("410").is_session_gone());
    }

    #[test]
    fn a_hostile_description_is_shortened_and_printable() {
        let body = format!(r#"{{"errorCode":"x","errorDescription":"{}\u001b[2J"}}"#, "a".repeat(100_000));
        let text = answer(400, &body).expect_err("400").to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}'), "{} bytes", text.len());
    }
}
