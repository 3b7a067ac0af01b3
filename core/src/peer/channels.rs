//! What becomes of the channels that topics have asked for.

use std::time::Instant;

use crate::Direction;
use crate::LastError;
use crate::peer::{Event, Peer};
use crate::provider::ChannelId;
use crate::signalling::SignallingError;

impl Peer {
    pub(super) fn channel_opened(&mut self, key: ChannelId) {
        let Some((id, topic)) = self.topics.on(key) else { return };
        if let Some(reception) = topic.reception_on(key) {
            reception.open = true;
            self.outbox.extend(reception.subscribers.iter().map(|subscriber| Event::Subscribed(*subscriber)));
        }
        if let Some(publication) = topic.publication_on(key) {
            publication.open = true;
            self.outbound.schedule(id, publication);
        }
    }

    /// The far end closed a channel, which may open again.
    pub(super) fn channel_closed(&mut self, key: ChannelId) {
        let queues = self.sessions.live.queues_until_open();
        let Some((id, topic)) = self.topics.on(key) else { return };
        topic.stats.interruptions += 1;
        if let Some(reception) = topic.reception_on(key) {
            reception.open = false;
            self.outbox.extend(reception.subscribers.iter().map(|id| Event::Interrupted(*id)));
        }
        if let Some(publication) = topic.publication_on(key) {
            publication.open = false;
            if !queues {
                self.drop_queued(id);
            }
        }
    }

    /// A channel is not to be had; with `retrying` it may be later.
    pub(super) fn channel_refused(&mut self, now: Instant, key: ChannelId, error: SignallingError, retrying: bool) {
        let Some((_, topic)) = self.topics.on(key) else { return };
        topic.stats.last_error = Some(LastError::new(now, &error));
        let publication = topic.publication_on(key);
        let direction = if publication.is_some() { Direction::Publish } else { Direction::Subscribe };
        if let (false, Some(publication)) = (retrying, publication) {
            publication.failed = Some(error.clone());
        }
        self.outbox.push_back(Event::Trouble { direction, topic: topic.name.clone(), error, retrying });
    }
}
