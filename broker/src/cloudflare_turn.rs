//! Credentials for Cloudflare's TURN servers, which it mints for whoever has a key of theirs.

use std::time::Duration;

use farwire_core::broker::IceServer;
use farwire_core::signalling::{Failure, Method, Request, RequestId, Response, header};
use farwire_core::{Secret, host_ip};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::MINT_WITHIN;

/// Servers that are kept of one answer, and the longest username and credential in it, in bytes.
const MAX_SERVERS: usize = 16;
const MAX_CREDENTIAL: usize = 1024;

/// The longest key id and API token, in bytes.
const MAX_KEY: usize = 256;

/// A key of Cloudflare's TURN servers. Its `Debug` leaves the API token out.
///
/// Of it each robot and operator gets credentials of its own, which end by themselves. Source: Cloudflare's documentation of
/// Realtime TURN, "Generate Credentials" (2026-09).
#[derive(Debug, Clone)]
pub struct CloudflareTurn {
    root: String,
    key_id: String,
    api_token: Secret,
    lifetime: Duration,
}

/// Why a key of Cloudflare's TURN servers is none. It does not repeat the API token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloudflareTurnError {
    /// The id.
    #[error(
        "{0:?} is no TURN key id: it has 1 to 256 letters, digits, - or _, and is in Cloudflare's dashboard under Realtime, TURN"
    )]
    KeyId(String),
    /// The API token.
    #[error(
        "the API token of the TURN key is none: it has 1 to 256 visible ASCII characters, and Cloudflare showed it when the key was made"
    )]
    ApiToken,
}

/// Why there are no credentials. Nothing of an answer's body is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMinted {
    #[error("Cloudflare cannot be reached: {0}")]
    Unreachable(Failure),
    #[error("Cloudflare refuses with {0}: are the TURN key's id and API token right?")]
    Refused(u16),
    #[error("Cloudflare's answer names no TURN server with credentials")]
    Unreadable,
    #[error("Cloudflare does not answer in time")]
    Slow,
}

impl CloudflareTurn {
    /// The key with this id and API token, for credentials that are good for a day.
    ///
    /// # Errors
    /// When one of them cannot be one.
    pub fn new(key_id: &str, api_token: &str) -> Result<CloudflareTurn, CloudflareTurnError> {
        let is_in_bounds = |text: &str| (1..=MAX_KEY).contains(&text.len());
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !is_in_bounds(key_id) || !key_id.chars().all(is_id) {
            return Err(CloudflareTurnError::KeyId(key_id.chars().take(MAX_KEY).collect()));
        }
        if !is_in_bounds(api_token) || !api_token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(CloudflareTurnError::ApiToken);
        }
        Ok(CloudflareTurn {
            root: "https://rtc.live.cloudflare.com/v1".to_owned(),
            key_id: key_id.to_owned(),
            api_token: Secret::new(api_token),
            lifetime: Duration::from_secs(24 * 3600),
        })
    }

    /// Sets for how long credentials are good: a minute to Cloudflare's 48 hours; what is outside counts as the nearest. A
    /// connection by way of the servers ends with them.
    pub fn lifetime(mut self, lifetime: Duration) -> CloudflareTurn {
        self.lifetime = lifetime.clamp(Duration::from_secs(60), Duration::from_secs(48 * 3600));
        self
    }

    /// Sets the root of the API: another server that speaks it.
    pub fn at(mut self, root: &str) -> CloudflareTurn {
        self.root = root.trim_end_matches('/').to_owned();
        self
    }

    /// Whether the API is on this machine, so that no proxy is asked.
    pub(crate) fn is_loopback(&self) -> bool {
        host_ip(&self.root).is_some_and(|ip| ip.is_loopback())
    }

    /// For how long credentials are handed out again: those who get them late have half of the time still.
    pub(crate) fn fresh_for(&self) -> Duration {
        self.lifetime / 2
    }

    /// Asks for credentials.
    pub(crate) fn request(&self, id: RequestId) -> Request {
        #[derive(Serialize)]
        struct Wanted {
            ttl: u64,
        }
        let url = format!("{}/turn/keys/{}/credentials/generate-ice-servers", self.root, self.key_id);
        Request::new(id, Method::POST, url, MINT_WITHIN)
            .with_secret(header::AUTHORIZATION, &format!("Bearer {}", self.api_token.reveal()))
            .with_json(&Wanted { ttl: self.lifetime.as_secs() })
    }
}

