//! An operator's connection: what goes out to the robot, and the latest that came back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire::lcm::geometry_msgs::{Twist, Vector3};
use farwire::teleop::{Asked, Grid, Heard, Loss, Operator};
use farwire::{Connection, ConnectionEvent, EndReason, Events, RecvError, Subscription};
use farwire_sim::operator::{Clock, HOLD, Report, Sight, Way};
use farwire_sim::{Minimap, Pose, Velocity};

use super::attendance::Attendance;
use crate::failure::Failure;
use crate::teleop::ended;

/// What is heard and happens that is taken in one go; the next one takes the rest.
const BURST: usize = 256;

/// Both directions.
pub(super) struct Cockpit {
    connection: Connection,
    broker: String,
    operator: Arc<Operator>,
    pub(super) attendance: Attendance,
    /// How long a velocity counts, unless another one is said.
    hold: Duration,
    events: Subscription<Events>,
    pub(super) seen: Seen,
}

/// The latest of everything.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) report: Option<(Report, Instant)>,
    grid: Option<Grid>,
    /// Where the robot said that it is.
    pub(super) pose: Option<Pose>,
    /// Commands that it gets, per second.
    rate_hz: Option<f64>,
    /// Why the connection is down, if it is.
    pub(super) trouble: Option<String>,
    /// What is wrong with the clocks, if something is.
    pub(super) clocks: Option<String>,
}

impl Seen {
    /// What is around the robot, if that is known.
    pub(super) fn map(&self) -> Option<Minimap> {
        let reported = self.report.as_ref().and_then(|(report, _)| report.pose);
        self.grid.as_ref().map(|grid| Minimap::of(grid, self.pose.or(reported)))
    }
}

impl Cockpit {
    /// An operator that says its velocity so many times a second.
    pub(super) fn new(connection: Connection, broker: &str, hz: f64) -> Result<Cockpit, Failure> {
        let events = connection.events().map_err(Failure::failed)?;
        let operator = Arc::new(Operator::start(&connection, hz).map_err(Failure::failed)?);
        Ok(Cockpit {
            events,
            attendance: Attendance::new(Arc::clone(&operator))?,
            operator,
            hold: HOLD.max(Duration::from_secs_f64(2.0 / hz)),
            broker: broker.to_owned(),
            seen: Seen::default(),
            connection,
        })
    }

