//! Ctrl-C and SIGTERM, as something a command can wait for.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::failure::Failure;

/// Set by the first Ctrl-C, SIGTERM or SIGHUP. The second one ends the process on the spot.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    shared: Arc<(Mutex<bool>, Condvar)>,
    /// What even a process that ends on the spot does.
    last: Option<fn()>,
}

impl Interrupt {
    /// Takes over the signals of this process. Called once, before anything that must be undone.
    pub(crate) fn install() -> Result<Interrupt, Failure> {
        Interrupt::default().listen()
    }

    /// [`Interrupt::install`], with something that is done before the process ends on the spot.
    pub(crate) fn install_with(last: fn()) -> Result<Interrupt, Failure> {
        Interrupt { last: Some(last), ..Interrupt::default() }.listen()
    }

    fn listen(self) -> Result<Interrupt, Failure> {
        let interrupt = self;
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.raise())
            .map_err(|error| Failure::failed(format_args!("cannot listen for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    fn raise(&self) {
        let (set, changed) = &*self.shared;
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        if *set {
            // The clean way out hangs, or is too slow for the person at the keyboard.
            if let Some(last) = self.last {
                last();
            }
            std::process::exit(130);
        }
        *set = true;
        changed.notify_all();
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the interrupt; whether it came before `deadline`.
    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        let (set, changed) = &*self.shared;
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        while !*set {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            set = changed.wait_timeout(set, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits for the interrupt, however long it takes.
    pub(crate) fn wait(&self) {
        let (set, changed) = &*self.shared;
        let set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let _set = changed.wait_while(set, |set| !*set).unwrap_or_else(PoisonError::into_inner);
    }
}
