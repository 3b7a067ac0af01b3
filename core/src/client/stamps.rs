//! Where a subscription's messages say when they were made.

use std::time::Instant;

use crate::demux::MessageType;
use crate::freshness::Made;
use crate::lcm::{fingerprint_of, stamp, stamp_at};
use crate::{Peer, SubscribeOptions};

/// Where a subscription's messages say when they were made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stamps {
    /// It does not matter.
    Ignored,
    /// At this offset.
    At(usize),
    /// Where their types have it.
    Any,
}

impl Stamps {
    /// Where a subscription's messages, of this type or of any, say what it wants to know of them.
    pub(super) fn of(options: &SubscribeOptions, kind: Option<MessageType>) -> Stamps {
        match kind.map(|kind| kind.stamp_at()) {
            _ if options.stale_after.is_none() || !options.by_stamp => Stamps::Ignored,
            Some(at) => at.map_or(Stamps::Ignored, Stamps::At),
            None => Stamps::Any,
        }
    }

    /// When a message says that it was made.
    pub(super) fn made(self, now: Instant, message: &[u8], peer: &Peer) -> Made {
        let at = match self {
            Stamps::Ignored => None,
            Stamps::At(at) => Some(at),
            Stamps::Any => stamp_at(message),
        };
        match (at, fingerprint_of(message)) {
            (Some(at), Some(kind)) => match stamp(message, at) {
                Some(made) => peer.judge(now, kind, made),
                None => Made::Unstamped,
            },
            _ => Made::Untold,
        }
    }
}
