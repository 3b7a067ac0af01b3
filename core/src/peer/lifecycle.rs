//! Up, lost, reconnected, over.

use std::time::Instant;

use crate::peer::{Event, Peer};
use crate::presence::Presence;
use crate::provider::session::SessionEvent;
use crate::{ConnectionEvent, ConnectionStats, EndReason, LastError};

/// How far a connection is in its life.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) is_up: bool,
    /// It was up, and is reconnecting.
    pub(super) is_lost: bool,
    /// Times that it was lost.
    losses: u64,
    lost_by: Option<LastError>,
    /// Why the latest attempt to reconnect failed, if that was told.
    reconnect_failed: Option<EndReason>,
    pub(super) ended: Option<EndReason>,
    end_told: bool,
    /// What ended the connection, unless it was closed here.
    ended_by: Option<LastError>,
}

impl Life {
    /// The end, if it is to be told now.
    pub(super) fn take_end(&mut self) -> Option<EndReason> {
        let ended = self.ended.as_ref().filter(|_| !self.end_told)?;
        self.end_told = true;
        Some(ended.clone())
    }
}

impl Peer {
    /// Whether the connection is up now.
    pub fn is_up(&self) -> bool {
        self.life.is_up
    }

    /// Why the connection is over, if it is.
    pub fn ended(&self) -> Option<&EndReason> {
        self.life.ended.as_ref()
    }

    /// Ends the connection at once and tells the SFU. What is still queued is not sent. [`Peer::poll`] has the last
    /// datagrams.
    pub fn close(&mut self, now: Instant) {
        self.end(now, EndReason::Closed);
    }

    pub(super) fn handle_session_event(&mut self, now: Instant, event: SessionEvent) {
        match event {
            SessionEvent::Up => self.session_up(now),
            SessionEvent::Opened(channel) => self.channel_opened(channel),
            SessionEvent::Message(channel, payload) => self.message_came(channel, &payload),
            SessionEvent::Closed(channel) => self.channel_closed(channel),
            SessionEvent::Trouble(channel, error, retrying) => self.channel_refused(now, channel, error, retrying),
            SessionEvent::Told(event) => {
                if Presence::of(&event).is_none_or(|presence| self.presence.note(presence)) {
                    self.tell(event);
                }
            }
            SessionEvent::ErrandDone(id, outcome) => self.errand_done(id, outcome),
            SessionEvent::EmergencyStop => self.outbox.push_back(Event::EmergencyStop),
            SessionEvent::Ended(reason) => self.session_ended(now, reason),
        }
    }

    /// Says what happened to the connection.
    pub(super) fn tell(&mut self, event: impl Into<ConnectionEvent>) {
        self.outbox.push_back(Event::Connection(event.into()));
    }

    fn session_up(&mut self, now: Instant) {
        (self.life.is_up, self.life.is_lost) = (true, false);
        self.sessions.reconnect.connected(now);
        let session = self.session_id().cloned();
        self.tell(ConnectionEvent::Connected { session });
    }

    fn session_ended(&mut self, now: Instant, reason: EndReason) {
        if self.sessions.reconnect.at().is_some() {
            return;
        }
        if self.life.ended.is_none() && self.sessions.lost(now, &reason) {
            self.hang_up(now, reason);
        } else {
            self.end(now, reason);
        }
    }

    /// Leaves sessions that are of no use any more, to reconnect when `Reconnect` says so.
    fn hang_up(&mut self, now: Instant, reason: EndReason) {
        self.life.lost_by = Some(LastError::new(now, &reason));
        let was_up = std::mem::take(&mut self.life.is_up);
        self.life.is_lost = true;
        for event in self.sessions.hang_up(now) {
            self.handle_session_event(now, event);
        }
        self.lose_errands();
        for id in self.topics.ids() {
            self.drop_queued(id);
            let Some(topic) = self.topics.get_mut(id) else { continue };
            if let Some(publication) = &mut topic.publication {
                publication.open = false;
                publication.failed = None;
            }
            let Some(reception) = &mut topic.reception else { continue };
            if std::mem::take(&mut reception.open) {
                topic.stats.interruptions += 1;
                self.outbox.extend(reception.subscribers.iter().map(|id| Event::Interrupted(*id)));
            }
        }
        if was_up {
            self.life.losses += 1;
            self.life.reconnect_failed = None;
            self.tell(ConnectionEvent::Reconnecting { reason });
        } else if !self.life.reconnect_failed.as_ref().is_some_and(|told| is_alike(told, &reason)) {
            self.life.reconnect_failed = Some(reason.clone());
            self.tell(ConnectionEvent::ReconnectFailed { reason });
        }
    }

    /// Dials, and asks for every channel that there was.
    pub(super) fn dial_again(&mut self, now: Instant) {
        self.sessions.connect_again(now, self.clock.kept());
        for id in self.topics.ids() {
            self.want_publication(now, id);
            self.want_reception(now, id);
        }
    }

    fn end(&mut self, now: Instant, reason: EndReason) {
        if self.life.ended.is_some() {
            return;
        }
        self.life.ended_by = (reason != EndReason::Closed).then(|| LastError::new(now, &reason));
        self.life.ended = Some(reason);
        self.life.is_up = false;
        self.sessions.live.close(now, true);
        for topic in self.topics.values_mut() {
            topic.publication.iter_mut().for_each(|publication| publication.open = false);
            topic.reception.iter_mut().for_each(|reception| reception.open = false);
        }
        self.outbound.pump.stop();
        self.lose_errands();
    }

    pub(super) fn connection_stats(&self) -> ConnectionStats {
        let [mut publish, mut subscribe] = self.sessions.stats();
        if self.life.ended.is_some() {
            (publish.up, subscribe.up) = (false, false);
        }
        let Life { losses, lost_by, ended_by, .. } = &self.life;
        let errors = self.sessions.live.trouble().into_iter().chain(ended_by).chain(lost_by);
        let last_error = errors.max_by_key(|error| error.at).cloned();
        ConnectionStats { publish, subscribe, losses: *losses, last_error }
    }
}

/// Whether two failures are the same to a person, whatever time each took.
fn is_alike(a: &EndReason, b: &EndReason) -> bool {
    match (a, b) {
        (EndReason::TimedOut { stage: a, .. }, EndReason::TimedOut { stage: b, .. }) => a == b,
        (EndReason::Unavailable(a), EndReason::Unavailable(b)) => a.code() == b.code(),
        _ => a == b,
    }
}
