//! Holding a publisher back while a reliable subscriber catches up.
//!
//! The SFU acknowledges what a publisher sends before its subscribers have it, so a reliable subscriber that is slower
//! than its publisher would overflow. While its queue is long, the publisher's datagrams wait in its intake unread: no
//! acknowledgement goes out, the publisher's own window fills, and its `publish` waits. Connectivity checks still pass.
//!
//! That ends when the queue is short again, or in vain: when the subscriber acknowledges nothing for a while, or others
//! would have to wait for it longer than a moment. Then nobody waits for it any more, and if it overflows it is closed.

use std::time::{Duration, Instant};

use farwire_core::link::StreamId;

use crate::session::SessionKey;

/// How often progress is looked at. Less than the second after which SCTP sends again.
const CHECK_EVERY: Duration = Duration::from_millis(250);

/// Checks without an acknowledgement after which a subscriber holds in vain.
const IDLE_CHECKS: u32 = 8;

/// Checks after which a subscriber holds in vain if there are others.
const SHARED_CHECKS: u32 = 1;

/// What holds one publisher back.
#[derive(Debug, Default)]
pub(crate) struct Backpressure {
    holders: Vec<Holder>,
    check_at: Option<Instant>,
}

#[derive(Debug)]
struct Holder {
    subscription: (SessionKey, StreamId),
    acked: u64,
    checks: u32,
    idle_checks: u32,
}

impl Backpressure {
    /// Whether datagrams are to wait.
    pub(crate) fn is_on(&self) -> bool {
        !self.holders.is_empty()
    }

    /// When [`Backpressure::check`] is due.
    pub(crate) fn check_at(&self) -> Option<Instant> {
        self.check_at
    }

    /// Starts holding the publisher back for a subscription. `acked` is what the subscriber's session has acknowledged so far.
    pub(crate) fn join(&mut self, now: Instant, subscription: (SessionKey, StreamId), acked: u64) {
        self.holders.push(Holder { subscription, acked, checks: 0, idle_checks: 0 });
        self.check_at.get_or_insert(now + CHECK_EVERY);
    }

    /// Ends a subscription's part in it.
    pub(crate) fn leave(&mut self, subscription: (SessionKey, StreamId)) {
        self.holders.retain(|holder| holder.subscription != subscription);
        if self.holders.is_empty() {
            self.check_at = None;
        }
    }

    /// Looks at everybody's progress, and names those who hold in vain; they have left.
    pub(crate) fn check(
        &mut self,
        now: Instant,
        shared: bool,
        acked: impl Fn(SessionKey) -> u64,
    ) -> Vec<(SessionKey, StreamId)> {
        if self.check_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut in_vain = Vec::new();
        for holder in &mut self.holders {
            let acked = acked(holder.subscription.0);
            holder.checks += 1;
            holder.idle_checks = if acked == holder.acked { holder.idle_checks + 1 } else { 0 };
            holder.acked = acked;
            if holder.idle_checks >= IDLE_CHECKS || (shared && holder.checks >= SHARED_CHECKS) {
                in_vain.push(holder.subscription);
            }
        }
        self.check_at = Some(now + CHECK_EVERY);
        for subscription in &in_vain {
            self.leave(*subscription);
        }
        in_vain
    }
}
