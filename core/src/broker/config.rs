//! What a robot and an operator need to know before they dial a broker.

use std::time::Duration;

use crate::config::broker_root;
use crate::{ConfigError, Secret, SessionId};

/// Times are at least this long, and at most an hour.
const TIMES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));

/// The longest name that is told to a broker, in characters.
const MAX_NAME: usize = 256;

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
    /// Whether to dial again when the connection is lost. `true` unless set.
    pub redial: bool,
}

impl RobotConfig {
    /// Where `farwire serve` listens unless told otherwise.
    pub const LOCAL_URL: &str = "http://127.0.0.1:8787";

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
            redial: true,
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

    /// Sets whether to dial again when the connection is lost.
    pub fn redial(mut self, redial: bool) -> RobotConfig {
        self.redial = redial;
        self
    }
}

/// How an operator reaches a robot by way of its broker, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OperatorConfig {
    /// The broker's root: `http://127.0.0.1:8787`.
    pub url: String,
    /// The operator's token.
    pub token: Secret,
    /// Which robot; `None`: the only one that the token is for.
    pub robot: Option<String>,
    /// The broker's session of the robot, instead of looking it up. It is not known any more when the robot has dialed
    /// again.
    pub session: Option<SessionId>,
    /// Whether to take the robot from another operator, at the first attempt. Later ones, after a lost connection, do not,
    /// or two such operators would take it from each other for ever.
    pub takeover: bool,
    /// The time between pings. 500 ms unless set.
    pub ping_every: Duration,
    /// After this long without a pong the robot counts as lost. 3 s unless set. After three times that, the robot is joined
    /// anew.
    pub robot_silence: Duration,
    /// The time within which the robot answers, or this attempt has failed. 10 s unless set.
    pub connect_timeout: Duration,
    /// Whether to dial again when the connection is lost. `true` unless set.
    pub redial: bool,
}

impl OperatorConfig {
    /// For the broker at this root, with an operator's token.
    ///
    /// # Errors
    /// When `url` is not an `http://` or `https://` URL, or the token is empty or cannot stand in a header.
    pub fn new(url: &str, token: &str) -> Result<OperatorConfig, ConfigError> {
        Ok(OperatorConfig {
            url: broker_root(url)?,
            token: credential("operator token", token)?,
            robot: None,
            session: None,
            takeover: false,
            ping_every: Duration::from_millis(500),
            robot_silence: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(10),
            redial: true,
        })
    }

    /// What `FARWIRE_BROKER`, `FARWIRE_OPERATOR_TOKEN` and, if it is set, `FARWIRE_ROBOT` say; without the first, the
    /// broker on this machine.
    ///
    /// # Errors
    /// When there is no token, or a value cannot be used. The error names the variable.
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<String>) -> Result<OperatorConfig, ConfigError> {
        let name = "FARWIRE_OPERATOR_TOKEN";
        let (url, token) = from_env(&mut lookup, name, "farwire keys create operator --all")?;
        let config = OperatorConfig::new(&url, &token).map_err(|error| error.of(name))?;
        Ok(match lookup("FARWIRE_ROBOT").filter(|robot| !robot.is_empty()) {
            Some(robot) => config.robot(&robot),
            None => config,
        })
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

    /// Sets whether to dial again when the connection is lost.
    pub fn redial(mut self, redial: bool) -> OperatorConfig {
        self.redial = redial;
        self
    }
}

/// The broker's URL, and what is asked for.
fn from_env(
    lookup: &mut impl FnMut(&str) -> Option<String>,
    name: &'static str,
    command: &'static str,
) -> Result<(String, String), ConfigError> {
    let mut variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let url = variable("FARWIRE_BROKER").unwrap_or_else(|| RobotConfig::LOCAL_URL.to_owned());
    let credential = variable(name).ok_or(ConfigError::NoCredential { name, command })?;
    Ok((url, credential))
}

fn credential(name: &'static str, text: &str) -> Result<Secret, ConfigError> {
    // What was pasted often ends in a line feed.
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ConfigError::AppSecret { name });
    }
    Ok(Secret::new(text))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
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
        let error = OperatorConfig::from_env(|name| (name == "FARWIRE_OPERATOR_TOKEN").then(|| "\u{1}".to_owned()));
        assert!(error.expect_err("no header").to_string().contains("FARWIRE_OPERATOR_TOKEN"));
        let config = OperatorConfig::from_env(|name| Some(format!("http://{name}"))).expect("all there");
        assert_eq!(config.robot.as_deref(), Some("http://FARWIRE_ROBOT"));
        assert!(!format!("{config:?}").contains("http://FARWIRE_OPERATOR_TOKEN"));
    }
}
