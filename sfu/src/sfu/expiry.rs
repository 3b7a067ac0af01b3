//! What has not happened in time, and how sessions end.

use std::time::Instant;

use farwire_core::link::StreamId;
use tracing::info;

use super::Sfu;
use crate::error::Refusal;
use crate::limits::REUSE_WITHIN;
use crate::session::{SessionKey, Stream};

impl Sfu {
    /// What has not happened in time: the connection, a sign of life, a call's transport, a subscriber's acknowledgement;
    /// and what has had to wait until now.
    pub(super) fn expire(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let is_lost = session.connected && session.heard + REUSE_WITHIN <= now;
        if is_lost || session.connect_by.is_some_and(|by| by <= now) {
            let why = if is_lost { "nothing was heard from it" } else { "it did not connect in time" };
            info!(session = session.short_id(), why, "given up");
            self.stats.lost += u64::from(is_lost);
            session.link.close(now);
            session.has_ended = true;
            return;
        }
        let late = session.waiting.iter().take_while(|(at, ..)| *at <= now).count();
        let late: Vec<_> = session.waiting.drain(..late).collect();
        let is_due = |by: Option<Instant>| by.is_some_and(|by| by <= now);
        let overdue: Vec<StreamId> = session
            .streams
            .iter()
            .filter(|(_, stream)| matches!(stream, Stream::Subscription(s) if is_due(s.gate) || is_due(s.drain_until)))
            .map(|(id, _)| *id)
            .collect();
        for (_, request, _) in late {
            self.respond(request, Refusal::not_connected().response());
        }
        for stream in overdue {
            self.close_stream(now, key, stream);
        }
        self.check_backpressure(now, key);
        self.call_delayed(now, key);
        if let Some(session) = self.sessions.get_mut(&key) {
            session.reschedule();
        }
    }

    pub(super) fn remove(&mut self, now: Instant, key: SessionKey) {
        let streams: Vec<StreamId> =
            self.sessions.get(&key).into_iter().flat_map(|session| session.streams.keys().copied()).collect();
        for stream in streams {
            self.drop_stream(now, key, stream);
        }
        let Some(session) = self.sessions.remove(&key) else { return };
        info!(session = session.short_id(), sessions = self.sessions.len(), "removed");
        self.stats.unconnected += u64::from(!session.connected);
        self.stats.stray += session.intake.waiting() as u64;
        self.by_id.remove(&session.id);
        self.by_ufrag.remove(&session.ufrag);
        for address in session.paths.addresses() {
            if self.by_address.get(&address) == Some(&key) {
                self.by_address.remove(&address);
            }
        }
        if let Some(at) = session.timer {
            self.timers.remove(&(at, key));
        }
        let waiting = session.waiting.iter().map(|(_, request, _)| *request);
        let delayed = session.delayed.iter().map(|(_, request, ..)| *request);
        for request in waiting.chain(delayed).collect::<Vec<_>>() {
            self.respond(request, Refusal::gone().response());
        }
    }
}
