//! Who may call the API, by the head of a request alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use farwire_core::Secret;
use farwire_core::signalling::Response;
use farwire_listener::{Guess, Guesses, Incoming};
use tracing::warn;

use crate::api::route;
use crate::error::Refusal;
use crate::{Config, Stats};

/// Turns away whoever does not have the app's secret, before a byte of the body is read, and counts the guesses of each
/// address.
#[derive(Debug)]
pub(super) struct Gate {
    app_id: String,
    app_secret: Secret,
    guesses: Mutex<Guesses>,
    refused: AtomicU64,
    wrong_secrets: AtomicU64,
}

impl Gate {
    pub(super) fn new(config: &Config) -> Gate {
        Gate {
            app_id: config.app_id.clone(),
            app_secret: config.app_secret.clone(),
            guesses: Mutex::default(),
            refused: AtomicU64::new(0),
            wrong_secrets: AtomicU64::new(0),
        }
    }

    /// The refusal of a request that is no call of the API, or has no right to make it.
    pub(super) fn refuse(&self, head: &Incoming) -> Option<Response> {
        let call = route(&self.app_id, &self.app_secret, &head.method, &head.path, head.header("authorization"));
        let mut refusal = call.err()?;
        self.refused.fetch_add(1, Ordering::Relaxed);
        if refusal.is_unauthorized() {
            self.wrong_secrets.fetch_add(1, Ordering::Relaxed);
            let source = head.peer.ip();
            // The lock is held for one look-up.
            let guess = self.guesses.lock().unwrap_or_else(PoisonError::into_inner).note(Instant::now(), source);
            if guess == Guess::FirstTooMany {
                warn!(%source, "too many wrong secrets");
            }
            if guess != Guess::Allowed {
                refusal = Refusal::too_many_guesses();
            }
        }
        Some(refusal.response())
    }

    /// Adds what never came to the SFU's thread.
    pub(super) fn add_to(&self, stats: Stats) -> Stats {
        let refused = self.refused.load(Ordering::Relaxed);
        Stats {
            calls: stats.calls + refused,
            refused: stats.refused + refused,
            wrong_secrets: stats.wrong_secrets + self.wrong_secrets.load(Ordering::Relaxed),
            ..stats
        }
    }
}
