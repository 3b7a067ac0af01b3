//! What a field can be: an element, or an array of any dimensions.

use std::cell::Cell;

use super::element::{Element, Primitive};
use super::{DecodeCause, DecodeError, EncodeCause, EncodeError, Reader, Writer};

/// Elements that are reserved room for before they are read; a vector grows only with what was really there.
const RESERVED: usize = 16;

/// A field's value. A vector's length is on the wire only in a count field, which comes earlier.
pub trait Field: Sized {
    /// What the shortest value takes, in bytes.
    const MIN_LEN: usize;

    /// A field's value before it is set.
    fn empty() -> Self;

    /// What this one takes, in bytes.
    fn encoded_len(&self) -> usize;

    /// Tells the count field of each dimension how many there are; `None` stands for a fixed dimension.
    ///
    /// # Errors
    /// When a count was told something else before.
    fn measure(&self, counts: &[Option<&Count>]) -> Result<(), EncodeError>;

    /// # Errors
    /// When the buffer is too small, or the value has no encoding.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads as many as `counts` says, outermost dimension first.
    ///
    /// # Errors
    /// When the bytes are no value of this type.
    fn decode(reader: &mut Reader<'_>, counts: &[usize]) -> Result<Self, DecodeError>;

    /// What these take together, in bytes.
    fn all_encoded_len(items: &[Self]) -> usize {
        items.iter().map(Self::encoded_len).sum()
    }

    /// # Errors
    /// As for [`Field::encode`].
    fn encode_all(items: &[Self], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        items.iter().try_for_each(|item| item.encode(writer))
    }

    /// # Errors
    /// As for [`Field::decode`].
    fn decode_all(reader: &mut Reader<'_>, count: usize, counts: &[usize]) -> Result<Vec<Self>, DecodeError> {
        collect(reader, count, Self::MIN_LEN, |reader| Self::decode(reader, counts))
    }
}

/// Reads `count` elements that take at least `least` bytes each.
pub(super) fn collect<T>(
    reader: &mut Reader<'_>,
    count: usize,
    least: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    reader.expect_elements(count, least)?;
    let mut items = Vec::with_capacity(count.min(RESERVED));
    for _ in 0..count {
        items.push(read(reader)?);
    }
    Ok(items)
}

impl<T: Element> Field for T {
    const MIN_LEN: usize = T::MIN_LEN;

    fn empty() -> Self {
        T::default()
    }

    fn encoded_len(&self) -> usize {
        Element::encoded_len(self)
    }

    fn measure(&self, _: &[Option<&Count>]) -> Result<(), EncodeError> {
        Ok(())
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        Element::encode(self, writer)
    }

    fn decode(reader: &mut Reader<'_>, _: &[usize]) -> Result<Self, DecodeError> {
        Element::decode(reader)
    }

    fn all_encoded_len(items: &[Self]) -> usize {
        Element::all_encoded_len(items)
    }

    fn encode_all(items: &[Self], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        Element::encode_all(items, writer)
    }

    fn decode_all(reader: &mut Reader<'_>, count: usize, _: &[usize]) -> Result<Vec<Self>, DecodeError> {
        Element::decode_all(reader, count)
    }
}

impl<T: Field> Field for Vec<T> {
    const MIN_LEN: usize = 0;

    fn empty() -> Self {
        Vec::new()
    }

    fn encoded_len(&self) -> usize {
        T::all_encoded_len(self)
    }

    fn measure(&self, counts: &[Option<&Count>]) -> Result<(), EncodeError> {
        let Some((own, inner)) = counts.split_first() else { return Ok(()) };
        own.map_or(Ok(()), |count| count.set(self.len()))?;
        measure_all(self, inner)
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::encode_all(self, writer)
    }

    fn decode(reader: &mut Reader<'_>, counts: &[usize]) -> Result<Self, DecodeError> {
        let (own, inner) = counts.split_first().map_or((0, counts), |(own, inner)| (*own, inner));
        T::decode_all(reader, own, inner)
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    const MIN_LEN: usize = N.saturating_mul(T::MIN_LEN);

    fn empty() -> Self {
        std::array::from_fn(|_| T::empty())
    }

    fn encoded_len(&self) -> usize {
        T::all_encoded_len(self)
    }

    fn measure(&self, counts: &[Option<&Count>]) -> Result<(), EncodeError> {
        measure_all(self, counts.get(1..).unwrap_or_default())
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::encode_all(self, writer)
    }

    fn decode(reader: &mut Reader<'_>, counts: &[usize]) -> Result<Self, DecodeError> {
        let inner = counts.get(1..).unwrap_or_default();
        let mut items = Self::empty();
        for item in &mut items {
            *item = T::decode(reader, inner)?;
        }
        Ok(items)
    }
}

fn measure_all<T: Field>(items: &[T], counts: &[Option<&Count>]) -> Result<(), EncodeError> {
    if counts.is_empty() { Ok(()) } else { items.iter().try_for_each(|item| item.measure(counts)) }
}

/// A count field: what the vectors that it counts say.
#[derive(Debug)]
pub struct Count {
    name: &'static str,
    len: Cell<Option<usize>>,
}

impl Count {
    /// A count of which no vector has said anything.
    pub const fn new(name: &'static str) -> Count {
        Count { name, len: Cell::new(None) }
    }

    fn set(&self, len: usize) -> Result<(), EncodeError> {
        match self.len.get() {
            Some(earlier) if earlier != len => {
                Err(EncodeError::new(EncodeCause::LengthsDiffer { count: self.name, earlier, len }))
            }
            _ => {
                self.len.set(Some(len));
                Ok(())
            }
        }
    }

    /// Writes the count as a number of type `P`.
    ///
    /// # Errors
    /// When the number is too large for its type, or the buffer too small.
    pub fn encode<P: Primitive>(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let len = self.len.get().unwrap_or_default();
        match P::from_count(len) {
            Some(count) => Element::encode(&count, writer),
            None => Err(EncodeError::new(EncodeCause::TooManyElements { count: self.name, len, max: P::MAX })),
        }
    }

    /// Reads a count of type `P`.
    ///
    /// # Errors
    /// When it is negative, or the input ends before it.
    pub fn decode<P: Primitive>(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
        let start = reader.clone();
        let count = <P as Element>::decode(reader)?.to_i64();
        let negative = |_| start.error(DecodeCause::NegativeCount(count));
        u64::try_from(count).map_err(negative).map(|count| count.try_into().unwrap_or(usize::MAX))
    }
}
