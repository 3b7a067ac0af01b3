//! A channel that is wanted of an API session, from the wish to the end.

use std::time::{Duration, Instant};

use crate::Delivery;
use crate::link::StreamId;
use crate::signalling::Backoff;
use crate::wire::cloudflare::DataChannel;

/// After this the SFU has given up on an acknowledgement that it did not get.
const ACK_WINDOW: Duration = Duration::from_secs(30);

/// The first pause before an acknowledgement on a lossy channel is repeated; each later one is twice as long.
const ACK_REPEAT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Channel {
    /// As the API is asked for it.
    pub(super) entry: DataChannel,
    pub(super) delivery: Delivery,
    pub(super) state: ChannelState,
    pub(super) backoff: Backoff,
    /// A failure of the present streak has been told.
    pub(super) told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelState {
    /// To be asked for at this time.
    Wanted(Instant),
    Allocating,
    /// Allocated; the local end is being opened.
    Opening(StreamId),
    Open(StreamId),
    /// Refused for good.
    Failed,
}

/// The acknowledgement that opens the SFU's gate, until the first message shows that it is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ack {
    pub(super) at: Instant,
    /// The transport loses none, so that one is enough.
    is_reliable: bool,
    pause: Duration,
    until: Instant,
}

impl Channel {
    pub(super) fn new(entry: DataChannel, delivery: Delivery, now: Instant) -> Channel {
        let state = ChannelState::Wanted(now);
        Channel { entry, delivery, state, backoff: Backoff::default(), told: false }
    }

    pub(super) fn wanted_at(&self) -> Option<Instant> {
        match self.state {
            ChannelState::Wanted(at) => Some(at),
            _ => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, ChannelState::Open(_))
    }

    /// Whether an item of an answer is about this channel.
    pub(super) fn is_named_by(&self, item: &DataChannel) -> bool {
        let entry = &self.entry;
        item.data_channel_name.is_some()
            && item.data_channel_name == entry.data_channel_name
            && (item.session_id.is_none() || entry.session_id.is_none() || item.session_id == entry.session_id)
            && (item.location.is_none() || item.location == entry.location)
    }
}

impl Ack {
    pub(super) fn due(now: Instant, delivery: Delivery) -> Ack {
        Ack { at: now, is_reliable: delivery.is_reliable(), pause: ACK_REPEAT, until: now + ACK_WINDOW }
    }

    /// Notes that it was tried to be sent, and says whether that was all.
    pub(super) fn tried(&mut self, now: Instant, is_sent: bool) -> bool {
        // A refusal is made up for by the next repetition.
        self.at = now + self.pause;
        self.pause *= 2;
        if self.is_reliable { is_sent } else { self.at > self.until }
    }
}
