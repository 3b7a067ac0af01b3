//! What a robot needs to know before it connects to a broker.

use std::time::Duration;

use crate::config::broker_root;
use crate::provider::bridge::settings::{LOCAL_URL, TIMES, credential, from_env, short};
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RobotConfig {
    /// The broker's root: `http://127.0.0.1:8787`.
    pub url: String,
    /// The robot's key.
    pub key: Secret,
    /// The robot's id; the broker knows it from the key, so this only has to be said where a broker wants it.
    pub robot_id: Option<String>,
    /// What operators are shown. `robot` unless set.
    pub robot_name: String,
    /// The kind of robot, for an operator's screen.
    pub robot_type: Option<String>,
    /// The time between heartbeats. 1 s unless set, as DimOS has it.
    pub heartbeat: Duration,
    /// After this long without a message of the operator's it counts as lost, whatever the broker says. 3 s unless set.
    pub operator_silence: Duration,
    /// The time within which a connection is up, or this attempt has failed. 10 s unless set.
    pub connect_timeout: Duration,
    /// Whether to reconnect when the connection is lost. `true` unless set.
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
        Ok(RobotConfig {
            url: broker_root(url)?,
            key: credential("robot key", key)?,
            robot_id: None,
            robot_name: "robot".to_owned(),
            robot_type: None,
            heartbeat: Duration::from_secs(1),
            operator_silence: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(10),
            reconnect: true,
        })
    }

    /// What `FARWIRE_BROKER` and `FARWIRE_ROBOT_KEY` say; without the first, the broker on this machine.
    ///
    /// # Errors
    /// When there is no key, or a value cannot be used. The error names the variable.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<RobotConfig, ConfigError> {
        let (url, key) = from_env(&mut lookup, "FARWIRE_ROBOT_KEY", "farwire keys create robot NAME")?;
        RobotConfig::new(&url, &key).map_err(|error| error.of("FARWIRE_ROBOT_KEY"))
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
