//! What a robot needs to know before it connects to a broker.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::RobotSettings;
use crate::config::{as_seconds, to_json_with_secret};
use crate::provider::bridge::settings::{LOCAL_URL, TIMES, URL, access, short};
use crate::{ConfigError, Secret};

/// How a robot reaches its broker, and as whom.
///
/// ```
/// use farwire_core::broker::RobotConfig;
///
/// let config = RobotConfig::new("https://teleop.example", "robots-own-key")?.robot_name("rover");
/// # assert!(!format!("{config:?}").contains("robots-own-key"));
/// # Ok::<(), farwire_core::ConfigError>(())
/// ```
///
/// As a [`Config`](crate::Config) it comes from code, from the environment ([`from_env`](RobotConfig::from_env)), from a text
/// ([`from_toml`](RobotConfig::from_toml), [`from_json`](RobotConfig::from_json), or any format of serde's), or from several of
/// these together ([`RobotSettings`]); unknown fields are refused. Serialised it is fit for a log, since the key is left out,
/// and [`to_json_with_secret`](RobotConfig::to_json_with_secret) is for handing it to another process.
///
/// Equal configurations are the same connection to whoever shares connections. [`robot_type`](Self#structfield.robot_type)
/// does not count, in equality and in the hash: it is only told when the connection is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "RobotSettings")]
#[non_exhaustive]
pub struct RobotConfig {
    /// The broker's root: `http://127.0.0.1:8787`.
    pub url: String,
    /// The robot's key.
    pub key: Secret,
    /// The robot's id; the broker knows it from the key, so this only has to be said where a broker wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot_id: Option<String>,
    /// What operators are shown. `robot` unless set.
    pub robot_name: String,
    /// The kind of robot, for an operator's screen: the broker is told when the robot registers. Configurations that differ
    /// in nothing else are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot_type: Option<String>,
    /// The time between heartbeats. 1 s unless set, as DimOS has it. Seconds when serialised, like all times.
    #[serde(serialize_with = "as_seconds")]
    pub heartbeat: Duration,
    /// After this long without a message of the operator's it counts as lost, whatever the broker says. 3 s unless set.
    #[serde(serialize_with = "as_seconds")]
    pub operator_silence: Duration,
    /// The time within which a connection is up, or this attempt has failed. 10 s unless set.
    #[serde(serialize_with = "as_seconds")]
    pub connect_timeout: Duration,
    /// Whether to reconnect when the connection is lost. `true` unless set.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub reconnect: bool,
}

impl RobotConfig {
    /// Where `farwire serve` listens unless told otherwise.
    pub const LOCAL_URL: &str = LOCAL_URL;

    /// For the broker at this root, with a robot's key.
    ///
    /// # Errors
    /// When `url` is not an `http://` or `https://` URL, or the key is empty or cannot stand in a header.
    pub fn new(url: &str, key: &str) -> Result<RobotConfig, ConfigError> {
        let (url, key) = access((URL, url), ("robot key", key))?;
        Ok(RobotConfig::with(url, key))
    }

    pub(super) fn with(url: String, key: Secret) -> RobotConfig {
        RobotConfig {
            url,
            key,
            robot_id: None,
            robot_name: "robot".to_owned(),
            robot_type: None,
            heartbeat: Duration::from_secs(1),
            operator_silence: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(10),
            reconnect: true,
        }
    }

