//! Requests as Cloudflare's API wants them, and what its refusals mean.

use std::fmt;
use std::time::Duration;

use crate::signalling::{Dialect, Method, Request, RequestId, header};
use crate::wire::cloudflare::{code, path};
use crate::{Config, SessionId};

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
    /// How the API's refusals are read.
    pub const DIALECT: Dialect = Dialect { is_passing, advice, ..Dialect::PLAIN };

    /// For the app that a configuration names.
    pub fn new(config: &Config) -> Api {
        Api {
            root: format!("{}/apps/{}", config.url, config.app_id),
            authorization: format!("Bearer {}", config.app_secret.reveal()),
        }
    }

    /// A request for `path` under the app, which starts with a slash. Its id is to be given.
    pub fn request(&self, method: Method, path: &str, timeout: Duration) -> Request {
        Request::new(RequestId(0), method, format!("{}{path}", self.root), timeout)
            .with_secret(header::AUTHORIZATION, &self.authorization)
    }

    /// A request about one session; `action` is empty or starts with a slash.
    pub fn session_request(&self, method: Method, session: &SessionId, action: &str, timeout: Duration) -> Request {
        self.request(method, &format!("{}{session}{action}", path::SESSIONS), timeout)
    }
}

fn is_passing(status: u16, code: &str) -> bool {
    code::RETRYABLE.contains(&code) || (status == 200 && code == code::NOT_FOUND_TRACK)
}

fn advice(status: u16, code: Option<&str>) -> Option<&'static str> {
    match (status, code) {
        (_, Some(code::NOT_FOUND_TRACK)) => Some("nobody publishes this topic on that session yet"),
        (401 | 403, _) => Some("is FARWIRE_APP_SECRET the secret of this app?"),
        (404, _) => Some("is FARWIRE_APP_ID right, and does the URL end in /v1?"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::{Reply, Response, SignallingError, SignallingErrorKind};
    use crate::wire::cloudflare::NewSession;

    fn answer(status: u16, body: &str) -> Result<NewSession, SignallingError> {
        let response = Response { status, body: body.into() };
        Reply::new("POST http://h/v1".into(), Api::DIALECT, Ok(response)).read()
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
            assert!(error.kind() == SignallingErrorKind::Unreadable && !error.is_retryable(), "{status} {body}");
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
            assert_eq!(error.kind(), SignallingErrorKind::Unreadable, "{error:?}");
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
            assert!(error.kind() == SignallingErrorKind::Refused && error.to_string().contains(told), "{error}");
        }
        let nothing = answer(404, r#"{"detail":{"loc":7}}"#).expect_err("404");
        assert_eq!(nothing.kind(), SignallingErrorKind::Unreadable, "{nothing}");
    }

    #[test]
    fn a_hostile_description_is_shortened_and_printable() {
        let body = format!(r#"{{"errorCode":"x","errorDescription":"{}\u001b[2J"}}"#, "a".repeat(100_000));
        let text = answer(400, &body).expect_err("400").to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}'), "{} bytes", text.len());
    }
}
