//! Watching without a terminal: line by line, until Ctrl-C.

use std::time::Instant;

use farwire_sim::operator::Sight;

use super::by_script::tell;
use super::cockpit::Cockpit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::pace::Pace;

/// Tells what is seen. Nobody is there who could drive, so a robot that is handed over is let go of at once, and stands.
pub(super) fn watch(cockpit: &mut Cockpit, hz: f64, json: bool, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut looks = Pace::new(Instant::now(), hz);
    while !interrupt.wait_until(looks.next(Instant::now())) {
        cockpit.look(Instant::now(), |sight| tell(&sight, json))?;
        if !cockpit.watches() {
            tell(&Sight::HandedOver, json)?;
            return Err(Failure::failed(
                "the robot was handed over to `farwire drive --view` without a terminal, which cannot drive: it stands, and anybody may join it",
            ));
        }
    }
    Ok(())
}
