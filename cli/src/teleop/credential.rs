//! Which broker, and with what key.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use farwire::teleop::{OperatorConfig, OperatorSettings, RobotConfig, RobotSettings};
use farwire::{ConfigError, Secret};

use crate::failure::Failure;
use crate::local_keys::LocalKeys;
use crate::state::StateFile;

/// Bytes of the longest key file; what is longer is none.
const MAX_LEN: u64 = 4096;

/// The flags that both ends have.
#[derive(clap::Args)]
#[command(next_help_heading = "Which broker")]
pub(crate) struct Broker {
    /// The broker's root [default: that of the `farwire serve` on this machine, or http://127.0.0.1:8787]
    #[arg(long, env = "FARWIRE_BROKER", hide_env_values = true, value_name = "URL")]
    broker: Option<String>,
    #[command(flatten)]
    state: StateFile,
}

/// Which end of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Robot,
    Operator,
}

/// A secret, the broker that it is for, and where both come from. Not `Debug`: it is a secret.
pub(crate) struct Credential {
    pub(crate) broker: String,
    pub(crate) secret: String,
    /// For people.
    pub(crate) origin: String,
    pub(crate) side: Side,
}

impl Side {
    /// What its secret is called.
    pub(crate) fn secret(self) -> &'static str {
        match self {
            Side::Robot => "robot key",
            Side::Operator => "operator token",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Side::Robot => "FARWIRE_ROBOT_KEY",
            Side::Operator => "FARWIRE_OPERATOR_TOKEN",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Side::Robot => "--key-file",
            Side::Operator => "--token-file",
        }
    }

    fn maker(self) -> &'static str {
        match self {
            Side::Robot => "farwire keys create robot ROBOT",
            Side::Operator => "farwire keys create operator --all",
        }
    }

    fn of(self, keys: LocalKeys) -> String {
        match self {
            Side::Robot => keys.robot_key,
            Side::Operator => keys.operator_token,
        }
    }
}

impl Broker {
    /// Settles broker and key: a file that was named, then the variables, then what `farwire serve` left on this machine.
    pub(crate) fn robot(&self, file: Option<&Path>) -> Result<(RobotConfig, Credential), Failure> {
        let own = RobotSettings::from_env(variable).map_err(Failure::usage)?;
        let dimos = RobotSettings::from_dimos_env(variable).map_err(Failure::usage)?;
        let asked = Asked {
            side: Side::Robot,
            broker: self.given(),
            file,
            own: Given { broker: own.url.clone(), secret: own.key.clone(), variable: own.variable("key") },
            dimos: Given { broker: dimos.url.clone(), secret: dimos.key.clone(), variable: dimos.variable("key") },
        };
        let credential = self.settle(asked)?;
        let mut settings = own.or(dimos);
        settings.url = Some(credential.broker.clone());
        settings.key = Some(Secret::new(&credential.secret));
        Ok((settings.try_into().map_err(Failure::usage)?, credential))
    }

    /// The same for an operator, whose token is its key.
    pub(crate) fn operator(&self, file: Option<&Path>) -> Result<(OperatorConfig, Credential), Failure> {
        let own = OperatorSettings::from_env(variable).map_err(Failure::usage)?;
        let dimos = OperatorSettings::from_dimos_env(variable).map_err(Failure::usage)?;
        let asked = Asked {
            side: Side::Operator,
            broker: self.given(),
            file,
            own: Given { broker: own.url.clone(), secret: own.token.clone(), variable: own.variable("token") },
            dimos: Given { broker: dimos.url.clone(), secret: dimos.token.clone(), variable: dimos.variable("token") },
        };
        let credential = self.settle(asked)?;
        let mut settings = own.or(dimos);
        settings.url = Some(credential.broker.clone());
        settings.token = Some(Secret::new(&credential.secret));
        Ok((settings.try_into().map_err(Failure::usage)?, credential))
    }

    /// The broker's root, if somebody gave one to this command.
    fn given(&self) -> Option<&str> {
        self.broker.as_deref().filter(|broker| !broker.is_empty())
    }

