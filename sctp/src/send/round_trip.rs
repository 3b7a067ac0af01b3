//! How long the way there and back takes, and from when on an acknowledgement counts as overdue (after RFC 6298).

use std::time::{Duration, Instant};

use crate::Config;

/// Clocks and schedulers are no better than this.
const GRANULARITY: Duration = Duration::from_millis(10);

/// No receiver may delay an acknowledgement longer (RFC 9260, section 6.2).
const MAX_ACK_DELAY: Duration = Duration::from_millis(500);

/// How long what was measured counts.
const MEMORY: Duration = Duration::from_secs(30);

/// A shorter one is one of a LAN.
const NEAR: Duration = Duration::from_millis(2);

/// How long it says how near the far end is: a path may change, and what is taken for a near one has little in flight.
const SHORT_MEMORY: Duration = Duration::from_secs(2);

/// Retransmissions of a thin flow before its timer begins to back off: few packets cannot congest, but each of them is awaited.
const THIN_RETRIES: u32 = 3;

/// So many retransmissions in a row that were not needed are no accident.
const DOUBTS: u32 = 5;

/// So many lone packets in a row that were acknowledged at once show that the far end does not delay.
const PROMPT: u32 = 16;

/// The greatest or the least of late.
#[derive(Debug, Clone, Copy)]
struct Extreme {
    memory: Duration,
    period: Instant,
    values: [Option<Duration>; 2],
}

impl Extreme {
    fn new(memory: Duration, now: Instant) -> Extreme {
        Extreme { memory, period: now, values: [None; 2] }
    }

    fn add(&mut self, now: Instant, value: Duration, choose: fn(Duration, Duration) -> Duration) {
        if now.saturating_duration_since(self.period) > self.memory {
            self.values = [None, self.values[0]];
            self.period = now;
        }
        self.values[0] = Some(self.values[0].map_or(value, |known| choose(known, value)));
    }

    fn find(&self, choose: fn(Duration, Duration) -> Duration) -> Option<Duration> {
        self.values.into_iter().flatten().reduce(choose)
    }
}

#[derive(Debug)]
pub(crate) struct RoundTrip {
    smoothed: Option<Duration>,
    variation: Duration,
    latest: Duration,
    least: Extreme,
    near: Extreme,
    ack_delay: Extreme,
    initial: Duration,
    floor: Duration,
    ceiling: Duration,
    /// How often the timer has run out in a row.
    expiries: u32,
    /// Lone packets in a row whose acknowledgement came with the retransmission.
    doubts: u32,
    /// Lone packets in a row that were acknowledged at once.
    prompt: u32,
}

impl RoundTrip {
    pub(crate) fn new(config: &Config, now: Instant) -> RoundTrip {
        RoundTrip {
            smoothed: None,
            variation: Duration::ZERO,
            latest: Duration::ZERO,
            least: Extreme::new(MEMORY, now),
            near: Extreme::new(SHORT_MEMORY, now),
            ack_delay: Extreme::new(MEMORY, now),
            initial: config.rto_initial,
            floor: config.rto_min,
            ceiling: config.rto_max.max(config.rto_min),
            expiries: 0,
            doubts: 0,
            prompt: 0,
        }
    }

    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    pub(crate) fn latest(&self) -> Duration {
        self.latest
    }

    /// The shortest of late.
    pub(crate) fn least(&self) -> Option<Duration> {
        self.least.find(Duration::min)
    }

    /// Whether the shortest of the last few seconds is one of a LAN.
    pub(crate) fn is_near(&self) -> bool {
        self.near.find(Duration::min).is_some_and(|shortest| shortest < NEAR)
    }

    /// By how much the far end delays acknowledgements of lone packets.
    pub(crate) fn ack_delay(&self) -> Duration {
        self.ack_delay.find(Duration::max).unwrap_or_default()
    }

    /// How often the timer has run out since something was acknowledged.
    pub(crate) fn expiries(&self) -> u32 {
        self.expiries
    }

