//! What an array can consist of: primitives, strings and messages.

use super::{DecodeError, EncodeError, Message, Reader, Writer};

/// A value that knows its own extent on the wire. Implemented for the types of LCM and for every [`Message`].
pub trait Element: Sized + Default {
    /// What the shortest value takes, in bytes.
    const MIN_LEN: usize;

    /// What this one takes, in bytes.
    fn encoded_len(&self) -> usize;

    /// # Errors
    /// When the buffer is too small, or the value has no encoding.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// # Errors
    /// When the bytes are no value of this type.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// What these take together, in bytes.
    fn all_encoded_len(items: &[Self]) -> usize {
        items.iter().map(Self::encoded_len).sum()
    }

    /// # Errors
    /// As for [`Element::encode`].
    fn encode_all(items: &[Self], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        items.iter().try_for_each(|item| item.encode(writer))
    }

    /// # Errors
    /// As for [`Element::decode`], and when `count` elements do not fit in what is left.
    fn decode_all(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Self>, DecodeError> {
        super::field::collect(reader, count, Self::MIN_LEN, Self::decode)
    }
}

/// An integer type of LCM, which a count field may have.
pub trait Primitive: Element {
    /// The largest value that a count can have.
    const MAX: u64;

    /// `None` if the value is too large.
    fn from_count(count: usize) -> Option<Self>;

    /// As a number that may be negative.
    fn to_i64(&self) -> i64;
}

macro_rules! numbers {
    ($($number:ty)+) => { $(
        impl Element for $number {
            const MIN_LEN: usize = size_of::<$number>();

            fn encoded_len(&self) -> usize {
                Self::MIN_LEN
            }

            fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
                writer.put(&self.to_be_bytes())
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.take_array().map(Self::from_be_bytes)
            }

            fn all_encoded_len(items: &[Self]) -> usize {
                items.len() * Self::MIN_LEN
            }

            fn encode_all(items: &[Self], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
                let room = writer.room(items.len() * Self::MIN_LEN)?;
                for (place, item) in room.chunks_exact_mut(Self::MIN_LEN).zip(items) {
                    place.copy_from_slice(&item.to_be_bytes());
                }
                Ok(())
            }

            fn decode_all(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Self>, DecodeError> {
                reader.expect_elements(count, Self::MIN_LEN)?;
                let (items, _) = reader.take(count * Self::MIN_LEN)?.as_chunks();
                Ok(items.iter().map(|item| Self::from_be_bytes(*item)).collect())
            }
        }
    )+ };
}

numbers! { i8 i16 i32 i64 f32 f64 u8 }

macro_rules! integers {
    ($($integer:ty)+) => { $(
        impl Primitive for $integer {
            const MAX: u64 = <$integer>::MAX as u64;

            fn from_count(count: usize) -> Option<Self> {
                count.try_into().ok()
            }

            fn to_i64(&self) -> i64 {
                i64::from(*self)
            }
        }
    )+ };
}

integers! { i8 i16 i32 i64 u8 }

/// One byte, 1 for `true`. Any other than 0 is read as `true`, as LCM does.
impl Element for bool {
    const MIN_LEN: usize = 1;

    fn encoded_len(&self) -> usize {
        1
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.put(&[u8::from(*self)])
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u8::decode(reader).map(|byte| byte != 0)
    }
}

/// See [`Reader::string`]. A NUL inside is kept, though C programs read only what is before it.
impl Element for String {
    const MIN_LEN: usize = 5;

    fn encoded_len(&self) -> usize {
        self.len() + Self::MIN_LEN
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.string(self)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.string().map(str::to_owned)
    }
}

impl<M: Message> Element for M {
    const MIN_LEN: usize = M::MIN_BODY_LEN;

    fn encoded_len(&self) -> usize {
        self.body_len()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.nested(|writer| self.encode_body(writer))
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.nested(M::decode_body)
    }
}
