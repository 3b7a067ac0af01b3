//! What robots and operators configure alike.

use std::time::Duration;

use crate::{ConfigError, Secret};

/// Where `farwire serve` listens unless told otherwise.
pub(in crate::provider) const LOCAL_URL: &str = "http://127.0.0.1:8787";

/// Times are at least this long, and at most an hour.
pub(in crate::provider) const TIMES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));

/// The longest name that is told to a broker, in characters.
const MAX_NAME: usize = 256;

/// The broker's URL, and what is asked for.
pub(in crate::provider) fn from_env(
    lookup: &mut impl FnMut(&str) -> Option<String>,
    name: &'static str,
    command: &'static str,
) -> Result<(String, String), ConfigError> {
    let mut variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let url = variable("FARWIRE_BROKER").unwrap_or_else(|| LOCAL_URL.to_owned());
    let credential = variable(name).ok_or(ConfigError::NoCredential { name, command })?;
    Ok((url, credential))
}

pub(in crate::provider) fn credential(name: &'static str, text: &str) -> Result<Secret, ConfigError> {
    // What was pasted often ends in a line feed.
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ConfigError::AppSecret { name });
    }
    Ok(Secret::new(text))
}

pub(in crate::provider) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