    /// Takes a measurement of something that was sent once. A lone packet's may contain the far end's delay.
    pub(crate) fn measured(&mut self, now: Instant, sample: Duration, is_lone: bool) {
        let Some(smoothed) = self.smoothed else {
            self.least.add(now, sample, Duration::min);
            self.near.add(now, sample, Duration::min);
            self.latest = sample;
            self.smoothed = Some(sample);
            // Half of what RFC 6298 says: what comes too early is a probe, which does no harm.
            self.variation = sample / 4;
            return;
        };
        let usual = smoothed + (4 * self.variation).max(GRANULARITY);
        if is_lone && sample > usual && sample - smoothed <= MAX_ACK_DELAY {
            self.ack_delay.add(now, sample - smoothed, Duration::max);
            (self.doubts, self.prompt) = (0, 0);
            return;
        }
        if is_lone {
            self.doubts = 0;
            self.prompt += 1;
            if self.prompt >= PROMPT {
                self.ack_delay = Extreme::new(MEMORY, now);
            }
        }
        self.least.add(now, sample, Duration::min);
        self.near.add(now, sample, Duration::min);
        self.latest = sample;
        self.variation = (3 * self.variation + smoothed.abs_diff(sample)) / 4;
        self.smoothed = Some((7 * smoothed + sample) / 8);
    }

    /// The timer ran out for nothing: the acknowledgement came this long after its packet.
    pub(crate) fn was_late(&mut self, now: Instant, took: Duration) {
        let late = took.saturating_sub(self.smoothed.unwrap_or_default());
        self.ack_delay.add(now, late.min(MAX_ACK_DELAY), Duration::max);
    }

    /// The timer ran out for nothing, or the acknowledgement was lost. As it is not lost over and over, that is then a delay: one that
    /// cannot be measured while each retransmission brings the acknowledgement, so it is sought by doubling.
    pub(crate) fn may_be_late(&mut self, now: Instant, took: Duration) {
        self.doubts += 1;
        self.prompt = 0;
        if self.doubts >= DOUBTS {
            let late = took.saturating_sub(self.smoothed.unwrap_or_default());
            self.ack_delay.add(now, late.max(2 * self.ack_delay()).min(MAX_ACK_DELAY), Duration::max);
        }
    }

    pub(crate) fn progressed(&mut self) {
        self.expiries = 0;
    }

    pub(crate) fn expired(&mut self) {
        self.expiries = self.expiries.saturating_add(1);
    }

    /// When something sent now is overdue, without backing off.
    pub(crate) fn base(&self) -> Duration {
        let Some(smoothed) = self.smoothed else { return self.initial.clamp(self.floor, self.ceiling) };
        let rto = smoothed + (4 * self.variation).max(GRANULARITY) + self.ack_delay();
        rto.clamp(self.floor, self.ceiling)
    }

    /// When something sent now is overdue. The first two expiries in a row have the same time, as the first is a probe.
    pub(crate) fn timeout(&self, is_thin: bool) -> Duration {
        let free = if is_thin { THIN_RETRIES } else { 1 };
        let doublings = self.expiries.saturating_sub(free).min(16);
        self.base().saturating_mul(1 << doublings).min(self.ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn follows_the_path_and_keeps_its_floor() {
        let now = Instant::now();
        let mut trip = RoundTrip::new(&Config::default(), now);
        assert_eq!(trip.base(), 500 * MS);
        for _ in 0..50 {
            trip.measured(now, 20 * MS, false);
        }
        assert_eq!(trip.base(), 50 * MS);
        for _ in 0..50 {
            trip.measured(now, 100 * MS, false);
        }
        assert!((109..112).contains(&trip.base().as_millis()), "{:?}", trip.base());
    }

    #[test]
    fn learns_that_the_far_end_delays_acknowledgements_and_forgets_it() {
        let now = Instant::now();
        let mut trip = RoundTrip::new(&Config::default(), now);
        (0..50).for_each(|_| trip.measured(now, 20 * MS, false));
        trip.measured(now, 220 * MS, true);
        assert_eq!(trip.ack_delay(), 200 * MS);
        assert!((229..232).contains(&trip.base().as_millis()), "{:?}", trip.base());
        for n in 1..3 {
            trip.ack_delay.add(now + n * 31 * Duration::from_secs(1), MS, Duration::max);
        }
        assert_eq!(trip.ack_delay(), MS);
    }

    #[test]
    fn backs_off_after_the_probe_and_later_for_a_thin_flow() {
        let now = Instant::now();
        let mut trip = RoundTrip::new(&Config::default(), now);
        (0..50).for_each(|_| trip.measured(now, 20 * MS, false));
        let mut times = Vec::new();
        for _ in 0..9 {
            times.push((trip.timeout(false).as_millis(), trip.timeout(true).as_millis()));
            trip.expired();
        }
        let bulk: Vec<u128> = times.iter().map(|time| time.0).collect();
        let thin: Vec<u128> = times.iter().map(|time| time.1).collect();
        assert_eq!(bulk, [50, 50, 100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(thin, [50, 50, 50, 50, 100, 200, 400, 800, 1600]);
    }
}
