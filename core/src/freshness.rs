//! The deadline of a subscription.

use std::time::{Duration, Instant};

/// Whether a subscription's messages are young enough, and whether its receiver knows if none is.
#[derive(Debug)]
pub(crate) struct Freshness {
    within: Duration,
    /// When the youngest message so far grows stale; `None`: none has come, or it has and that was noted.
    pub(crate) until: Option<Instant>,
    /// A receiver is to be told that nothing fresh is there.
    pub(crate) is_untold: bool,
    /// Messages that were too old.
    pub(crate) stale: u64,
}

impl Freshness {
    pub(crate) fn new(within: Duration) -> Freshness {
        Freshness { within, until: None, is_untold: false, stale: 0 }
    }

    /// Takes a message of this age in, and says when it grows stale; `None`: it is, and was counted.
    pub(crate) fn admit(&mut self, now: Instant, age: Duration) -> Option<Instant> {
        // A gap before it is a gap, although this message ends it.
        self.expire(now);
        let left = self.within.checked_sub(age).filter(|left| !left.is_zero());
        let expires = left.and_then(|left| now.checked_add(left));
        match expires {
            Some(expires) => self.until = Some(self.until.map_or(expires, |until| until.max(expires))),
            None => self.stale += 1,
        }
        expires
    }

    /// Notes the time, by which the latest message may have grown stale.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.is_untold |= self.until.take_if(|until| *until <= now).is_some();
    }

    /// Whatever came so far counts for nothing.
    pub(crate) fn outdate(&mut self) {
        self.is_untold |= self.until.take().is_some();
    }
}
