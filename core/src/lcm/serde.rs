//! Messages in serde's formats, JSON above all: fields by their names, counts left out.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

/// The names that JSON has no number for.
const NOT_FINITE: [(&str, f64); 3] = [("NaN", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)];

/// What the macro writes for each message.
pub trait SerdeMessage: super::Message {
    /// The fields' names, without counts.
    const FIELDS: &'static [&'static str];

    /// Sets a field from the map's next value. `false`: there is no such field.
    ///
    /// # Errors
    /// When the value is not one of the field's type.
    fn set_field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;

    /// Sets all fields in turn.
    ///
    /// # Errors
    /// When a value is missing or not one of its field's type.
    fn set_all<'de, A: SeqAccess<'de>>(&mut self, values: &mut A) -> Result<(), A::Error>;
}

/// A field's value. serde itself knows arrays only up to 32 elements, and JSON no NaN.
pub trait SerdeField: Sized {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A field's value, to serde.
#[derive(Debug)]
pub struct AsField<T>(pub T);

impl<T: SerdeField> Serialize for AsField<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// As [`AsField`], but its own.
struct Owned<T>(T);

impl<'de, T: SerdeField> Deserialize<'de> for Owned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Owned)
    }
}

/// Reads the value of a map's entry.
///
/// # Errors
/// When it is not one of the type.
pub fn next_value<'de, T: SerdeField, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value::<Owned<T>>().map(|value| value.0)
}

/// Reads the next of a message's fields.
///
/// # Errors
/// When there is none, or it is not one of the type.
pub fn next_element<'de, T: SerdeField, A: SeqAccess<'de>>(values: &mut A, field: &str) -> Result<T, A::Error> {
    let value: Option<Owned<T>> = values.next_element()?;
    value.map(|value| value.0).ok_or_else(|| A::Error::custom(format_args!("field {field} is missing")))
}

/// Reads a message.
///
/// # Errors
/// When a field is unknown or its value not one of the field's type.
pub fn deserialize<'de, M: SerdeMessage, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    deserializer.deserialize_struct(M::NAME, M::FIELDS, MessageVisitor(PhantomData))
}

struct MessageVisitor<M>(PhantomData<M>);

impl<'de, M: SerdeMessage> Visitor<'de> for MessageVisitor<M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", M::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<M, A::Error> {
        let mut message = M::default();
        while let Some(name) = map.next_key::<String>()? {
            if !message.set_field(&name, &mut map)? {
                let fields = M::FIELDS.join(", ");
                let message = format_args!("{} has no field {name:?}; it has: {fields}", M::NAME);
                return Err(A::Error::custom(message));
            }
        }
        Ok(message)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<M, A::Error> {
        let mut message = M::default();
        message.set_all(&mut values)?;
        Ok(message)
    }
}

impl<M: SerdeMessage + Serialize> SerdeField for M {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

macro_rules! as_they_are {
    ($($type:ty)+) => { $(
        impl SerdeField for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }
    )+ };
}

as_they_are! { bool u8 i8 i16 i32 i64 String }

macro_rules! floats {
    ($($float:ty)+) => { $(
        impl SerdeField for $float {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match not_finite(f64::from(*self)).filter(|_| serializer.is_human_readable()) {
                    Some(name) => serializer.serialize_str(name),
                    None => self.serialize(serializer),
                }
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_any(FloatVisitor).map(|number| number as $float)
                } else {
                    Self::deserialize(deserializer)
                }
            }
        }
    )+ };
}

floats! { f32 f64 }

fn not_finite(number: f64) -> Option<&'static str> {
    let is_it = |value: &f64| number.is_nan() && value.is_nan() || number == *value;
    NOT_FINITE.iter().find(|(_, value)| is_it(value)).map(|(name, _)| *name)
}

struct FloatVisitor;

impl Visitor<'_> for FloatVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a number, "NaN", "inf" or "-inf""#)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<f64, E> {
        let named = NOT_FINITE.iter().find(|(known, _)| *known == name);
        named.map(|(_, value)| *value).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(name), &self))
    }
}

impl<T: SerdeField> SerdeField for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_all(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(VecVisitor(PhantomData))
    }
}

impl<T: SerdeField, const N: usize> SerdeField for [T; N] {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_all(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = deserializer.deserialize_seq(VecVisitor(PhantomData))?;
        Self::try_from(items).map_err(|items: Vec<T>| D::Error::invalid_length(items.len(), &&*format!("{N} elements")))
    }
}

fn write_all<T: SerdeField, S: Serializer>(items: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(items.len()))?;
    items.iter().try_for_each(|item| sequence.serialize_element(&AsField(item)))?;
    sequence.end()
}

struct VecVisitor<T>(PhantomData<T>);

impl<'de, T: SerdeField> Visitor<'de> for VecVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(Owned(item)) = values.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}
