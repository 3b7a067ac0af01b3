//! What the one subscriber that may reply has sent to its publisher.

use std::time::Instant;

use farwire_core::link::StreamId;
use farwire_core::{Delivery, Payload};

use crate::outgoing::Outgoing;
use crate::session::{Delivered, Session, SessionKey, Stream};
use crate::stats::Stats;

/// The way back of one publication.
pub(crate) struct Replies {
    /// Who may reply; nobody once that subscription has ended, since ids are never used twice.
    pub(crate) holder: Option<(SessionKey, StreamId)>,
    pub(crate) outgoing: Outgoing,
}

impl Replies {
    pub(crate) fn new(delivery: Delivery) -> Replies {
        Replies { holder: None, outgoing: Outgoing::new(delivery) }
    }
}

impl Session {
    /// Queues a subscriber's message for this session as the publisher, if this subscriber may reply.
    pub(crate) fn take_reply(
        &mut self,
        stream: StreamId,
        from: (SessionKey, StreamId),
        arrival: Instant,
        payload: &Payload,
        stats: &mut Stats,
    ) -> Delivered {
        let Some(Stream::Publication { replies, .. }) = self.streams.get_mut(&stream) else { return Delivered::Taken };
        if replies.holder != Some(from) {
            stats.unwanted += 1;
            return Delivered::Taken;
        }
        stats.replies += 1;
        if !replies.outgoing.push(arrival, payload, stats) {
            return Delivered::Overflowed;
        }
        replies.outgoing.schedule(stream, &mut self.pump);
        Delivered::Taken
    }

    /// Lets a subscriber reply on a publication of this session, in place of whoever could; or lets it no more.
    pub(crate) fn set_reply(&mut self, stream: StreamId, subscription: (SessionKey, StreamId), can_reply: bool) {
        let Some(Stream::Publication { replies, .. }) = self.streams.get_mut(&stream) else { return };
        if can_reply {
            replies.holder = Some(subscription);
        } else {
            replies.holder.take_if(|holder| *holder == subscription);
        }
    }
}
