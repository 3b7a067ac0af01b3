//! The macro that defines messages.

/// Defines message types from their LCM definitions.
///
/// A field is written as in a `.lcm` file: its type, its name, its dimensions, a semicolon. What differs:
/// - A field that only counts the elements of arrays has `count` in front. It is on the wire and in the fingerprint but
///   not in the struct, since the vectors know their lengths.
/// - A nested message's type is a Rust path to it (not to an alias of it).
/// - A name that is a keyword of Rust is written `r#type`.
///
/// | in LCM | in Rust |
/// |---|---|
/// | `boolean`, `byte` | `bool`, `u8` |
/// | `int8_t`, `int16_t`, `int32_t`, `int64_t` | `i8`, `i16`, `i32`, `i64` |
/// | `float`, `double`, `string` | `f32`, `f64`, `String` |
/// | `T name[9]` | `[T; 9]` |
/// | `T name[n]` | `Vec<T>` |
/// | `T name[n][9]` | `Vec<[T; 9]>` |
///
/// Each type gets `Debug`, `Clone`, `PartialEq`, `Default`, [`Message`](crate::lcm::Message), and with the feature `serde`
/// of farwire-core also `Serialize` and `Deserialize`; fields that are missing from JSON keep their default, and a float
/// that is not finite is the string `"NaN"`, `"inf"` or `"-inf"` there. Attributes and documentation are kept.
///
/// See [`crate::lcm`] for an example. A static of the type's name, its [`Schema`](crate::lcm::Schema), comes with it.
#[macro_export]
macro_rules! lcm_messages {
    (package $($package:ident).+; $($structs:tt)*) => {
        $crate::__lcm_structs! { (concat!($(stringify!($package), "."),+)) $($structs)* }
    };
}

