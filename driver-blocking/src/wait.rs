//! Waiting for something that happens to a connection.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use farwire_driver::ClientOf;

use crate::threads::{Engine, Threads};

/// Blocks until `done`, but not beyond the deadline or the end of the connection. Says whether it is done.
pub(crate) fn wait_until(
    engine: &Engine,
    deadline: Option<Instant>,
    mut done: impl FnMut(&mut ClientOf<Threads>) -> bool,
) -> bool {
    let mut state = engine.lock();
    loop {
        if let Some(is_done) = state.look(&mut done) {
            return is_done;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return false;
        }
        state.waiting += 1;
        let progress = engine.progress();
        state = match left {
            Some(left) => progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => progress.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.waiting -= 1;
    }
}
