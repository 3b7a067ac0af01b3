//! What is wrong with a configuration.

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
    /// Not a time to connect in.
    #[error("{name} is {given:?}, but it is a number of seconds from 0.001 to 86400")]
    ConnectTimeout {
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
    #[error("the broker's URL (FARWIRE_BROKER) is {url:?}, which is none: it looks like http://127.0.0.1:8787")]
    Broker {
        /// What was given, but for passwords and queries in it.
        url: String,
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

/// The settings' names in a file and in the environment.
pub(super) const NAMES: [(&str, &str); 5] = [
    ("url", "FARWIRE_URL"),
    ("app_id", "FARWIRE_APP_ID"),
    ("app_secret", "FARWIRE_APP_SECRET"),
    ("publisher_session", "FARWIRE_PUBLISHER_SESSION"),
    ("connect_timeout", "FARWIRE_CONNECT_TIMEOUT"),
];

impl ConfigError {
    /// Calls the setting by its variable.
    pub(super) fn in_environment(mut self) -> ConfigError {
        match &mut self {
            ConfigError::Url { name, .. }
            | ConfigError::AppId { name, .. }
            | ConfigError::AppSecret { name }
            | ConfigError::PublisherSession { name, .. }
            | ConfigError::ConnectTimeout { name, .. }
            | ConfigError::Missing { name, .. } => {
                *name = NAMES.iter().find(|(field, _)| field == name).map_or(*name, |(_, variable)| variable);
            }
            ConfigError::Text { .. } | ConfigError::Broker { .. } | ConfigError::NoCredential { .. } => {}
        }
        self
    }

    /// Calls the secret that cannot be used by its variable.
    pub(crate) fn of(mut self, variable: &'static str) -> ConfigError {
        if let ConfigError::AppSecret { name } = &mut self {
            *name = variable;
        }
        self
    }

    /// Not a session id.
    pub(crate) fn session(name: &'static str, given: &str) -> ConfigError {
        ConfigError::PublisherSession { name, session: shown(given) }
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
