//! All keys and tokens, as the state machine sees them.

use std::collections::{BTreeSet, HashMap};

use crate::key::{Grant, Key, KeyHash, KeyId, RobotId};
use crate::limits::MAX_KEYS;

/// Every key and token of a broker, at most 65,536, in memory.
#[derive(Debug, Default)]
pub struct Keys {
    by_hash: HashMap<KeyHash, Key>,
    by_id: HashMap<KeyId, KeyHash>,
}

/// Why a key cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// Revoked ones count as well.
    #[error("there are {MAX_KEYS} keys, as many as one broker may have: start another with a state file of its own")]
    Full,
    /// Two hashes begin alike, which another try avoids.
    #[error("the id {0} is taken: try again")]
    Taken(KeyId),
    /// There is nothing to revoke.
    #[error("there is no key {0}: `farwire keys list` has their ids")]
    Unknown(KeyId),
}

/// What becomes of a secret that somebody shows.
pub(crate) enum Shown<'a> {
    Good(&'a Key),
    /// It was good once, so it is no guess.
    Revoked,
    Unknown,
}

impl Keys {
    /// No keys.
    pub fn new() -> Keys {
        Keys::default()
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When there are too many, or its id is taken.
    pub fn insert(&mut self, key: Key) -> Result<(), KeysError> {
        self.check_room(&key)?;
        self.by_id.insert(key.id(), key.hash);
        self.by_hash.insert(key.hash, key);
        Ok(())
    }

    /// Makes sure that a key can be added.
    pub(crate) fn check_room(&self, key: &Key) -> Result<(), KeysError> {
        if self.by_hash.len() >= MAX_KEYS {
            return Err(KeysError::Full);
        }
        match self.by_id.contains_key(&key.id()) {
            true => Err(KeysError::Taken(key.id())),
            false => Ok(()),
        }
    }

    /// Revokes a key, for good, at a time in seconds since 1970. One that is revoked already stays as it is.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn revoke(&mut self, id: &KeyId, at: u64) -> Result<&Key, KeysError> {
        let key = self.by_id.get(id).and_then(|hash| self.by_hash.get_mut(hash));
        let key = key.ok_or_else(|| KeysError::Unknown(id.clone()))?;
        key.revoked.get_or_insert(at);
        Ok(key)
    }

    /// All keys, in the order in which they were made.
    pub fn list(&self) -> Vec<&Key> {
        let mut keys: Vec<&Key> = self.by_hash.values().collect();
        keys.sort_by_key(|key| (key.created, key.id()));
        keys
    }

    /// Whether nobody was ever given one.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Looks a secret up. The hash of what was shown decides where the table looks, so time tells nothing of the secrets.
    pub(crate) fn show(&self, secret: &str) -> Shown<'_> {
        match self.by_hash.get(&KeyHash::of(secret)) {
            Some(key) if key.revoked.is_none() => Shown::Good(key),
            Some(_) => Shown::Revoked,
            None => Shown::Unknown,
        }
    }

    /// Whether a key may be used.
    pub(crate) fn is_good(&self, id: &KeyId) -> bool {
        let key = self.by_id.get(id).and_then(|hash| self.by_hash.get(hash));
        key.is_some_and(|key| key.revoked.is_none())
    }

    /// The robots that have a key which is good.
    pub(crate) fn robots(&self) -> BTreeSet<&RobotId> {
        let good = self.by_hash.values().filter(|key| key.revoked.is_none());
        good.filter_map(|key| match &key.grant {
            Grant::Robot(robot) => Some(robot),
            Grant::Operator(_) => None,
        })
        .collect()
    }
}