    fn settle(&self, asked: Asked<'_>) -> Result<Credential, Failure> {
        asked.settle(|| {
            // Without a home directory there is no such file either.
            let path = LocalKeys::path(&self.state.path().ok()?);
            let keys = LocalKeys::read(&path).transpose()?;
            Some((path, keys))
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What was asked for.
struct Asked<'a> {
    side: Side,
    /// By flag, or by farwire's variable.
    broker: Option<&'a str>,
    file: Option<&'a Path>,
    own: Given,
    dimos: Given,
}

/// What is in variables.
#[derive(Default)]
struct Given {
    broker: Option<String>,
    secret: Option<Secret>,
    /// Which one has the secret.
    variable: Option<&'static str>,
}

impl Given {
    fn credential(&self) -> Option<(&Secret, &'static str)> {
        Some((self.secret.as_ref()?, self.variable?))
    }
}

impl Asked<'_> {
    fn settle(self, local: impl FnOnce() -> Option<(PathBuf, io::Result<LocalKeys>)>) -> Result<Credential, Failure> {
        let side = self.side;
        let named = self.broker.or(self.own.broker.as_deref()).or(self.dimos.broker.as_deref());
        let broker = named.unwrap_or(RobotConfig::LOCAL_URL).to_owned();
        let help = format!("export {}, or pass {} FILE; `{}` makes one", side.variable(), side.flag(), side.maker());
        if let Some(path) = self.file {
            let origin = format!("{} {}", side.flag(), path.display());
            let secret = read(path).map_err(|error| Failure::usage(format_args!("{origin}: {error}")))?;
            return Ok(Credential { broker, secret, origin, side });
        }
        // A key of DimOS's is for a broker that somebody named, and for no other.
        let dimos = self.dimos.credential();
        if let Some((secret, variable)) = self.own.credential().or(dimos.filter(|_| named.is_some())) {
            let (secret, origin) = (secret.reveal().trim().to_owned(), variable.to_owned());
            return Ok(Credential { broker, secret, origin, side });
        }
        let Some((path, keys)) = local() else {
            if let Some((_, name)) = dimos {
                return Err(Failure::usage(ConfigError::NoBroker { name }));
            }
            return Err(Failure::usage(format_args!(
                "no {}: start `farwire serve` on this machine, whose first start leaves one; or {help}",
                side.secret()
            )));
        };
        let keys = keys.map_err(|error| Failure::usage(format_args!("{}: {error}; or {help}", path.display())))?;
        // A key is for its own broker; another one is not to see it.
        if named.is_some_and(|asked| root(asked) != root(&keys.broker)) {
            return Err(Failure::usage(format_args!(
                "no {} for {broker}: the one in {} is for {}; {help}",
                side.secret(),
                path.display(),
                keys.broker
            )));
        }
        let broker = keys.broker.clone();
        Ok(Credential { broker, secret: side.of(keys), origin: path.display().to_string(), side })
    }
}

fn root(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// The one line of a key file. What is wrong with it is said without what is in it.
fn read(path: &Path) -> io::Result<String> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it holds no text"))?;
    match text.trim() {
        "" => Err(wrong("it is empty")),
        key if text.len() as u64 > MAX_LEN || key.contains(char::is_whitespace) => {
            Err(wrong("it should hold one key and nothing else"))
        }
        key => Ok(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(broker: Option<&'a str>, variable: Option<&str>) -> Asked<'a> {
        let own = given(None, variable.map(|secret| ("FARWIRE_ROBOT_KEY", secret)));
        Asked { side: Side::Robot, broker, file: None, own, dimos: Given::default() }
    }

    fn given(broker: Option<&str>, secret: Option<(&'static str, &str)>) -> Given {
        Given {
            broker: broker.map(str::to_owned),
            secret: secret.map(|(_, secret)| Secret::new(secret)),
            variable: secret.map(|(variable, _)| variable),
        }
    }

    fn local() -> Option<(PathBuf, io::Result<LocalKeys>)> {
        let [broker, robot_key, operator_token] = ["http://127.0.0.1:9", "hunter2", "hunter3"].map(str::to_owned);
        Some((PathBuf::from("/state/keys.json"), Ok(LocalKeys { broker, robot_key, operator_token })))
    }

    fn usage(settled: Result<Credential, Failure>) -> String {
        match settled {
            Err(Failure::Usage(why)) => why,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it was settled"),
        }
    }

    #[test]
    fn on_the_brokers_machine_nothing_is_needed() {
        let robot = asked(None, None).settle(local).expect("settled");
        assert_eq!((robot.broker.as_str(), robot.secret.as_str()), ("http://127.0.0.1:9", "hunter2"));
        assert_eq!(robot.origin, "/state/keys.json");
        let operator = Asked { side: Side::Operator, ..asked(Some("http://127.0.0.1:9/"), None) };
        assert_eq!(operator.settle(local).expect("settled").secret, "hunter3");
    }

    #[test]
    fn the_variable_goes_before_what_lies_around() {
        let settled = asked(None, Some("mine\n")).settle(local).expect("settled");
        assert_eq!((settled.broker.as_str(), settled.secret.as_str()), (RobotConfig::LOCAL_URL, "mine"));
        assert_eq!(settled.origin, "FARWIRE_ROBOT_KEY");
        let far = asked(Some("https://far.test"), Some("mine")).settle(local).expect("settled");
        assert_eq!(far.broker, "https://far.test");
    }

    #[test]
    fn the_variables_of_dimos_count_for_a_broker_that_is_named() {
        let dimos = || given(None, Some(("TELEOP_API_KEY", "theirs")));
        let far = || given(Some("https://far.test"), Some(("TELEOP_API_KEY", "theirs")));
        // Named by DimOS's variable, or by farwire's, which goes first.
        let settled = Asked { dimos: far(), ..asked(None, None) }.settle(local).expect("settled");
        assert_eq!((settled.broker.as_str(), settled.secret.as_str()), ("https://far.test", "theirs"));
        assert_eq!(settled.origin, "TELEOP_API_KEY");
        let settled = Asked { dimos: far(), ..asked(Some("https://near.test"), None) }.settle(local).expect("settled");
        assert_eq!((settled.broker.as_str(), settled.secret.as_str()), ("https://near.test", "theirs"));
        let settled = Asked { dimos: far(), ..asked(None, Some("mine")) }.settle(local).expect("settled");
        assert_eq!((settled.broker.as_str(), settled.secret.as_str()), ("https://far.test", "mine"));
        // Named by nobody: this machine's own, or none.
        let settled = Asked { dimos: dimos(), ..asked(None, None) }.settle(local).expect("settled");
        assert_eq!((settled.broker.as_str(), settled.secret.as_str()), ("http://127.0.0.1:9", "hunter2"));
        let why = usage(Asked { dimos: dimos(), ..asked(None, None) }.settle(|| None));
        assert!(why.contains("TELEOP_API_KEY") && why.contains("FARWIRE_BROKER") && !why.contains("theirs"), "{why}");
        // Its broker is another one than that of the key which lies around.
        let why = usage(Asked { dimos: given(Some("https://far.test"), None), ..asked(None, None) }.settle(local));
        assert!(why.contains("https://far.test") && !why.contains("hunter"), "{why}");
    }

    #[test]
    fn a_local_key_goes_to_no_other_broker() {
        let why = usage(asked(Some("https://far.test"), None).settle(local));
        for word in ["https://far.test", "http://127.0.0.1:9", "FARWIRE_ROBOT_KEY", "--key-file"] {
            assert!(why.contains(word), "no {word} in {why}");
        }
        assert!(!why.contains("hunter"), "{why}");
    }

    #[test]
    fn what_is_missing_is_said_with_the_way_out() {
        let why = usage(asked(None, None).settle(|| None));
        assert!(why.contains("no robot key") && why.contains("farwire keys create robot"), "{why}");
        let damaged = || Some((PathBuf::from("/state/keys.json"), Err(io::Error::other("it is damaged"))));
        let why = usage(asked(None, None).settle(damaged));
        assert!(why.contains("/state/keys.json: it is damaged") && why.contains("--key-file"), "{why}");
    }

    #[test]
    fn key_files_hold_one_key() {
        let path = std::env::temp_dir().join(format!("farwire-credential-{}", std::process::id()));
        let settle = |content: &[u8]| {
            std::fs::write(&path, content).expect("written");
            Asked { file: Some(&path), ..asked(None, Some("other")) }.settle(|| None)
        };
        assert_eq!(settle(b" hunter2\n").expect("settled").secret, "hunter2");
        for wrong in [b"" as &[u8], b"\n", b"hunter2 hunter3", b"\xff", &[b'x'; 5000]] {
            let why = usage(settle(wrong));
            assert!(why.contains("--key-file") && !why.contains("hunter"), "{why}");
        }
        std::fs::remove_file(&path).expect("removed");
    }
}
