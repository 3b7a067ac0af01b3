//! The deadline of a subscription, and the order of its stamps.

use std::fmt;
use std::time::{Duration, Instant};

use crate::TopicStats;

/// How far ahead of the clock that judges it a stamp may lie: clocks are known by half a round trip only, and an operator that
/// does not take that off its stamps is ahead by as much.
pub(crate) const MAX_AHEAD: Duration = Duration::from_millis(50);

/// When a message says that it was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Made {
    /// Its type does not say, or nobody asks: its age counts from its arrival.
    Untold,
    /// Its type says so, but this one does not: the stamp is zero, or no time.
    Unstamped,
    Stamped(Stamp),
}

/// A stamp, as the clock that judges it sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    /// What kind of message it is of; each has an order of its own.
    pub(crate) kind: u64,
    /// Since 1970.
    pub(crate) at: Duration,
    /// In seconds; negative: it lies ahead.
    pub(crate) age: f64,
    /// By how much that may be wrong, beyond [`MAX_AHEAD`].
    pub(crate) uncertainty: Duration,
}

/// Why a message was not delivered by a subscription with a deadline, as its stamp has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "refused", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StampRefusal {
    /// It is older than the deadline allows.
    Old {
        /// How old it was when it came, in milliseconds.
        by_ms: u64,
    },
    /// It lies more than 50 ms ahead of the clock that judges it.
    Ahead {
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// It is not newer than one that was delivered before, or than an emergency stop: something newer has overtaken it.
    Disordered {
        /// How much older it is, in milliseconds.
        by_ms: u64,
    },
    /// It has none, though its type has a place for it.
    Unstamped,
}

impl fmt::Display for StampRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StampRefusal::Old { by_ms } => write!(
                f,
                "stamped {} ago by this robot's clock: the network is slow, or the sender's clock is not set by the robot's",
                Milliseconds(*by_ms)
            ),
            StampRefusal::Ahead { by_ms } => write!(
                f,
                "stamped {} ahead of this robot's clock: the sender has to stamp in the robot's time, which pings show",
                Milliseconds(*by_ms)
            ),
            StampRefusal::Disordered { by_ms } => {
                write!(f, "stamped {} before something newer that came first", Milliseconds(*by_ms))
            }
            StampRefusal::Unstamped => f.write_str("without a stamp: the sender has to stamp in the robot's time"),
        }
    }
}

/// A time as people read it.
struct Milliseconds(u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..1000 => write!(f, "{} ms", self.0),
            _ => write!(f, "{:.1} s", self.0 as f64 / 1e3),
        }
    }
}

/// How many messages were not delivered, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    pub(crate) stale: u64,
    pub(crate) ahead: u64,
    pub(crate) disordered: u64,
    pub(crate) unstamped: u64,
    pub(crate) last: Option<StampRefusal>,
}

impl Refusals {
    fn note(&mut self, refusal: StampRefusal) {
        match refusal {
            StampRefusal::Old { .. } => self.stale += 1,
            StampRefusal::Ahead { .. } => self.ahead += 1,
            StampRefusal::Disordered { .. } => self.disordered += 1,
            StampRefusal::Unstamped => self.unstamped += 1,
        }
        self.last = Some(refusal);
    }

    /// Adds these to what a topic counts.
    pub(crate) fn add_to(&self, stats: &mut TopicStats) {
        stats.stale += self.stale;
        stats.ahead += self.ahead;
        stats.disordered += self.disordered;
        stats.unstamped += self.unstamped;
        stats.last_refusal = self.last.or(stats.last_refusal);
    }
}

/// Whether a subscription's messages are young enough and in order, and whether its receiver knows if none is.
#[derive(Debug)]
pub(crate) struct Freshness {
    within: Duration,
    /// When the youngest message so far grows stale; `None`: none has come, or it has and that was noted.
    pub(crate) until: Option<Instant>,
    /// A receiver is to be told that nothing fresh is there.
    pub(crate) is_untold: bool,
    pub(crate) refusals: Refusals,
    /// The newest stamp of each kind that was let in. There are as many kinds as types with stamps that come with farwire,
    /// and the one that the subscription is for.
    newest: Vec<(u64, Duration)>,
    /// Nothing that was stamped up to this counts, of whatever kind.
    floor: Duration,
}

impl Freshness {
    pub(crate) fn new(within: Duration) -> Freshness {
        Freshness {
            within,
            until: None,
            is_untold: false,
            refusals: Refusals::default(),
            newest: Vec::new(),
            floor: Duration::ZERO,
        }
    }

    /// Takes a message in, and says when it grows stale; `None`: it is not to be delivered, and was counted.
    pub(crate) fn admit(&mut self, now: Instant, made: Made) -> Option<Instant> {
        // A gap before it is a gap, although this message ends it.
        self.expire(now);
        match self.judge(now, made) {
            Ok(expires) => {
                self.until = Some(self.until.map_or(expires, |until| until.max(expires)));
                Some(expires)
            }
            Err(refusal) => {
                self.refusals.note(refusal);
                None
            }
        }
    }

    fn judge(&mut self, now: Instant, made: Made) -> Result<Instant, StampRefusal> {
        let stamp = match made {
            Made::Untold => return self.expiry(now, Duration::ZERO),
            Made::Unstamped => return Err(StampRefusal::Unstamped),
            Made::Stamped(stamp) => stamp,
        };
        if stamp.age < -(MAX_AHEAD + stamp.uncertainty).as_secs_f64() {
            return Err(StampRefusal::Ahead { by_ms: milliseconds(-stamp.age) });
        }
        let age = Duration::try_from_secs_f64(stamp.age.max(0.0)).unwrap_or(Duration::MAX);
        let expires = self.expiry(now, age)?;
        let newest = self.newest.iter_mut().find(|(kind, _)| *kind == stamp.kind);
        let bar = newest.as_ref().map_or(self.floor, |(_, newest)| self.floor.max(*newest));
        if stamp.at <= bar {
            return Err(StampRefusal::Disordered { by_ms: milliseconds((bar - stamp.at).as_secs_f64()) });
        }
        match newest {
            Some((_, newest)) => *newest = stamp.at,
            None => self.newest.push((stamp.kind, stamp.at)),
        }
        Ok(expires)
    }

    fn expiry(&self, now: Instant, age: Duration) -> Result<Instant, StampRefusal> {
        let left = self.within.checked_sub(age).filter(|left| !left.is_zero());
        left.and_then(|left| now.checked_add(left))
            .ok_or(StampRefusal::Old { by_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Notes the time, by which the latest message may have grown stale.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.is_untold |= self.until.take_if(|until| *until <= now).is_some();
    }

    /// Whatever came so far counts for nothing, and nothing that was stamped up to `floor` will.
    pub(crate) fn outdate(&mut self, floor: Duration) {
        self.is_untold |= self.until.take().is_some();
        self.floor = self.floor.max(floor);
    }

    /// The clock that judges stamps was put back by so much: those that are to come will be lower.
    pub(crate) fn put_back(&mut self, by: Duration) {
        self.floor = self.floor.saturating_sub(by);
        for (_, newest) in &mut self.newest {
            *newest = newest.saturating_sub(by);
        }
    }
}

fn milliseconds(seconds: f64) -> u64 {
    // Beyond the ends a cast saturates.
    (seconds * 1e3).round() as u64
}

#[cfg(test)]
mod tests;
