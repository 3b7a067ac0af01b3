//! How much may be in flight.

mod delay;
mod new_reno;

use std::fmt;
use std::time::{Duration, Instant};

use self::delay::Delay;
use self::new_reno::NewReno;
use crate::{Config, CongestionControl};

/// What a controller hears of an acknowledgement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack {
    pub(crate) now: Instant,
    /// Bytes that are acknowledged for the first time.
    pub(crate) bytes: usize,
    /// Bytes that were in flight before it.
    pub(crate) in_flight: usize,
    /// A measured round trip.
    pub(crate) sample: Option<Duration>,
    /// The shortest round trip of late.
    pub(crate) least: Option<Duration>,
    pub(crate) smoothed: Option<Duration>,
}

/// Decides how much may be in flight.
pub(crate) trait Controller: fmt::Debug + Send {
    /// In bytes, with the headers of chunks.
    fn window(&self) -> usize;

    fn acked(&mut self, ack: &Ack);

    /// Something was lost that was sent after this was called last.
    fn lost(&mut self, now: Instant);

    /// Nothing has been heard for so long that everything in flight counts as lost.
    fn timed_out(&mut self);

    /// The last [`Controller::timed_out`] was for nothing.
    fn undo(&mut self);

    /// The last [`Controller::lost`] was for nothing.
    fn undo_loss(&mut self) {}

    /// Nothing was sent for longer than a timeout: what is known of the path is old.
    fn idled(&mut self);

    /// Bytes a second, if packets are to be spread over time.
    fn pace(&self) -> Option<f64> {
        None
    }
}

/// The one that is asked for.
pub(crate) fn controller(config: &Config, now: Instant) -> Box<dyn Controller> {
    match config.congestion {
        CongestionControl::NewReno => Box::new(NewReno::new(config.max_packet, config.max_window)),
        CongestionControl::Delay => Box::new(Delay::new(config.max_packet, config.max_window, now)),
    }
}

/// What a path gets before anything is known of it (RFC 6928).
fn initial_window(packet: usize) -> usize {
    10 * packet
}

/// What is always allowed.
fn least_window(packet: usize) -> usize {
    4 * packet
}
