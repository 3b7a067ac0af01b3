//! The robot's loop: as each step says it moves, tells what is different, and reports.

use farwire::teleop::{Limits, Robot, RobotOptions, RobotSetup};
use farwire::{Connection, ConnectionEvent, Events, Subscription};
use farwire_sim::robot::{Body, Change, LIMITS, STEP_HZ};

use super::Args;
use super::teller::Teller;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::teleop::ended;

/// Events that one step takes; the next one takes the rest.
const BURST: usize = 64;

/// A robot with its connection.
pub(super) struct Pulse<'a> {
    args: &'a Args,
    connection: &'a Connection,
    broker: &'a str,
    robot: Robot,
    events: Subscription<Events>,
    body: Body,
    teller: Teller,
    /// Being connected was told of, and being disconnected has not been since.
    is_connected_told: bool,
}

impl<'a> Pulse<'a> {
    pub(super) fn new(
        args: &'a Args,
        connection: &'a Connection,
        broker: &'a str,
        teller: Teller,
    ) -> Result<Pulse<'a>, Failure> {
        let options = RobotOptions::new(Limits::planar(LIMITS.linear, LIMITS.angular))
            .stale_after(args.stale_after)
            .telemetry_hz(args.hz);
        let setup = RobotSetup::new(options).loop_hz(STEP_HZ);
        Ok(Pulse {
            args,
            connection,
            broker,
            events: connection.events().map_err(Failure::failed)?,
            robot: Robot::start(connection, setup).map_err(Failure::failed)?,
            body: Body::new(),
            teller,
            is_connected_told: true,
        })
    }

    /// Runs until Ctrl-C.
    pub(super) fn run(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        while !interrupt.is_set() {
            let step = self.robot.step().map_err(|_| ended(self.connection, self.broker))?;
            self.look()?;
            for change in &step.changes {
                self.teller.tell(change)?;
            }
            let change = self.body.step(&step);
            self.teller.tell_any(change)?;
            self.robot.report(self.body.report(&self.args.name));
            let pose = self.body.pose();
            self.robot.odom(pose.x, pose.y, pose.yaw);
            self.robot.map(|| self.body.grid()).map_err(Failure::failed)?;
        }
        Ok(())
    }

    /// What is left to say in the end.
    pub(super) fn conclude(&self) {
        match self.robot.unsent() {
            0 => {}
            left_out => output::note(format_args!("{left_out} reports were left out: the network was slower")),
        }
    }

    /// Tells what happened to the connection. Who is there the robot tells itself.
    fn look(&mut self) -> Result<(), Failure> {
        for _ in 0..BURST {
            match self.events.try_recv() {
                Ok(Some(event)) => {
                    let change = self.change_of(event);
                    self.teller.tell_any(change)?;
                }
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(_) => return Err(ended(self.connection, self.broker)),
            }
        }
        Ok(())
    }

    fn change_of(&mut self, event: ConnectionEvent) -> Option<Change> {
        match event {
            ConnectionEvent::Connected { .. } if !self.is_connected_told => {
                self.is_connected_told = true;
                Some(Change::Connected { broker: self.broker.to_owned() })
            }
            ConnectionEvent::Reconnecting { reason } => {
                self.is_connected_told = false;
                Some(Change::Reconnecting { why: reason.to_string() })
            }
            ConnectionEvent::ReconnectFailed { reason } => Some(Change::Waiting { why: reason.to_string() }),
            ConnectionEvent::ClockSet { .. }
            | ConnectionEvent::FarClockSet { .. }
            | ConnectionEvent::ClocksApart { .. } => Some(Change::Clock { what: event.to_string() }),
            ConnectionEvent::HeartbeatFailing { reason } => Some(Change::HeartbeatFailing { why: reason.to_string() }),
            ConnectionEvent::Warning { what } => Some(Change::Warning { what }),
            _ => None,
        }
    }
}
