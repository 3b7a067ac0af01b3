//! Settings as people give them, before anything is checked.

use std::fmt::Display;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{ConfigError, Secret};

/// What a [`Config`](super::Config) is made from: settings from one source, any of which may be missing there.
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The API's root; [`Config::LOCAL_URL`](super::Config::LOCAL_URL) if nobody gives one.
    #[serde(default, deserialize_with = "url")]
    pub url: Option<String>,
    /// The application on the SFU; has a default on loopback.
    #[serde(default, deserialize_with = "app_id")]
    pub app_id: Option<String>,
    /// The application's secret; has a default on loopback.
    #[serde(default, deserialize_with = "app_secret")]
    pub app_secret: Option<Secret>,
    /// The publishing session to subscribe to.
    #[serde(default, deserialize_with = "publisher_session")]
    pub publisher_session: Option<String>,
    /// The time within which a connection is up or has failed, in seconds; 10 if nobody gives one.
    #[serde(default, deserialize_with = "connect_timeout")]
    pub connect_timeout: Option<f64>,
    /// Whether to reconnect when the connection is lost; yes if nobody says.
    #[serde(default, deserialize_with = "reconnect")]
    pub reconnect: Option<bool>,
}

impl Settings {
    /// Reads `FARWIRE_URL`, `FARWIRE_APP_ID`, `FARWIRE_APP_SECRET`, `FARWIRE_PUBLISHER_SESSION` and
    /// `FARWIRE_CONNECT_TIMEOUT` (in seconds). A variable that is empty counts as one that is not set.
    ///
    /// # Errors
    /// When the timeout is no number; the rest is checked when a `Config` is made of it.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<Settings, ConfigError> {
        let mut variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let connect_timeout = match variable("FARWIRE_CONNECT_TIMEOUT") {
            Some(given) => match given.trim().parse() {
                Ok(seconds) => Some(seconds),
                Err(_) => return Err(ConfigError::connect_timeout(&given).in_environment()),
            },
            None => None,
        };
        Ok(Settings {
            url: variable("FARWIRE_URL"),
            app_id: variable("FARWIRE_APP_ID"),
            app_secret: variable("FARWIRE_APP_SECRET").map(Secret::new),
            publisher_session: variable("FARWIRE_PUBLISHER_SESSION"),
            connect_timeout,
            reconnect: None,
        })
    }

    /// Reads a TOML document.
    ///
    /// # Errors
    /// When it is none, or has a field of another name or type; the values are checked when a `Config` is made of it.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Settings, ConfigError> {
        toml::from_str(text).map_err(|error| {
            // The error's own form repeats the line, which may be the secret's.
            let start = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = start.matches('\n').count() + 1;
            let column = start.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let what = format!("{} at line {line} column {column}", error.message().trim_end());
            ConfigError::Text { format: "TOML", what }
        })
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// When it is none, or has a field of another name or type; the values are checked when a `Config` is made of it.
    pub fn from_json(text: &str) -> Result<Settings, ConfigError> {
        let unreadable = |what| ConfigError::Text { format: "JSON", what };
        // serde would take the values without their names as well.
        if text.trim_start().starts_with('[') {
            return Err(unreadable("an object in braces is expected".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))
    }

    /// Takes what is missing here from `other`.
    #[must_use]
    pub fn or(self, other: Settings) -> Settings {
        Settings {
            url: self.url.or(other.url),
            app_id: self.app_id.or(other.app_id),
            app_secret: self.app_secret.or(other.app_secret),
            publisher_session: self.publisher_session.or(other.publisher_session),
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
            reconnect: self.reconnect.or(other.reconnect),
        }
    }
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("url", error))
}

fn app_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("app_id", error))
}

fn app_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("app_secret", error))
}

fn publisher_session<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("publisher_session", error))
}

fn connect_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("connect_timeout", error))
}

fn reconnect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Option::deserialize(deserializer).map_err(|error| named("reconnect", error))
}

/// serde says what is wrong with a value, but not with which.
fn named<E: Error>(field: &str, error: impl Display) -> E {
    E::custom(format_args!("{field}: {}", error.to_string().trim_end()))
}
