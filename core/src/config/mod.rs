//! What a connection needs to know before it dials.

mod bounds;
mod error;
mod fields;
mod secret;
mod session_id;
mod settings;
mod text;
mod url;
mod variables;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::error::{shown, shown_url};
use self::session_id::is_path_segment;

pub(crate) use self::bounds::{MAX_NAME, name, seconds};
pub use self::error::ConfigError;
pub(crate) use self::fields::settings;
pub use self::secret::Secret;
pub use self::session_id::SessionId;
pub use self::settings::Settings;
#[cfg(feature = "toml")]
pub(crate) use self::text::from_toml;
pub(crate) use self::text::{FieldName, FieldValue, as_seconds, from_json, to_json_with_secret};
pub(crate) use self::variables::{Origins, Variables, parse_seconds, secret, text};

/// The root of a broker, with or without the path of its API.
pub(crate) fn broker_root(name: &'static str, given: &str) -> Result<String, ConfigError> {
    let root = self::url::api_root(given).map(|root| root.trim_end_matches("/api/v1"));
    let root = root.and_then(self::url::api_root).map(str::to_owned);
    root.ok_or_else(|| ConfigError::Broker { name, url: shown_url(given) })
}

/// The address of a URL's host, if it needs no look-up: `localhost` is 127.0.0.1.
#[cfg_attr(not(feature = "server"), allow(unreachable_pub))]
pub fn host_ip(url: &str) -> Option<IpAddr> {
    self::url::ip(self::url::host_and_port(url)?.0)
}

/// How to reach an SFU, and as whom. Equal configurations are the same connection to whoever shares connections.
///
/// It comes from code ([`new`](Config::new)), from the environment ([`from_env`](Config::from_env)), from a text
/// ([`from_toml`](Config::from_toml), [`from_json`](Config::from_json), or any format of serde's), or from several of
/// these together ([`Settings`]). All go through the same checks, and unknown fields are refused.
///
/// Serialised it is fit for a log: the secret is left out, and such a text is refused when it is read again. To hand a
/// configuration to another process, write it with [`to_json_with_secret`](Config::to_json_with_secret).
///
/// On loopback nothing needs to be set: there, what is missing is what `farwire serve` goes by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Settings")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher_session: Option<SessionId>,
    /// The time within which a connection is up, or has failed for good. 10 s unless set. Seconds when serialised.
    #[serde(serialize_with = "as_seconds")]
    pub connect_timeout: Duration,
    /// Whether to reconnect, for as long as it takes, when the connection is lost after it was up once. `true` unless
    /// set.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub reconnect: bool,
}

impl Config {
    /// Where Cloudflare serves its own.
    pub const CLOUDFLARE_URL: &str = "https://rtc.live.cloudflare.com/v1";

    /// Where `farwire serve` listens unless told otherwise.
    pub const LOCAL_URL: &str = "http://127.0.0.1:8787/v1";

    /// The app that `farwire serve` serves unless told otherwise.
    pub const LOCAL_APP_ID: &str = "farwire";

    /// Its secret. Everybody knows it, so it only counts where nobody else can reach: on loopback.
    pub const LOCAL_APP_SECRET: &str = "farwire-local";

