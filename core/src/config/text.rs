//! Settings in a text: read so that an error names the field and repeats no secret.

use std::fmt::{self, Display, Formatter};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::shown;
use super::{ConfigError, Secret};

/// Reads a TOML document.
#[cfg(feature = "toml")]
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        // The error's own form repeats the line, which may be the secret's.
        let start = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = start.matches('\n').count() + 1;
        let column = start.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let what = format!("{} at line {line} column {column}", error.message().trim_end());
        ConfigError::Text { format: "TOML", what }
    })
}

/// Reads a JSON object.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, ConfigError> {
    serde_json::from_str(text).map_err(|error| ConfigError::Text { format: "JSON", what: error.to_string() })
}

/// Everything that is serialised, and the secret in its field.
pub(crate) fn to_json_with_secret(config: &impl Serialize, field: &str, secret: &Secret) -> String {
    let mut json = serde_json::to_value(config).unwrap_or_default();
    json[field] = secret.reveal().into();
    json.to_string()
}

/// How times are written.
pub(crate) fn as_seconds<S: Serializer>(time: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Reads the name of a field, which is one of these.
pub(crate) struct FieldName(pub(crate) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = &'static str;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a setting")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<&'static str, E> {
        let known = self.0.iter().find(|field| **field == name);
        known.copied().ok_or_else(|| E::unknown_field(&shown(name), self.0))
    }
}

/// Reads the value of the field of this name: serde says what is wrong with a value, but not with which.
pub(crate) struct FieldValue<T>(&'static str, PhantomData<T>);

impl<T> FieldValue<T> {
    pub(crate) fn of(field: &'static str) -> FieldValue<T> {
        FieldValue(field, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for FieldValue<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        let named =
            |error: &dyn Display| D::Error::custom(format_args!("{}: {}", self.0, error.to_string().trim_end()));
        Option::deserialize(deserializer).map_err(|error| named(&error))
    }
}
