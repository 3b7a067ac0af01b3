//! Keeps the queue of the path's narrowest place short, after Copa (Arun and Balakrishnan, NSDI 2018), without the mode in which it
//! competes with those who fill the queue.
//!
//! The rate aimed at is a packet for each time that a packet waits in the queue. Below it the window grows, above it shrinks, by a
//! packet in a round trip at first and faster while it keeps its direction.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Ack, Controller, initial_window, least_window};

/// Packets in the queue on average are its inverse.
const DELTA: f64 = 1.0;

/// The shortest queue that can be told from noise.
const NOISE: Duration = Duration::from_micros(100);

/// How long the shortest round trip counts.
const MEMORY: Duration = Duration::from_secs(30);

/// So much of a packet makes it a full one.
const FULL: f64 = 0.8;

/// Packets are sent at this multiple of the window in a round trip, so that the window and not the pace limits.
const PACE: f64 = 2.0;

/// Losses that are a share of a round's packets above this come from a queue too short for the rule above.
const MUCH_LOSS: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Delay {
    packet: f64,
    max: f64,
    least: f64,
    window: f64,
    velocity: f64,
    is_growing: bool,
    is_starting: bool,
    /// When direction and velocity are looked at next, and the window then.
    round_ends: Instant,
    window_before: f64,
    same_direction: u32,
    /// Measurements of the last half round trip, for the shortest of them.
    recent: VecDeque<(Instant, Duration)>,
    /// The shortest round trips of full packets in this period and the one before, and when this one began. A small packet's is
    /// shorter, by the time that a full one takes to pass the narrowest place.
    bases: [Option<Duration>; 2],
    period: Instant,
    smoothed: Option<Duration>,
    acked_in_round: f64,
    losses_in_round: f64,
    before_timeout: Option<f64>,
}

impl Delay {
    pub(super) fn new(packet: usize, max: usize, now: Instant) -> Delay {
        let least = least_window(packet) as f64;
        let max = (max as f64).max(least);
        let window = (initial_window(packet) as f64).min(max);
        Delay {
            packet: packet as f64,
            max,
            least: 2.0 * packet as f64,
            window,
            velocity: 1.0,
            is_growing: true,
            is_starting: true,
            round_ends: now,
            window_before: window,
            same_direction: 0,
            recent: VecDeque::new(),
            bases: [None; 2],
            period: now,
            smoothed: None,
            acked_in_round: 0.0,
            losses_in_round: 0.0,
            before_timeout: None,
        }
    }

    /// The shortest round trip of the last half of one, which acknowledgements in bursts do not disturb.
    fn standing(&mut self, now: Instant, sample: Duration, smoothed: Duration) -> Duration {
        while self.recent.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > smoothed / 2) {
            self.recent.pop_front();
        }
        // What is longer than a later one is never the shortest again.
        while self.recent.back().is_some_and(|(_, known)| *known >= sample) {
            self.recent.pop_back();
        }
        self.recent.push_back((now, sample));
        self.recent.front().map_or(sample, |(_, shortest)| *shortest)
    }

    /// The shortest round trip of a full packet of late.
    fn base(&mut self, ack: &Ack, sample: Duration, least: Duration) -> Duration {
        if ack.now.saturating_duration_since(self.period) > MEMORY {
            self.bases = [None, self.bases[0]];
            self.period = ack.now;
        }
        if ack.bytes as f64 >= self.packet * FULL {
            self.bases[0] = Some(self.bases[0].map_or(sample, |known| known.min(sample)));
        }
        self.bases.into_iter().flatten().min().unwrap_or(least)
    }

    fn end_round(&mut self, now: Instant, smoothed: Duration) {
        self.round_ends = now + smoothed;
        let is_growing = self.window > self.window_before;
        if is_growing == self.is_growing {
            self.same_direction += 1;
            if self.same_direction >= 3 {
                self.velocity = (self.velocity * 2.0).min(self.window / self.packet / 2.0).max(1.0);
            }
        } else {
            (self.velocity, self.same_direction) = (1.0, 0);
        }
        self.is_growing = is_growing;
        self.window_before = self.window;
        (self.acked_in_round, self.losses_in_round) = (0.0, 0.0);
    }
}

impl Controller for Delay {
    fn window(&self) -> usize {
        self.window as usize
    }

    fn acked(&mut self, ack: &Ack) {
        (self.smoothed, self.before_timeout) = (ack.smoothed, None);
        let (Some(sample), Some(least), Some(smoothed)) = (ack.sample, ack.least, ack.smoothed) else { return };
        self.acked_in_round += ack.bytes as f64;
        let least = self.base(ack, sample, least);
        let (standing, least) = (self.standing(ack.now, sample, smoothed).max(NOISE), least.max(NOISE));
        let queue = standing.saturating_sub(least).max(NOISE).as_secs_f64();
        let target = self.packet / (DELTA * queue);
        let rate = self.window / standing.as_secs_f64();
        let grows = rate <= target;
        // A window that is not used says nothing about the path.
        let is_used = ack.in_flight as f64 + 2.0 * self.packet >= self.window;
        if self.is_starting {
            if !grows {
                self.is_starting = false;
                // What the path carried without its queue.
                self.window *= least.as_secs_f64() / standing.as_secs_f64();
            } else if 2.0 * ack.in_flight as f64 >= self.window {
                self.window += ack.bytes as f64;
            }
        } else {
            let step = self.velocity * self.packet * (ack.bytes as f64) / (DELTA * self.window);
            if !grows {
                self.window -= step;
            } else if is_used {
                self.window += step;
            }
        }
        self.window = self.window.clamp(self.least, self.max);
        if ack.now >= self.round_ends {
            self.end_round(ack.now, smoothed);
        }
    }

    fn lost(&mut self, _: Instant) {
        self.losses_in_round += self.packet;
        self.is_starting = false;
        if self.losses_in_round > MUCH_LOSS * (self.acked_in_round + self.window) {
            self.window = (self.window * 0.7).max(self.least);
            (self.velocity, self.same_direction) = (1.0, 0);
        }
    }

    fn timed_out(&mut self) {
        self.before_timeout.get_or_insert(self.window);
        self.window = self.least;
        (self.velocity, self.same_direction) = (1.0, 0);
    }

    fn undo(&mut self) {
        if let Some(window) = self.before_timeout.take() {
            self.window = self.window.max(window);
        }
    }

    fn idled(&mut self) {
        self.before_timeout = None;
        self.recent.clear();
    }

    fn pace(&self) -> Option<f64> {
        let smoothed = self.smoothed?;
        Some(PACE * self.window / smoothed.as_secs_f64().max(1e-5))
    }
}
