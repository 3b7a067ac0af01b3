//! To which address a session's datagrams go, and which connectivity checks are looked at.
//!
//! A client's address may change in mid-traffic: a NAT gives it another port, or its route another interface. str0m
//! answers its checks from there and sends the rest to the address that it knew first, for 15 s. Here the rest goes to the
//! address of highest PRIORITY among those that were checked lately, and among equals to the one checked last. Clients
//! check about once a second.
//!
//! A check's integrity does not cover the address it comes from, nor its age. So one that was seen before says nothing
//! about another address: it is not even looked at. Somebody on the client's path, who can hold back a check and send it
//! from elsewhere first, still directs the (encrypted) datagrams there until the client's next check; and so can somebody
//! who has recorded one that is older than the latest [`REMEMBERED`].

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farwire_core::TokenBucket;
use farwire_core::link::Check;

use crate::limits::MAX_ADDRESSES;

/// How long a check speaks for its address: two and a half times what passes between two, so that one may be lost.
pub(crate) const FRESH: Duration = Duration::from_millis(2500);

/// Checks that are known again: a quarter of an hour of them, at one a second.
pub(crate) const REMEMBERED: usize = 1024;

/// How often one check is answered. Clients that repeat it do so seven times.
const REPEATS: u8 = 8;

/// Checks at once, and in a second, from an address that the session has.
const KNOWN: (u32, u32) = (64, 32);

/// The same from all other addresses together.
const UNKNOWN: (u32, u32) = (64, 16);

/// New addresses at once, and in a minute. The transport forgets none.
const NEW: (u32, u32) = (64, 6);

/// What is to be done with a check before its integrity is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Verify it.
    Admitted,
    /// Drop it: it was seen before, from elsewhere or often enough.
    Replayed,
    /// Drop it: there were too many.
    Excess,
}

#[derive(Debug)]
struct Path {
    address: SocketAddr,
    priority: u32,
    /// Which check was its latest, in the order of all.
    latest: u64,
    checked: Instant,
    allowance: TokenBucket,
}

impl Path {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.checked) < FRESH
    }
}

#[derive(Debug)]
struct Seen {
    address: SocketAddr,
    times: u8,
}

/// The addresses of one session's client.
#[derive(Debug)]
pub(crate) struct Paths {
    paths: Vec<Path>,
    current: Option<SocketAddr>,
    checks: u64,
    seen: HashMap<[u8; 12], Seen>,
    /// Those in `seen`, the oldest first.
    order: VecDeque<[u8; 12]>,
    unknown: TokenBucket,
    new: TokenBucket,
}

impl Paths {
    pub(crate) fn new(now: Instant) -> Paths {
        Paths {
            paths: Vec::new(),
            current: None,
            checks: 0,
            seen: HashMap::new(),
            order: VecDeque::new(),
            unknown: bucket(UNKNOWN, Duration::from_secs(1), now),
            new: bucket(NEW, Duration::from_secs(60), now),
        }
    }

    /// Whether a check is worth verifying.
    pub(crate) fn admit(&mut self, now: Instant, source: SocketAddr, check: &Check<'_>) -> Admission {
        if let Some(seen) = self.seen.get_mut(&check.transaction) {
            if seen.address != source || seen.times >= REPEATS {
                return Admission::Replayed;
            }
            seen.times += 1;
        }
        let may = match self.paths.iter_mut().find(|path| path.address == source) {
            Some(path) => path.allowance.take(now),
            None => self.new.ready_at(now) <= now && self.unknown.take(now),
        };
        if may { Admission::Admitted } else { Admission::Excess }
    }

    /// Notes a check whose integrity is verified. Hands back an address that gives way: one that is silent, or else one of
    /// the lowest priority.
    pub(crate) fn checked(&mut self, now: Instant, source: SocketAddr, check: &Check<'_>) -> Option<SocketAddr> {
        if self.seen.contains_key(&check.transaction) {
            // A repetition is no newer than what came since.
            return None;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(check.transaction, Seen { address: source, times: 1 });
        self.order.push_back(check.transaction);
        self.checks += 1;
        let (latest, priority) = (self.checks, check.priority);
        if let Some(path) = self.paths.iter_mut().find(|path| path.address == source) {
            (path.priority, path.latest, path.checked) = (priority, latest, now);
            self.best(now);
            return None;
        }
        self.new.take(now);
        let gives_way = match self.paths.len() >= MAX_ADDRESSES {
            true => {
                let worth = |path: &Path| (path.is_fresh(now), path.priority, path.latest);
                self.paths.iter().enumerate().min_by_key(|(_, path)| worth(path)).map(|(at, _)| at)
            }
            false => None,
        };
        let gives_way = gives_way.map(|at| self.paths.swap_remove(at).address);
        let allowance = bucket(KNOWN, Duration::from_secs(1), now);
        self.paths.push(Path { address: source, priority, latest, checked: now, allowance });
        self.best(now);
        gives_way
    }

    /// Where to send. When no address is fresh, that of before; `None` before the first check.
    pub(crate) fn best(&mut self, now: Instant) -> Option<SocketAddr> {
        let fresh = self.paths.iter().filter(|path| path.is_fresh(now));
        if let Some(best) = fresh.max_by_key(|path| (path.priority, path.latest)) {
            self.current = Some(best.address);
        }
        self.current
    }

    /// All of them.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.paths.iter().map(|path| path.address)
    }
}

/// A bucket for so many at once, and so many in a period.
fn bucket((most, count): (u32, u32), period: Duration, now: Instant) -> TokenBucket {
    TokenBucket::new(most, period / count, now)
}

#[cfg(test)]
mod tests;
