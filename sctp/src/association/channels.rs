//! Streams as data channels: opened here, or by the far end (RFC 8832).

use super::Association;
use super::state::Phase;
use crate::dcep::Message;
use crate::receive::Notice;
use crate::send::{OutPhase, OutStream};
use crate::{Channel, Event, MAX_NAMES, OpenError, Violation};

impl Association {
    pub(super) fn open_stream(&mut self, id: u16, channel: &Channel) -> Result<(), OpenError> {
        let names = channel.label.len() + channel.protocol.len();
        if names > MAX_NAMES {
            return Err(OpenError::Names(names));
        }
        if !matches!(self.phase, Phase::Closed | Phase::CookieWait | Phase::CookieEchoed | Phase::Established) {
            return Err(OpenError::Ended);
        }
        if id >= self.streams() {
            return Err(OpenError::NoSuchStream { stream: id, count: self.streams() });
        }
        match self.outbox.streams.get_mut(id) {
            None => {
                self.outbox.streams.get_or_insert_with(id, || OutStream::new(channel.delivery, channel.priority));
            }
            // One that the far end refused to reset: its numbers go on.
            Some(stream) if stream.phase == OutPhase::Reset && stream.peer_reset => {
                stream.reopen(channel.delivery, channel.priority);
            }
            Some(_) => return Err(OpenError::InUse(id)),
        }
        Ok(())
    }

    /// Tells the far end of a stream that was just opened.
    pub(super) fn announce(&mut self, id: u16, channel: &Channel) {
        if let Some(stream) = self.outbox.streams.get_mut(id) {
            stream.is_unconfirmed = true;
        }
        self.send_control(id, &Message::Open(channel.clone()));
    }

    /// The far end opens a channel.
    pub(super) fn on_open(&mut self, id: u16, channel: Channel) -> Result<(), Violation> {
        if id >= self.streams() {
            return Ok(());
        }
        self.is_used_anew(id);
        // One that is open here already needs no answer.
        if self.outbox.streams.get(id).is_some() {
            return Ok(());
        }
        if self.outbox.streams.len() >= self.config.max_streams || !self.control_chunks.take(self.now, 1) {
            return Err(Violation::Streams);
        }
        self.outbox.streams.get_or_insert_with(id, || OutStream::new(channel.delivery, channel.priority));
        self.send_control(id, &Message::Ack);
        if let Some(notice) = self.inbox.notify(id, Notice::Opened(id, channel))? {
            self.tell(notice);
        }
        Ok(())
    }

    /// A channel cannot be taken as the far end describes it: it is closed (RFC 8832, section 6).
    pub(super) fn refuse_channel(&mut self, id: u16) -> Result<(), Violation> {
        if self.outbox.streams.get(id).is_some() || id >= self.streams() {
            return Ok(());
        }
        if self.outbox.streams.len() >= self.config.max_streams || !self.control_chunks.take(self.now, 1) {
            return Err(Violation::Streams);
        }
        let channel = Channel::default();
        self.outbox.streams.get_or_insert_with(id, || OutStream::new(channel.delivery, channel.priority));
        self.close_stream(id);
        Ok(())
    }

    pub(super) fn on_acknowledged(&mut self, id: u16) {
        if let Some(stream) = self.outbox.streams.get_mut(id)
            && std::mem::take(&mut stream.is_unconfirmed)
        {
            self.events.push_back(Event::Acknowledged(id));
        }
    }

    /// Something is told whose turn has come.
    pub(super) fn tell(&mut self, notice: Notice) {
        match notice {
            Notice::Opened(id, channel) => self.events.push_back(Event::Opened(id, channel)),
            Notice::Reset(id) => self.peer_was_reset(id),
        }
    }
}
