//! What every message type can do.

use super::{DecodeCause, DecodeError, EncodeError, FINGERPRINT_LEN, Reader, Schema, Writer};

/// An LCM message type, as [`lcm_messages!`](crate::lcm_messages) defines it.
pub trait Message: Sized + Default {
    /// The full name: package, dot, name.
    const NAME: &'static str;

    /// What is in front of each message of this type: lcm-gen's hash of the definition. Types with the same fields have
    /// the same, whatever their names.
    const FINGERPRINT: u64;

    /// Where a message says when it was made, as [`Schema::stamp_at`] has it.
    const STAMP_AT: Option<usize>;

    /// What the shortest message takes, in bytes and without the fingerprint.
    const MIN_BODY_LEN: usize;

    /// The definition.
    fn schema() -> &'static Schema;

    /// What the fields take, in bytes.
    fn body_len(&self) -> usize;

    /// Writes the fields.
    ///
    /// # Errors
    /// When they have no encoding; see [`EncodeCause`](super::EncodeCause).
    fn encode_body(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads the fields.
    ///
    /// # Errors
    /// When the bytes are no such fields; see [`DecodeCause`].
    fn decode_body(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// What the message takes on the wire, in bytes.
    fn encoded_len(&self) -> usize {
        FINGERPRINT_LEN + self.body_len()
    }

    /// Writes the message to the front of `buffer`, and answers how many bytes it took: [`encoded_len`] many.
    ///
    /// [`encoded_len`]: Message::encoded_len
    ///
    /// # Errors
    /// When the buffer is shorter than that, when a vector or string is longer than its count can say, or when vectors
    /// with one count differ in length.
    fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let mut writer = Writer::new(buffer);
        let written = writer.put(&Self::FINGERPRINT.to_be_bytes()).and_then(|()| self.encode_body(&mut writer));
        written.map(|()| writer.written()).map_err(|error| error.within(Self::NAME, ""))
    }

    /// The message's bytes in a new vector.
    ///
    /// # Errors
    /// As for [`Message::encode`], but for the buffer.
    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = vec![0; self.encoded_len()];
        self.encode(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads a message, which all of `bytes` must be.
    ///
    /// # Errors
    /// When they are anything else; see [`DecodeCause`].
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        read::<Self>(&mut reader).map_err(|error| error.within(Self::NAME, ""))
    }
}

fn read<M: Message>(reader: &mut Reader<'_>) -> Result<M, DecodeError> {
    let found = u64::from_be_bytes(reader.take_array()?);
    if found != M::FINGERPRINT {
        return Err(DecodeError::new(0, DecodeCause::Fingerprint { expected: M::FINGERPRINT, found }));
    }
    let message = M::decode_body(reader)?;
    reader.finish()?;
    Ok(message)
}
