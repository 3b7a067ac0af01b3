//! What an operator's configuration is made from, before anything is checked.

use super::OperatorConfig;
use crate::config::{name, secret, settings, text};
use crate::provider::bridge::settings::{Asked, set_time, time};
use crate::{ConfigError, Secret};

settings! {
    /// What an [`OperatorConfig`] is made from: settings from one source, any of which may be missing there, as
    /// [`Settings`](crate::Settings) are for a [`Config`](crate::Config).
    pub struct OperatorSettings {
        /// The broker's root. If nobody gives one, it is [`RobotConfig::LOCAL_URL`](crate::broker::RobotConfig::LOCAL_URL),
        /// but not for a token in DimOS's variable, which is an error then.
        url: String = ["FARWIRE_BROKER" => text]
            or ["TRANSPORTS__BROKER__BROKER_URL" => text, "TELEOP_BROKER_URL" => text];
        /// The operator's token.
        token: Secret = ["FARWIRE_OPERATOR_TOKEN" => secret] or ["TELEOP_OPERATOR_TOKEN" => secret];
        /// Which robot; the only one that the token is for if nobody says.
        robot: String = ["FARWIRE_ROBOT" => text] or ["TRANSPORTS__BROKER__ROBOT_ID" => text, "TELEOP_ROBOT_ID" => text];
        /// The broker's session of the robot, instead of looking it up.
        session: String = [] or [];
        /// Whether to take the robot from another operator; no if nobody says. No variable does.
        takeover: bool = [] or [];
        /// Whether to watch alone; no if nobody says. No variable does.
        view: bool = [] or [];
        /// The time between pings, in seconds; 0.5 if nobody gives one.
        ping_every: f64 = [] or [];
        /// After this long without a pong the robot counts as lost, in seconds; 3 if nobody gives one.
        robot_silence: f64 = [] or [];
        /// The time within which the robot answers, or an attempt has failed, in seconds; 10 if nobody gives one.
        connect_timeout: f64 = ["FARWIRE_CONNECT_TIMEOUT" => time] or [];
        /// Whether to reconnect when the connection is lost; yes if nobody says.
        reconnect: bool = [] or [];
    }
}

impl OperatorSettings {
    /// Reads `FARWIRE_BROKER`, `FARWIRE_OPERATOR_TOKEN`, `FARWIRE_ROBOT` and `FARWIRE_CONNECT_TIMEOUT` (in seconds). A
    /// variable that is empty counts as one that is not set.
    ///
    /// # Errors
    /// When the timeout is none; the rest is checked when an `OperatorConfig` is made of it.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<OperatorSettings, ConfigError> {
        OperatorSettings::own_variables(&mut lookup)
    }

    /// Reads the variables that users of DimOS have: `TELEOP_OPERATOR_TOKEN`, and `TRANSPORTS__BROKER__BROKER_URL` and
    /// `TRANSPORTS__BROKER__ROBOT_ID`, or else `TELEOP_BROKER_URL` and `TELEOP_ROBOT_ID`. They are for what no other
    /// source has: `environment.or(file).or(dimos)`.
    ///
    /// # Errors
    /// None; the values are checked when an `OperatorConfig` is made of it.
    pub fn from_dimos_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<OperatorSettings, ConfigError> {
        OperatorSettings::dimos_variables(&mut lookup)
    }
}

impl TryFrom<OperatorSettings> for OperatorConfig {
    type Error = ConfigError;

    fn try_from(settings: OperatorSettings) -> Result<OperatorConfig, ConfigError> {
        checked(&settings).map_err(|error| settings.in_error(error))
    }
}

/// Makes a configuration of settings, whose errors have the names of fields.
fn checked(settings: &OperatorSettings) -> Result<OperatorConfig, ConfigError> {
    let asked = Asked {
        url: settings.url.as_deref(),
        credential: ("token", settings.token.as_ref()),
        is_dimos: settings.is_dimos("token"),
        command: "farwire keys create operator --all",
    };
    let (url, token) = asked.settle()?;
    let mut config = OperatorConfig::with(url, token);
    config.robot = settings.robot.clone().map(|robot| name("robot", robot)).transpose()?;
    if let Some(session) = &settings.session {
        config = config.session(session)?;
    }
    config.takeover = settings.takeover.unwrap_or(config.takeover);
    config.view = settings.view.unwrap_or(config.view);
    set_time(&mut config.ping_every, "ping_every", settings.ping_every)?;
    set_time(&mut config.robot_silence, "robot_silence", settings.robot_silence)?;
    set_time(&mut config.connect_timeout, "connect_timeout", settings.connect_timeout)?;
    config.reconnect = settings.reconnect.unwrap_or(config.reconnect);
    Ok(config)
}
