//! What users ask of a broker, until they take what came of it.

use std::collections::VecDeque;
use std::time::Instant;

use crate::peer::{Event, Peer};
use crate::provider::errand::{BrokerError, Errand, ErrandDone, ErrandId, MAX_ERRANDS};

/// What came of an errand.
type Outcome = Result<ErrandDone, BrokerError>;

/// Errands and their outcomes, until those are taken.
#[derive(Debug, Default)]
pub(super) struct Errands {
    next: u64,
    open: VecDeque<(ErrandId, Option<Outcome>)>,
}

impl Errands {
    fn begin(&mut self) -> Option<ErrandId> {
        let id = ErrandId(self.next);
        let has_room = self.open.len() < MAX_ERRANDS;
        has_room.then(|| {
            self.next += 1;
            self.open.push_back((id, None));
            id
        })
    }

    fn position(&self, id: ErrandId) -> Option<usize> {
        self.open.iter().position(|(open, _)| *open == id)
    }
}

impl Peer {
    /// Asks the broker for something. [`Event::Errand`] says when [`Peer::take_errand`] has what came of it.
    ///
    /// # Errors
    /// [`BrokerError::NotConnected`], and [`BrokerError::Busy`] when eight errands wait that were neither taken nor
    /// [forgotten](Peer::forget_errand).
    pub fn errand(&mut self, now: Instant, errand: Errand) -> Result<ErrandId, BrokerError> {
        if !self.is_up() {
            return Err(BrokerError::NotConnected);
        }
        let id = self.errands.begin().ok_or(BrokerError::Busy)?;
        self.sessions.live.errand(now, id, errand);
        Ok(id)
    }

    /// What came of an errand, once; `None`: nothing yet, or it was taken.
    pub fn take_errand(&mut self, id: ErrandId) -> Option<Result<ErrandDone, BrokerError>> {
        let place = self.errands.position(id)?;
        let outcome = self.errands.open[place].1.take()?;
        self.errands.open.remove(place);
        Some(outcome)
    }

    /// Nobody waits for an errand any more. What was asked of the broker is not taken back.
    pub fn forget_errand(&mut self, id: ErrandId) {
        self.errands.open.retain(|(open, _)| *open != id);
    }

    pub(super) fn errand_done(&mut self, id: ErrandId, outcome: Outcome) {
        if let Some(place) = self.errands.position(id) {
            self.errands.open[place].1.get_or_insert(outcome);
            self.outbox.push_back(Event::Errand(id));
        }
    }

    /// The session that carried them is over.
    pub(super) fn lose_errands(&mut self) {
        let lost: Vec<ErrandId> =
            self.errands.open.iter().filter(|(_, outcome)| outcome.is_none()).map(|(id, _)| *id).collect();
        for id in lost {
            self.errand_done(id, Err(BrokerError::NotConnected));
        }
    }
}
