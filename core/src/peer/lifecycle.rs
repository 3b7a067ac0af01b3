//! Up, lost, dialed again, over.

use std::time::Instant;

use crate::peer::{Event, Peer, Side};
use crate::session::{Session, SessionEvent};
use crate::{ConnectionEvent, ConnectionStats, EndReason, LastError};

/// How far a connection is in its life.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) is_up: bool,
    /// It was up, and is being dialed again.
    pub(super) is_lost: bool,
    /// Times that it was lost.
    losses: u64,
    lost_by: Option<LastError>,
    /// Why the latest attempt to dial again failed, if that was told.
    dial_failed: Option<EndReason>,
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

    pub(super) fn handle_session_event(&mut self, now: Instant, side: Side, event: SessionEvent) {
        match event {
            SessionEvent::Connected => self.session_connected(now),
            SessionEvent::Presence(presence) => {
                if self.company.note(presence) {
                    self.tell(presence);
                }
            }
            SessionEvent::Clock(news) => self.tell(news),
            SessionEvent::EmergencyStop => self.outbox.push_back(Event::EmergencyStop),
            SessionEvent::Failing(reason) => self.tell(ConnectionEvent::HeartbeatFailing { reason }),
            SessionEvent::Warning(what) => self.tell(ConnectionEvent::Warning { what }),
            SessionEvent::Opened(key) => self.channel_opened(now, key),
            SessionEvent::Message(key, payload) => self.message_came(key, &payload),
            SessionEvent::Closed(key) => self.channel_closed(side, key),
            SessionEvent::Trouble(key, error, retrying) => self.channel_refused(now, side, key, error, retrying),
            SessionEvent::Ended(reason) => self.session_ended(now, reason),
        }
    }

    /// Says what happened to the connection.
    pub(super) fn tell(&mut self, event: impl Into<ConnectionEvent>) {
        self.outbox.push_back(Event::Connection(event.into()));
    }

    fn session_connected(&mut self, now: Instant) {
        if self.sessions.iter().all(Session::is_up) {
            (self.life.is_up, self.life.is_lost) = (true, false);
            self.sessions.dialer.connected(now);
            let session = self.session_id().cloned();
            self.tell(ConnectionEvent::Connected { session });
        }
    }

    fn session_ended(&mut self, now: Instant, reason: EndReason) {
        if self.sessions.dialer.redials_at().is_some() {
            return;
        }
        if self.life.ended.is_none() && self.sessions.dialer.lost(now, &reason) {
            self.hang_up(now, reason);
        } else {
            self.end(now, reason);
        }
    }

    /// Leaves sessions that are of no use any more, to dial again when the dialer says so.
    fn hang_up(&mut self, now: Instant, reason: EndReason) {
        self.life.lost_by = Some(LastError::new(now, &reason));
        let was_up = std::mem::take(&mut self.life.is_up);
        self.life.is_lost = true;
        for side in self.sessions.sides() {
            for event in self.sessions.hang_up(now, side) {
                self.handle_session_event(now, side, event);
            }
        }
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
            if let Some(key) = reception.key.take() {
                self.topics.detach(key);
            }
        }
        if was_up {
            self.life.losses += 1;
            self.life.dial_failed = None;
            self.tell(ConnectionEvent::Reconnecting { reason });
        } else if !self.life.dial_failed.as_ref().is_some_and(|told| is_alike(told, &reason)) {
            self.life.dial_failed = Some(reason.clone());
            self.tell(ConnectionEvent::DialFailed { reason });
        }
    }

    /// Dials, and asks for every channel that there was.
    pub(super) fn dial_again(&mut self, now: Instant) {
        self.sessions.dial(now, self.clock.kept());
        for id in self.topics.ids() {
            self.open_publication(now, id);
            self.receive_on(now, id);
        }
    }

    fn end(&mut self, now: Instant, reason: EndReason) {
        if self.life.ended.is_some() {
            return;
        }
        self.life.ended_by = (reason != EndReason::Closed).then(|| LastError::new(now, &reason));
        self.life.ended = Some(reason);
        self.life.is_up = false;
        self.sessions.close(now);
        for topic in self.topics.values_mut() {
            topic.publication.iter_mut().for_each(|publication| publication.open = false);
            topic.reception.iter_mut().for_each(|reception| reception.open = false);
        }
        self.outbound.pump.stop();
    }

    pub(super) fn connection_stats(&self) -> ConnectionStats {
        let [mut publish, mut subscribe] = self.sessions.stats();
        if self.life.ended.is_some() {
            (publish.up, subscribe.up) = (false, false);
        }
        let Life { losses, lost_by, ended_by, .. } = &self.life;
        let errors = self.sessions.troubles().chain(ended_by).chain(lost_by);
        let last_error = errors.max_by_key(|error| error.at).cloned();
        ConnectionStats { publish, subscribe, losses: *losses, last_error }
    }
}

/// Whether two failures are the same to a person, whatever time each took.
fn is_alike(a: &EndReason, b: &EndReason) -> bool {
    match (a, b) {
        (EndReason::TimedOut { stage: a, .. }, EndReason::TimedOut { stage: b, .. }) => a == b,
        (EndReason::Operator(a), EndReason::Operator(b)) => std::mem::discriminant(a) == std::mem::discriminant(b),
        _ => a == b,
    }
}
