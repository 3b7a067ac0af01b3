//! RFC 9260, section 7.2, with a slow start that ends when the path's queue begins to grow (HyStart++, RFC 9406): it would
//! otherwise overrun that queue by a round trip's worth, and whatever waits behind it. When a round trip takes longer than the
//! one before, the window grows more slowly for a while: if delays do not grow with it, the queue is not ours, or the path is
//! another one.

use std::time::{Duration, Instant};

use super::{Ack, Controller, initial_window, least_window};

/// Bounds of the growth of delay that counts (RFC 9406, section 4.3).
const LEAST_GROWTH: Duration = Duration::from_millis(4);
const MOST_GROWTH: Duration = Duration::from_millis(16);

/// Measurements of a round that are looked at.
const SAMPLES: u32 = 8;

/// In doubt the window grows by one part in this many of what it otherwise would.
const CAUTION: usize = 4;

/// Rounds after which it is no doubt any more. RFC 9406 has 5, which are three times the window.
const DOUBTFUL_ROUNDS: u32 = 2;

/// By one part in this many of itself a delay may differ and be the same.
const SAME: u32 = 16;

#[derive(Debug)]
pub(super) struct NewReno {
    packet: usize,
    max: usize,
    window: usize,
    threshold: usize,
    /// Bytes acknowledged towards the next packet of congestion avoidance.
    partial: usize,
    round: Round,
    /// The shortest round trip of the last round.
    before: Option<Duration>,
    doubt: Option<Doubt>,
    before_timeout: Option<(usize, usize)>,
    before_loss: Option<(usize, usize)>,
}

/// One window's worth of acknowledgements.
#[derive(Debug, Default)]
struct Round {
    left: usize,
    shortest: Option<Duration>,
    samples: u32,
}

/// Delays have grown.
#[derive(Debug)]
struct Doubt {
    shortest: Duration,
    rounds: u32,
}

impl NewReno {
    pub(super) fn new(packet: usize, max: usize) -> NewReno {
        let max = max.max(least_window(packet));
        NewReno {
            packet,
            max,
            window: initial_window(packet).min(max),
            threshold: max,
            partial: 0,
            round: Round::default(),
            before: None,
            doubt: None,
            before_timeout: None,
            before_loss: None,
        }
    }

    fn look_for_growth(&mut self, ack: &Ack) {
        if let Some(sample) = ack.sample {
            self.round.samples += 1;
            self.round.shortest = Some(self.round.shortest.map_or(sample, |known| known.min(sample)));
        }
        let enough = self.round.samples >= SAMPLES;
        if let (Some(shortest), Some(before), None) = (self.round.shortest, self.before, &self.doubt)
            && enough
            && shortest > before + (before / 8).clamp(LEAST_GROWTH, MOST_GROWTH)
        {
            self.doubt = Some(Doubt { shortest, rounds: 0 });
        }
        self.round.left = self.round.left.saturating_sub(ack.bytes);
        if self.round.left == 0 {
            self.end_round();
        }
    }

    fn end_round(&mut self) {
        let round = std::mem::replace(&mut self.round, Round { left: self.window, ..Round::default() });
        self.before = round.shortest.or(self.before);
        let Some(doubt) = &mut self.doubt else { return };
        doubt.rounds += 1;
        let is_same = round.shortest.is_some_and(|shortest| shortest <= doubt.shortest + doubt.shortest / SAME);
        if is_same && doubt.rounds > 1 {
            self.doubt = None;
        } else if doubt.rounds > DOUBTFUL_ROUNDS {
            self.threshold = self.window;
            self.doubt = None;
        }
    }
}

impl Controller for NewReno {
    fn window(&self) -> usize {
        self.window
    }

