//! Why a message cannot be decoded or encoded.

use std::fmt;

/// Why bytes are no message of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The full name of the message in which it failed, which may be nested in the one that was asked for; empty from a
    /// [`Reader`](super::Reader) that is used by itself.
    pub message: &'static str,
    /// The field that failed; empty if none did.
    pub field: &'static str,
    /// How many bytes came before what failed, the fingerprint's eight included.
    pub offset: usize,
    /// What is wrong.
    pub cause: DecodeCause,
}

/// What is wrong with bytes that were to be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeCause {
    /// The input ends too early.
    #[error("{needed} bytes are needed but {left} are left: the message is cut off, or of another type")]
    TooShort {
        /// Bytes that should follow.
        needed: usize,
        /// Bytes that do.
        left: usize,
    },
    /// It is a message of another type.
    #[error("the fingerprint is {found:016x} and should be {expected:016x}: it is a message of another type")]
    Fingerprint {
        /// Of the type that was asked for.
        expected: u64,
        /// At the front of the input.
        found: u64,
    },
    /// A string's length is zero or negative, though it counts the final NUL.
    #[error("a string's length is {0}, but it counts the final NUL: at least 1")]
    StringLength(i32),
    /// A string does not end with a NUL where its length says.
    #[error("a string of {0} bytes does not end with a NUL")]
    NoNul(usize),
    /// A string is not UTF-8.
    #[error("a string is not UTF-8 from its byte {0} on")]
    NotUtf8(usize),
    /// An array's count is negative.
    #[error("an array's count is {0}, which is no number of elements")]
    NegativeCount(i64),
    /// An array has more elements than the rest of the input can hold.
    #[error("{count} elements take at least {least} bytes each but {left} bytes are left")]
    TooManyElements {
        /// The array's count.
        count: usize,
        /// What one element takes at least, in bytes.
        least: usize,
        /// Bytes that follow.
        left: usize,
    },
    /// Too many elements that take no bytes.
    #[error("{count} elements take no bytes, and at most {limit} such are taken from a message of this length")]
    TooManyEmptyElements {
        /// The array's count.
        count: usize,
        /// How many more would have been taken.
        limit: usize,
    },
    /// Messages are nested in each other without end.
    #[error("messages are nested more than {0} deep")]
    TooDeep(usize),
    /// The message ended before the input did.
    #[error("{0} bytes follow the end of the message: it is longer than its type, or two messages in one")]
    TrailingBytes(usize),
}

#[cfg(feature = "lcm")]
impl DecodeError {
    pub(super) fn new(offset: usize, cause: DecodeCause) -> DecodeError {
        DecodeError { message: "", field: "", offset, cause }
    }

    /// Names the place, unless a nested message has done so.
    #[doc(hidden)]
    #[must_use]
    #[cold]
    pub fn within(mut self, message: &'static str, field: &'static str) -> DecodeError {
        if self.message.is_empty() {
            (self.message, self.field) = (message, super::schema::plain(field));
        }
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.message, self.field)?;
        write!(f, "byte {}: {}", self.offset, self.cause)
    }
}

impl std::error::Error for DecodeError {}

/// Why a message cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeError {
    /// The full name of the message in which it failed; empty from a [`Writer`](super::Writer) that is used by itself.
    pub message: &'static str,
    /// The field that failed; empty if none did.
    pub field: &'static str,
    /// What is wrong.
    pub cause: EncodeCause,
}

/// What is wrong with a message that was to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeCause {
    /// The buffer is smaller than [`Message::encoded_len`](super::Message::encoded_len).
    #[error("{needed} bytes are to be written but the buffer has room for {left}: make it `encoded_len` bytes long")]
    BufferTooSmall {
        /// Bytes that were to be written.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// A string is longer than its 32-bit length can say.
    #[error("a string of {0} bytes is too long for its 32-bit length: shorten it")]
    StringTooLong(usize),
    /// A vector has more elements than its count field can say.
    #[error("{len} elements are more than {count}, a number up to {max}, can say: send fewer")]
    TooManyElements {
        /// The count field.
        count: &'static str,
        /// The vector's length.
        len: usize,
        /// The most that the count field can say.
        max: u64,
    },
    /// Two vectors with one count field, or two rows of one array, differ in length.
    #[error("{len} elements where there were {earlier}, though both are counted by {count}: make them equally long")]
    LengthsDiffer {
        /// The count field.
        count: &'static str,
        /// The length of the first.
        earlier: usize,
        /// The length of this one.
        len: usize,
    },
    /// Messages are nested deeper than a decoder accepts.
    #[error("messages are nested more than {0} deep")]
    TooDeep(usize),
}

#[cfg(feature = "lcm")]
impl EncodeError {
    pub(super) fn new(cause: EncodeCause) -> EncodeError {
        EncodeError { message: "", field: "", cause }
    }

    /// Names the place, unless a nested message has done so.
    #[doc(hidden)]
    #[must_use]
    #[cold]
    pub fn within(mut self, message: &'static str, field: &'static str) -> EncodeError {
        if self.message.is_empty() {
            (self.message, self.field) = (message, super::schema::plain(field));
        }
        self
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.message, self.field)?;
        self.cause.fmt(f)
    }
}

impl std::error::Error for EncodeError {}

fn write_place(f: &mut fmt::Formatter<'_>, message: &str, field: &str) -> fmt::Result {
    match (message, field) {
        ("", _) => Ok(()),
        (message, "") => write!(f, "{message}: "),
        (message, field) => write!(f, "{message}, field {field}: "),
    }
}