    /// The configuration that the environment gives: each setting by farwire's own variable, which
    /// [`RobotSettings::from_env`] has, and where that is not set by one of DimOS's, as [`RobotSettings::from_dimos_env`] has
    /// them. Without a URL it is the broker on this machine, but a key of DimOS's is not sent there: it has to be said which
    /// broker it is for.
    ///
    /// # Errors
    /// When there is no key, or no broker that a key of DimOS's is for, or a value cannot be used. The error names the
    /// variable.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<RobotConfig, ConfigError> {
        let own = RobotSettings::from_env(&mut lookup)?;
        RobotConfig::try_from(own.or(RobotSettings::from_dimos_env(lookup)?)).map_err(RobotSettings::in_env)
    }

    /// Reads a TOML document with the fields of this struct; only `key` has to be there.
    ///
    /// ```
    /// # use farwire_core::broker::RobotConfig;
    /// let config = RobotConfig::from_toml("url = 'https://teleop.example'\nkey = 'hunter2'\nheartbeat = 0.5")?;
    /// assert!(!format!("{config:?}").contains("hunter2"));
    /// # Ok::<(), farwire_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such document, or has other fields, or a value that cannot be used, or lacks the key.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<RobotConfig, ConfigError> {
        RobotSettings::from_toml(text)?.try_into()
    }

    /// Reads a JSON object with the fields of this struct; only `key` has to be there.
    ///
    /// # Errors
    /// When it is no such object, or has other fields, or a value that cannot be used, or lacks the key.
    pub fn from_json(text: &str) -> Result<RobotConfig, ConfigError> {
        RobotSettings::from_json(text)?.try_into()
    }

    /// Everything as a JSON object, **with the key**, for [`from_json`](RobotConfig::from_json) in another process to give an
    /// equal configuration. Not for logs: those get the serialised form, without it.
    pub fn to_json_with_secret(&self) -> String {
        to_json_with_secret(self, "key", &self.key)
    }

    /// Sets the robot's id.
    pub fn robot_id(mut self, id: &str) -> RobotConfig {
        self.robot_id = Some(short(id));
        self
    }

    /// Sets what operators are shown; 256 characters at most.
    pub fn robot_name(mut self, name: &str) -> RobotConfig {
        self.robot_name = short(name);
        self
    }

    /// Sets the kind of robot; 256 characters at most.
    pub fn robot_type(mut self, kind: &str) -> RobotConfig {
        self.robot_type = Some(short(kind));
        self
    }

    /// Sets the time between heartbeats: 10 ms to an hour; what is outside counts as the nearest.
    pub fn heartbeat(mut self, every: Duration) -> RobotConfig {
        self.heartbeat = every.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets how long an operator may be silent: 10 ms to an hour.
    pub fn operator_silence(mut self, time: Duration) -> RobotConfig {
        self.operator_silence = time.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets the time within which an attempt to connect has succeeded or failed: 10 ms to an hour.
    pub fn connect_timeout(mut self, time: Duration) -> RobotConfig {
        self.connect_timeout = time.clamp(TIMES.0, TIMES.1);
        self
    }

    /// Sets whether to reconnect when the connection is lost.
    pub fn reconnect(mut self, reconnect: bool) -> RobotConfig {
        self.reconnect = reconnect;
        self
    }

    /// What makes a connection another one.
    fn identity(&self) -> impl Eq + Hash {
        let RobotConfig {
            url,
            key,
            robot_id,
            robot_name,
            robot_type: _,
            heartbeat,
            operator_silence,
            connect_timeout,
            reconnect,
        } = self;
        (url, key, robot_id, robot_name, heartbeat, operator_silence, connect_timeout, reconnect)
    }
}

/// Everything but the kind of robot counts.
impl PartialEq for RobotConfig {
    fn eq(&self, other: &RobotConfig) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for RobotConfig {}

impl Hash for RobotConfig {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_as_people_paste_them() {
        for url in ["http://h:1", "http://h:1/", "http://h:1/api/v1", "http://h:1/api/v1/"] {
            assert_eq!(RobotConfig::new(url, "k").map(|config| config.url).as_deref(), Ok("http://h:1"), "{url}");
        }
        for url in ["", "h:1", "ftp://h", "http://h?x"] {
            let error = RobotConfig::new(url, "k").expect_err(url).to_string();
            assert!(error.contains("FARWIRE_BROKER") && error.contains(RobotConfig::LOCAL_URL), "{error}");
        }
    }

    #[test]
    fn the_environment_names_what_it_lacks() {
        let error = RobotConfig::from_env(|_| None).expect_err("no key").to_string();
        assert!(error.contains("FARWIRE_ROBOT_KEY is not set") && error.contains("farwire keys"), "{error}");
    }
}
