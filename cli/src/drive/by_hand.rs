//! Driving by hand, at a terminal.

use std::time::Instant;

use farwire_sim::Velocity;
use farwire_sim::operator::{Chooser, Deed, Key, Pilot, Seat, View};

use super::cockpit::Cockpit;
use super::joystick::Joystick;
use super::terminal::Terminal;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::{Every, Pace};

/// How often the screen is drawn, per second.
const SHOW_HZ: f64 = 10.0;
/// Keys that are taken between two commands; whatever else was pasted waits.
const KEYS: usize = 32;

/// A joystick is looked at so often, per second.
const JOYSTICK_HZ: f64 = 50.0;

/// How a person at the terminal wants it.
pub(super) struct Hands<'a> {
    /// The robot's id, if one was asked for.
    pub(super) robot: Option<&'a str>,
    /// Commands per second.
    pub(super) hz: f64,
    /// What all of the speed scale is.
    pub(super) full: Velocity,
    /// It begins as one who only watches.
    pub(super) view: bool,
    pub(super) joystick: Option<Joystick>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The person left.
    Left,
    /// Somebody else has the robot.
    HandedOver,
}

/// Drives until `q` or Ctrl-C, or until the robot is handed over.
pub(super) fn drive(cockpit: &mut Cockpit, hands: &mut Hands<'_>, interrupt: &Interrupt) -> Result<Ended, Failure> {
    let mut pilot = Pilot::new().with_full(hands.full);
    // Whatever happens between: what was joined to watch is not driven before a person says so.
    pilot.watch(hands.view);
    if let Some(joystick) = &hands.joystick {
        joystick.stops(Some(Box::new(cockpit.stopper())));
    }
    let driven = Terminal::take().and_then(|terminal| at_terminal(cockpit, hands, interrupt, terminal, &mut pilot));
    if let Some(joystick) = &hands.joystick {
        joystick.stops(None);
    }
    if pilot.is_estopped() {
        output::note("the emergency stop is still engaged: `farwire drive` and r release it");
    }
    driven
}

fn at_terminal(
    cockpit: &mut Cockpit,
    hands: &mut Hands<'_>,
    interrupt: &Interrupt,
    mut terminal: Terminal,
    pilot: &mut Pilot,
) -> Result<Ended, Failure> {
    let start = Instant::now();
    let hz = if hands.joystick.is_some() { hands.hz.max(JOYSTICK_HZ) } else { hands.hz };
    let (mut looks, mut shows) = (Pace::new(start, hz), Every::new(start, SHOW_HZ));
    let mut chooser = Chooser::default();
    while !interrupt.is_set() {
        pilot.watch(cockpit.watches());
        let due = looks.next(Instant::now());
        for _ in 0..KEYS {
            let Some(key) = terminal.key_until(due)? else { break };
            cockpit.attendance.clear_notice();
            match pilot.press(key, Instant::now()) {
                Some(Deed::Estop { engaged }) => cockpit.estop(engaged),
                Some(Deed::OnlyWatching) => {
                    cockpit.attendance.notice = Some("you only watch: keys do nothing, SPACE stops NOTHING".to_owned());
                }
                Some(Deed::Quit) => return Ok(Ended::Left),
                _ => hand_over(cockpit, pilot, &mut chooser, key),
            }
        }
        if let Some(joystick) = &hands.joystick {
            take_estop(cockpit, pilot, joystick);
        }
        let now = Instant::now();
        cockpit.drive(target(hands, pilot, now));
        cockpit.attendance.look(now);
        if let Err(failure) = cockpit.look(now, |_| Ok(())) {
            return if cockpit.is_handed_over() { Ok(Ended::HandedOver) } else { Err(failure) };
        }
        if shows.is_due(now) {
            let (columns, rows) = terminal.size();
            let (map, who, question) = (cockpit.seen.map(), cockpit.attendance.line(), chooser.question());
            let joystick = hands.joystick.as_ref().map(Joystick::line);
            let view = View {
                map: map.as_ref(),
                who: who.as_deref(),
                notice: question.as_deref().or(cockpit.attendance.notice.as_deref()),
                joystick: joystick.as_deref(),
                target: target(hands, pilot, now),
                ..view(cockpit, hands.robot, pilot, now)
            };
            terminal.show(&view.lines(columns, rows))?;
        }
    }
    Ok(Ended::Left)
}

/// The joystick's velocity while its enable button is held, and else that of the keys.
fn target(hands: &Hands<'_>, pilot: &Pilot, now: Instant) -> Velocity {
    match hands.joystick.as_ref().and_then(Joystick::stick) {
        Some([linear, angular]) => pilot.scaled(linear, angular),
        None => pilot.target(now),
    }
}

/// The joystick's thread has said it already; from here on the keys know as well.
fn take_estop(cockpit: &mut Cockpit, pilot: &mut Pilot, joystick: &Joystick) {
    if joystick.take_estop() {
        if pilot.seat() == Seat::Watching {
            cockpit.attendance.notice = Some("you only watch: the joystick's e-stop stops NOTHING".to_owned());
        } else {
            pilot.engage_estop();
        }
    }
    if pilot.is_estopped() || pilot.seat() != Seat::Driving {
        joystick.spend();
    }
}

fn hand_over(cockpit: &mut Cockpit, pilot: &Pilot, chooser: &mut Chooser, key: Key) {
    if pilot.seat() != Seat::Driving {
        return;
    }
    let viewers = cockpit.attendance.viewers();
    if let Some(to) = chooser.press(key, &viewers) {
        cockpit.attendance.hand_over(to);
    } else if key == Key::HandOver && viewers.is_empty() {
        cockpit.attendance.notice = Some("nobody watches this robot, as `farwire drive --view` does".to_owned());
    }
}

fn view<'a>(cockpit: &'a Cockpit, robot: Option<&'a str>, pilot: &Pilot, now: Instant) -> View<'a> {
    let seen = &cockpit.seen;
    let (sent, dropped) = cockpit.counts();
    let report = seen.report.as_ref().map(|(report, at)| (report, now.saturating_duration_since(*at)));
    View {
        robot: robot.or(report.and_then(|(report, _)| report.robot.as_deref())),
        broker: cockpit.broker(),
        is_connected: cockpit.is_connected(),
        trouble: seen.trouble.as_deref(),
        is_robot_present: cockpit.is_robot_present(),
        clock: cockpit.clock(),
        clocks: seen.clocks.as_deref(),
        report,
        pose: seen.pose,
        way: Some(cockpit.way()),
        map: None,
        seat: pilot.seat(),
        who: None,
        notice: None,
        joystick: None,
        target: pilot.target(now),
        percent: pilot.percent(),
        is_estopped: pilot.is_estopped(),
        sent,
        dropped,
    }
}
