//! What values may be, for all kinds of configurations.

use std::time::Duration;

use super::ConfigError;
use super::error::shown;

/// The longest name or id that is told to a broker, in characters.
pub(crate) const MAX_NAME: usize = 256;

/// A time of so many seconds, if that is within its bounds, the shortest and the longest.
pub(crate) fn seconds(name: &'static str, number: f64, bounds: (Duration, Duration)) -> Result<Duration, ConfigError> {
    let time = Duration::try_from_secs_f64(number).ok().filter(|time| (bounds.0..=bounds.1).contains(time));
    time.ok_or_else(|| ConfigError::time(name, &number.to_string(), bounds))
}

/// Checks a name or an id.
pub(crate) fn name(name: &'static str, given: String) -> Result<String, ConfigError> {
    let is_good = given.chars().count() <= MAX_NAME && !given.contains(char::is_control);
    if is_good { Ok(given) } else { Err(ConfigError::Name { name, given: shown(&given) }) }
}
