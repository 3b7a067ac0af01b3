//! The time of day: told to sessions, and in stamps.

use std::time::{Duration, Instant};

use crate::ConnectionEvent;
use crate::clock::{ClockEstimate, ClockWarning, StampClock, WallClock};
use crate::freshness::{Made, Stamp};
use crate::peer::Peer;

/// How often the time of day is asked for: a system's clock is set at times.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

impl Peer {
    /// Tells the time of day, which robots tell operators, and by which stamps are judged. To be called before the first
    /// [`Peer::poll`], and when [`Peer::is_clock_due`].
    ///
    /// A clock that was set is told of as [`ConnectionEvent::ClockSet`]. While somebody at the far end goes by it, time goes on
    /// as it was before, and the system's clock is followed when they are gone: a step stops nobody, and makes nothing stale
    /// fresh.
    /// `Some`: the time that stamps are judged by went back by so much.
    pub fn set_clock(&mut self, clock: WallClock) -> Option<Duration> {
        if let Some(by) = self.clock.read(clock) {
            self.tell(ConnectionEvent::ClockSet { by_ms: ClockWarning::milliseconds(by) });
        }
        if self.sessions.live.keeps_clock() {
            return None;
        }
        let jump = self.clock.follow();
        let clock = self.clock.kept();
        self.sessions.live.set_clock(clock);
        jump.and_then(|by| Duration::try_from_secs_f64(-by).ok())
    }

    /// Whether it is time to tell the time of day again: once a second.
    pub fn is_clock_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.clock.read_at()) >= CLOCK_EVERY
    }

    /// What is known of the clock at the far end of a broker's bridge.
    pub fn far_clock(&self, now: Instant) -> Option<ClockEstimate> {
        self.sessions.live.far_clock(now)
    }

    /// The stamp for a message that is made now, as time since 1970 in whole microseconds, newer than any that was given out before.
    ///
    /// On a broker's bridge it is in the robot's time. What is not known of that for sure is taken off, about half the fastest
    /// round trip, so that no stamp lies in the future of a robot that refuses those. `None`: the robot's time is not known
    /// yet.
    pub fn stamp(&mut self, now: Instant) -> Option<Duration> {
        let StampClock { offset, uncertainty } = self.sessions.live.stamp_clock(now)?;
        let unix = self.clock.kept().unix(now) + offset - uncertainty.as_secs_f64();
        Some(self.stamper.stamp(unix))
    }

    /// What a stamp in a message that came says of it.
    pub(crate) fn judge(&self, now: Instant, kind: u64, at: Duration) -> Made {
        let Some(clock) = self.sessions.live.stamp_clock(now) else {
            return Made::Untold;
        };
        let age = self.clock.kept().unix(now) + clock.offset - at.as_secs_f64();
        Made::Stamped(Stamp { kind, at, age, uncertainty: clock.uncertainty })
    }

    /// The time that stamps are judged by.
    pub(crate) fn judging_time(&self, now: Instant) -> Duration {
        let offset = self.sessions.live.stamp_clock(now).unwrap_or_default().offset;
        Duration::try_from_secs_f64(self.clock.kept().unix(now) + offset).unwrap_or_default()
    }
}
