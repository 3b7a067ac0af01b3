//! Requests as the API wants them, and what its answers mean.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::body::{Body, BodyKind};
use crate::http::{Failure, Method, Request, RequestId, Response};
use crate::link::LinkError;
use crate::wire::cloudflare::{ErrorBody, code, path as calls};
use crate::wire::teleop::path;
use crate::{Config, SessionId};

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
    #[error("{method} {url}: {status} {}{description}{}", Code(code), self.advice())]
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
    /// The answer's body is none of this API's, so something else answered: a proxy, a captive portal, another server. What it
    /// says is not repeated.
    #[error("{method} {url}: {status} {body}{}", self.advice())]
    Unreadable {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the body is.
        body: Body,
    },
    /// The answer's session description cannot be used.
    #[error("{method} {url}: {error}")]
    Description {
        /// The request's method.
        method: Method,
        /// The request's URL.
        url: String,
        /// What is wrong with it.
        error: LinkError,
    },
    /// The answer has the API's form, but what it says cannot be: an id that is none or in use, a description that does not fit.
    #[error(
        "{method} {url}: the answer (status {status}) has the form of this API's but cannot be used; check the URL"
    )]
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
            ApiError::Http { failure, .. } => !matches!(failure, Failure::TooLarge | Failure::Redirected { .. }),
            ApiError::Refused { status, code, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
                    || code::RETRYABLE.contains(&code.as_str())
                    || (*status == 200 && code == code::NOT_FOUND_TRACK)
            }
            ApiError::Description { .. } => false,
            ApiError::Unreadable { status, .. } | ApiError::Garbage { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
            }
        }
    }

    /// Whether something else answered in the server's place, such as a captive portal or a proxy. It says nothing of what
    /// the server would have answered: not that it refuses, whatever the status.
    pub fn is_foreign(&self) -> bool {
        matches!(
            self,
            ApiError::Unreadable { .. }
                | ApiError::Http { failure: Failure::Redirected { .. } | Failure::TooLarge | Failure::Tls(_), .. }
        )
    }

    /// Whether the server itself refuses, and will until a person changes something.
    pub fn is_refusal(&self) -> bool {
        matches!(self, ApiError::Refused { .. }) && !self.is_retryable()
    }

    /// Whether the SFU may have done what was asked although its answer did not arrive.
    pub fn is_outcome_unknown(&self) -> bool {
        use Failure::{Broken, Timeout, TooLarge};
        match self {
            // What is put in the place of an answer may follow the request's arrival.
            ApiError::Unreadable { .. } => true,
            ApiError::Http { failure, .. } => matches!(failure, Timeout(_) | Broken(_) | TooLarge),
            _ => false,
        }
    }

    /// Whether the session no longer exists.
    pub fn is_session_gone(&self) -> bool {
        self.refusal_status() == Some(410)
    }

    /// The status with which the server refuses; `None` for anything else, and for what only has such a status.
    pub fn refusal_status(&self) -> Option<u16> {
        match self {
            ApiError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What a person can do about it.
    fn advice(&self) -> &'static str {
        let (url, status) = match self {
            ApiError::Refused { code, .. } if code == code::NOT_FOUND_TRACK => {
                return " (nobody publishes this topic on that session yet)";
            }
            ApiError::Refused { url, status, .. } | ApiError::Unreadable { url, status, .. } => (url, status),
            _ => return "",
        };
        let is_page = matches!(self, ApiError::Unreadable { body, .. } if body.kind == BodyKind::Html);
        match (status, self) {
            (502..=504, _) if is_page => " (a proxy in front of the server answers like this while the server is down)",
            (_, _) if is_page => {
                " (check the URL, and whether a captive portal or proxy answers in the server's place)"
            }
            (401, _) if url.contains(path::SESSIONS) => {
                " (is this the key that the broker gave out, for a robot or for an operator, and has it not been revoked?)"
            }
            // A broker says by itself what is wrong.
            (_, ApiError::Refused { .. }) if url.contains(path::SESSIONS) => "",
            (401 | 403, _) if !url.contains(path::SESSIONS) => " (is FARWIRE_APP_SECRET the secret of this app?)",
            (404, _) if !url.contains(path::SESSIONS) => " (is FARWIRE_APP_ID right, and does the URL end in /v1?)",
            (_, ApiError::Refused { .. }) => "",
            (502..=504, _) => " (a proxy in front of the server answers like this while the server is down)",
            _ => " (check the URL, and whether a captive portal or proxy answers in the server's place)",
        }
    }
}

/// An error code before its description.
struct Code<'a>(&'a str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}: ", self.0) }
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
        self.request(id, method, &format!("{}{session}{action}", calls::SESSIONS), timeout)
    }
}

/// A refusal's body, as the SFU's API, this broker and DimOS's hosted one have it.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(flatten)]
    error: ErrorBody,
    /// FastAPI's own: a text, or a list of what is wrong with the request.
    detail: Option<serde_json::Value>,
}

