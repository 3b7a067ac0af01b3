//! How far the far end can be told to go on without what was given up (RFC 3758, section 3.5).

use std::collections::BTreeMap;

use super::acknowledge::is_whole;
use super::{Flight, State};
use crate::wire::{Skip, UNORDERED};

impl Flight {
    /// Looks how far everything is given up, or has arrived. Whether that is farther than before.
    pub(crate) fn advance(&mut self) -> bool {
        let before = self.advanced;
        let mut at = self.advanced;
        while let Some(sent) = self.get(at) {
            let is_abandoned = self.is_abandoned(sent);
            // What arrived of a message that goes on must not be skipped: some receivers drop it.
            let has_arrived = sent.state == State::Acked && is_whole(sent);
            if !is_abandoned && !has_arrived {
                break;
            }
            at += 1;
            if is_abandoned {
                self.advanced = at;
            }
        }
        self.advanced > before
    }

    /// Whether the far end is to be told.
    pub(crate) fn has_given_up(&self) -> bool {
        self.advanced > self.first
    }

    /// Up to where, and of which streams what, as far as `max` entries tell.
    pub(crate) fn forward(&self, interleaved: bool, max: usize) -> Option<(u32, Vec<Skip>)> {
        let mut skips: BTreeMap<(u16, bool), u32> = BTreeMap::new();
        let mut to = self.first;
        for tsn in self.first..self.advanced {
            let sent = self.get(tsn)?;
            let unordered = sent.flags & UNORDERED != 0;
            if self.is_abandoned(sent) && (interleaved || !unordered) {
                let key = (sent.header.stream, unordered);
                if skips.len() >= max && !skips.contains_key(&key) {
                    break;
                }
                // A stream's messages are begun one after the other.
                skips.insert(key, sent.header.number);
            }
            to = tsn + 1;
        }
        let skip = |((stream, unordered), number)| Skip { stream, unordered, number };
        (to > self.first).then(|| ((to - 1) as u32, skips.into_iter().map(skip).collect()))
    }
}
