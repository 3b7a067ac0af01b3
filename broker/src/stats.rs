//! Counters that can be read at any time.

/// What a broker has done since it started, and holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Robots that are registered now.
    pub robots: usize,
    /// Operators that have joined now.
    pub operators: usize,
    /// Those who watch robots now, or are about to.
    pub viewers: usize,
    /// Bridges that exist now.
    pub bridges: usize,
    /// Sessions on the SFU, those that are being closed included.
    pub sfu_sessions: usize,
    /// Robots that were registered, each time that they were.
    pub registrations: u64,
    /// Operators that were let in.
    pub joins: u64,
    /// Of those who asked to join, how many ended an operator with another token.
    pub takeovers: u64,
    /// Robots that one operator handed over to another.
    pub handed_over: u64,
    /// Bridges that were built.
    pub bridges_built: u64,
    /// Of them, those that ended because the SFU had closed one of their channels.
    pub bridges_broken: u64,
    /// Requests so far.
    pub requests: u64,
    /// Of them, those with a wrong key or without one.
    pub wrong_keys: u64,
    /// Of them, those that were refused.
    pub refused: Refusals,
    /// Calls to the SFU.
    pub sfu_calls: u64,
    /// Of them, those that the SFU did not answer or refused as a whole.
    pub sfu_calls_failed: u64,
    /// TURN credentials that Cloudflare minted.
    pub turn_minted: u64,
    /// How often it minted none although it was asked.
    pub turn_failed: u64,
}

/// Refused requests by the status of their answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals([u64; Refusals::STATUSES.len()]);

impl Refusals {
    /// Every status that a refusal has.
    pub const STATUSES: [u16; 10] = [400, 401, 403, 404, 409, 422, 425, 429, 502, 503];

    /// How many had each status.
    pub fn by_status(&self) -> impl Iterator<Item = (u16, u64)> {
        Refusals::STATUSES.into_iter().zip(self.0)
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, status: u16) {
        let place = Refusals::STATUSES.iter().position(|known| *known == status);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }
}
