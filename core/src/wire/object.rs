//! JSON objects that are nothing else: what serde derives for a struct also reads an array, in the order of the fields, and
//! one whose fields may all be missing reads `[]`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A `T` that is read from a JSON object, and from nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

struct OfMap<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

/// For a field that is an object.
pub(super) fn one<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// For a field that is an object, null or missing.
pub(super) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<Object<T>>::deserialize(deserializer).map(|value| value.map(|Object(value)| value))
}

/// For a field that is an array of objects.
pub(super) fn many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Vec::<Object<T>>::deserialize(deserializer).map(|values| values.into_iter().map(|Object(value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::super::cloudflare::{DataChannels, Described, Establish};
    use super::*;

    fn is_read<T: for<'de> Deserialize<'de>>(text: &str) -> bool {
        serde_json::from_str::<Object<T>>(text).is_ok()
    }

    #[test]
    fn arrays_are_no_objects_at_any_depth() {
        assert!(is_read::<Described>("{}") && is_read::<Described>(r#"{"sessionDescription":null}"#));
        assert!(is_read::<Described>(r#"{"sessionDescription":{"type":"offer","sdp":"v=0"},"x":[]}"#));
        assert!(is_read::<Establish>(r#"{"dataChannel":{"location":"remote"}}"#));
        assert!(is_read::<DataChannels>(r#"{"dataChannels":[{"id":2}]}"#));
        for text in ["[]", "null", "7", r#"{"sessionDescription":["offer","v=0"]}"#, r#"{"sessionDescription":[]}"#] {
            assert!(!is_read::<Described>(text), "{text}");
        }
        assert!(!is_read::<Establish>("[]") && !is_read::<Establish>(r#"{"dataChannel":[]}"#));
        assert!(!is_read::<DataChannels>("[[]]") && !is_read::<DataChannels>(r#"{"dataChannels":[[]]}"#));
        let error = serde_json::from_str::<Object<Described>>("[]").expect_err("no object").to_string();
        assert!(error.contains("expected an object at line 1"), "{error}");
    }
}
