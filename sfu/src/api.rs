//! Which call a request is.

use farwire_core::Secret;
use farwire_core::signalling::{Method, bearer};
use farwire_core::wire::cloudflare::path as calls;
use subtle::ConstantTimeEq;

use crate::error::Refusal;

/// A call of the API that may be served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    NewSession,
    Session { id: &'a str, action: Action },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Show,
    Establish,
    Renegotiate,
    NewChannels,
    UpdateChannels,
    CloseChannels,
}

/// Finds the call in `/v1/apps/{app}/…` and checks that it may be made.
pub(crate) fn route<'a>(
    app_id: &str,
    secret: &Secret,
    method: &Method,
    path: &'a str,
    authorization: Option<&str>,
) -> Result<Call<'a>, Refusal> {
    let path = path.split('?').next().unwrap_or_default();
    let rest = path.strip_prefix("/v1/apps/").ok_or_else(Refusal::unknown_path)?;
    let (app, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if app != app_id {
        return Err(Refusal::unknown_app());
    }
    let token = authorization.and_then(bearer).unwrap_or_default();
    if !bool::from(token.as_bytes().ct_eq(secret.reveal().as_bytes())) {
        return Err(Refusal::unauthorized());
    }
    if *method == Method::POST && rest == calls::NEW_SESSION {
        return Ok(Call::NewSession);
    }
    let rest = rest.strip_prefix(calls::SESSIONS).ok_or_else(Refusal::unknown_path)?;
    let (id, call) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let action = match (method, call) {
        (&Method::GET, "") => Action::Show,
        (&Method::PUT, calls::RENEGOTIATE) => Action::Renegotiate,
        (&Method::POST, calls::ESTABLISH) => Action::Establish,
        (&Method::POST, calls::OPEN) => Action::NewChannels,
        (&Method::PUT, calls::UPDATE) => Action::UpdateChannels,
        (&Method::PUT, calls::CLOSE) => Action::CloseChannels,
        _ => return Err(Refusal::unknown_path()),
    };
    Ok(Call::Session { id, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &Method, path: &str, token: Option<&str>) -> Result<(), u16> {
        route("app", &Secret::new("s3cret"), method, path, token).map(|_| ()).map_err(|r| r.response().status)
    }

    #[test]
    fn finds_calls_and_checks_the_secret() {
        let token = Some("Bearer s3cret");
        assert_eq!(status(&Method::POST, "/v1/apps/app/sessions/new", Some("bearer s3cret")), Ok(()));
        assert_eq!(status(&Method::POST, "/v1/apps/app/sessions/new", token), Ok(()));
        assert_eq!(status(&Method::POST, "/v1/apps/app/sessions/new?correlationId=1", token), Ok(()));
        assert_eq!(status(&Method::GET, "/v1/apps/app/sessions/abc", token), Ok(()));
        for call in ["renegotiate", "datachannels/update", "datachannels/close"] {
            assert_eq!(status(&Method::PUT, &format!("/v1/apps/app/sessions/abc/{call}"), token), Ok(()), "{call}");
            assert_eq!(status(&Method::POST, &format!("/v1/apps/app/sessions/abc/{call}"), token), Err(404), "{call}");
            assert_eq!(status(&Method::PUT, &format!("/v1/apps/app/sessions/abc/{call}/x"), token), Err(404), "{call}");
        }
        for bad in [None, Some(""), Some("Bearer "), Some("Bearer s3cre"), Some("Bearer s3cret!"), Some("s3cret")] {
            assert_eq!(status(&Method::POST, "/v1/apps/app/sessions/new", bad), Err(401), "{bad:?}");
        }
        assert_eq!(status(&Method::POST, "/v1/apps/other/sessions/new", token), Err(404));
        for path in ["", "/", "/v1", "/v1/apps/app", "/v1/apps/app/sessions/a/b", "/v2/apps/app/sessions/new"] {
            assert_eq!(status(&Method::POST, path, token), Err(404), "{path}");
        }
        assert_eq!(status(&Method::PUT, "/v1/apps/app/sessions/new", token), Err(404));
    }
}
