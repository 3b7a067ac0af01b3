//! Reading a message's bytes.

use super::{DecodeCause, DecodeError};

/// How deep messages may be nested in each other.
pub const MAX_DEPTH: usize = 32;

/// Elements without bytes that any message may have, however short.
const FREE_EMPTY_ELEMENTS: usize = 64;

/// Reads from the front of a message's bytes. Each read is checked against what is left before anything is allocated.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    depth: usize,
    /// How many more elements without bytes are taken; without a bound, a count alone could keep the reader busy.
    empty_elements: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        let empty_elements = bytes.len().saturating_add(FREE_EMPTY_ELEMENTS);
        Reader { bytes, offset: 0, depth: 0, empty_elements }
    }

    /// Bytes that have not been read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let left = self.left();
        match self.bytes.get(self.offset..).and_then(|rest| rest.get(..len)) {
            Some(taken) => {
                self.offset += len;
                Ok(taken)
            }
            None => Err(self.error(DecodeCause::TooShort { needed: len, left })),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let left = self.left();
        match self.bytes.get(self.offset..).and_then(|rest| rest.first_chunk()) {
            Some(taken) => {
                self.offset += N;
                Ok(*taken)
            }
            None => Err(self.error(DecodeCause::TooShort { needed: N, left })),
        }
    }

    /// A string: its length with the final NUL as an `int32_t`, its bytes, and the NUL.
    ///
    /// # Errors
    /// When the length is less than 1 or more than what is left, the NUL is missing, or the bytes are not UTF-8.
    pub fn string(&mut self) -> Result<&'a str, DecodeError> {
        let start = self.clone();
        let len = i32::from_be_bytes(self.take_array()?);
        let taken = match usize::try_from(len) {
            Ok(len @ 1..) => self.take(len)?,
            _ => return Err(start.error(DecodeCause::StringLength(len))),
        };
        let [text @ .., 0] = taken else { return Err(start.error(DecodeCause::NoNul(taken.len()))) };
        std::str::from_utf8(text).map_err(|error| start.error(DecodeCause::NotUtf8(error.valid_up_to())))
    }

    /// Checks that `count` elements of at least `least` bytes each can follow.
    ///
    /// # Errors
    /// When what is left is too short for them, or when `least` is 0 and there are more such elements than the message
    /// has bytes, and 64.
    pub fn expect_elements(&mut self, count: usize, least: usize) -> Result<(), DecodeError> {
        let left = self.left();
        if least == 0 {
            let limit = self.empty_elements;
            let rest = limit.checked_sub(count);
            self.empty_elements = rest.ok_or_else(|| self.error(DecodeCause::TooManyEmptyElements { count, limit }))?;
        } else if count > left / least {
            return Err(self.error(DecodeCause::TooManyElements { count, least, left }));
        }
        Ok(())
    }

    /// Reads a message that is nested in what is being read.
    ///
    /// # Errors
    /// When it is more than [`MAX_DEPTH`] deep, and those of `read`.
    pub fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(DecodeCause::TooDeep(MAX_DEPTH)));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Checks that everything has been read.
    ///
    /// # Errors
    /// When bytes are left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.error(DecodeCause::TrailingBytes(left))),
        }
    }

    #[cold]
    pub(super) fn error(&self, cause: DecodeCause) -> DecodeError {
        DecodeError::new(self.offset, cause)
    }
}
