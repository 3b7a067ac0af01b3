//! Driving by a script, without a terminal.

use std::time::Instant;

use farwire_sim::Velocity;
use farwire_sim::operator::{Performance, Script, Sight};

use super::cockpit::Cockpit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pace::Pace;

/// Drives until the script is over, or Ctrl-C.
pub(super) fn drive(
    cockpit: &mut Cockpit,
    script: &Script,
    hz: f64,
    json: bool,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let start = Instant::now();
    let mut performance = Performance::new(script.clone());
    let mut looks = Pace::new(start, hz);
    while !interrupt.wait_until(looks.next(Instant::now())) {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(start);
        cockpit.look(now, |sight| tell(&sight, json))?;
        while let Some(step) = performance.next_step(elapsed) {
            tell(&Sight::Step { step: step.text.clone() }, json)?;
            if let Some(engaged) = step.estop {
                cockpit.estop(engaged);
            }
        }
        if performance.is_over(elapsed) {
            break;
        }
        cockpit.drive(performance.velocity());
    }
    cockpit.drive(Velocity::ZERO);
    let round_trip_ms = cockpit.clock().map(|clock| clock.round_trip.as_secs_f64() * 1000.0);
    let (commands_sent, commands_dropped) = cockpit.counts();
    tell(&Sight::Done { commands_sent, commands_dropped, round_trip_ms }, json)
}

/// A line for people, or an object for scripts.
pub(super) fn tell(sight: &Sight, json: bool) -> Result<(), Failure> {
    match json {
        true => output::json(sight),
        false if sight.is_frequent() => Ok(()),
        false => output::line(sight),
    }
}
