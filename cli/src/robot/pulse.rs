//! The robot's loop: fifty times a second it looks who is there, takes commands, moves, and reports.

use std::time::Instant;

use farwire::lcm::geometry_msgs::TwistStamped;
use farwire::teleop::{CMD_UNRELIABLE, STATE_RELIABLE};
use farwire::{Connection, ConnectionEvent, Container, Delivery, Events, RecvError, SubscribeOptions, Subscription};
use farwire_sim::robot::{Body, Change, LIMITS, STEP_HZ};
use farwire_sim::{Order, Ordered, Velocity};

use super::Args;
use super::reporter::Reporter;
use super::teller::Teller;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::{Every, Pace};
use crate::teleop::ended;

/// Maps per second.
const MAP_HZ: f64 = 1.0;
/// Messages and events that one step takes; the next one takes the rest.
const BURST: usize = 64;

/// A robot with its connection.
pub(super) struct Pulse<'a> {
    args: &'a Args,
    connection: &'a Connection,
    broker: &'a str,
    commands: Subscription<TwistStamped>,
    orders: Subscription,
    events: Subscription<Events>,
    body: Body,
    reporter: Reporter,
    teller: Teller,
    /// Being connected was told of, and being disconnected has not been since.
    is_connected_told: bool,
    /// A command was obeyed since refusals were looked at.
    is_obeying: bool,
    /// Commands that were refused until then.
    refused: u64,
}

