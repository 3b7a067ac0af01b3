//! One end of an association.

use std::time::Instant;

use bytes::Bytes;

use crate::{Channel, Config, Delivery, Event, Kind, OpenError, Part, Received, SendError, Stats};

/// One end of an SCTP association.
///
/// After any call: take packets with [`poll_packet`](Self::poll_packet) until there are none, then events with
/// [`poll_event`](Self::poll_event), and call [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
/// Time never goes back; an earlier one counts as the latest.
#[derive(Debug)]
pub struct Association {
    config: Config,
}

impl Association {
    /// An end that is not connected and waits for the far end to begin. All that is drawn by chance comes from the seed, which
    /// is to be secret, and another one for each association.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Association {
        todo!()
    }

    /// Begins the association. In WebRTC both ends do; one of them is enough.
    pub fn connect(&mut self, now: Instant) {
        todo!()
    }

    /// Takes what came inside one DTLS record. What is no packet of this association is counted and dropped.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        todo!()
    }

    /// To be called when the time of [`poll_timeout`](Self::poll_timeout) has come; harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest, if nothing happens before. After it,
    /// there may be packets.
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Writes the next packet to be sent into `packet`, in place of what is there: the contents of one DTLS record, of at most
    /// [`max_packet`](Config::max_packet) bytes. `false` and nothing written: none for now.
    pub fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        todo!()
    }

    /// What happened since.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// Opens a stream for sending that the far end opens as well, without a word on the wire; before or after the association is
    /// connected.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_negotiated(&mut self, stream: u16, channel: &Channel) -> Result<(), OpenError> {
        todo!()
    }

    /// Opens a stream and tells the far end what it is (RFC 8832). Messages may be sent at once. Of the two ends, the DTLS client
    /// takes even ids and the server odd ones.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, now: Instant, stream: u16, channel: &Channel) -> Result<(), OpenError> {
        todo!()
    }

    /// Gives a message to be sent as its stream was opened, in the order of the calls for ordered ones.
    ///
    /// # Errors
    /// [`SendError`]: the message was not taken.
    pub fn send(&mut self, now: Instant, stream: u16, kind: Kind, bytes: Bytes) -> Result<(), SendError> {
        todo!()
    }

    /// Like [`send`](Self::send), but delivered like this.
    ///
    /// # Errors
    /// [`SendError`]: the message was not taken.
    pub fn send_with(&mut self, now: Instant, stream: u16, kind: Kind, bytes: Bytes, delivery: Delivery) -> Result<(), SendError> {
        todo!()
    }

    /// Gives a part of a message, so that a large one need not be in memory: [`Part::First`], any number of [`Part::Middle`],
    /// [`Part::Last`], or [`Part::Aborted`] instead of what is missing. Parts of one message follow each other on its stream; those
    /// of different streams may alternate. Without [interleaving](Stats::interleaving), a message that has begun holds up all
    /// streams until its last part is there.
    ///
    /// # Errors
    /// [`SendError`]: the part was not taken.
    pub fn send_part(&mut self, now: Instant, stream: u16, kind: Kind, part: Part, bytes: Bytes) -> Result<(), SendError> {
        todo!()
    }

    /// Takes the next message, or the next part of a large one: ordered messages of a stream in their order. What is not taken fills
    /// the window, and the far end waits.
    pub fn receive(&mut self) -> Option<Received> {
        todo!()
    }

    /// Takes the next message of this stream alone. Messages of others stay, in their order.
    pub fn receive_from(&mut self, stream: u16) -> Option<Received> {
        todo!()
    }

    /// Ends sending on a stream once what was sent before is out, and with it the channel: the far end is to reset its direction
    /// as well. [`Event::ResetDone`] and [`Event::Closed`] follow.
    pub fn reset(&mut self, stream: u16) {
        todo!()
    }

    /// Ends the association once everything is acknowledged. Nothing more can be sent.
    pub fn shutdown(&mut self, now: Instant) {
        todo!()
    }

    /// Ends the association at once; one last packet tells the far end.
    pub fn abort(&mut self, now: Instant) {
        todo!()
    }

    /// The largest message, in bytes, that the far end takes, as its SDP says; without a limit before this is called.
    pub fn set_max_send(&mut self, max: usize) {
        todo!()
    }

    /// When [`buffered_amount`](Self::buffered_amount) falls from above to this, [`Event::BufferedAmountLow`] says so. It is 0 at
    /// first.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: u16, threshold: usize) {
        todo!()
    }

    /// Changes who goes first, for what is not yet sent.
    pub fn set_priority(&mut self, stream: u16, priority: crate::Priority) {
        todo!()
    }

    /// Bytes that wait on the stream and of which no packet was made.
    pub fn buffered_amount(&self, stream: u16) -> usize {
        todo!()
    }

    /// Bytes that were given to be sent and are not acknowledged, over all streams.
    pub fn unacknowledged(&self) -> usize {
        todo!()
    }

    /// Whether a message of `len` bytes would be taken. Anything is when nothing is waiting.
    pub fn has_room(&self, len: usize) -> bool {
        todo!()
    }

    /// Whether everything that was given is acknowledged or given up.
    pub fn is_flushed(&self) -> bool {
        todo!()
    }

    /// Whether both ends have agreed, and it is not over.
    pub fn is_connected(&self) -> bool {
        todo!()
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        todo!()
    }

    /// How many streams there are in our direction; 65,535 before the far end has said.
    pub fn streams(&self) -> u16 {
        todo!()
    }

    /// The counters, and how things are now.
    pub fn stats(&self) -> Stats {
        todo!()
    }
}
