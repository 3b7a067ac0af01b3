//! Writing a message's bytes.

use super::{EncodeCause, EncodeError, MAX_DEPTH};

/// Writes to the front of a buffer that belongs to somebody else.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    written: usize,
    depth: usize,
}

impl<'a> Writer<'a> {
    /// Writes to `buffer` from its beginning.
    pub fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, written: 0, depth: 0 }
    }

    /// Bytes that have been written.
    pub fn written(&self) -> usize {
        self.written
    }

    /// The next `len` bytes of the buffer, to be filled.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn room(&mut self, len: usize) -> Result<&mut [u8], EncodeError> {
        let left = self.buffer.len() - self.written;
        let Some(room) = self.buffer.get_mut(self.written..).and_then(|rest| rest.get_mut(..len)) else {
            return Err(EncodeError::new(EncodeCause::BufferTooSmall { needed: len, left }));
        };
        self.written += len;
        Ok(room)
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When the buffer is too small.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.room(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a string: its length with a final NUL as an `int32_t`, its bytes, and the NUL.
    ///
    /// # Errors
    /// When the buffer is too small, or the string has 2³¹ − 1 bytes or more.
    pub fn string(&mut self, text: &str) -> Result<(), EncodeError> {
        let Some(len) = text.len().checked_add(1).and_then(|len| i32::try_from(len).ok()) else {
            return Err(EncodeError::new(EncodeCause::StringTooLong(text.len())));
        };
        self.put(&len.to_be_bytes())?;
        self.put(text.as_bytes())?;
        self.put(&[0])
    }

    /// Writes a message that is nested in what is being written.
    ///
    /// # Errors
    /// When it is more than [`MAX_DEPTH`] deep, and those of `write`.
    pub fn nested(
        &mut self,
        write: impl FnOnce(&mut Writer<'a>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.depth == MAX_DEPTH {
            return Err(EncodeError::new(EncodeCause::TooDeep(MAX_DEPTH)));
        }
        self.depth += 1;
        let result = write(self);
        self.depth -= 1;
        result
    }
}
