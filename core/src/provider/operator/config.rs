//! What an operator needs to know before it connects to a broker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OperatorSettings;
use crate::config::{as_seconds, to_json_with_secret};
use crate::provider::bridge::settings::{TIMES, URL, access, short};
use crate::{ConfigError, Secret, SessionId};

/// How an operator reaches a robot by way of its broker, and as whom.
///
/// As a [`Config`](crate::Config) it comes from code, from the environment ([`from_env`](OperatorConfig::from_env)), from a text
/// ([`from_toml`](OperatorConfig::from_toml), [`from_json`](OperatorConfig::from_json), or any format of serde's), or from
/// several of these together ([`OperatorSettings`]); unknown fields are refused. Serialised it is fit for a log, since the token
/// is left out, and [`to_json_with_secret`](OperatorConfig::to_json_with_secret) is for handing it to another process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "OperatorSettings")]
#[non_exhaustive]
pub struct OperatorConfig {
    /// The broker's root: `http://127.0.0.1:8787`.
    pub url: String,
    /// The operator's token.
    pub token: Secret,
    /// Which robot; `None`: the only one that the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot: Option<String>,
    /// The broker's session of the robot, instead of looking it up. It is not known any more when the robot has dialed
    /// again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Whether to take the robot from another operator, at the first attempt. Later ones, after a lost connection, do
    /// not, or two such operators would take it from each other for ever.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub takeover: bool,
    /// Whether to watch alone: the robot's channels are heard, nothing that is published reaches it, and whoever drives it
    /// goes on. `false` unless set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub view: bool,
    /// The time between pings. 500 ms unless set. Seconds when serialised, like all times.
    #[serde(serialize_with = "as_seconds")]
    pub ping_every: Duration,
    /// After this long without a pong the robot counts as lost. 3 s unless set. After three times that, the robot is
    /// joined anew.
    #[serde(serialize_with = "as_seconds")]
    pub robot_silence: Duration,
    /// The time within which the robot answers, or this attempt has failed. 10 s unless set.
    #[serde(serialize_with = "as_seconds")]
    pub connect_timeout: Duration,
    /// Whether to reconnect when the connection is lost. `true` unless set.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub reconnect: bool,
}

impl OperatorConfig {
    /// For the broker at this root, with an operator's token.
    ///
    /// # Errors
    /// When `url` is not an `http://` or `https://` URL, or the token is empty or cannot stand in a header.
    pub fn new(url: &str, token: &str) -> Result<OperatorConfig, ConfigError> {
        let (url, token) = access((URL, url), ("operator token", token))?;
        Ok(OperatorConfig::with(url, token))
    }

    pub(super) fn with(url: String, token: Secret) -> OperatorConfig {
        OperatorConfig {
            url,
            token,
            robot: None,
            session: None,
            takeover: false,
            view: false,
            ping_every: Duration::from_millis(500),
            robot_silence: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(10),
            reconnect: true,
        }
    }

    /// The configuration that the environment gives: each setting by farwire's own variable, which
    /// [`OperatorSettings::from_env`] has, and where that is not set by one of DimOS's, as
    /// [`OperatorSettings::from_dimos_env`] has them. Without a URL it is the broker on this machine, but a token of DimOS's
    /// is not sent there: it has to be said which broker it is for.
    ///
    /// # Errors
    /// When there is no token, or no broker that a token of DimOS's is for, or a value cannot be used. The error names the
    /// variable.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<OperatorConfig, ConfigError> {
        let own = OperatorSettings::from_env(&mut lookup)?;
        OperatorConfig::try_from(own.or(OperatorSettings::from_dimos_env(lookup)?)).map_err(OperatorSettings::in_env)
    }

    /// Reads a TOML document with the fields of this struct; only `token` has to be there.
    ///
    /// # Errors
    /// When it is no such document, or has other fields, or a value that cannot be used, or lacks the token.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<OperatorConfig, ConfigError> {
        OperatorSettings::from_toml(text)?.try_into()
    }

    /// Reads a JSON object with the fields of this struct; only `token` has to be there.
    ///
    /// # Errors
    /// When it is no such object, or has other fields, or a value that cannot be used, or lacks the token.
    pub fn from_json(text: &str) -> Result<OperatorConfig, ConfigError> {
        OperatorSettings::from_json(text)?.try_into()
    }

    /// Everything as a JSON object, **with the token**, for [`from_json`](OperatorConfig::from_json) in another process to
    /// give an equal configuration. Not for logs: those get the serialised form, without it.
    pub fn to_json_with_secret(&self) -> String {
        to_json_with_secret(self, "token", &self.token)
    }

    /// Chooses the robot by its id.
    pub fn robot(mut self, id: &str) -> OperatorConfig {
        self.robot = Some(short(id));
        self
    }

    /// Chooses the robot by the broker's session of it.
    ///
    /// # Errors
    /// When `session` is not 1 to 128 characters of `[A-Za-z0-9_.-]`.
    pub fn session(mut self, session: &str) -> Result<OperatorConfig, ConfigError> {
        let id = SessionId::new(session).ok_or_else(|| ConfigError::session("session", session))?;
        self.session = Some(id);
        Ok(self)
    }

    /// Sets whether to take the robot from another operator.
    pub fn takeover(mut self, takeover: bool) -> OperatorConfig {
        self.takeover = takeover;
        self
    }

    /// Sets whether to watch alone. A viewer takes no robot from anybody, whatever
    /// [`takeover`](OperatorConfig::takeover) says; the robot counts as present while it says something. If its operator hands the
    /// robot over, it drives until the connection is lost, and watches again after that. farwire's broker has viewers.
    pub fn view(mut self, view: bool) -> OperatorConfig {
        self.view = view;
        self
    }

    /// Sets the time between pings: 10 ms to an hour; what is outside counts as the nearest.
    pub fn ping_every(mut self, time: Duration) -> OperatorConfig {
        self.ping_every = time.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets how long the robot may be silent: 10 ms to an hour.
    pub fn robot_silence(mut self, time: Duration) -> OperatorConfig {
        self.robot_silence = time.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets the time within which an attempt to connect has succeeded or failed: 10 ms to an hour.
    pub fn connect_timeout(mut self, time: Duration) -> OperatorConfig {
        self.connect_timeout = time.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets whether to reconnect when the connection is lost.
    pub fn reconnect(mut self, reconnect: bool) -> OperatorConfig {
        self.reconnect = reconnect;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_what_it_lacks() {
        let error = OperatorConfig::from_env(|name| (name == "FARWIRE_OPERATOR_TOKEN").then(|| "\u{1}".to_owned()));
        assert!(error.expect_err("no header").to_string().contains("FARWIRE_OPERATOR_TOKEN"));
        let known = ["FARWIRE_BROKER", "FARWIRE_OPERATOR_TOKEN", "FARWIRE_ROBOT"];
        let lookup = |name: &str| known.contains(&name).then(|| format!("http://{name}"));
        let config = OperatorConfig::from_env(lookup).expect("all there");
        assert_eq!(config.robot.as_deref(), Some("http://FARWIRE_ROBOT"));
        assert!(!format!("{config:?}").contains("http://FARWIRE_OPERATOR_TOKEN"));
    }
}
