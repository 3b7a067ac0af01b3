//! The ids that can stand in an API's paths.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest identifier (app id, session id), in bytes.
pub(super) const MAX_ID: usize = 128;

/// The id of a session on an SFU: 1 to 128 characters of `[A-Za-z0-9_.-]`, so that it can stand in a URL's path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// Checks an id that came from an SFU or from a user; `None` for one that no URL's path can hold as it is.
    pub fn new(id: &str) -> Option<SessionId> {
        is_path_segment(id).then(|| SessionId(id.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SessionId, D::Error> {
        let text = String::deserialize(deserializer)?;
        SessionId::new(&text).ok_or_else(|| {
            D::Error::custom(format_args!("a session id is 1 to {MAX_ID} characters of A-Z a-z 0-9 _ . -"))
        })
    }
}

pub(super) fn is_path_segment(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && text.bytes().any(|b| b != b'.')
}
