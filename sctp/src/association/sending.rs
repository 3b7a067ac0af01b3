//! Messages from this end, as their users give them.

use bytes::Bytes;

use super::Association;
use super::state::Phase;
use crate::dcep;
use crate::receive::ppid;
use crate::send::{OVERHEAD, OutPhase, Outgoing};
use crate::{Delivery, Kind, Part, SendError};

/// What stands for an empty message (RFC 8831, section 6.6).
const EMPTY: Bytes = Bytes::from_static(&[0]);

impl Association {
    pub(super) fn send_whole(
        &mut self,
        id: u16,
        kind: Kind,
        bytes: Bytes,
        delivery: Option<Delivery>,
    ) -> Result<(), SendError> {
        let mut delivery = self.may_send(id, bytes.len(), delivery)?;
        let Some(stream) = self.outbox.streams.get(id) else { return Err(SendError::NotOpen(id)) };
        if stream.is_partial {
            return Err(SendError::OutOfTurn(id));
        }
        delivery.ordered |= stream.is_unconfirmed;
        self.make_room(bytes.len())?;
        let ppid = ppid(kind, bytes.is_empty());
        let bytes = if bytes.is_empty() { EMPTY } else { bytes };
        self.outbox.push(id, Outgoing::new(self.now, ppid, &delivery, bytes, true));
        self.stats.messages_sent += 1;
        Ok(())
    }

    pub(super) fn send_one_part(&mut self, id: u16, kind: Kind, part: Part, bytes: Bytes) -> Result<(), SendError> {
        if part == Part::Whole {
            return self.send_whole(id, kind, bytes, None);
        }
        let mut delivery = self.may_send(id, bytes.len(), None)?;
        let Some(stream) = self.outbox.streams.get_mut(id) else { return Err(SendError::NotOpen(id)) };
        if stream.is_partial == (part == Part::First) {
            return Err(SendError::OutOfTurn(id));
        }
        delivery.ordered |= stream.is_unconfirmed;
        match part {
            Part::First if !self.flight.can_abandon => return Err(SendError::NoParts(id)),
            Part::First => {
                self.make_room(bytes.len())?;
                let ppid = ppid(kind, false);
                if let Some(stream) = self.outbox.streams.get_mut(id) {
                    stream.is_partial = true;
                    stream.is_discarding = false;
                }
                self.outbox.push(id, Outgoing::new(self.now, ppid, &delivery, bytes, false));
                self.stats.messages_sent += 1;
            }
            _ if stream.is_discarding => {
                stream.is_partial = part == Part::Middle;
                stream.is_discarding = part == Part::Middle;
            }
            Part::Middle | Part::Last => {
                self.make_room(bytes.len())?;
                let is_last = part == Part::Last;
                if let Some(stream) = self.outbox.streams.get_mut(id) {
                    stream.is_partial = !is_last;
                }
                self.outbox.extend(id, bytes, is_last);
            }
            Part::Aborted | Part::Whole => self.give_up(id)?,
        }
        Ok(())
    }

    /// Gives up the message that is given in parts.
    fn give_up(&mut self, id: u16) -> Result<(), SendError> {
        let Some(stream) = self.outbox.streams.get_mut(id) else { return Err(SendError::NotOpen(id)) };
        stream.is_partial = false;
        match self.outbox.withdraw(id) {
            Some(rest) => {
                self.flight.abandon(&rest);
                self.drop_abandoned();
            }
            None => self.stats.messages_expired += 1,
        }
        Ok(())
    }

    /// Whether a message of this size may be sent on a stream, and how it is delivered.
    fn may_send(&self, id: u16, len: usize, delivery: Option<Delivery>) -> Result<Delivery, SendError> {
        if !matches!(self.phase, Phase::Closed | Phase::CookieWait | Phase::CookieEchoed | Phase::Established) {
            return Err(SendError::Ended);
        }
        let stream = self.outbox.streams.get(id).filter(|stream| stream.phase == OutPhase::Open);
        let Some(stream) = stream else { return Err(SendError::NotOpen(id)) };
        if len > self.max_send {
            return Err(SendError::TooLarge { len, max: self.max_send });
        }
        Ok(delivery.unwrap_or(stream.delivery))
    }

    fn make_room(&mut self, len: usize) -> Result<(), SendError> {
        if self.has_room(len) {
            return Ok(());
        }
        self.wants_room = true;
        Err(SendError::Full)
    }

    /// Sends a message about a channel. It does not wait for room, as there are as many at most as streams.
    pub(super) fn send_control(&mut self, id: u16, message: &dcep::Message) {
        let bytes = Bytes::from(message.write());
        debug_assert!(bytes.len() <= crate::MAX_NAMES + OVERHEAD);
        self.outbox.push(id, Outgoing::new(self.now, dcep::PPID, &Delivery::reliable(), bytes, true));
    }
}
