//! What robots and operators configure alike.

use std::time::Duration;

use crate::config::{MAX_NAME, broker_root, parse_seconds, seconds};
use crate::{ConfigError, Secret};

/// Where `farwire serve` listens unless told otherwise.
pub(in crate::provider) const LOCAL_URL: &str = "http://127.0.0.1:8787";

/// Times are at least this long, and at most an hour.
pub(in crate::provider) const TIMES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));

/// What the URL is called where code gives it.
pub(in crate::provider) const URL: &str = "the broker's URL (FARWIRE_BROKER)";

/// The broker's root, and what lets in there; both have a name for errors.
pub(in crate::provider) fn access(
    (url_name, url): (&'static str, &str),
    (name, text): (&'static str, &str),
) -> Result<(String, Secret), ConfigError> {
    let root = broker_root(url_name, url)?;
    // What was pasted often ends in a line feed.
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ConfigError::AppSecret { name });
    }
    Ok((root, Secret::new(text)))
}

/// [`access`] as settings have it.
pub(in crate::provider) struct Asked<'a> {
    pub(in crate::provider) url: Option<&'a str>,
    /// The name of the field, and what is in it.
    pub(in crate::provider) credential: (&'static str, Option<&'a Secret>),
    /// The key or token came from a variable of DimOS's.
    pub(in crate::provider) is_dimos: bool,
    /// What makes a key or token.
    pub(in crate::provider) command: &'static str,
}

impl Asked<'_> {
    /// Settles which broker. A key of DimOS's is for no broker unless somebody names one: the hosted one is dialed by
    /// nobody who did not ask for it, and the one on this machine has keys of its own.
    pub(in crate::provider) fn settle(self) -> Result<(String, Secret), ConfigError> {
        let (name, secret) = self.credential;
        let secret = secret.ok_or(ConfigError::NoCredential { name, command: self.command })?;
        let url = match self.url {
            None if self.is_dimos => return Err(ConfigError::NoBroker { name }),
            url => url.unwrap_or(LOCAL_URL),
        };
        access(("url", url), (name, secret.reveal()))
    }
}

/// Sets a time, if somebody gave one.
pub(in crate::provider) fn set_time(
    time: &mut Duration,
    name: &'static str,
    given: Option<f64>,
) -> Result<(), ConfigError> {
    if let Some(number) = given {
        *time = seconds(name, number, TIMES)?;
    }
    Ok(())
}

/// Reads a variable with a time in seconds.
pub(in crate::provider) fn time(name: &'static str, value: &str) -> Result<f64, ConfigError> {
    parse_seconds(name, value, TIMES)
}

/// Reads a variable that says how often a second, as the time in between.
pub(in crate::provider) fn rate(name: &'static str, value: &str) -> Result<f64, ConfigError> {
    let wrong = || ConfigError::rate(name, value, TIMES);
    let pause = value.trim().parse().map_err(|_| wrong()).map(f64::recip)?;
    seconds(name, pause, TIMES).map_err(|_| wrong())?;
    Ok(pause)
}

pub(in crate::provider) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
