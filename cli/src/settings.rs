//! Which SFU, and who we are to it: flags, then the environment, then the defaults for this machine.

use std::net::IpAddr;
use std::time::Duration;

use farwire_blocking::{ApiError, Config, ConnectError, Connection, EndReason, Stage};

use crate::failure::Failure;

/// Where `farwire serve` listens unless told otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8787/v1";
/// The app that `farwire serve` serves unless told otherwise.
pub(crate) const LOCAL_APP_ID: &str = "farwire";
/// Everybody knows it, so it only counts where nobody else can reach: on loopback.
pub(crate) const LOCAL_APP_SECRET: &str = "farwire-local";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The flags that every command has which talks to an SFU. Not `Debug`: it holds the secret.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Which SFU")]
pub(crate) struct Target {
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
    pub(crate) url: String,
    pub(crate) app_id: String,
    pub(crate) app_secret: String,
    /// Whether only this machine can be at the other end.
    pub(crate) loopback: bool,
}

impl Target {
    /// Whether somebody chose the SFU, by flag or variable.
    pub(crate) fn url_given(&self) -> bool {
        given(self.url.as_deref()).is_some()
    }

    /// Settles every setting, or names the one that is missing.
    pub(crate) fn resolve(&self) -> Result<Sfu, Failure> {
        let url = given(self.url.as_deref()).unwrap_or(DEFAULT_URL).trim_end_matches('/');
        let host = host_and_port(url).map(|(host, _)| host).ok_or_else(|| {
            Failure::usage(format_args!(
                "FARWIRE_URL or --url is {url:?}, which is no API root: it should look like {DEFAULT_URL}"
            ))
        })?;
        let loopback = is_loopback(host);
        let settle = |value: Option<&str>, default: &str, variable: &str, flag: &str| match value {
            Some(value) => Ok(value.to_owned()),
            None if loopback => Ok(default.to_owned()),
            None => Err(Failure::usage(format_args!("{variable} is not set: export it, or pass {flag} (for {url})"))),
        };
        let (app_id, app_secret) = self.app.given();
        Ok(Sfu {
            url: url.to_owned(),
            app_id: settle(app_id, LOCAL_APP_ID, "FARWIRE_APP_ID", "--app-id")?,
            app_secret: settle(app_secret, LOCAL_APP_SECRET, "FARWIRE_APP_SECRET", "--app-secret")?,
            loopback,
        })
    }
}

impl Sfu {
    /// An SFU of this machine with its default credentials.
    pub(crate) fn local(url: String) -> Sfu {
        Sfu { url, app_id: LOCAL_APP_ID.to_owned(), app_secret: LOCAL_APP_SECRET.to_owned(), loopback: true }
    }

    /// Connects, with a word on what to do when it fails.
    pub(crate) fn connect(&self, publisher_session: Option<&str>) -> Result<Connection, Failure> {
        self.connect_within(CONNECT_TIMEOUT, publisher_session)
    }

    /// [`Sfu::connect`] with a deadline of one's own.
    pub(crate) fn connect_within(
        &self,
        timeout: Duration,
        publisher_session: Option<&str>,
    ) -> Result<Connection, Failure> {
        let mut config = Config::new(&self.url, &self.app_id, &self.app_secret)
            .map_err(|error| Failure::usage(format_args!("cannot use these settings: {error}")))?
            .connect_timeout(timeout);
        if let Some(session) = publisher_session {
            config = config
                .publisher_session(session)
                .map_err(|error| Failure::usage(format_args!("cannot subscribe from session {session:?}: {error}")))?;
        }
        farwire_blocking::connect(config).map_err(|error| {
            let hint = match &error {
                ConnectError::Ended(why) if self.loopback && is_unanswered(why) => {
                    "\n       is an SFU running there? `farwire serve` starts one"
                }
                _ => "",
            };
            Failure::failed(format_args!("cannot connect to {}: {error}{hint}", self.url))
        })
    }

    /// The URL's port, which tells one SFU of this machine from another.
    pub(crate) fn port(&self) -> u16 {
        let default = if self.url.starts_with("https:") { 443 } else { 80 };
        host_and_port(&self.url).and_then(|(_, port)| port).unwrap_or(default)
    }
}

/// Whether nobody is at the other end.
fn is_unanswered(why: &EndReason) -> bool {
    matches!(why, EndReason::TimedOut { stage: Stage::Create, .. } | EndReason::Api(ApiError::Http { .. }))
}

fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// Whether a host can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host (an IPv6 address without its brackets) and the port, if the URL names one.
pub(crate) fn host_and_port(url: &str) -> Option<(&str, Option<u16>)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // `http://127.0.0.1@elsewhere/` goes elsewhere.
    let address = authority.rsplit('@').next()?;
    let (host, port) = match address.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = port.map(str::parse).transpose().ok()?;
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, app_secret: Option<&str>) -> Target {
        let app_secret = app_secret.map(str::to_owned);
        Target { url: Some(url.to_owned()), app: App { app_id: Some("app".to_owned()), app_secret } }
    }

    #[test]
    fn hosts_and_ports() {
        assert_eq!(host_and_port("http://127.0.0.1:8787/v1"), Some(("127.0.0.1", Some(8787))));
        assert_eq!(host_and_port("https://rtc.live.cloudflare.com/v1"), Some(("rtc.live.cloudflare.com", None)));
        assert_eq!(host_and_port("http://[::1]:9/v1"), Some(("::1", Some(9))));
        assert_eq!(host_and_port("http://[::1]/v1"), Some(("::1", None)));
        assert_eq!(host_and_port("http://127.0.0.1@far.example:1/v1"), Some(("far.example", Some(1))));
        for wrong in ["127.0.0.1:8787", "ftp://127.0.0.1", "http://", "http://host:port/", "http://[::1", ""] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_loopback_has_defaults() {
        for local in ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:1/v1", "http://127.9.9.9/v1"] {
            assert_eq!(target(local, None).resolve().expect(local).app_secret, LOCAL_APP_SECRET);
        }
        for far in ["http://192.168.1.5:8787/v1", "https://example.com/v1", "http://127.0.0.1.example.com/v1"] {
            for secret in [None, Some("")] {
                let Err(Failure::Usage(what)) = target(far, secret).resolve() else { panic!("{far} needs a secret") };
                assert!(what.contains("FARWIRE_APP_SECRET is not set") && what.contains("--app-secret"), "{what}");
            }
            assert_eq!(target(far, Some("own")).resolve().expect(far).app_secret, "own");
        }
    }
}