    fn acked(&mut self, ack: &Ack) {
        self.before_timeout = None;
        let is_starting = self.window < self.threshold;
        // A window that is not used says nothing about the path.
        let is_used =
            if is_starting { 2 * ack.in_flight >= self.window } else { ack.in_flight + 2 * self.packet >= self.window };
        if !is_used {
            return;
        }
        if is_starting {
            let growth = ack.bytes.min(2 * self.packet);
            self.window += if self.doubt.is_some() { growth / CAUTION } else { growth };
            self.look_for_growth(ack);
        } else {
            self.partial += ack.bytes;
            if self.partial >= self.window {
                self.partial -= self.window;
                self.window += self.packet;
            }
        }
        self.window = self.window.min(self.max);
    }

    fn lost(&mut self, _: Instant) {
        self.before_loss = Some((self.window, self.threshold));
        self.doubt = None;
        self.threshold = (self.window / 2).max(least_window(self.packet));
        self.window = self.threshold;
        self.partial = 0;
    }

    fn timed_out(&mut self) {
        self.before_loss = None;
        self.before_timeout.get_or_insert((self.window, self.threshold));
        self.threshold = (self.window / 2).max(least_window(self.packet));
        self.window = self.packet;
        self.partial = 0;
    }

    fn undo(&mut self) {
        if let Some((window, threshold)) = self.before_timeout.take() {
            (self.window, self.threshold) = (window.max(self.window), threshold);
        }
    }

    fn undo_loss(&mut self) {
        if let Some((window, threshold)) = self.before_loss.take() {
            (self.window, self.threshold) = (window.max(self.window), threshold);
        }
    }

    fn idled(&mut self) {
        self.before_timeout = None;
        self.threshold = self.threshold.max(self.window * 3 / 4);
        self.window = self.window.min(initial_window(self.packet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn ack(now: Instant, bytes: usize, in_flight: usize, sample: Duration) -> Ack {
        Ack { now, bytes, in_flight, sample: Some(sample), least: Some(20 * MS), smoothed: Some(sample) }
    }

    fn round(control: &mut NewReno, sample: Duration) {
        let window = control.window();
        for _ in 0..window / 2400 {
            control.acked(&ack(Instant::now(), 2400, control.window(), sample));
        }
    }

    #[test]
    fn doubles_until_delays_grow_and_then_grows_by_a_packet() {
        let mut control = NewReno::new(1200, 1 << 20);
        round(&mut control, 20 * MS);
        assert_eq!(control.window(), 24_000);
        (0..2).for_each(|_| round(&mut control, 21 * MS));
        assert!(control.window() > 90_000);
        (0..6).for_each(|n| round(&mut control, (30 + 8 * n) * MS));
        let window = control.window();
        assert!(window < 300_000, "{window}");
        round(&mut control, 80 * MS);
        assert!((window..=window + 2400).contains(&control.window()));
    }

    #[test]
    fn a_longer_path_does_not_end_its_growth() {
        let mut control = NewReno::new(1200, 1 << 20);
        (0..2).for_each(|_| round(&mut control, MS));
        (0..8).for_each(|_| round(&mut control, 80 * MS));
        assert!(control.window() > 500_000, "{}", control.window());
    }

    #[test]
    fn halves_for_a_loss_and_begins_anew_after_a_timeout_that_can_be_undone() {
        let mut control = NewReno::new(1200, 1 << 20);
        (0..3).for_each(|_| round(&mut control, 20 * MS));
        let window = control.window();
        control.lost(Instant::now());
        assert_eq!(control.window(), window / 2);
        control.timed_out();
        assert_eq!(control.window(), 1200);
        control.undo();
        assert_eq!(control.window(), window / 2);
    }

    #[test]
    fn a_loss_that_was_none_costs_nothing() {
        let mut control = NewReno::new(1200, 1 << 20);
        (0..3).for_each(|_| round(&mut control, 20 * MS));
        let window = control.window();
        control.lost(Instant::now());
        control.undo_loss();
        assert_eq!(control.window(), window);
        round(&mut control, 20 * MS);
        assert!(control.window() > 3 * window / 2, "it goes on growing");
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut control = NewReno::new(1200, 1 << 20);
        control.acked(&ack(Instant::now(), 1200, 1200, 20 * MS));
        assert_eq!(control.window(), 12_000);
    }
}
