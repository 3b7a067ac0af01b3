//! Which SFU, and who we are to it: flags, then the environment, then a file, then the defaults for this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use farwire::Settings;
use farwire::{Config, ConfigError, ConnectError, Connection, EndReason, Secret, SessionId, Stage};

use crate::failure::Failure;

/// Where `farwire serve` listens unless told otherwise.
pub(crate) const DEFAULT_URL: &str = Config::LOCAL_URL;
/// The app that `farwire serve` serves unless told otherwise.
pub(crate) const LOCAL_APP_ID: &str = Config::LOCAL_APP_ID;
/// Its secret, which everybody knows.
pub(crate) const LOCAL_APP_SECRET: &str = Config::LOCAL_APP_SECRET;

/// The flags that every command has which talks to an SFU. Not `Debug`: it holds the secret.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Which SFU")]
pub(crate) struct Target {
    /// Settings from a .toml or .json file: url, app_id, app_secret, publisher_session, connect_timeout (in seconds);
    /// flags and variables go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// API root of the SFU [default: http://127.0.0.1:8787/v1]
    #[arg(long, env = "FARWIRE_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    app: App,
}

/// The app and its secret, for those who call the API and for those who serve it.
#[derive(clap::Args, Clone)]
pub(crate) struct App {
    /// The app's id [default on loopback: farwire]
    #[arg(long, env = "FARWIRE_APP_ID", hide_env_values = true, value_name = "ID")]
    app_id: Option<String>,
    /// The app's secret; other users of this machine can see flags, so prefer the variable
    /// [default on loopback: farwire-local]
    #[arg(long, env = "FARWIRE_APP_SECRET", hide_env_values = true, value_name = "SECRET")]
    app_secret: Option<String>,
}

impl App {
    /// The id and the secret as given; an empty variable is one that is not set.
    pub(crate) fn given(&self) -> (Option<&str>, Option<&str>) {
        (given(self.app_id.as_deref()), given(self.app_secret.as_deref()))
    }
}

/// An SFU as the commands use it, with everything settled.
#[derive(Clone)]
pub(crate) struct Sfu {
    pub(crate) config: Config,
}

impl Target {
    /// Whether somebody chose the SFU, by flag, variable or file.
    pub(crate) fn is_given(&self) -> bool {
        given(self.url.as_deref()).is_some() || self.config.is_some()
    }

    /// Settles every setting, or names the one that is missing.
    pub(crate) fn resolve(&self) -> Result<Sfu, Failure> {
        self.resolve_in(|name| std::env::var(name).ok())
    }

    fn resolve_in(&self, mut environment: impl FnMut(&str) -> Option<String>) -> Result<Sfu, Failure> {
        let (app_id, app_secret) = self.app.given();
        let mut flags = Settings::default();
        flags.url = given(self.url.as_deref()).map(str::to_owned);
        flags.app_id = app_id.map(str::to_owned);
        flags.app_secret = app_secret.map(Secret::new);
        let own = Settings::from_env(&mut environment).map_err(Failure::usage)?;
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let mut settings = flags.or(own).or(file);
        // An app of DimOS's is on Cloudflare. It is no reason to leave this machine unless somebody names an SFU.
        if settings.url.is_some() {
            settings = settings.or(Settings::from_dimos_env(environment).map_err(Failure::usage)?);
        }
        match Config::try_from(settings) {
            Ok(config) => Ok(Sfu { config }),
            Err(ConfigError::Missing { name, url }) => Err(missing(name, &url)),
            Err(error) => Err(Failure::usage(format_args!("cannot use these settings: {error}"))),
        }
    }
}

impl Sfu {
    /// An SFU of this process with its default credentials.
    pub(crate) fn local(url: &str) -> Result<Sfu, Failure> {
        let config = Config::new(url, LOCAL_APP_ID, LOCAL_APP_SECRET).map_err(Failure::failed)?;
        Ok(Sfu { config })
    }

    /// The publisher to subscribe to, if the settings name one.
    pub(crate) fn publisher_session(&self) -> Option<&str> {
        self.config.publisher_session.as_ref().map(SessionId::as_str)
    }

    /// Connects, with a word on what to do when it fails. Which publisher to subscribe to is for the caller to say.
    pub(crate) fn connect(&self, publisher_session: Option<&str>) -> Result<Connection, Failure> {
        self.connect_within(self.config.connect_timeout, publisher_session)
    }

    /// [`Sfu::connect`] with a deadline of one's own.
    pub(crate) fn connect_within(
        &self,
        timeout: Duration,
        publisher_session: Option<&str>,
    ) -> Result<Connection, Failure> {
        let config = self.config_for(timeout, publisher_session)?;
        farwire::connect(config).map_err(|error| match &error {
            ConnectError::Ended(why) => self.explain(&error, Some(why)),
            _ => self.explain(&error, None),
        })
    }

    /// [`Sfu::connect`] by farwire for tokio, with whatever runs its future.
    pub(crate) fn dial<C>(
        &self,
        publisher_session: Option<&str>,
        connect: impl FnOnce(Config) -> Result<C, farwire::tokio::ConnectError>,
    ) -> Result<C, Failure> {
        let config = self.config_for(self.config.connect_timeout, publisher_session)?;
        connect(config).map_err(|error| match &error {
            farwire::tokio::ConnectError::Ended(why) => self.explain(&error, Some(why)),
            _ => self.explain(&error, None),
        })
    }

