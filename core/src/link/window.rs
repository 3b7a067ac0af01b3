//! How much may be in flight inside str0m's SCTP, in bytes and in messages.
//!
//! Each chunk inside it is looked at on every poll, and what is inside can no longer be replaced by newer state. So
//! the window stays at its minimum unless rate times round-trip time needs more: twice that product, measured while the
//! window is what limits the flow.

use std::time::{Duration, Instant};

use super::in_flight::InFlight;

/// The window's lower bound in bytes: enough for a LAN.
pub(crate) const MIN_WINDOW: usize = 32 * 1024;

/// The window's upper bound in bytes: 80 Mbit/s at 100 ms.
pub(crate) const MAX_WINDOW: usize = 1024 * 1024;

/// Small messages may exceed the window by this many bytes, so that a command never waits for a point cloud.
const SMALL_MESSAGES_EXTRA: usize = 16 * 1024;

/// What counts as a small message, in bytes.
const SMALL_MESSAGE: usize = 1200;

/// Bytes of the window for each message that may be in flight: 128 messages in the smallest one.
const BYTES_PER_MESSAGE: usize = 256;

/// Below this round-trip time the lower bound is enough, and what is measured is mostly the window's own queue.
const LAN: Duration = Duration::from_millis(2);

/// How long a measured round-trip time counts.
const MEMORY: Duration = Duration::from_secs(10);

/// Measures one link and sizes its window.
#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    round: Option<Round>,
    limited: bool,
    /// The shortest round so far in this memory period, and in the one before.
    shortest: [Option<Duration>; 2],
    period: Instant,
}

#[derive(Debug)]
struct Round {
    started: Instant,
    /// The round is over once this much has been acknowledged.
    until: u64,
    acked_before: u64,
}

impl Window {
    pub(crate) fn new(now: Instant) -> Window {
        Window { size: MIN_WINDOW, round: None, limited: false, shortest: [None; 2], period: now }
    }

    /// Whether a message of `len` bytes may be written. If not, it waits, and the window may grow for it.
    pub(crate) fn has_room(&mut self, len: usize, in_flight: &InFlight) -> bool {
        let bytes = match len <= SMALL_MESSAGE {
            true => in_flight.bytes() < self.size + SMALL_MESSAGES_EXTRA,
            false => in_flight.bytes() == 0 || in_flight.bytes() + len <= self.size,
        };
        let room = bytes && in_flight.messages() < self.size / BYTES_PER_MESSAGE;
        self.limited |= !room;
        room
    }

    /// To be called after a message was written.
    pub(crate) fn wrote(&mut self, now: Instant, in_flight: &InFlight) {
        if self.round.is_none() {
            self.round = Some(Round { started: now, until: in_flight.written(), acked_before: in_flight.acked() });
        }
    }

    /// To be called after acknowledgements may have come.
    pub(crate) fn update(&mut self, now: Instant, in_flight: &InFlight) {
        let acked = in_flight.acked();
        let Some(round) = &self.round else { return };
        if acked < round.until {
            return;
        }
        let took = now.saturating_duration_since(round.started).max(Duration::from_micros(10));
        let delivered = acked - round.acked_before;
        self.round = None;
        if now.saturating_duration_since(self.period) > MEMORY {
            self.shortest = [None, self.shortest[0]];
            self.period = now;
        }
        let shortest = self.shortest[0].map_or(took, |known| known.min(took));
        self.shortest[0] = Some(shortest);
        let round_trip = self.shortest[1].map_or(shortest, |known| known.min(shortest));
        if std::mem::take(&mut self.limited) {
            let product = delivered as f64 * round_trip.as_secs_f64() / took.as_secs_f64();
            self.size = match round_trip < LAN {
                true => MIN_WINDOW,
                false => (2.0 * product).clamp(MIN_WINDOW as f64, MAX_WINDOW as f64) as usize,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window, and what is in flight in it.
    struct Flow(Window, InFlight);

    impl Flow {
        fn new(now: Instant) -> Flow {
            Flow(Window::new(now), InFlight::default())
        }

        fn has_room(&mut self, len: usize) -> bool {
            self.0.has_room(len, &self.1)
        }

        fn wrote(&mut self, now: Instant, len: usize) {
            self.1.wrote(len);
            self.0.wrote(now, &self.1);
        }

        fn update(&mut self, now: Instant, bytes: usize) {
            self.1.update(bytes);
            self.0.update(now, &self.1);
        }
    }

    /// A path that carries `rate` bytes a second with `round_trip`, kept full for `rounds`.
    fn grown(rate: f64, round_trip: Duration, rounds: u32) -> usize {
        let mut now = Instant::now();
        let mut window = Flow::new(now);
        for _ in 0..rounds {
            let mut size = 0;
            while window.has_room(1000) {
                window.wrote(now, 1000);
                size += 1000;
            }
            now += round_trip.max(Duration::from_secs_f64(size as f64 / rate));
            window.update(now, 0);
        }
        window.0.size
    }

    #[test]
    fn stays_small_on_a_lan() {
        assert_eq!(grown(50e6, Duration::from_micros(200), 50), MIN_WINDOW);
    }

    #[test]
    fn grows_with_the_round_trip_and_is_bounded() {
        let size = grown(1.25e6, Duration::from_millis(100), 20);
        assert!((200_000..=300_000).contains(&size), "twice 125,000 bytes: {size}");
        assert_eq!(grown(1e9, Duration::from_millis(500), 50), MAX_WINDOW);
    }

    #[test]
    fn an_unlimited_flow_leaves_it_alone() {
        let mut now = Instant::now();
        let mut window = Flow::new(now);
        for _ in 0..100 {
            window.wrote(now, 1000);
            now += Duration::from_millis(200);
            window.update(now, 0);
        }
        assert_eq!(window.0.size, MIN_WINDOW);
    }

    #[test]
    fn counts_messages_as_well_as_bytes() {
        let now = Instant::now();
        let mut window = Flow::new(now);
        let mut written = 0;
        while window.has_room(64) {
            window.wrote(now, 64);
            written += 1;
        }
        assert_eq!(written, 128);
        window.update(now, 127 * 64 - 1);
        assert!(window.has_room(64), "one message and a byte of the next are acknowledged");
        window.wrote(now, 64);
        assert!(!window.has_room(64));
        window.update(now, 0);
        assert!(window.has_room(MAX_WINDOW * 2), "anything may go when nothing is in flight");
        window.wrote(now, 60_000);
        assert!(!window.has_room(1201) && window.1.bytes() == 60_000);
    }

    #[test]
    fn a_command_may_exceed_a_window_full_of_bulk() {
        let now = Instant::now();
        let mut window = Flow::new(now);
        while window.has_room(8000) {
            window.wrote(now, 8000);
        }
        assert!(window.has_room(64));
    }
}