impl Refusal {
    /// The errors of the API's form in a body; `None`: there is none.
    fn parse(body: &[u8]) -> Option<ErrorBody> {
        let Refusal { mut error, detail } = object(body)?;
        if error.error_description.is_none() {
            error.error_description = detail.and_then(|detail| match detail {
                serde_json::Value::String(text) => Some(text),
                list => list.get(0)?.get("msg")?.as_str().map(str::to_owned),
            });
        }
        (error.error_code.is_some() || error.error_description.is_some()).then_some(error)
    }
}

/// Reads an answer. Any 2xx with the right body is a success, as DimOS takes it.
///
/// # Errors
/// When there is no answer, the SFU refuses, or the answer is none of the API's.
pub fn read<T: DeserializeOwned>(method: Method, url: &str, result: Result<Response, Failure>) -> Result<T, ApiError> {
    let url = url.to_owned();
    let Response { status, body, .. } =
        result.map_err(|failure| ApiError::Http { method, url: url.clone(), failure })?;
    // An error may come with any status, and then has its own code.
    let is_success = (200..300).contains(&status);
    match Refusal::parse(&body) {
        Some(error) if error.error_code.is_some() => return Err(refused(method, url, status, error)),
        Some(error) if matches!(status, 400..=599) => return Err(refused(method, url, status, error)),
        _ => {}
    }
    let answer = if is_success { object(&body) } else { None };
    answer.ok_or_else(|| ApiError::Unreadable { method, url, status, body: Body::of(&body) })
}

/// Reads a JSON object. A list in the place of one, which serde would take for the fields in their order, is none.
fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    start.filter(|byte| **byte == b'{').and_then(|_| serde_json::from_slice(body).ok())
}

/// An error of a whole request, or with status 200 of one of its items. Its texts are shortened and printable.
pub fn refused(method: Method, url: String, status: u16, error: ErrorBody) -> ApiError {
    let printable = |text: String| text.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect();
    ApiError::Refused {
        method,
        url,
        status,
        code: printable(error.error_code.unwrap_or_default()),
        description: printable(error.error_description.unwrap_or_else(|| "without a reason".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cloudflare::NewSession;

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
        for (status, body) in [(200, "<html>"), (200, "{}"), (200, r#"["s"]"#), (302, ""), (200, r#"{"sessionId":7}"#)]
        {
            let error = answer(status, body).expect_err(body);
            assert!(matches!(error, ApiError::Unreadable { .. }) && !error.is_retryable(), "{status} {body}");
        }
        assert!(answer(410, r#"{"errorCode":"session_error"}"#).expect_err("410").is_session_gone());
    }

    #[test]
    fn what_is_no_answer_of_the_api_is_named_and_not_repeated() {
        let page = "<!DOCTYPE html><title>Sign in here</title>";
        for (status, body, named) in [
            (502, page, "502 with a body that is no answer of this API: an HTML page of 42 bytes (a proxy in front"),
            (200, page, "200 with a body that is no answer of this API: an HTML page of 42 bytes (check the URL"),
            (511, page, "511 with a body that is no answer of this API: an HTML page of 42 bytes (check the URL"),
            (401, page, "an HTML page of 42 bytes (check the URL, and whether a captive portal"),
            (401, "", "401 without a body (is FARWIRE_APP_SECRET"),
            (302, "", "302 without a body (check the URL"),
            (503, "{}", "503 with a body that is no answer of this API: JSON of 2 bytes"),
            (500, "oops", "500 with a body that is no answer of this API: text of 4 bytes"),
            (500, "\0\u{1}", "500 with a body that is no answer of this API: binary data of 2 bytes"),
        ] {
            let error = answer(status, body).expect_err(named);
            assert!(matches!(error, ApiError::Unreadable { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains(named), "{text}");
            assert!(
                !text.contains("Sign in") && !text.contains("oops") && !format!("{error:?}").contains("oops"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_of_a_hosted_broker_is_told_in_its_words() {
        for (body, told) in [
            (r#"{"detail":"robot not found"}"#, "404 robot not found"),
            (r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, "404 field required"),
            (r#"{"errorCode":"gone"}"#, "404 gone: without a reason"),
        ] {
            let error = answer(404, body).expect_err(body);
            assert!(matches!(error, ApiError::Refused { .. }) && error.to_string().contains(told), "{error}");
        }
        let nothing = answer(404, r#"{"detail":{"loc":7}}"#).expect_err("404");
        assert!(matches!(nothing, ApiError::Unreadable { .. }), "{nothing}");
    }

    #[test]
    fn a_hostile_description_is_shortened_and_printable() {
        let body = format!(r#"{{"errorCode":"x","errorDescription":"{}\u001b[2J"}}"#, "a".repeat(100_000));
        let text = answer(400, &body).expect_err("400").to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}'), "{} bytes", text.len());
    }
}