    fn config_for(&self, timeout: Duration, publisher_session: Option<&str>) -> Result<Config, Failure> {
        // Who reads a printed session's topics would not find them in the session that reconnecting makes: better an end.
        let mut config = self.config.clone().connect_timeout(timeout).reconnect(false);
        config.publisher_session = None;
        if let Some(session) = publisher_session {
            config = config
                .publisher_session(session)
                .map_err(|error| Failure::usage(format_args!("cannot subscribe from session {session:?}: {error}")))?;
        }
        Ok(config)
    }

    fn explain(&self, error: &dyn std::error::Error, why: Option<&EndReason>) -> Failure {
        let hint = match why {
            Some(why) if self.config.is_loopback() && is_unanswered(why) => {
                "\n       is an SFU running there? `farwire serve` starts one"
            }
            _ => "",
        };
        Failure::failed(format_args!("cannot connect to {}: {error}{hint}", self.config.url))
    }
}

/// Reads a settings file by its extension.
fn read(path: &Path) -> Result<Settings, Failure> {
    let shown = path.display();
    let read: fn(&str) -> Result<Settings, ConfigError> = match path.extension().and_then(|end| end.to_str()) {
        Some("toml") => Settings::from_toml,
        Some("json") => Settings::from_json,
        _ => {
            return Err(Failure::usage(format_args!("--config {shown}: name it .toml or .json, for what is inside")));
        }
    };
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format_args!("--config {shown}: cannot read it: {error}")))?;
    read(&text).map_err(|error| Failure::usage(format_args!("--config {shown}: {error}")))
}

/// Says where a setting can come from.
fn missing(name: &str, url: &str) -> Failure {
    let (variable, flag) = match name {
        "app_id" => ("FARWIRE_APP_ID", "--app-id"),
        _ => ("FARWIRE_APP_SECRET", "--app-secret"),
    };
    Failure::usage(format_args!(
        "{variable} is not set: export it, or pass {flag}, or a --config file with {name} (for {url})"
    ))
}

/// Whether nobody is at the other end.
fn is_unanswered(why: &EndReason) -> bool {
    match why {
        EndReason::TimedOut { stage, .. } => matches!(stage, Stage::Contact(_)),
        EndReason::Api(error) => error.failure().is_some() && !error.is_foreign(),
        _ => false,
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: Option<&str>, app_secret: Option<&str>) -> Target {
        let [url, app_secret] = [url, app_secret].map(|value| value.map(str::to_owned));
        Target { config: None, url, app: App { app_id: Some("app".to_owned()), app_secret } }
    }

    fn resolve(target: &Target) -> Result<Config, Failure> {
        target.resolve_in(|_| None).map(|sfu| sfu.config)
    }

    #[test]
    fn only_loopback_has_defaults() {
        for local in ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:1/v1", "http://127.9.9.9/v1"] {
            let config = resolve(&target(Some(local), None)).expect(local);
            assert_eq!(config.app_secret.reveal(), LOCAL_APP_SECRET);
        }
        for far in ["http://192.168.1.5:8787/v1", "https://example.com/v1", "http://127.0.0.1.example.com/v1"] {
            for secret in [None, Some("")] {
                let Err(Failure::Usage(what)) = resolve(&target(Some(far), secret)) else {
                    panic!("{far} needs a secret")
                };
                assert!(what.contains("FARWIRE_APP_SECRET is not set") && what.contains("--app-secret"), "{what}");
            }
            let config = resolve(&target(Some(far), Some("own"))).expect(far);
            assert_eq!(config.app_secret.reveal(), "own");
        }
    }

    #[test]
    fn an_app_of_dimos_counts_for_an_sfu_that_is_named() {
        let dimos = |name: &str| name.starts_with("CF_TELEOP_APP").then(|| "theirs".to_owned());
        let unnamed = Target { app: App { app_id: None, app_secret: None }, ..target(None, None) };
        let local = unnamed.resolve_in(dimos).map_err(|_| ()).expect("this machine's").config;
        assert_eq!((local.url.as_str(), local.app_secret.reveal()), (Config::LOCAL_URL, LOCAL_APP_SECRET));
        let named = Target { url: Some(Config::CLOUDFLARE_URL.to_owned()), ..unnamed };
        let far = named.resolve_in(dimos).map_err(|_| ()).expect("all is there").config;
        assert_eq!((far.app_id.as_str(), far.app_secret.reveal()), ("theirs", "theirs"));
        let own = target(Some(Config::CLOUDFLARE_URL), Some("own")).resolve_in(dimos);
        let own = own.map_err(|_| ()).expect("all is there").config;
        assert_eq!((own.app_id.as_str(), own.app_secret.reveal()), ("app", "own"));
    }

    #[test]
    fn flags_go_before_the_environment_and_the_environment_before_the_file() {
        let path = std::env::temp_dir().join(format!("farwire-settings-{}.toml", std::process::id()));
        let file =
            "url = 'http://file.example/v1'\napp_secret = 'file'\npublisher_session = 'file'\nconnect_timeout = 3";
        fs::write(&path, file).expect("written");
        let target = Target { config: Some(path.clone()), ..target(Some("http://flag.example/v1"), None) };
        let environment = |name: &str| match name {
            "FARWIRE_URL" => Some("http://variable.example/v1".to_owned()),
            "FARWIRE_PUBLISHER_SESSION" => Some("variable".to_owned()),
            _ => None,
        };
        let sfu = target.resolve_in(environment).map_err(|_| ()).expect("good settings");
        let _ = fs::remove_file(&path);
        assert_eq!((sfu.config.url.as_str(), sfu.config.app_id.as_str()), ("http://flag.example/v1", "app"));
        assert_eq!(sfu.publisher_session(), Some("variable"));
        assert_eq!((sfu.config.app_secret.reveal(), sfu.config.connect_timeout), ("file", Duration::from_secs(3)));
    }
}
