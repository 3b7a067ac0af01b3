//! An operator on a broker's bridge, without its connection.

mod insistence;
mod link;
mod orders;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::insistence::Insistence;
use self::link::Link;
pub use self::link::{LinkStats, Loss};
pub use self::orders::Asked;
use self::orders::Orders;
use super::map::Grid;
use super::pace::Pace;
use crate::ClockEstimate;
use crate::lcm::geometry_msgs::Twist;
use crate::wire::teleop::{Command, DriveCounts, DriveStats, Kind, Odom, StateMessage, number_after};

/// What is to be said and was not yet; the oldest gives way. The emergency stop is said again.
const MAX_SAYS: usize = 256;

/// What was heard and not taken; the oldest gives way.
const MAX_HEARD: usize = 256;

/// Bytes of the longest message that is read.
const MAX_MESSAGE: usize = 64 * 1024;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Say {
    /// Publish this velocity on [`CMD_UNRELIABLE`](crate::broker::CMD_UNRELIABLE), stamped in the robot's time at this moment, and
    /// numbered by [`Operator::number_after`].
    Drive(Twist),
    /// Publish this text on [`STATE_RELIABLE`](crate::broker::STATE_RELIABLE).
    State(String),
}

/// Something that the robot said, or did not.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// How it does.
    Telemetry(Telemetry),
    /// What is around it.
    Map(Grid),
    /// Where it is.
    Odom(Odom),
    /// It answered.
    Acknowledged {
        /// The nonce that was given for it.
        nonce: u64,
        /// What it was asked for.
        asked: Asked,
        /// Whether it has done so.
        ok: bool,
    },
    /// It has not answered for 5 s. An emergency stop is said on.
    Unanswered {
        /// The nonce that was given for it.
        nonce: u64,
        /// What it was asked for.
        asked: Asked,
    },
}

/// How a robot does. Robots differ: what one leaves out is not known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Telemetry {
    /// Seconds since 1970, by the robot's clock.
    pub robot_ts: Option<f64>,
    /// What came of the stream of drive commands.
    pub cmd: Option<DriveStats>,
    /// Which drive commands came, if the robot counts them.
    pub drive_counts: Option<DriveCounts>,
    /// The battery's charge, from 0 to 100 %.
    pub soc: Option<f64>,
    /// Whether the emergency stop is engaged.
    pub is_estopped: Option<bool>,
    /// All that it says of its state.
    pub state: Map<String, Value>,
    /// The whole message.
    pub message: Value,
}

/// An operator: a velocity that is said at a fixed rate, the emergency stop that is said until it is heard, commands and their
/// answers, and what the robot reports.
#[derive(Debug)]
pub struct Operator {
    hz: f64,
    pace: Pace,
    velocity: Twist,
    /// Until when the velocity counts; after that it is zero.
    until: Option<Instant>,
    is_estopped: bool,
    /// Nothing that is said reaches the robot.
    watches: bool,
    orders: Orders,
    insistence: Insistence,
    link: Link,
    says: VecDeque<Say>,
    heard: VecDeque<Heard>,
}

impl Heard {
    /// What a message of [`MAP_UNRELIABLE`](crate::broker::MAP_UNRELIABLE) says; `None` for what is neither a map nor a pose. To
    /// unpack a picture takes milliseconds.
    pub fn of_map(message: &[u8]) -> Option<Heard> {
        let odom = || serde_json::from_slice(message).ok().map(Heard::Odom);
        Grid::parse(message).map(Heard::Map).or_else(odom)
    }
}

impl Operator {
    /// How often a zero is said when driving ends: each may be lost, and some robots go on until they hear one.
    pub const LAST_ZEROS: u32 = 5;

    /// The time between two of them.
    pub const LAST_ZERO_EVERY: Duration = Duration::from_millis(20);

    /// An operator that says its velocity so many times a second, from 0.1 to 100. `unix` is the time since 1970, of which its
    /// nonces are made.
    pub fn new(now: Instant, unix: Duration, hz: f64) -> Operator {
        let hz = if hz.is_finite() { hz.clamp(0.1, 100.0) } else { 20.0 };
        Operator {
            hz,
            pace: Pace::new(now, hz),
            velocity: Twist::default(),
            until: None,
            is_estopped: false,
            watches: false,
            orders: Orders::new(unix),
            insistence: Insistence::default(),
            link: Link::default(),
            says: VecDeque::new(),
            heard: VecDeque::new(),
        }
    }

    /// The number for the header (`seq`) of the drive command that follows the one with this number; the first follows 0. One
    /// that could not be sent leaves its number to the next, so that what is missing to the robot was lost.
    pub fn number_after(number: i32) -> i32 {
        number_after(number)
    }

    /// The velocity to say from now on, for as long as it counts. After that zero is said, so that an operator whose hands or
    /// program have stopped drives nobody on.
    /// One that [watches](Operator::watch) has none.
    pub fn drive(&mut self, now: Instant, velocity: Twist, counts_for: Duration) {
        if self.watches {
            return;
        }
        self.until = now.checked_add(counts_for);
        self.velocity = velocity;
    }

    /// Whether this end only watches, as the connection says ([`Peer::watches`](crate::Peer::watches)). No velocity is said or
    /// kept then: what somebody asked for who watched does not drive a robot that is handed over to it. An emergency stop is
    /// kept, and said when the robot is.
    pub fn watch(&mut self, watches: bool) {
        self.watches = watches;
        self.until = self.until.filter(|_| !watches);
    }

    /// The velocity that is said at this time: zero from an emergency stop of one's own to its release.
    pub fn velocity(&self, now: Instant) -> Twist {
        let counts = !self.is_estopped && self.until.is_some_and(|until| now < until);
        if counts { self.velocity.clone() } else { Twist::default() }
    }

