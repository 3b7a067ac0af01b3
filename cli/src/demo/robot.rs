//! The simulated robot: drives as it is told, and says where it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use farwire::{Connection, Publisher};

use super::lane::{COMMAND_ACK, Lanes, ODOMETRY, STATE};
use super::sample::Sample;
use crate::failure::Failure;
use crate::pace::{Pace, sleep_until};

const ODOMETRY_HZ: f64 = 100.0;
/// One state for so many odometry messages.
const STATE_EVERY: u64 = 10;

/// A handle; all clones are the same robot.
#[derive(Clone)]
pub(super) struct Robot {
    lanes: Arc<Lanes>,
    odometry: Publisher,
    state: Publisher,
    command_ack: Publisher,
    motion: Arc<Mutex<Motion>>,
}

/// A unicycle: where it is, and how it was last told to move.
#[derive(Debug, Clone, Copy, Default)]
struct Motion {
    x: f64,
    y: f64,
    heading: f64,
    speed: f64,
    turn: f64,
}

impl Robot {
    pub(super) fn new(connection: &Connection, lanes: &Arc<Lanes>) -> Result<Robot, Failure> {
        let publisher = |topic| connection.publisher_with(topic, lanes.lane(topic).delivery).map_err(Failure::failed);
        Ok(Robot {
            lanes: Arc::clone(lanes),
            odometry: publisher(ODOMETRY)?,
            state: publisher(STATE)?,
            command_ack: publisher(COMMAND_ACK)?,
            motion: Arc::default(),
        })
    }

    /// Publishes on every topic that nobody has heard yet.
    pub(super) fn call(&self) {
        self.lanes.lane(ODOMETRY).call(&self.odometry);
        self.lanes.lane(STATE).call(&self.state);
        self.lanes.lane(COMMAND_ACK).call(&self.command_ack);
    }

    /// Drives and reports until `end`.
    pub(super) fn drive(&self, start: Instant, end: Instant, stop: &AtomicBool) {
        let mut pace = Pace::new(start, ODOMETRY_HZ);
        for tick in 0_u64.. {
            let due = pace.next(Instant::now());
            if due >= end || stop.load(Ordering::Relaxed) {
                return;
            }
            sleep_until(due);
            let position = self.step(1.0 / ODOMETRY_HZ);
            self.lanes.lane(ODOMETRY).publish(&self.odometry, position);
            if tick.is_multiple_of(STATE_EVERY) {
                self.lanes.lane(STATE).publish(&self.state, position);
            }
        }
    }

    /// Takes a command, and acknowledges it.
    pub(super) fn obey(&self, command: &Sample) {
        let [speed, turn] = command.values;
        {
            let mut motion = self.motion.lock().unwrap_or_else(PoisonError::into_inner);
            (motion.speed, motion.turn) = (speed, turn);
        }
        self.lanes.lane(COMMAND_ACK).publish(&self.command_ack, command.values);
    }

    /// Where it is.
    pub(super) fn position(&self) -> [f64; 2] {
        let motion = self.motion.lock().unwrap_or_else(PoisonError::into_inner);
        [motion.x, motion.y]
    }

    fn step(&self, seconds: f64) -> [f64; 2] {
        let mut motion = self.motion.lock().unwrap_or_else(PoisonError::into_inner);
        motion.heading += motion.turn * seconds;
        motion.x += motion.speed * motion.heading.cos() * seconds;
        motion.y += motion.speed * motion.heading.sin() * seconds;
        [motion.x, motion.y]
    }
}
