//! Text that is not to be seen.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is written in a secret's place. No HTTP header could hold it, so no secret looks like it.
const REDACTED: &str = "…redacted…";

/// A value that never shows in a log, an error or a debug print.
///
/// Its serialised form leaves it out as well, and is refused when it is read again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The secret itself, for the one place that sends or compares it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        // serde's own error would repeat what was given.
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("a secret is a text in quotes"))?;
        if text == REDACTED {
            return Err(D::Error::custom(format_args!(
                "the secret is {REDACTED:?}, because this was written for a log: put the secret in its place, and send \
                 configurations as `to_json_with_secret` writes them"
            )));
        }
        Ok(Secret(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_it_shows_it() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let json = serde_json::to_string(&secret).expect("text");
        assert_eq!(json, "\"…redacted…\"");
        let error = serde_json::from_str::<Secret>(&json).expect_err("redacted");
        assert!(error.to_string().contains("to_json_with_secret"), "{error}");
        for wrong in ["1234567", "true", "[1234567]", "{\"1234567\": 1234567}", "null"] {
            let error = serde_json::from_str::<Secret>(wrong).expect_err(wrong).to_string();
            assert!(error.starts_with("a secret is a text in quotes") && !error.contains("1234567"), "{error}");
        }
    }
}