    /// Looks at what came since the last time.
    pub(super) fn look(
        &mut self,
        now: Instant,
        mut tell: impl FnMut(Sight) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for _ in 0..BURST {
            match self.events.try_recv() {
                Ok(Some(event)) => self.take_event(event).map_or(Ok(()), &mut tell)?,
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(_) => return Err(self.ended()),
            }
        }
        for _ in 0..BURST {
            match self.operator.heard(Duration::ZERO) {
                Ok(heard) => self.take_heard(heard, now).into_iter().try_for_each(&mut tell)?,
                Err(RecvError::Timeout) => break,
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    fn take_event(&mut self, event: ConnectionEvent) -> Option<Sight> {
        match event {
            ConnectionEvent::Connected { .. } => {
                // The first one is told of by whoever dialed.
                let was_down = self.seen.trouble.take().is_some();
                was_down.then_some(Sight::Connected)
            }
            ConnectionEvent::Reconnecting { reason } => {
                self.seen.trouble = Some(reason.to_string());
                Some(Sight::Reconnecting { why: reason.to_string() })
            }
            ConnectionEvent::ReconnectFailed { reason } => {
                self.seen.trouble = Some(reason.to_string());
                Some(Sight::Waiting { why: reason.to_string() })
            }
            ConnectionEvent::RobotPresent => Some(Sight::RobotPresent),
            ConnectionEvent::RobotLost => Some(Sight::RobotLost),
            ConnectionEvent::ClockSet { .. }
            | ConnectionEvent::FarClockSet { .. }
            | ConnectionEvent::ClocksApart { .. } => {
                self.seen.clocks = Some(event.to_string());
                Some(Sight::Clock { what: event.to_string() })
            }
            _ => None,
        }
    }

    fn take_heard(&mut self, heard: Heard, now: Instant) -> Vec<Sight> {
        match heard {
            Heard::Telemetry(telemetry) => {
                let report = Report::of(&telemetry);
                self.seen.rate_hz = telemetry.cmd.map(|cmd| cmd.rate_hz);
                let (state, why) = (report.state.clone(), report.why.clone());
                let before = self.seen.report.replace((report, now));
                let is_news = before.is_none_or(|(before, _)| before.state != state || before.why != why);
                let change = state.filter(|_| is_news).map(|state| Sight::State { state, why });
                let telemetry = Sight::Telemetry { telemetry: telemetry.message };
                [Some(telemetry), change].into_iter().flatten().collect()
            }
            Heard::Acknowledged { asked: Asked::Estop, ok, .. } => vec![Sight::EstopAcknowledged { engaged: true, ok }],
            Heard::Acknowledged { asked: Asked::EstopClear, ok, .. } => {
                vec![Sight::EstopAcknowledged { engaged: false, ok }]
            }
            Heard::Map(grid) => {
                let sight = Sight::Map { width: grid.width, height: grid.height, resolution: grid.resolution };
                self.seen.grid = Some(grid);
                vec![sight]
            }
            Heard::Odom(odom) => {
                self.seen.pose = Some(Pose { x: odom.x, y: odom.y, yaw: odom.yaw });
                vec![Sight::Odom { x: odom.x, y: odom.y, yaw: odom.yaw }]
            }
            _ => Vec::new(),
        }
    }

    /// Drives so until another velocity is said, or for a moment.
    pub(super) fn drive(&self, velocity: Velocity) {
        let twist = Twist {
            linear: Vector3 { x: velocity.linear, ..Vector3::default() },
            angular: Vector3 { z: velocity.angular, ..Vector3::default() },
        };
        self.operator.drive(twist, self.hold);
    }

    /// Engages the emergency stop, again and again until the robot has heard, or clears it.
    pub(super) fn estop(&self, engaged: bool) {
        match engaged {
            true => self.operator.estop(),
            false => drop(self.operator.estop_clear()),
        }
    }

    /// Commands that were sent, and those that nobody could get.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.operator.sent(), self.operator.dropped())
    }

    pub(super) fn broker(&self) -> &str {
        &self.broker
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_connected()
    }

    pub(super) fn is_robot_present(&self) -> bool {
        self.connection.robot_present()
    }

    /// The robot's clock and the way there, once they were measured.
    pub(super) fn clock(&self) -> Option<Clock> {
        let clock = self.connection.clock()?;
        Some(Clock { round_trip: clock.round_trip, offset: clock.offset, uncertainty: clock.uncertainty })
    }

    /// Whether nothing of this end reaches the robot.
    pub(super) fn watches(&self) -> bool {
        self.operator.watches()
    }

    /// Whether it is over because the robot was handed over.
    pub(super) fn is_handed_over(&self) -> bool {
        matches!(self.connection.ended(), Some(EndReason::Unavailable(why)) if why.code() == "handed_over")
    }

    /// The way to the robot and back.
    pub(super) fn way(&self) -> Way {
        let link = self.operator.link();
        Way {
            there_ms: link.there_ms,
            back_ms: link.back_ms,
            jitter_ms: link.jitter_ms,
            rate_hz: self.seen.rate_hz,
            loss: link.loss.map(Loss::share),
        }
    }

    /// What engages the emergency stop from another thread, unless it would reach nobody. It says whether it did.
    pub(super) fn stopper(&self) -> impl Fn() -> bool + Send + use<> {
        let operator = Arc::clone(&self.operator);
        move || {
            let drives = !operator.watches();
            if drives {
                operator.estop();
            }
            drives
        }
    }

    /// Leaves the robot, standing.
    pub(super) fn leave(self) {
        // What was said last is to arrive; a robot that it does not reach stops by itself.
        self.operator.leave(&self.connection, super::FLUSH);
        self.connection.close();
        self.attendance.end();
    }

    fn ended(&self) -> Failure {
        ended(&self.connection, &self.broker)
    }
}
