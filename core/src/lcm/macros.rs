//! The macro that defines messages.

/// Defines message types from their LCM definitions.
///
/// A field is written as in a `.lcm` file: its type, its name, its dimensions, a semicolon; or several names after one type, with
/// commas. What differs:
/// - A field that only counts the elements of arrays has `count` in front. It is on the wire and in the fingerprint but
///   not in the struct, since the vectors know their lengths.
/// - A nested message's type is a Rust path to it.
/// - A name that is a keyword of Rust is written `r#type`.
///
/// `const int32_t N = 3;` becomes an associated constant, `Self::N`, and `N` can be a dimension further down. As lcm-gen has
/// it, constants do not count for the fingerprint, and a dimension counts by the text of its constant's value.
///
/// | in LCM | in Rust |
/// |---|---|
/// | `boolean`, `byte` | `bool`, `u8` |
/// | `int8_t`, `int16_t`, `int32_t`, `int64_t` | `i8`, `i16`, `i32`, `i64` |
/// | `float`, `double`, `string` | `f32`, `f64`, `String` |
/// | `T name[9]` | `[T; 9]` |
/// | `T name[n]` | `Vec<T>` |
/// | `T name[n][9]` | `Vec<[T; 9]>` |
/// | `const int32_t N = 9; T name[N]` | `pub const N: i32 = 9`, `[T; 9]` |
///
/// Each type gets `Debug`, `Clone`, `PartialEq`, `Default`, [`Message`](crate::lcm::Message), and with the feature `serde`
/// of farwire-core also `Serialize` and `Deserialize`; fields that are missing from JSON keep their default, and a float
/// that is not finite is the string `"NaN"`, `"inf"` or `"-inf"` there. Attributes and documentation are kept.
///
/// See [`crate::lcm`] for an example. Nothing but the types themselves gets a name, so fields, types and variables may be called
/// alike.
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
        $crate::__lcm_fields! { { $package [$(#[$attribute])*] [$vis] $name } [] [] [] [] $($body)* }
        $crate::__lcm_structs! { $package $($rest)* }
    };
}

/// Sorts a struct's fields: constants, counts, members, and the latter two in the order of the wire.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_fields {
    ($head:tt $consts:tt [$($counts:tt)*] [$($members:tt)*] [$($wire:tt)*]) => {
        $crate::__lcm_emit! { $head $consts $consts [$($counts)*] [$($members)*] [$($wire)*] }
    };
    ($head:tt [$($consts:tt)*] $counts:tt $members:tt $wire:tt
        $(#[$attribute:meta])* const $type:ident $name:ident = $value:literal; $($rest:tt)*
    ) => {
        $crate::__lcm_fields! {
            $head [$($consts)* ([$(#[$attribute])*] $type $name $value)] $counts $members $wire $($rest)*
        }
    };
    ($head:tt [$($consts:tt)*] $counts:tt $members:tt $wire:tt
        $(#[$attribute:meta])* const $type:ident $name:ident = $value:literal, $($rest:tt)*
    ) => {
        $crate::__lcm_fields! {
            $head [$($consts)* ([$(#[$attribute])*] $type $name $value)] $counts $members $wire const $type $($rest)*
        }
    };
    ($head:tt $consts:tt [$($counts:tt)*] $members:tt [$($wire:tt)*] count $type:ident $name:ident; $($rest:tt)*) => {
        $crate::__lcm_fields! {
            $head $consts [$($counts)* ($name)] $members [$($wire)* (count [$type] $name [])] $($rest)*
        }
    };
    ($head:tt $consts:tt [$($counts:tt)*] $members:tt [$($wire:tt)*] count $type:ident $name:ident, $($rest:tt)*) => {
        $crate::__lcm_fields! {
            $head $consts [$($counts)* ($name)] $members [$($wire)* (count [$type] $name [])] count $type $($rest)*
        }
    };
    ($head:tt $consts:tt $counts:tt [$($members:tt)*] [$($wire:tt)*]
        $(#[$attribute:meta])* $($type:ident)::+ $name:ident $([$dimension:tt])*, $($rest:tt)*
    ) => {
        $crate::__lcm_fields! {
            $head $consts $counts
            [$($members)* ([$(#[$attribute])*] [$($type)::+] $name [$([$dimension])*])]
            [$($wire)* (member [$($type)::+] $name [$([$dimension])*])]
            $(#[$attribute])* $($type)::+ $($rest)*
        }
    };
    ($head:tt $consts:tt $counts:tt [$($members:tt)*] [$($wire:tt)*]
        $(#[$attribute:meta])* $($type:ident)::+ $name:ident $([$dimension:tt])*; $($rest:tt)*
    ) => {
        $crate::__lcm_fields! {
            $head $consts $counts
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
        $consts:tt
        [$(([$(#[$const_attribute:meta])*] $const_type:ident $const:ident $value:literal))*]
        [$(($count:ident))*]
        [$(([$(#[$field_attribute:meta])*] $field_type:tt $field:ident [$($field_dimension:tt)*]))*]
        [$(($what:ident $type:tt $member:ident [$($dimension:tt)*]))*]
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, non_snake_case)]
        $vis struct $name {
            $($(#[$field_attribute])* pub $field: $crate::__lcm_type!($name $consts $field_type $($field_dimension)*),)*
        }

        // Items and bindings have names that no definition has: a type may be called like anything, and hides it then.
        #[allow(missing_docs, non_upper_case_globals, unreachable_pub)]
        impl $name {
            $($(#[$const_attribute])* pub const $const: $crate::__lcm_type!($name [] [$const_type]) = $value;)*

            #[doc(hidden)]
            pub const __LCM_NAMES: $crate::lcm::macro_support::Names = $crate::lcm::macro_support::Names {
                counts: &[$($crate::lcm::macro_support::plain(stringify!($count))),*],
                constants: &[$((
                    $crate::lcm::macro_support::plain(stringify!($const)),
                    stringify!($value),
                    $crate::__lcm_length!($const_type $value),
                )),*],
            };

            // A function can be named from other definitions, in circles too.
            #[doc(hidden)]
            pub const fn __lcm_schema() -> &'static $crate::lcm::Schema {
                static __LCM_SCHEMA: $crate::lcm::Schema = $crate::lcm::Schema::new(
                    concat!($package, stringify!($name)),
                    &[$($crate::lcm::Member::new(
                        stringify!($member),
                        $crate::__lcm_kind!($type),
                        &[$($crate::__lcm_dimension!($name $dimension)),*],
                    )),*],
                );
                &__LCM_SCHEMA
            }
        }

        const _: () = $name::__lcm_schema().check_dimensions();

        #[allow(non_snake_case)]
        impl $crate::lcm::Message for $name {
            const NAME: &'static ::core::primitive::str = concat!($package, stringify!($name));
            const FINGERPRINT: ::core::primitive::u64 = $name::__lcm_schema().fingerprint();
            const STAMP_AT: ::core::option::Option<::core::primitive::usize> = $name::__lcm_schema().stamp_at();
            const MIN_BODY_LEN: ::core::primitive::usize =
                0 $(+ $crate::__lcm_min_len!($name $consts $what $type [$($dimension)*]))*;

            fn schema() -> &'static $crate::lcm::Schema {
                $name::__lcm_schema()
            }

            fn body_len(&self) -> ::core::primitive::usize {
                0 $(+ $crate::__lcm_len!(self $what $type $member))*
            }

            fn encode_body(
                &self,
                __lcm_writer: &mut $crate::lcm::Writer<'_>,
            ) -> ::core::result::Result<(), $crate::lcm::EncodeError> {
                let __lcm_counts: &[$crate::lcm::macro_support::Count] = &[
                    $($crate::lcm::macro_support::Count::new($crate::lcm::macro_support::plain(stringify!($count)))),*
                ];
                $($crate::__lcm_measure!(self $name __lcm_counts $field [$($field_dimension)*]);)*
                $($crate::__lcm_encode!(self $name __lcm_counts __lcm_writer $what $type $member);)*
                _ = (__lcm_counts, __lcm_writer);
                ::core::result::Result::Ok(())
            }

            fn decode_body(
                __lcm_reader: &mut $crate::lcm::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::lcm::DecodeError> {
                #[allow(unused_mut)]
                let mut __lcm_message = <Self as ::core::default::Default>::default();
                #[allow(unused_mut)]
                let mut __lcm_counts = [0; $name::__LCM_NAMES.counts.len()];
                $($crate::__lcm_decode!(
                    $name __lcm_message __lcm_counts __lcm_reader $what $type $member [$($dimension)*]
                );)*
                _ = (__lcm_counts, __lcm_reader);
                ::core::result::Result::Ok(__lcm_message)
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

/// The Rust type of a field, or of a constant. A name in brackets is a count's, if the struct has no constants.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_type {
    ($name:ident $consts:tt [boolean]) => { ::core::primitive::bool };
    ($name:ident $consts:tt [byte]) => { ::core::primitive::u8 };
    ($name:ident $consts:tt [int8_t]) => { ::core::primitive::i8 };
    ($name:ident $consts:tt [int16_t]) => { ::core::primitive::i16 };
    ($name:ident $consts:tt [int32_t]) => { ::core::primitive::i32 };
    ($name:ident $consts:tt [int64_t]) => { ::core::primitive::i64 };
    ($name:ident $consts:tt [float]) => { ::core::primitive::f32 };
    ($name:ident $consts:tt [double]) => { ::core::primitive::f64 };
    ($name:ident $consts:tt [string]) => { $crate::lcm::macro_support::String };
    ($name:ident $consts:tt [$($path:ident)::+]) => { $($path)::+ };
    ($name:ident $consts:tt $type:tt [$len:literal] $($rest:tt)*) => {
        [$crate::__lcm_type!($name $consts $type $($rest)*); $len]
    };
    ($name:ident [] $type:tt [$count:ident] $($rest:tt)*) => {
        ::std::vec::Vec<$crate::__lcm_type!($name [] $type $($rest)*)>
    };
    ($name:ident $consts:tt $type:tt [$size:ident] $($rest:tt)*) => {
        <$crate::lcm::macro_support::Shape<
            { $name::__LCM_NAMES.is_constant(stringify!($size)) },
            { $name::__LCM_NAMES.length(stringify!($size)) },
        > as $crate::lcm::macro_support::Array<$crate::__lcm_type!($name $consts $type $($rest)*)>>::Of
    };
}

/// The length of a dimension with this value; 0 for what cannot be one.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_length {
    (float $value:literal) => {
        0
    };
    (double $value:literal) => {
        0
    };
    ($type:ident $value:literal) => {
        $value
    };
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
    ([$($path:ident)::+]) => { $crate::lcm::Kind::Message(<$($path)::+>::__lcm_schema()) };
}

/// A dimension, as data.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_dimension {
    ($name:ident [$len:literal]) => {
        $crate::lcm::Dimension::Fixed(stringify!($len))
    };
    ($name:ident [$size:ident]) => {
        $name::__LCM_NAMES.dimension(stringify!($size))
    };
}

/// What a field takes at least.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_min_len {
    ($name:ident $consts:tt $what:ident $type:tt [$($dimension:tt)*]) => {
        <$crate::__lcm_type!($name $consts $type $($dimension)*) as $crate::lcm::macro_support::Field>::MIN_LEN
    };
}

/// What a field takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_len {
    ($self:ident count $type:tt $member:ident) => {
        <$crate::__lcm_type!(_unnamed [] $type) as $crate::lcm::macro_support::Field>::MIN_LEN
    };
    ($self:ident member $type:tt $member:ident) => {
        $crate::lcm::macro_support::Field::encoded_len(&$self.$member)
    };
}

/// Has an array tell its counts.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_measure {
    ($self:ident $name:ident $counts:ident $field:ident []) => {};
    ($self:ident $name:ident $counts:ident $field:ident [$($dimension:tt)+]) => {
        $crate::lcm::macro_support::written::<Self>(
            $crate::lcm::macro_support::Field::measure(
                &$self.$field,
                &[$($crate::__lcm_slot!($name $counts $dimension)),+],
            ),
            stringify!($field),
        )?;
    };
}

/// Where the length of a dimension goes.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_slot {
    ($name:ident $counts:ident [$len:literal]) => {
        ::core::option::Option::None
    };
    ($name:ident $counts:ident [$size:ident]) => {
        const { $name::__LCM_NAMES.extent(stringify!($size)) }.slot($counts)
    };
}

/// Writes a field.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_encode {
    ($self:ident $name:ident $counts:ident $writer:ident count $type:tt $member:ident) => {
        $crate::lcm::macro_support::written::<Self>(
            $counts[const { $name::__LCM_NAMES.place(stringify!($member)) }]
                .encode::<$crate::__lcm_type!($name [] $type)>($writer),
            stringify!($member),
        )?;
    };
    ($self:ident $name:ident $counts:ident $writer:ident member $type:tt $member:ident) => {
        $crate::lcm::macro_support::written::<Self>(
            $crate::lcm::macro_support::Field::encode(&$self.$member, $writer),
            stringify!($member),
        )?;
    };
}

/// Reads a field.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_decode {
    ($name:ident $message:ident $counts:ident $reader:ident count $type:tt $member:ident []) => {
        $counts[const { $name::__LCM_NAMES.place(stringify!($member)) }] = $crate::lcm::macro_support::read::<Self, _>(
            $crate::lcm::macro_support::Count::decode::<$crate::__lcm_type!($name [] $type)>($reader),
            stringify!($member),
        )?;
    };
    ($name:ident $message:ident $counts:ident $reader:ident member $type:tt $member:ident [$($dimension:tt)*]) => {
        $message.$member = $crate::lcm::macro_support::read::<Self, _>(
            $crate::lcm::macro_support::Field::decode(
                $reader,
                &[$($crate::__lcm_extent!($name $counts $dimension)),*],
            ),
            stringify!($member),
        )?;
    };
}

/// How many elements a dimension has.
#[doc(hidden)]
#[macro_export]
macro_rules! __lcm_extent {
    ($name:ident $counts:ident [$len:literal]) => {
        $len
    };
    ($name:ident $counts:ident [$size:ident]) => {
        const { $name::__LCM_NAMES.extent(stringify!($size)) }.of(&$counts)
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
                __lcm_serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                use $crate::lcm::macro_support::serde::ser::SerializeStruct as _;
                use $crate::lcm::macro_support::{AsField, SerdeMessage};
                let __lcm_fields = <Self as SerdeMessage>::FIELDS.len();
                #[allow(unused_mut)]
                let mut __lcm_all = __lcm_serializer.serialize_struct(stringify!($name), __lcm_fields)?;
                $(__lcm_all.serialize_field(
                    const { $crate::lcm::macro_support::plain(stringify!($field)) },
                    &AsField(&self.$field),
                )?;)*
                __lcm_all.end()
            }
        }

        impl<'de> $crate::lcm::macro_support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::lcm::macro_support::serde::Deserializer<'de>>(
                __lcm_deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::lcm::macro_support::deserialize(__lcm_deserializer)
            }
        }

        impl $crate::lcm::macro_support::SerdeMessage for $name {
            const FIELDS: &'static [&'static ::core::primitive::str] =
                &[$($crate::lcm::macro_support::plain(stringify!($field))),*];

            fn set_field<'de, A: $crate::lcm::macro_support::serde::de::MapAccess<'de>>(
                &mut self,
                __lcm_name: &::core::primitive::str,
                __lcm_map: &mut A,
            ) -> ::core::result::Result<::core::primitive::bool, A::Error> {
                $(if __lcm_name == const { $crate::lcm::macro_support::plain(stringify!($field)) } {
                    self.$field = $crate::lcm::macro_support::next_value(__lcm_map)?;
                    return ::core::result::Result::Ok(true);
                })*
                _ = (__lcm_name, __lcm_map);
                ::core::result::Result::Ok(false)
            }

            fn set_all<'de, A: $crate::lcm::macro_support::serde::de::SeqAccess<'de>>(
                &mut self,
                __lcm_values: &mut A,
            ) -> ::core::result::Result<(), A::Error> {
                $(self.$field = $crate::lcm::macro_support::next_element(__lcm_values, stringify!($field))?;)*
                _ = __lcm_values;
                ::core::result::Result::Ok(())
            }
        }
    };
}
