//! An operator's connection: what goes out to the robot, and the latest that came back.

use std::time::{Duration, Instant};

use farwire::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire::lcm::std_msgs::{Header, Time};
use farwire::teleop::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
use farwire::{
    Accepted, Connection, ConnectionEvent, Container, Delivery, Events, PublishError, Publisher, Subscription,
};
use farwire_sim::operator::{Clock, Insistence, Orders, Report, Said, Sight};
use farwire_sim::{Minimap, Order, Velocity};

use crate::failure::Failure;
use crate::teleop::{ended, unix_now};

/// Messages and events that are taken in one go; the next one takes the rest.
const BURST: usize = 256;

/// How often a zero is said when driving ends: each may be lost, and some robots go on until they hear one.
const LAST_ZEROS: u32 = 5;

/// Between two of them.
const LAST_ZERO_EVERY: Duration = Duration::from_millis(20);

/// Both directions.
pub(super) struct Cockpit {
    connection: Connection,
    broker: String,
    commands: Publisher<TwistStamped>,
    orders: Publisher,
    reports: Subscription,
    maps: Subscription,
    events: Subscription<Events>,
    insistence: Insistence,
    sent_orders: Orders,
    seq: i32,
    pub(super) seen: Seen,
}

/// The latest of everything.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) report: Option<(Report, Instant)>,
    pub(super) map: Option<Minimap>,
    /// Why the connection is down, if it is.
    pub(super) trouble: Option<String>,
    pub(super) sent: u64,
    /// Commands that nobody could get.
    pub(super) dropped: u64,
    /// What is wrong with the clocks, if something is.
    pub(super) clocks: Option<String>,
}

impl Cockpit {
    pub(super) fn new(connection: Connection, broker: &str) -> Result<Cockpit, Failure> {
        let reliable = Delivery::RELIABLE;
        Ok(Cockpit {
            commands: connection.publisher_of(CMD_UNRELIABLE).map_err(Failure::failed)?,
            orders: connection.publisher_with(STATE_RELIABLE, reliable).map_err(Failure::failed)?,
            reports: connection.subscribe_with(STATE_RELIABLE_BACK, reliable).map_err(Failure::failed)?,
            maps: connection.subscribe_with(MAP_UNRELIABLE, Container::ring(1)).map_err(Failure::failed)?,
            events: connection.events().map_err(Failure::failed)?,
            broker: broker.to_owned(),
            insistence: Insistence::default(),
            sent_orders: Orders::new(unix_now()),
            seq: 0,
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
            match self.reports.try_recv() {
                Ok(Some(message)) => self.take_report(&message, now).into_iter().try_for_each(&mut tell)?,
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(_) => return Err(self.ended()),
            }
        }
        match self.maps.latest() {
            Ok(Some(message)) => self.seen.map = Minimap::parse(&message).or(self.seen.map.take()),
            Ok(None) => {}
            Err(error) if error.is_passing() => {}
            Err(_) => return Err(self.ended()),
        }
        if self.insistence.is_due(now) {
            self.order(Order::Estop)?;
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

    fn take_report(&mut self, message: &[u8], now: Instant) -> Vec<Sight> {
        let Ok(telemetry) = serde_json::from_slice(message) else { return Vec::new() };
        match Said::parse(&telemetry) {
            Some(Said::Telemetry(report)) => {
                self.insistence.reported(report.is_estopped);
                let (state, why) = (report.state.clone(), report.why.clone());
                let before = self.seen.report.replace((report, now));
                let is_news = before.is_none_or(|(before, _)| before.state != state || before.why != why);
                let change = state.filter(|_| is_news).map(|state| Sight::State { state, why });
                [Some(Sight::Telemetry { telemetry }), change].into_iter().flatten().collect()
            }
            Some(Said::Acknowledged { nonce, ok }) => {
                self.insistence.answered(nonce, ok);
                let engaged = self.sent_orders.answered(nonce).map(|order| order == Order::Estop);
                engaged.map(|engaged| Sight::EstopAcknowledged { engaged, ok }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Sends a velocity, stamped in the robot's time. One that cannot be stamped would not be obeyed, and is dropped.
    pub(super) fn command(&mut self, velocity: Velocity) -> Result<(), Failure> {
        let Some(stamp) = self.connection.stamp().and_then(Time::from_unix) else {
            self.seen.dropped += 1;
            return Ok(());
        };
        self.seq = self.seq.wrapping_add(1);
        let message = TwistStamped {
            header: Header { seq: self.seq, stamp, frame_id: String::new() },
            twist: Twist {
                linear: Vector3 { x: velocity.linear, ..Vector3::default() },
                angular: Vector3 { z: velocity.angular, ..Vector3::default() },
            },
        };
        match self.commands.publish(&message) {
            Ok(Accepted::Dropped) => self.seen.dropped += 1,
            Ok(_) => self.seen.sent += 1,
            Err(PublishError::Ended { .. }) => return Err(self.ended()),
            Err(_) => self.seen.dropped += 1,
        }
        Ok(())
    }

    /// Engages the emergency stop, again and again until the robot has heard, or clears it.
    pub(super) fn estop(&mut self, engaged: bool, now: Instant) -> Result<(), Failure> {
        self.insistence.want(engaged);
        match engaged {
            true if self.insistence.is_due(now) => self.order(Order::Estop),
            true => Ok(()),
            false => self.order(Order::EstopClear),
        }
    }

    fn order(&mut self, order: Order) -> Result<(), Failure> {
        let nonce = self.sent_orders.next(order);
        if order == Order::Estop {
            self.insistence.said(nonce);
        }
        let Some(message) = order.to_json(nonce) else { return Ok(()) };
        match self.orders.publish_text(&message) {
            Err(PublishError::Ended { .. }) => Err(self.ended()),
            // One that found no way is said again, or shows on the screen as not confirmed.
            _ => Ok(()),
        }
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

    /// Leaves the robot, standing.
    pub(super) fn leave(mut self) {
        for _ in 0..LAST_ZEROS {
            if self.command(Velocity::ZERO).is_err() {
                break;
            }
            std::thread::sleep(LAST_ZERO_EVERY);
        }
        // What was said last is to arrive; a robot that it does not reach stops by itself.
        self.connection.flush(super::FLUSH);
        self.connection.close();
    }

    fn ended(&self) -> Failure {
        ended(&self.connection, &self.broker)
    }
}
