//! The demo's topics, and what is known about each.

use std::sync::{Mutex, MutexGuard, PoisonError};

use farwire::{Accepted, Delivery, Publisher};

use super::sample::{Kind, Sample};
use crate::latency::Latencies;

pub(super) const ODOMETRY: &str = "odometry";
pub(super) const STATE: &str = "state";
pub(super) const COMMAND: &str = "command";
pub(super) const COMMAND_ACK: &str = "command_ack";

/// One topic in one direction.
pub(super) struct Lane {
    pub(super) topic: &'static str,
    pub(super) delivery: Delivery,
    /// Bytes per message.
    pub(super) size: usize,
    counts: Mutex<Counts>,
}

/// What happened on a lane so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    /// Of those sent, the ones that never left the publisher, because newer ones took their place.
    pub(super) replaced: u64,
    pub(super) refused: u64,
    /// What the first refusal said.
    pub(super) refusal: Option<String>,
    pub(super) received: u64,
    /// One past the highest sequence number that arrived.
    pub(super) reached: u64,
    pub(super) latencies: Latencies,
    heard: bool,
}

impl Counts {
    /// Messages that were overtaken by later ones, or never came.
    pub(super) fn missing(&self) -> u64 {
        self.reached.saturating_sub(self.received)
    }

    /// Messages that never came, once everything that could come has.
    pub(super) fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }
}

impl Lane {
    fn new(topic: &'static str, delivery: Delivery, size: usize) -> Lane {
        Lane { topic, delivery, size, counts: Mutex::default() }
    }

    /// Publishes the next message of the drive.
    pub(super) fn publish(&self, publisher: &Publisher, values: [f64; 2]) {
        // Counted first: on loopback it may arrive before `publish` returns.
        let seq = {
            let mut counts = self.lock();
            counts.sent += 1;
            counts.sent - 1
        };
        let accepted = publisher.publish(&Sample::now(Kind::Data, seq, values).encode(self.size));
        let mut counts = self.lock();
        match accepted {
            Ok(Accepted::ReplacedOldest) => counts.replaced += 1,
            Ok(_) => {}
            Err(error) => {
                counts.refused += 1;
                counts.refusal.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// Publishes a message that does not count, if nobody has heard one yet.
    pub(super) fn call(&self, publisher: &Publisher) {
        if !self.heard() {
            // A refusal shows up as nobody hearing it.
            let _ = publisher.publish(&Sample::now(Kind::Call, 0, [0.0; 2]).encode(self.size));
        }
    }

    pub(super) fn received(&self, sample: &Sample) {
        let age = sample.age();
        let mut counts = self.lock();
        counts.heard = true;
        if sample.kind == Kind::Data {
            counts.received += 1;
            counts.reached = counts.reached.max(sample.seq + 1);
            counts.latencies.push(age);
        }
    }

    /// Whether anything ever arrived.
    pub(super) fn heard(&self) -> bool {
        self.lock().heard
    }

    pub(super) fn is_complete(&self) -> bool {
        let counts = self.lock();
        counts.sent > 0 && counts.received == counts.sent && counts.refused == 0
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All the lanes.
pub(super) struct Lanes([Lane; 4]);

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes([
            // A nav_msgs/Odometry with its two covariances has about this many bytes.
            Lane::new(ODOMETRY, Delivery::LOSSY, 720),
            Lane::new(STATE, Delivery::RELIABLE, 200),
            Lane::new(COMMAND, Delivery::RELIABLE, 64),
            Lane::new(COMMAND_ACK, Delivery::RELIABLE, 64),
        ])
    }
}

impl Lanes {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Lane> {
        self.0.iter()
    }

    /// The lane of a topic; one of the four constants.
    pub(super) fn lane(&self, topic: &'static str) -> &Lane {
        self.iter().find(|lane| lane.topic == topic).unwrap_or(&self.0[0])
    }
}
