//! What a connection needs to know before it dials.

use std::fmt;
use std::time::Duration;

/// The longest identifier (app id, session id), in bytes.
const MAX_ID: usize = 128;

/// A value that never shows in a log, an error or a debug print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The secret itself, for the one place that sends or compares it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The id of a session on an SFU: 1 to 128 characters of `[A-Za-z0-9_.-]`, so that it can stand in a URL's path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// Checks an id that came from an SFU or from a user; `None` for one that no URL's path can hold as it is.
    pub fn new(id: &str) -> Option<SessionId> {
        is_path_segment(id).then(|| SessionId(id.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_path_segment(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && text.bytes().any(|b| b != b'.')
}

/// How to reach an SFU, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Config {
    /// The API's root, without a slash at its end: `https://rtc.live.cloudflare.com/v1`.
    pub url: String,
    /// The application on the SFU.
    pub app_id: String,
    /// The application's secret.
    pub app_secret: Secret,
    /// The publishing session of the process to subscribe to. Without one, subscriptions are to what this connection
    /// itself publishes.
    pub publisher_session: Option<SessionId>,
    /// The time within which a connection is up, or has failed for good. 10 s unless set.
    pub connect_timeout: Duration,
    /// Seeds the jitter of retries; drivers draw one for each connection.
    pub seed: u64,
}

impl Config {
    /// Checks and collects what every connection needs.
    ///
    /// # Errors
    /// When `url` is not an `http://` or `https://` URL, or `app_id` cannot stand in its path, or the secret is empty
    /// or cannot stand in a header.
    pub fn new(url: &str, app_id: &str, app_secret: &str) -> Result<Config, ConfigError> {
        let root = url.trim_end_matches('/');
        let rest = root.strip_prefix("https://").or_else(|| root.strip_prefix("http://"));
        let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
        let plain = root.bytes().all(|b| b.is_ascii_graphic()) && !root.contains(['?', '#', '@', '"', '<', '>', '\\']);
        if !plain || host.is_none_or(str::is_empty) {
            return Err(ConfigError::Url { url: url.to_owned() });
        }
        if !is_path_segment(app_id) {
            return Err(ConfigError::AppId { app_id: app_id.to_owned() });
        }
        if app_secret.is_empty() || !app_secret.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::AppSecret);
        }
        Ok(Config {
            url: root.to_owned(),
            app_id: app_id.to_owned(),
            app_secret: Secret::new(app_secret),
            publisher_session: None,
            connect_timeout: Duration::from_secs(10),
            seed: 0,
        })
    }

    /// Subscribes to what another process publishes; its connection tells its own session's id.
    ///
    /// # Errors
    /// When `session` is not 1 to 128 characters of `[A-Za-z0-9_.-]`.
    pub fn publisher_session(mut self, session: &str) -> Result<Config, ConfigError> {
        match SessionId::new(session) {
            Some(id) => self.publisher_session = Some(id),
            None => return Err(ConfigError::PublisherSession { session: session.to_owned() }),
        }
        Ok(self)
    }

    /// Sets the time within which a connection is up or has failed.
    pub fn connect_timeout(mut self, timeout: Duration) -> Config {
        self.connect_timeout = timeout;
        self
    }

    /// Seeds the jitter of retries.
    pub fn seed(mut self, seed: u64) -> Config {
        self.seed = seed;
        self
    }

    /// The host and port part of the URL.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not an absolute URL of an API's root.
    #[error("URL {url:?}: not the root of an API, which looks like https://rtc.live.cloudflare.com/v1")]
    Url {
        /// What was given.
        url: String,
    },
    /// Not an app id.
    #[error("app id {app_id:?}: an app id is 1 to {MAX_ID} characters of A-Z a-z 0-9 _ . -")]
    AppId {
        /// What was given.
        app_id: String,
    },
    /// Not a secret; it is not repeated.
    #[error("the app secret is empty, or has spaces or other characters that no HTTP header can hold")]
    AppSecret,
    /// Not a session id.
    #[error("session {session:?}: a session id is 1 to {MAX_ID} characters of A-Z a-z 0-9 _ . -")]
    PublisherSession {
        /// What was given.
        session: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_write() {
        let config = Config::new("http://127.0.0.1:8787/v1/", "app", "s3cret").expect("a good config");
        assert_eq!((config.url.as_str(), config.authority()), ("http://127.0.0.1:8787/v1", "127.0.0.1:8787"));
    }

    #[test]
    fn refuses_the_rest_and_names_it() {
        for url in ["", "rtc.example/v1", "ftp://x/v1", "http://", "http:///v1", "http://a b/v1", "http://u:p@h/v1"] {
            let error = Config::new(url, "app", "s").expect_err(url);
            assert!(error.to_string().contains(&format!("{url:?}")), "{error}");
        }
        assert!(Config::new("http://h/v1", "a/b", "s").is_err());
        assert!(Config::new("http://h/v1", "..", "s").is_err());
        let error = Config::new("http://h/v1", "app", "top secret").expect_err("a space");
        assert!(!error.to_string().contains("top"), "the secret must not show: {error}");
        let config = Config::new("http://h/v1", "app", "hunter2").expect("good");
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(config.publisher_session("../x").is_err());
    }
}
