//! What is wrong with a configuration.

use std::time::Duration;

use super::bounds::MAX_NAME;
use super::session_id::MAX_ID;

/// The most that is repeated of what was given, in characters.
const SHOWN: usize = 200;

/// Why a configuration cannot be used. `name` is what the setting is called where it came from: `app_id`, or
/// `FARWIRE_APP_ID` in the environment. No variant holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not an absolute URL of an API's root.
    #[error("{name} is {url:?}, not the root of an API, which looks like https://rtc.live.cloudflare.com/v1")]
    Url {
        /// The setting.
        name: &'static str,
        /// What was given, but for passwords and queries in it.
        url: String,
    },
    /// Not an app id.
    #[error("{name} is {app_id:?}, but an app id is 1 to {MAX_ID} characters of A-Z a-z 0-9 _ . -")]
    AppId {
        /// The setting.
        name: &'static str,
        /// What was given.
        app_id: String,
    },
    /// Not a secret; it is not repeated.
    #[error("{name} is empty, or has spaces or other characters that no HTTP header can hold: copy it once more")]
    AppSecret {
        /// The setting.
        name: &'static str,
    },
    /// Not a session id.
    #[error("{name} is {session:?}, but a session id is 1 to {MAX_ID} characters of A-Z a-z 0-9 _ . -")]
    PublisherSession {
        /// The setting.
        name: &'static str,
        /// What was given.
        session: String,
    },
    /// Not a time within its bounds.
    #[error(
        "{name} is {given:?}, but it is a number of seconds from {} to {}",
        .shortest.as_secs_f64(),
        .longest.as_secs_f64()
    )]
    Time {
        /// The setting.
        name: &'static str,
        /// What was given.
        given: String,
        /// The least that can be used.
        shortest: Duration,
        /// The most that can be used.
        longest: Duration,
    },
    /// Not a rate within its bounds.
    #[error(
        "{name} is {given:?}, but it is so many a second that {} to {} seconds lie in between",
        .shortest.as_secs_f64(),
        .longest.as_secs_f64()
    )]
    Rate {
        /// The setting.
        name: &'static str,
        /// What was given.
        given: String,
        /// The least time in between that can be used.
        shortest: Duration,
        /// The most time in between that can be used.
        longest: Duration,
    },
    /// Not the name or id of a robot.
    #[error("{name} is {given:?}, but it has at most {MAX_NAME} characters, and no control character")]
    Name {
        /// The setting.
        name: &'static str,
        /// What was given.
        given: String,
    },
    /// It has a default on loopback alone.
    #[error("{name} is not set: {url} is not this machine, so give the one of your app there")]
    Missing {
        /// The setting.
        name: &'static str,
        /// The API's root.
        url: String,
    },
    /// Not the root of a broker.
    #[error("{name} is {url:?}, not the root of a broker, which looks like http://127.0.0.1:8787")]
    Broker {
        /// The setting.
        name: &'static str,
        /// What was given, but for passwords and queries in it.
        url: String,
    },
    /// A key or token in a variable of DimOS's, but no broker that it is for.
    #[error(
        "{name} is set, but no broker that it is for: set FARWIRE_BROKER or TRANSPORTS__BROKER__BROKER_URL to the \
         broker's root, such as https://api.dimensional.org for the one that DimOS hosts, or http://127.0.0.1:8787 for \
         `farwire serve` on this machine"
    )]
    NoBroker {
        /// The variable of the key or token.
        name: &'static str,
    },
    /// A key or token that a broker wants is missing.
    #[error("{name} is not set: `farwire serve` prints one at its first start, and `{command}` makes more")]
    NoCredential {
        /// The setting.
        name: &'static str,
        /// What makes one.
        command: &'static str,
    },
    /// The text cannot be read, or has a field that no configuration has.
    #[error("this is no configuration in {format}: {what}")]
    Text {
        /// `TOML` or `JSON`.
        format: &'static str,
        /// What is wrong, and where.
        what: String,
    },
}

impl ConfigError {
    /// Calls the setting as `name_of` does, if that knows it.
    pub(crate) fn renamed(mut self, name_of: impl FnOnce(&'static str) -> Option<&'static str>) -> ConfigError {
        match &mut self {
            ConfigError::Url { name, .. }
            | ConfigError::AppId { name, .. }
            | ConfigError::AppSecret { name }
            | ConfigError::PublisherSession { name, .. }
            | ConfigError::Time { name, .. }
            | ConfigError::Rate { name, .. }
            | ConfigError::Name { name, .. }
            | ConfigError::Missing { name, .. }
            | ConfigError::Broker { name, .. }
            | ConfigError::NoBroker { name }
            | ConfigError::NoCredential { name, .. } => *name = name_of(name).unwrap_or(name),
            ConfigError::Text { .. } => {}
        }
        self
    }

    /// Not a session id.
    pub(crate) fn session(name: &'static str, given: &str) -> ConfigError {
        ConfigError::PublisherSession { name, session: shown(given) }
    }

    /// Not a time within these bounds.
    pub(crate) fn time(name: &'static str, given: &str, (shortest, longest): (Duration, Duration)) -> ConfigError {
        ConfigError::Time { name, given: shown(given), shortest, longest }
    }

    /// Not a rate within these bounds of the time in between.
    pub(crate) fn rate(name: &'static str, given: &str, (shortest, longest): (Duration, Duration)) -> ConfigError {
        ConfigError::Rate { name, given: shown(given), shortest, longest }
    }
}

/// As much of a value as an error repeats.
pub(super) fn shown(value: &str) -> String {
    value.chars().take(SHOWN).collect()
}

/// As much of a URL as an error repeats: no user, no password, no query.
pub(super) fn shown_url(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
    let (rest, query) = rest.split_once(['?', '#']).map_or((rest, ""), |(rest, _)| (rest, "?…"));
    shown(&format!("{scheme}{user}{rest}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_no_password() {
        assert_eq!(shown_url("http://u:hunter2@h/v1"), "http://…@h/v1");
        assert_eq!(shown_url("u:hunter2@h/v1"), "…@h/v1");
        assert_eq!(shown_url("http://h/v1?token=hunter2"), "http://h/v1?…");
        assert_eq!(shown_url("http://u:hun@t?er/2@h"), "http://…@h");
        for whole in ["", "http://", "rtc.example/v1", "http:///v1", "://"] {
            assert_eq!(shown_url(whole), whole);
        }
        assert_eq!(shown_url(&"x".repeat(1000)).len(), SHOWN);
    }
}
