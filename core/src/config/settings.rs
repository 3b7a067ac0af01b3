//! What a `Config` is made from, before anything is checked.

use super::fields::settings;
use super::variables::{parse_seconds, secret, text};
use super::{Config, ConfigError, Secret};

settings! {
    /// What a [`Config`] is made from: settings from one source, any of which may be missing there.
    ///
    /// Sources are put over each other with [`or`](Settings::or), and checked once, when a `Config` is made of them:
    ///
    /// ```
    /// use farwire_core::{Config, Settings};
    ///
    /// let file = Settings::from_json(r#"{"url": "http://sfu.example/v1", "app_id": "robots"}"#)?;
    /// let environment = Settings::from_env(|name| (name == "FARWIRE_APP_SECRET").then(|| "hunter2".to_owned()))?;
    /// let config = Config::try_from(environment.or(file))?;
    /// assert_eq!(config.app_id, "robots");
    /// # Ok::<(), farwire_core::ConfigError>(())
    /// ```
    pub struct Settings {
        /// The API's root. If nobody gives one, it is [`Config::CLOUDFLARE_URL`] for an app id or a secret in DimOS's
        /// variables, which have no other, and else [`Config::LOCAL_URL`].
        url: String = ["FARWIRE_URL" => text] or [];
        /// The application on the SFU; has a default on loopback.
        app_id: String = ["FARWIRE_APP_ID" => text]
            or ["TRANSPORTS__CLOUDFLARE__APP_ID" => text, "CF_TELEOP_APP_ID" => text];
        /// The application's secret; has a default on loopback.
        app_secret: Secret = ["FARWIRE_APP_SECRET" => secret]
            or ["TRANSPORTS__CLOUDFLARE__APP_SECRET" => secret, "CF_TELEOP_APP_SECRET" => secret];
        /// The publishing session to subscribe to.
        publisher_session: String = ["FARWIRE_PUBLISHER_SESSION" => text] or [];
        /// The time within which a connection is up or has failed, in seconds; 10 if nobody gives one.
        connect_timeout: f64 = ["FARWIRE_CONNECT_TIMEOUT" => timeout] or [];
        /// Whether to reconnect when the connection is lost; yes if nobody says.
        reconnect: bool = [] or [];
    }
}

impl Settings {
    /// Reads `FARWIRE_URL`, `FARWIRE_APP_ID`, `FARWIRE_APP_SECRET`, `FARWIRE_PUBLISHER_SESSION` and
    /// `FARWIRE_CONNECT_TIMEOUT` (in seconds). A variable that is empty counts as one that is not set.
    ///
    /// # Errors
    /// When the timeout is none; the rest is checked when a `Config` is made of it.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<Settings, ConfigError> {
        Settings::own_variables(&mut lookup)
    }

    /// Reads the variables that users of DimOS have: `TRANSPORTS__CLOUDFLARE__APP_ID` and
    /// `TRANSPORTS__CLOUDFLARE__APP_SECRET`, or else `CF_TELEOP_APP_ID` and `CF_TELEOP_APP_SECRET`. They are for what no
    /// other source has: `environment.or(file).or(dimos)`.
    ///
    /// # Errors
    /// None; the values are checked when a `Config` is made of it.
    pub fn from_dimos_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<Settings, ConfigError> {
        Settings::dimos_variables(&mut lookup)
    }
}

fn timeout(name: &'static str, value: &str) -> Result<f64, ConfigError> {
    parse_seconds(name, value, Config::TIMEOUTS)
}
