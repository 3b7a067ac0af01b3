//! Waiting for what is to come.

use std::time::{Duration, Instant};

use crate::Driver;

/// What any single step may take on a busy machine before a row fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not in time.
#[track_caller]
pub(crate) fn eventually<D: Driver>(driver: &D, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        driver.pass();
    }
}