impl<'a> Pulse<'a> {
    pub(super) fn new(
        args: &'a Args,
        connection: &'a Connection,
        broker: &'a str,
        teller: Teller,
    ) -> Result<Pulse<'a>, Failure> {
        let newest =
            SubscribeOptions::from(Delivery::LOSSY).container(Container::ring(1)).stale_after(args.stale_after);
        Ok(Pulse {
            args,
            connection,
            broker,
            commands: connection.subscribe_to_with(CMD_UNRELIABLE, newest).map_err(Failure::failed)?,
            orders: connection.subscribe_with(STATE_RELIABLE, Delivery::RELIABLE).map_err(Failure::failed)?,
            events: connection.events().map_err(Failure::failed)?,
            body: Body::new(),
            reporter: Reporter::start(connection)?,
            teller,
            is_connected_told: true,
            is_obeying: false,
            refused: 0,
        })
    }

    /// Runs until Ctrl-C.
    pub(super) fn run(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        let start = Instant::now();
        let mut steps = Pace::new(start, STEP_HZ);
        let (mut reports, mut maps) = (Every::new(start, self.args.hz), Every::new(start, MAP_HZ));
        while !interrupt.is_set() {
            let due = steps.next(Instant::now());
            self.obey()?;
            self.look()?;
            self.take_commands(due)?;
            let change = self.body.step();
            self.teller.tell_any(change)?;
            let now = Instant::now();
            if reports.is_due(now) {
                self.look_at_refusals()?;
                self.report();
            }
            if maps.is_due(now) {
                self.reporter.map(self.body.minimap(self.robot_ts()));
            }
        }
        Ok(())
    }

    /// What is left to say in the end.
    pub(super) fn conclude(&self) {
        match self.reporter.left_out() {
            0 => {}
            left_out => output::note(format_args!("{left_out} reports were left out: the network was slower")),
        }
    }

    /// Sees to the operator's orders.
    fn obey(&mut self) -> Result<(), Failure> {
        for _ in 0..BURST {
            let message = match self.orders.try_recv() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(error) if error.is_passing() => continue,
                Err(_) => return Err(ended(self.connection, self.broker)),
            };
            let Some(ordered) = Ordered::parse(&message) else { continue };
            let is_done = match ordered.order {
                Order::Estop | Order::EstopClear => {
                    let change = self.body.guard.estop(ordered.order == Order::Estop);
                    self.teller.tell_any(change)?;
                    // The state goes first, so that whoever waits for it does not wait for an actuator.
                    self.report();
                    true
                }
                // Who is there now, the connection knows; this may be of the one before.
                Order::OperatorLost => {
                    self.body.guard.forget();
                    continue;
                }
                _ => false,
            };
            if let Some(answer) = ordered.answer(is_done) {
                self.reporter.report(answer);
            }
        }
        Ok(())
    }

    fn report(&mut self) {
        self.reporter.report(self.body.telemetry(&self.args.name, self.robot_ts()));
    }

    /// The robot's time, by which its operator stamps.
    fn robot_ts(&self) -> f64 {
        self.connection.stamp().unwrap_or_default().as_secs_f64()
    }

    /// Tells why commands that came are not obeyed, if none was since the last look.
    fn look_at_refusals(&mut self) -> Result<(), Failure> {
        let Some(stats) = self.connection.topic_stats(CMD_UNRELIABLE) else { return Ok(()) };
        let refused = stats.stale + stats.ahead + stats.disordered + stats.unstamped;
        let is_obeying = std::mem::take(&mut self.is_obeying);
        let is_more = std::mem::replace(&mut self.refused, refused) < refused;
        match stats.last_refusal {
            Some(why) if is_more && !is_obeying => self.teller.tell_any(self.body.guard.refused(&why.to_string())),
            _ => Ok(()),
        }
    }

    /// Looks at what happened to the connection.
    fn look(&mut self) -> Result<(), Failure> {
        for _ in 0..BURST {
            match self.events.try_recv() {
                Ok(Some(event)) => self.take_event(event)?,
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(_) => return Err(ended(self.connection, self.broker)),
            }
        }
        // Events may be missing; what is so now has the last word.
        let change = match self.connection.operator_present() {
            true => self.body.guard.operator_came(),
            false => {
                let why = self.connection.operator_lost().map(|why| why.to_string());
                self.body.guard.operator_lost(why.as_deref().unwrap_or("nobody operates this robot"))
            }
        };
        self.teller.tell_any(change)
    }

    fn take_event(&mut self, event: ConnectionEvent) -> Result<(), Failure> {
        let change = match event {
            ConnectionEvent::Connected { .. } if !self.is_connected_told => {
                self.is_connected_told = true;
                Some(Change::Connected { broker: self.broker.to_owned() })
            }
            ConnectionEvent::Reconnecting { reason } => {
                self.is_connected_told = false;
                Some(Change::Reconnecting { why: reason.to_string() })
            }
            ConnectionEvent::ReconnectFailed { reason } => Some(Change::Waiting { why: reason.to_string() }),
            ConnectionEvent::OperatorPresent => self.body.guard.operator_came(),
            ConnectionEvent::OperatorLost { reason } => self.body.guard.operator_lost(&reason.to_string()),
            ConnectionEvent::ClockSet { .. }
            | ConnectionEvent::FarClockSet { .. }
            | ConnectionEvent::ClocksApart { .. } => Some(Change::Clock { what: event.to_string() }),
            ConnectionEvent::HeartbeatFailing { reason } => Some(Change::HeartbeatFailing { why: reason.to_string() }),
            ConnectionEvent::Warning { what } => Some(Change::Warning { what }),
            _ => None,
        };
        self.teller.tell_any(change)
    }

    /// Takes commands until the next step is due.
    fn take_commands(&mut self, due: Instant) -> Result<(), Failure> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let change = match self.commands.recv_timeout(left) {
                Ok(command) => {
                    self.is_obeying = true;
                    self.body.guard.command(velocity(&command))
                }
                Err(RecvError::Timeout) => return Ok(()),
                Err(RecvError::Stale) => {
                    // Commands are stale at once when the operator is lost, which is the better reason.
                    self.look()?;
                    self.body.guard.stale(self.args.stale_after)
                }
                Err(error) if error.is_passing() => None,
                Err(_) => return Err(ended(self.connection, self.broker)),
            };
            self.teller.tell_any(change)?;
            if left.is_zero() {
                return Ok(());
            }
        }
    }
}

fn velocity(command: &TwistStamped) -> Velocity {
    let twist = &command.twist;
    Velocity { linear: twist.linear.x, angular: twist.angular.z }.within(LIMITS)
}