/// The servers in the answer: those that can be read, if one is for TURN and has credentials.
pub(crate) fn minted(answer: Result<Response, Failure>) -> Result<Vec<IceServer>, NotMinted> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Minted {
        ice_servers: Vec<Value>,
    }
    let response = answer.map_err(NotMinted::Unreachable)?;
    if !(200..300).contains(&response.status) {
        return Err(NotMinted::Refused(response.status));
    }
    let Minted { ice_servers } = serde_json::from_slice(&response.body).map_err(|_| NotMinted::Unreadable)?;
    let is_short = |text: &str| (1..=MAX_CREDENTIAL).contains(&text.len());
    let is_good = |server: &IceServer| {
        let credential = server.credential.as_ref().map(Secret::reveal);
        !server.urls.is_empty() && [server.username.as_deref(), credential].into_iter().flatten().all(is_short)
    };
    let servers = ice_servers.into_iter().take(MAX_SERVERS).filter_map(|server| serde_json::from_value(server).ok());
    let servers: Vec<IceServer> = servers.filter(is_good).collect();
    let is_turn = |server: &IceServer| server.urls.iter().any(|url| url.starts_with("turn"));
    match servers.iter().any(|server| is_turn(server) && server.username.is_some() && server.credential.is_some()) {
        true => Ok(servers),
        false => Err(NotMinted::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_asked_as_cloudflare_documents_it() {
        let key = CloudflareTurn::new("0a1b-2c", "north").expect("a key").lifetime(Duration::from_secs(600));
        let request = key.request(RequestId(7));
        assert_eq!(
            request.url,
            "https://rtc.live.cloudflare.com/v1/turn/keys/0a1b-2c/credentials/generate-ice-servers"
        );
        assert_eq!((&request.method, request.body.as_deref()), (&Method::POST, Some(r#"{"ttl":600}"#)));
        assert_eq!(request.header("authorization"), Some("Bearer north"));
        assert!(!format!("{key:?} {request:?}").contains("north"));
        for (asked, got) in [(0, 60), (u64::MAX, 48 * 3600)] {
            assert_eq!(key.clone().lifetime(Duration::from_secs(asked)).lifetime.as_secs(), got);
        }
        let is_loopback = |root| key.clone().at(root).is_loopback();
        assert!(
            is_loopback("http://127.0.0.1:9/v1/")
                && is_loopback("http://localhost:9")
                && is_loopback("http://[::1]:9/v1")
        );
        assert!(
            !key.is_loopback()
                && !is_loopback("https://127.0.0.1.example/v1")
                && !is_loopback("https://localhost.example")
        );
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_the_token() {
        for id in ["", "a/b", "a b", "../x", &"x".repeat(257)] {
            assert!(matches!(CloudflareTurn::new(id, "t"), Err(CloudflareTurnError::KeyId(_))), "{id}");
        }
        for token in ["", "two words", "line\n", &"x".repeat(257)] {
            let error = CloudflareTurn::new("id", token).expect_err("no token");
            assert!(error == CloudflareTurnError::ApiToken && !error.to_string().contains("words"));
        }
    }

    #[test]
    fn an_answer_counts_only_with_a_turn_server_and_its_credentials() {
        let read = |status, body: &Value| minted(Ok(Response { status, body: body.to_string().into_bytes() }));
        let stun = json!({"urls": ["stun:stun.cloudflare.com:3478"]});
        let turn = json!({"urls": ["turn:turn.cloudflare.com:3478?transport=udp"], "username": "u", "credential": "c"});
        let servers = read(201, &json!({"iceServers": [stun, 7, turn, {"urls": []}]})).expect("credentials");
        assert_eq!((servers.len(), servers[1].username.as_deref()), (2, Some("u")));
        let many = vec![turn.clone(); 100];
        assert_eq!(read(200, &json!({"iceServers": many})).expect("credentials").len(), MAX_SERVERS);
        let long = json!({"urls": "turn:t", "username": "u".repeat(MAX_CREDENTIAL + 1), "credential": "c"});
        for body in [
            json!({}),
            json!([]),
            json!({"iceServers": {}}),
            json!({"iceServers": [stun]}),
            json!({"iceServers": [long]}),
        ] {
            assert!(matches!(read(201, &body), Err(NotMinted::Unreadable)), "{body}");
        }
        assert!(matches!(read(401, &json!({"iceServers": [turn]})), Err(NotMinted::Refused(401))));
        let broken = minted(Err(Failure::Broken("reset".into())));
        assert!(matches!(broken, Err(NotMinted::Unreachable(_))));
    }
}
