//! What a robot's configuration is made from, before anything is checked.

use super::RobotConfig;
use crate::config::{name, secret, settings, text};
use crate::provider::bridge::settings::{Asked, rate, set_time, time};
use crate::{ConfigError, Secret};

settings! {
    /// What a [`RobotConfig`] is made from: settings from one source, any of which may be missing there, as
    /// [`Settings`](crate::Settings) are for a [`Config`](crate::Config).
    ///
    /// ```
    /// use farwire_core::broker::{RobotConfig, RobotSettings};
    ///
    /// let file = RobotSettings::from_json(r#"{"url": "https://teleop.example", "robot_name": "rover"}"#)?;
    /// let environment = RobotSettings::from_env(|name| (name == "FARWIRE_ROBOT_KEY").then(|| "hunter2".to_owned()))?;
    /// let config = RobotConfig::try_from(environment.or(file))?;
    /// assert_eq!((config.url.as_str(), config.robot_name.as_str()), ("https://teleop.example", "rover"));
    /// # Ok::<(), farwire_core::ConfigError>(())
    /// ```
    pub struct RobotSettings {
        /// The broker's root. If nobody gives one, it is [`RobotConfig::LOCAL_URL`], but not for a key in DimOS's
        /// variables, which is an error then.
        url: String = ["FARWIRE_BROKER" => text]
            or ["TRANSPORTS__BROKER__BROKER_URL" => text, "TELEOP_BROKER_URL" => text];
        /// The robot's key.
        key: Secret = ["FARWIRE_ROBOT_KEY" => secret]
            or ["TRANSPORTS__BROKER__API_KEY" => secret, "TELEOP_API_KEY" => secret];
        /// The robot's id; the broker knows it from the key if nobody gives one.
        robot_id: String = ["FARWIRE_ROBOT_ID" => text]
            or ["TRANSPORTS__BROKER__ROBOT_ID" => text, "TELEOP_ROBOT_ID" => text];
        /// What operators are shown; `robot` if nobody gives it.
        robot_name: String = ["FARWIRE_ROBOT_NAME" => text] or ["TRANSPORTS__BROKER__ROBOT_NAME" => text];
        /// The kind of robot.
        robot_type: String = ["FARWIRE_ROBOT_TYPE" => text] or ["TRANSPORTS__BROKER__ROBOT_TYPE" => text];
        /// The time between heartbeats, in seconds; 1 if nobody gives one. DimOS's variable has heartbeats a second.
        heartbeat: f64 = [] or ["TRANSPORTS__BROKER__HEARTBEAT_HZ" => rate];
        /// After this long without a message of the operator's it counts as lost, in seconds; 3 if nobody gives one.
        operator_silence: f64 = [] or [];
        /// The time within which a connection is up or has failed, in seconds; 10 if nobody gives one.
        connect_timeout: f64 = ["FARWIRE_CONNECT_TIMEOUT" => time] or [];
        /// Whether to reconnect when the connection is lost; yes if nobody says.
        reconnect: bool = [] or [];
    }
}

impl RobotSettings {
    /// Reads `FARWIRE_BROKER`, `FARWIRE_ROBOT_KEY`, `FARWIRE_ROBOT_ID`, `FARWIRE_ROBOT_NAME`, `FARWIRE_ROBOT_TYPE` and
    /// `FARWIRE_CONNECT_TIMEOUT` (in seconds). A variable that is empty counts as one that is not set.
    ///
    /// # Errors
    /// When the timeout is none; the rest is checked when a `RobotConfig` is made of it.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<RobotSettings, ConfigError> {
        RobotSettings::own_variables(&mut lookup)
    }

    /// Reads the variables that users of DimOS have: `TRANSPORTS__BROKER__` with `BROKER_URL`, `API_KEY`, `ROBOT_ID`,
    /// `ROBOT_NAME`, `ROBOT_TYPE` and `HEARTBEAT_HZ`, and where the first three are not set, `TELEOP_BROKER_URL`,
    /// `TELEOP_API_KEY` and `TELEOP_ROBOT_ID`. They are for what no other source has: `environment.or(file).or(dimos)`.
    /// The other fields of DimOS's configuration say what farwire does not do or settles by itself.
    ///
    /// # Errors
    /// When the heartbeat is none; the rest is checked when a `RobotConfig` is made of it.
    pub fn from_dimos_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<RobotSettings, ConfigError> {
        RobotSettings::dimos_variables(&mut lookup)
    }
}

impl TryFrom<RobotSettings> for RobotConfig {
    type Error = ConfigError;

    fn try_from(settings: RobotSettings) -> Result<RobotConfig, ConfigError> {
        checked(&settings).map_err(|error| settings.in_error(error))
    }
}

/// Makes a configuration of settings, whose errors have the names of fields.
fn checked(settings: &RobotSettings) -> Result<RobotConfig, ConfigError> {
    let asked = Asked {
        url: settings.url.as_deref(),
        credential: ("key", settings.key.as_ref()),
        is_dimos: settings.is_dimos("key"),
        command: "farwire keys create robot NAME",
    };
    let (url, key) = asked.settle()?;
    let mut config = RobotConfig::with(url, key);
    let checked = |field, given: &Option<String>| given.clone().map(|given| name(field, given)).transpose();
    config.robot_id = checked("robot_id", &settings.robot_id)?;
    config.robot_type = checked("robot_type", &settings.robot_type)?;
    if let Some(robot_name) = checked("robot_name", &settings.robot_name)? {
        config.robot_name = robot_name;
    }
    set_time(&mut config.heartbeat, "heartbeat", settings.heartbeat)?;
    set_time(&mut config.operator_silence, "operator_silence", settings.operator_silence)?;
    set_time(&mut config.connect_timeout, "connect_timeout", settings.connect_timeout)?;
    config.reconnect = settings.reconnect.unwrap_or(config.reconnect);
    Ok(config)
}