    /// The shortest and the longest time to connect in. As many seconds, with their nanoseconds, fit into an `f64`.
    pub(crate) const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(86_400));

    /// Checks and collects what every connection needs.
    ///
    /// # Errors
    /// When `url` is not an `http://` or `https://` URL, or `app_id` cannot stand in its path, or the secret is empty
    /// or cannot stand in a header.
    pub fn new(url: &str, app_id: &str, app_secret: &str) -> Result<Config, ConfigError> {
        let Some(root) = self::url::api_root(url) else {
            return Err(ConfigError::Url { name: "url", url: shown_url(url) });
        };
        if !is_path_segment(app_id) {
            return Err(ConfigError::AppId { name: "app_id", app_id: shown(app_id) });
        }
        if app_secret.is_empty() || !app_secret.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::AppSecret { name: "app_secret" });
        }
        Ok(Config {
            url: root.to_owned(),
            app_id: app_id.to_owned(),
            app_secret: Secret::new(app_secret),
            publisher_session: None,
            connect_timeout: Duration::from_secs(10),
            reconnect: true,
        })
    }

    /// The configuration that the environment gives: each setting by farwire's own variable, which
    /// [`Settings::from_env`] has, and where that is not set by one of DimOS's, as
    /// [`Settings::from_dimos_env`] has them. An app id or a secret of DimOS's is one on Cloudflare, so
    /// [`CLOUDFLARE_URL`](Config::CLOUDFLARE_URL) is dialed then, unless `FARWIRE_URL` names another SFU.
    ///
    /// ```
    /// # use farwire_core::Config;
    /// let config = Config::from_env(|name| std::env::var(name).ok());
    /// ```
    ///
    /// # Errors
    /// When a variable's value cannot be used, or one is not set that has no default. The error names the variable.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let own = Settings::from_env(&mut lookup)?;
        Config::try_from(own.or(Settings::from_dimos_env(lookup)?)).map_err(Settings::in_env)
    }

    /// Reads a TOML document with the fields of this struct.
    ///
    /// ```
    /// # use farwire_core::Config;
    /// let config = Config::from_toml("url = 'https://rtc.example/v1'\napp_id = 'a1'\napp_secret = 'hunter2'\nconnect_timeout = 5")?;
    /// assert!(!format!("{config:?}").contains("hunter2"));
    /// # Ok::<(), farwire_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such document, or has other fields, or a value that cannot be used, or lacks one that has no default.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        Settings::from_toml(text)?.try_into()
    }

    /// Reads a JSON object with the fields of this struct.
    ///
    /// # Errors
    /// When it is no such object, or has other fields, or a value that cannot be used, or lacks one that has no default.
    pub fn from_json(text: &str) -> Result<Config, ConfigError> {
        Settings::from_json(text)?.try_into()
    }

    /// Everything as a JSON object, **with the secret**, for [`from_json`](Config::from_json) in another process to give
    /// an equal configuration. Not for logs: those get the serialised form, without it.
    pub fn to_json_with_secret(&self) -> String {
        to_json_with_secret(self, "app_secret", &self.app_secret)
    }

    /// Subscribes to what another process publishes; its connection tells its own session's id.
    ///
    /// # Errors
    /// When `session` is not 1 to 128 characters of `[A-Za-z0-9_.-]`.
    pub fn publisher_session(mut self, session: impl AsRef<str>) -> Result<Config, ConfigError> {
        let session = session.as_ref();
        match SessionId::new(session) {
            Some(id) => self.publisher_session = Some(id),
            None => {
                return Err(ConfigError::PublisherSession { name: "publisher_session", session: shown(session) });
            }
        }
        Ok(self)
    }

    /// Sets the time within which a connection is up or has failed: 1 ms to a day; what is outside counts as the nearest.
    pub fn connect_timeout(mut self, timeout: Duration) -> Config {
        let (shortest, longest) = Config::TIMEOUTS;
        self.connect_timeout = timeout.clamp(shortest, longest);
        self
    }

    /// Sets whether to reconnect when the connection is lost.
    pub fn reconnect(mut self, reconnect: bool) -> Config {
        self.reconnect = reconnect;
        self
    }

    /// The host and port part of the URL.
    pub fn authority(&self) -> &str {
        self::url::authority(&self.url).unwrap_or_default()
    }

    /// The URL's host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self::url::host_and_port(&self.url).map_or("", |(host, _)| host)
    }

    /// The URL's port, or the one that its scheme stands for.
    pub fn port(&self) -> u16 {
        let usual = if self.url.starts_with("https:") { 443 } else { 80 };
        self::url::host_and_port(&self.url).and_then(|(_, port)| port).unwrap_or(usual)
    }

    /// The address of the URL's host, if it needs no look-up: `localhost` is 127.0.0.1.
    pub fn host_ip(&self) -> Option<IpAddr> {
        self::url::ip(self.host())
    }

    /// Whether the SFU is on this machine, out of the reach of others.
    pub fn is_loopback(&self) -> bool {
        self.host_ip().is_some_and(|ip| ip.is_loopback())
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Config, ConfigError> {
        checked(&settings).map_err(|error| settings.in_error(error))
    }
}

/// Makes a configuration of settings, whose errors have the names of fields.
fn checked(settings: &Settings) -> Result<Config, ConfigError> {
    let is_dimos = settings.is_dimos("app_id") || settings.is_dimos("app_secret");
    let default_url = if is_dimos { Config::CLOUDFLARE_URL } else { Config::LOCAL_URL };
    let url = settings.url.as_deref().unwrap_or(default_url);
    let (app_id, app_secret) = (settings.app_id.as_deref(), settings.app_secret.as_ref().map(Secret::reveal));
    // The URL is to be known as good before others are judged by it.
    let mut config =
        Config::new(url, app_id.unwrap_or(Config::LOCAL_APP_ID), app_secret.unwrap_or(Config::LOCAL_APP_SECRET))?;
    for (name, is_missing) in [("app_id", app_id.is_none()), ("app_secret", app_secret.is_none())] {
        if is_missing && !config.is_loopback() {
            return Err(ConfigError::Missing { name, url: config.url });
        }
    }
    if let Some(session) = &settings.publisher_session {
        config = config.publisher_session(session)?;
    }
    config.reconnect = settings.reconnect.unwrap_or(config.reconnect);
    if let Some(number) = settings.connect_timeout {
        config.connect_timeout = seconds("connect_timeout", number, Config::TIMEOUTS)?;
    }
    Ok(config)
}
