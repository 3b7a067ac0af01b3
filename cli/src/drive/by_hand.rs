//! Driving by hand, at a terminal.

use std::time::Instant;

use farwire_sim::operator::{Deed, Pilot, View};

use super::cockpit::Cockpit;
use super::terminal::Terminal;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::{Every, Pace};

/// How often the screen is drawn, per second.
const SHOW_HZ: f64 = 10.0;
/// Keys that are taken between two commands; whatever else was pasted waits.
const KEYS: usize = 32;

/// Drives until `q` or Ctrl-C.
pub(super) fn drive(cockpit: &mut Cockpit, robot: Option<&str>, hz: f64, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut pilot = Pilot::new();
    let driven = Terminal::take().and_then(|terminal| at_terminal(cockpit, robot, hz, interrupt, terminal, &mut pilot));
    if pilot.is_estopped() {
        output::note("the emergency stop is still engaged: `farwire drive` and r release it");
    }
    driven
}

fn at_terminal(
    cockpit: &mut Cockpit,
    robot: Option<&str>,
    hz: f64,
    interrupt: &Interrupt,
    mut terminal: Terminal,
    pilot: &mut Pilot,
) -> Result<(), Failure> {
    let start = Instant::now();
    let (mut looks, mut shows) = (Pace::new(start, hz), Every::new(start, SHOW_HZ));
    while !interrupt.is_set() {
        let due = looks.next(Instant::now());
        for _ in 0..KEYS {
            let Some(key) = terminal.key_until(due)? else { break };
            let now = Instant::now();
            match pilot.press(key, now) {
                Some(Deed::Estop { engaged }) => cockpit.estop(engaged),
                Some(Deed::Quit) => return Ok(()),
                _ => {}
            }
        }
        let now = Instant::now();
        cockpit.drive(pilot.target(now));
        cockpit.look(now, |_| Ok(()))?;
        if shows.is_due(now) {
            let (columns, rows) = terminal.size();
            let map = cockpit.seen.map();
            let view = View { map: map.as_ref(), ..view(cockpit, robot, pilot, now) };
            terminal.show(&view.lines(columns, rows))?;
        }
    }
    Ok(())
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
        map: None,
        target: pilot.target(now),
        percent: pilot.percent(),
        is_estopped: pilot.is_estopped(),
        sent,
        dropped,
    }
}