    /// Engages the emergency stop, which is said every half second until the robot has confirmed it, by its answer or its
    /// telemetry, whatever happens to it or to the connection. If it answers that its actuators did not stop, only its answer that
    /// they did counts. A zero goes before it, on the way that waits for nothing.
    pub fn estop(&mut self, now: Instant) {
        self.insistence.want(true);
        (self.is_estopped, self.until) = (true, None);
        self.put(Say::Drive(Twist::default()));
        self.insist(now);
    }

    /// Releases the emergency stop, whoever engaged it. Answers the nonce by which the robot's answer is known.
    pub fn estop_clear(&mut self, now: Instant) -> u64 {
        self.insistence.want(false);
        (self.is_estopped, self.until) = (false, None);
        let nonce = self.orders.next(now, Asked::EstopClear);
        self.put(Say::State(StateMessage::EstopClear { nonce }.to_json()));
        nonce
    }

    /// Asks the robot for something. Answers the nonce by which its answer is known, which is heard in any case.
    pub fn ask(&mut self, now: Instant, command: Command) -> u64 {
        let message = command.to_message();
        let nonce = self.orders.next(now, Asked::Command(command));
        let mut message = Value::Object(message);
        message["nonce"] = nonce.into();
        self.put(Say::State(message.to_string()));
        nonce
    }

    /// Asks the robot to go to a place of the world's frame, in m.
    pub fn go_to(&mut self, now: Instant, x: f64, y: f64) -> u64 {
        self.ask(now, Command::NavGoal { x, y })
    }

    /// Takes a message of [`STATE_RELIABLE_BACK`](crate::broker::STATE_RELIABLE_BACK). `robot_now` is the robot's time at this
    /// moment, in seconds since 1970, if it is known.
    pub fn handle_state(&mut self, robot_now: Option<f64>, message: &[u8]) {
        let message = Some(message).filter(|message| message.len() <= MAX_MESSAGE);
        let Some(message) = message.and_then(|message| serde_json::from_slice::<Value>(message).ok()) else { return };
        match message.get("type").and_then(Value::as_str).and_then(Kind::of) {
            Some(Kind::RobotTelemetry) => {
                let telemetry = Telemetry::of(message);
                self.insistence.reported(telemetry.is_estopped);
                let driven = (telemetry.cmd, telemetry.drive_counts);
                self.link.telemetry(telemetry.robot_ts, robot_now, driven);
                self.hear(Heard::Telemetry(telemetry));
            }
            Some(Kind::CmdAck) => {
                let Some(nonce) = message.get("nonce").and_then(Value::as_u64) else { return };
                let ok = message.get("ok") == Some(&Value::Bool(true));
                self.insistence.answered(nonce, ok);
                if let Some(asked) = self.orders.answered(nonce) {
                    self.hear(Heard::Acknowledged { nonce, asked, ok });
                }
            }
            _ => {}
        }
    }

    /// Takes a message of [`MAP_UNRELIABLE`](crate::broker::MAP_UNRELIABLE).
    pub fn handle_map(&mut self, message: &[u8]) {
        if let Some(heard) = Heard::of_map(message) {
            self.hear(heard);
        }
    }

    /// Notes the time: a velocity may be due, an emergency stop to be said again, and an answer waited for in vain.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.insist(now);
        while let Some((nonce, asked)) = self.orders.given_up(now) {
            self.hear(Heard::Unanswered { nonce, asked });
        }
        if self.pace.is_due(now) && !self.watches {
            self.put(Say::Drive(self.velocity(now)));
        }
    }

    /// When [`Operator::handle_timeout`] is to be called at the latest.
    pub fn deadline(&self) -> Instant {
        let velocity = self.pace.next();
        self.insistence.next().map_or(velocity, |again| again.min(velocity))
    }

    /// What is to be said next.
    pub fn poll(&mut self) -> Option<Say> {
        self.says.pop_front()
    }

    /// What was heard next.
    pub fn hear_next(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Whether something was heard that was not taken.
    pub fn has_heard(&self) -> bool {
        !self.heard.is_empty()
    }

    /// Whether this operator engaged the emergency stop and has not released it since.
    pub fn is_estopped(&self) -> bool {
        self.is_estopped
    }

    /// The way to the robot and back; `clock` is what the connection knows of the robot's clock.
    pub fn link(&self, clock: Option<ClockEstimate>) -> LinkStats {
        self.link.figures(clock, self.hz)
    }

    fn insist(&mut self, now: Instant) {
        if self.insistence.is_due(now) {
            let nonce = self.orders.next(now, Asked::Estop);
            self.insistence.said(nonce);
            self.put(Say::State(StateMessage::Estop { nonce }.to_json()));
        }
    }

    fn put(&mut self, say: Say) {
        if self.says.len() == MAX_SAYS {
            self.says.pop_front();
        }
        self.says.push_back(say);
    }

    fn hear(&mut self, heard: Heard) {
        if self.heard.len() == MAX_HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(heard);
    }
}

impl Telemetry {
    fn of(message: Value) -> Telemetry {
        let number = |name: &str| message.get(name).and_then(Value::as_f64);
        let state = message.get("state").and_then(Value::as_object).cloned().unwrap_or_default();
        Telemetry {
            robot_ts: number("robot_ts"),
            cmd: message.get("cmd").and_then(|cmd| serde_json::from_value(cmd.clone()).ok()),
            drive_counts: DriveCounts::of(&state),
            soc: number("soc"),
            is_estopped: state.get("estopped").and_then(Value::as_bool),
            state,
            message,
        }
    }
}

#[cfg(test)]
mod tests;
