//! What the one subscriber that may reply has sent to its publisher.

use farwire_core::link::StreamId;
use farwire_core::{Delivery, Overflow, Payload, Pushed, QueueLimits, SendQueue};

use crate::limits::{LOSSY_QUEUE, LOSSY_QUEUE_BYTES, RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES};
use crate::session::{Delivered, Session, SessionKey, Stream};
use crate::stats::Stats;

/// The way back of one publication.
pub(crate) struct Replies {
    /// Who may reply; nobody once that subscription has ended, since ids are never used twice.
    pub(crate) holder: Option<(SessionKey, StreamId)>,
    pub(crate) queue: SendQueue,
    pub(crate) in_backlog: bool,
}

impl Replies {
    pub(crate) fn new(delivery: Delivery) -> Replies {
        Replies { holder: None, queue: queue(delivery), in_backlog: false }
    }
}

/// The queue for one receiver of a channel.
pub(crate) fn queue(delivery: Delivery) -> SendQueue {
    let mut limits = QueueLimits::suited_to(delivery);
    (limits.messages, limits.bytes, limits.overflow) = match delivery.is_reliable() {
        true => (RELIABLE_QUEUE, RELIABLE_QUEUE_BYTES, Overflow::Refuse),
        false => (LOSSY_QUEUE, LOSSY_QUEUE_BYTES, Overflow::DropOldest),
    };
    SendQueue::new(limits)
}

impl Session {
    /// Queues a subscriber's message for this session as the publisher, if this subscriber may reply.
    pub(crate) fn take_reply(
        &mut self,
        stream: StreamId,
        from: (SessionKey, StreamId),
        payload: &Payload,
        stats: &mut Stats,
    ) -> Delivered {
        let Some(Stream::Publication { replies, .. }) = self.streams.get_mut(&stream) else { return Delivered::Taken };
        if replies.holder != Some(from) {
            return Delivered::Taken;
        }
        stats.replies += 1;
        match replies.queue.push(payload.clone()) {
            Pushed::Queued => {}
            Pushed::Replaced(dropped) => stats.replaced += dropped as u64,
            Pushed::Refused => return Delivered::Overflowed,
        }
        if !std::mem::replace(&mut replies.in_backlog, true) {
            self.backlog.push_back(stream);
        }
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