/// Takes the structs apart one by one.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_structs {
    ($package:tt) => {};
    ($package:tt $(#[$attribute:meta])* $vis:vis struct $name:ident { $($body:tt)* } $($rest:tt)*) => {
        $crate::__lcm_fields! { { $package [$(#[$attribute])*] [$vis] $name } [] [] [] $($body)* }
        $crate::__lcm_structs! { $package $($rest)* }
    };
}

/// Sorts a struct's fields: counts, members, and both in the order of the wire.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_fields {
    ($head:tt [$($counts:tt)*] [$($members:tt)*] [$($wire:tt)*]) => {
        $crate::__lcm_emit! { $head [$($counts)*] [$($members)*] [$($wire)*] }
    };
    ($head:tt [$($counts:tt)*] $members:tt [$($wire:tt)*] count $type:ident $name:ident; $($rest:tt)*) => {
        $crate::__lcm_fields! {
            $head [$($counts)* ($name)] $members [$($wire)* (count [$type] $name [])] $($rest)*
        }
    };
    ($head:tt $counts:tt [$($members:tt)*] [$($wire:tt)*]
        $(#[$attribute:meta])* $($type:ident)::+ $name:ident $([$dimension:tt])*; $($rest:tt)*
    ) => {
        $crate::__lcm_fields! {
            $head $counts
            [$($members)* ([$(#[$attribute])*] [$($type)::+] $name [$([$dimension])*])]
            [$($wire)* (member [$($type)::+] $name [$([$dimension])*])]
            $($rest)*
        }
    };
}

/// Writes the struct and its implementations.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_emit {
    (
        { ($package:expr) [$(#[$attribute:meta])*] [$vis:vis] $name:ident }
        [$(($count:ident))*]
        [$(([$(#[$field_attribute:meta])*] $field_type:tt $field:ident [$($field_dimension:tt)*]))*]
        [$(($what:ident $type:tt $member:ident [$($dimension:tt)*]))*]
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, non_snake_case)]
        $vis struct $name {
            $($(#[$field_attribute])* pub $field: $crate::__lcm_type!($field_type $($field_dimension)*),)*
        }

        // In the namespace of values, so that definitions can name each other's, in circles too.
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        $vis static $name: $crate::lcm::Schema = $crate::lcm::Schema::new(
            concat!($package, stringify!($name)),
            &[$($crate::lcm::Member::new(
                stringify!($member),
                $crate::__lcm_kind!($type),
                &[$($crate::__lcm_dimension!($dimension)),*],
            )),*],
        );

        #[allow(non_snake_case)]
        impl $crate::lcm::Message for $name {
            const NAME: &'static str = concat!($package, stringify!($name));
            const FINGERPRINT: u64 = $name.fingerprint();
            const STAMP_AT: ::core::option::Option<usize> = $name.stamp_at();
            const MIN_BODY_LEN: usize = 0 $(+ $crate::__lcm_min_len!($what $type [$($dimension)*]))*;

            fn schema() -> &'static $crate::lcm::Schema {
                &$name
            }

            fn body_len(&self) -> usize {
                0 $(+ $crate::__lcm_len!(self $what $type $member))*
            }

            fn encode_body(
                &self,
                writer: &mut $crate::lcm::Writer<'_>,
            ) -> ::core::result::Result<(), $crate::lcm::EncodeError> {
                $(let $count = $crate::lcm::macro_support::Count::new($crate::lcm::macro_support::plain(stringify!($count)));)*
                $($crate::__lcm_measure!(self $field [$($field_dimension)*]);)*
                $($crate::__lcm_encode!(self writer $what $type $member);)*
                let _ = writer;
                Ok(())
            }

            fn decode_body(
                reader: &mut $crate::lcm::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::lcm::DecodeError> {
                $($crate::__lcm_decode!(reader $what $type $member [$($dimension)*]);)*
                let _ = reader;
                Ok($name { $($field),* })
            }
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                $name { $($field: $crate::lcm::macro_support::Field::empty()),* }
            }
        }

        $crate::__lcm_serde! { $name $(($field))* }
    };
}

/// The Rust type of a field.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_type {
    ([boolean]) => { bool };
    ([byte]) => { u8 };
    ([int8_t]) => { i8 };
    ([int16_t]) => { i16 };
    ([int32_t]) => { i32 };
    ([int64_t]) => { i64 };
    ([float]) => { f32 };
    ([double]) => { f64 };
    ([string]) => { $crate::lcm::macro_support::String };
    ([$($path:ident)::+]) => { $($path)::+ };
    ($type:tt [$len:literal] $($rest:tt)*) => { [$crate::__lcm_type!($type $($rest)*); $len] };
    ($type:tt [$count:ident] $($rest:tt)*) => { ::std::vec::Vec<$crate::__lcm_type!($type $($rest)*)> };
}

/// What a field is, as data.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_kind {
    ([boolean]) => { $crate::lcm::Kind::Primitive("boolean") };
    ([byte]) => { $crate::lcm::Kind::Primitive("byte") };
    ([int8_t]) => { $crate::lcm::Kind::Primitive("int8_t") };
    ([int16_t]) => { $crate::lcm::Kind::Primitive("int16_t") };
    ([int32_t]) => { $crate::lcm::Kind::Primitive("int32_t") };
    ([int64_t]) => { $crate::lcm::Kind::Primitive("int64_t") };
    ([float]) => { $crate::lcm::Kind::Primitive("float") };
    ([double]) => { $crate::lcm::Kind::Primitive("double") };
    ([string]) => { $crate::lcm::Kind::Primitive("string") };
    ([$($path:ident)::+]) => { $crate::lcm::Kind::Message(&$($path)::+) };
}

/// A dimension, as data.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_dimension {
    ([$len:literal]) => {
        $crate::lcm::Dimension::Fixed(stringify!($len))
    };
    ([$count:ident]) => {
        $crate::lcm::Dimension::Counted($crate::lcm::macro_support::plain(stringify!($count)))
    };
}

/// What a field takes at least.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_min_len {
    ($what:ident $type:tt [$($dimension:tt)*]) => {
        <$crate::__lcm_type!($type $($dimension)*) as $crate::lcm::macro_support::Field>::MIN_LEN
    };
}

/// What a field takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_len {
    ($self:ident count $type:tt $name:ident) => {
        <$crate::__lcm_type!($type) as $crate::lcm::macro_support::Field>::MIN_LEN
    };
    ($self:ident member $type:tt $name:ident) => {
        $crate::lcm::macro_support::Field::encoded_len(&$self.$name)
    };
}

/// Has an array tell its counts.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_measure {
    ($self:ident $field:ident []) => {};
    ($self:ident $field:ident [$($dimension:tt)+]) => {
        $crate::lcm::macro_support::Field::measure(&$self.$field, &[$($crate::__lcm_slot!($dimension)),+])
            .map_err(|error| error.within(<Self as $crate::lcm::Message>::NAME, stringify!($field)))?;
    };
}

/// Where the length of a dimension goes.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_slot {
    ([$len:literal]) => {
        None
    };
    ([$count:ident]) => {
        Some(&$count)
    };
}

/// Writes a field.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_encode {
    ($self:ident $writer:ident count $type:tt $name:ident) => {
        $name
            .encode::<$crate::__lcm_type!($type)>($writer)
            .map_err(|error| error.within(<Self as $crate::lcm::Message>::NAME, stringify!($name)))?;
    };
    ($self:ident $writer:ident member $type:tt $name:ident) => {
        $crate::lcm::macro_support::Field::encode(&$self.$name, $writer)
            .map_err(|error| error.within(<Self as $crate::lcm::Message>::NAME, stringify!($name)))?;
    };
}

/// Reads a field into a variable of its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_decode {
    ($reader:ident count $type:tt $name:ident []) => {
        let $name = $crate::lcm::macro_support::Count::decode::<$crate::__lcm_type!($type)>($reader)
            .map_err(|error| error.within(<Self as $crate::lcm::Message>::NAME, stringify!($name)))?;
    };
    ($reader:ident member $type:tt $name:ident [$([$dimension:tt])*]) => {
        let $name = $crate::lcm::macro_support::Field::decode($reader, &[$($dimension),*])
            .map_err(|error| error.within(<Self as $crate::lcm::Message>::NAME, stringify!($name)))?;
    };
}

/// Nothing, without the feature `serde`.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_serde {
    ($name:ident $(($field:ident))*) => {};
}

/// `Serialize` and `Deserialize`.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_serde {
    ($name:ident $(($field:ident))*) => {
        impl $crate::lcm::macro_support::serde::Serialize for $name {
            fn serialize<S: $crate::lcm::macro_support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                use $crate::lcm::macro_support::serde::ser::SerializeStruct as _;
                use $crate::lcm::macro_support::{AsField, SerdeMessage};
                let fields = <Self as SerdeMessage>::FIELDS.len();
                #[allow(unused_mut)]
                let mut all = serializer.serialize_struct(stringify!($name), fields)?;
                $(all.serialize_field(
                    const { $crate::lcm::macro_support::plain(stringify!($field)) },
                    &AsField(&self.$field),
                )?;)*
                all.end()
            }
        }

        impl<'de> $crate::lcm::macro_support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::lcm::macro_support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::lcm::macro_support::deserialize(deserializer)
            }
        }

        impl $crate::lcm::macro_support::SerdeMessage for $name {
            const FIELDS: &'static [&'static str] =
                &[$($crate::lcm::macro_support::plain(stringify!($field))),*];

            fn set_field<'de, A: $crate::lcm::macro_support::serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> ::core::result::Result<bool, A::Error> {
                $(if name == const { $crate::lcm::macro_support::plain(stringify!($field)) } {
                    self.$field = $crate::lcm::macro_support::next_value(map)?;
                    return Ok(true);
                })*
                let _ = (name, map);
                Ok(false)
            }

            fn set_all<'de, A: $crate::lcm::macro_support::serde::de::SeqAccess<'de>>(
                &mut self,
                values: &mut A,
            ) -> ::core::result::Result<(), A::Error> {
                $(self.$field = $crate::lcm::macro_support::next_element(values, stringify!($field))?;)*
                let _ = values;
                Ok(())
            }
        }
    };
}
