//! The operator: tells the robot to drive figures of eight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use farwire::{Connection, Publisher};

use super::lane::{COMMAND, Lanes};
use crate::failure::Failure;
use crate::pace::{Pace, sleep_until};

const COMMAND_HZ: f64 = 10.0;
/// Meters per second.
const SPEED: f64 = 0.8;
/// Radians per second; at this rate a circle takes four seconds.
const TURN: f64 = std::f64::consts::FRAC_PI_2;
/// Commands per circle.
const CIRCLE: u64 = 40;

#[derive(Clone)]
pub(super) struct Operator {
    lanes: Arc<Lanes>,
    command: Publisher,
}

impl Operator {
    pub(super) fn new(connection: &Connection, lanes: &Arc<Lanes>) -> Result<Operator, Failure> {
        let delivery = lanes.lane(COMMAND).delivery;
        let command = connection.publisher_with(COMMAND, delivery).map_err(Failure::failed)?;
        Ok(Operator { lanes: Arc::clone(lanes), command })
    }

    /// Publishes a command that does not count, until somebody hears one.
    pub(super) fn call(&self) {
        self.lanes.lane(COMMAND).call(&self.command);
    }

    /// Commands until `end`.
    pub(super) fn command(&self, start: Instant, end: Instant, stop: &AtomicBool) {
        let mut pace = Pace::new(start, COMMAND_HZ);
        for tick in 0_u64.. {
            let due = pace.next(Instant::now());
            if due >= end || stop.load(Ordering::Relaxed) {
                return;
            }
            sleep_until(due);
            let turn = if (tick / CIRCLE).is_multiple_of(2) { TURN } else { -TURN };
            self.lanes.lane(COMMAND).publish(&self.command, [SPEED, turn]);
        }
    }
}
