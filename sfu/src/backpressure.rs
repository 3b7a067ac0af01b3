//! Holding a publisher back while a reliable subscriber catches up.
//!
//! The SFU acknowledges what a publisher sends before its subscribers have it, so a reliable subscriber that is slower
//! than its publisher would overflow. While its queue is long, the publisher's datagrams wait in its intake unread: no
//! acknowledgement goes out, the publisher's own window fills, and its `publish` waits. Connectivity checks still pass.
//!
//! That ends when the queue is short again, or in vain: when the subscriber acknowledges nothing for a while, or others
//! would have to wait for it longer than a moment. Then nobody waits for it any more, and if it overflows it is closed.
//!
//! A lossy subscriber holds its publisher back only on a LAN and while it takes messages, and only if there is no other one.

use std::time::{Duration, Instant};

use farwire_core::link::StreamId;

use crate::session::SessionKey;

/// How often progress is looked at. Less than the second after which SCTP sends again.
const CHECK_EVERY: Duration = Duration::from_millis(250);

/// Checks without an acknowledgement after which a subscriber holds in vain.
const IDLE_CHECKS: u32 = 8;

/// Checks after which a subscriber holds in vain if there are others.
const SHARED_CHECKS: u32 = 1;

/// How often a lossy subscriber has to acknowledge something to go on holding.
const CHECK_LOSSY_EVERY: Duration = Duration::from_millis(20);

/// How long one that did not holds nobody back.
pub(crate) const LOSSY_REST: Duration = Duration::from_millis(100);

/// What holds one publisher back.
#[derive(Debug, Default)]
pub(crate) struct Backpressure {
    holders: Vec<Holder>,
    check_at: Option<Instant>,
    lossy: Option<LossyHolder>,
}

#[derive(Debug)]
struct LossyHolder {
    subscription: (SessionKey, StreamId),
    acked: u64,
    check_at: Instant,
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
        !self.holders.is_empty() || self.lossy.is_some()
    }

    /// When [`Backpressure::check`] is due.
    pub(crate) fn check_at(&self) -> Option<Instant> {
        self.check_at.into_iter().chain(self.lossy.as_ref().map(|holder| holder.check_at)).min()
    }

    /// Starts holding the publisher back for a subscription. `acked` is what the subscriber's session has acknowledged so far.
    pub(crate) fn join(&mut self, now: Instant, subscription: (SessionKey, StreamId), acked: u64) {
        self.holders.push(Holder { subscription, acked, checks: 0, idle_checks: 0 });
        self.check_at.get_or_insert(now + CHECK_EVERY);
    }

    /// [`Backpressure::join`] for a lossy subscription.
    pub(crate) fn join_lossy(&mut self, now: Instant, subscription: (SessionKey, StreamId), acked: u64) {
        self.lossy = Some(LossyHolder { subscription, acked, check_at: now + CHECK_LOSSY_EVERY });
    }

    /// Ends a subscription's part in it.
    pub(crate) fn leave(&mut self, subscription: (SessionKey, StreamId)) {
        self.lossy.take_if(|holder| holder.subscription == subscription);
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
        let mut in_vain = self.check_lossy(now, &acked);
        if self.check_at.is_none_or(|at| at > now) {
            return in_vain;
        }
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

    fn check_lossy(&mut self, now: Instant, acked: impl Fn(SessionKey) -> u64) -> Vec<(SessionKey, StreamId)> {
        let Some(holder) = self.lossy.as_mut().filter(|holder| holder.check_at <= now) else { return Vec::new() };
        let acked = acked(holder.subscription.0);
        if acked != holder.acked {
            (holder.acked, holder.check_at) = (acked, now + CHECK_LOSSY_EVERY);
            return Vec::new();
        }
        self.lossy.take().map(|holder| holder.subscription).into_iter().collect()
    }
}
