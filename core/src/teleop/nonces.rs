//! Which commands were answered, and how.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nonces that are remembered.
pub(super) const REMEMBERED: usize = 64;

/// For how long.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// The latest nonces, with the first result of each.
#[derive(Debug, Default)]
pub(super) struct Nonces(VecDeque<Known>);

#[derive(Debug)]
struct Known {
    nonce: Value,
    at: Instant,
    /// `None`: not known yet.
    ok: Option<bool>,
}

impl Nonces {
    /// Notes a nonce that came. `Some`: it was there before, with this result if there is one.
    pub(super) fn note(&mut self, now: Instant, nonce: &Value) -> Option<Option<bool>> {
        self.0.retain(|known| now.saturating_duration_since(known.at) < REMEMBERED_FOR);
        if let Some(known) = self.0.iter().find(|known| known.nonce == *nonce) {
            return Some(known.ok);
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Known { nonce: nonce.clone(), at: now, ok: None });
        None
    }

    /// What came of it.
    pub(super) fn answered(&mut self, nonce: &Value, ok: bool) {
        if let Some(known) = self.0.iter_mut().find(|known| known.nonce == *nonce) {
            known.ok = Some(ok);
        }
    }

    /// Another operator has nonces of its own.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_known_for_a_while_with_its_first_result() {
        let start = Instant::now();
        let mut nonces = Nonces::default();
        let nonce = Value::from(1);
        assert_eq!(nonces.note(start, &nonce), None);
        assert_eq!(nonces.note(start, &nonce), Some(None));
        nonces.answered(&nonce, false);
        assert_eq!(nonces.note(start + REMEMBERED_FOR / 2, &nonce), Some(Some(false)));
        assert_eq!(nonces.note(start + REMEMBERED_FOR, &nonce), None, "it is as good as new");
        for other in 0..1000 {
            nonces.note(start + REMEMBERED_FOR, &Value::from(format!("n{other}")));
            assert!(nonces.0.len() <= REMEMBERED);
        }
        assert_eq!(nonces.note(start + REMEMBERED_FOR, &nonce), None, "too many came since");
        nonces.forget();
        assert!(nonces.0.is_empty());
    }
}
