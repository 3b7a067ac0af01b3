//! Leaving the first keys for the commands on this machine.

use std::path::{Path, PathBuf};

use super::first_start::FirstKeys;
use crate::local_keys::LocalKeys;
use crate::output;

/// Leaves the keys that were just made, or tells those of an earlier start where the broker is now. Answers where they are;
/// `None`: nowhere.
pub(super) fn hand_over(state: &Path, first: Option<&FirstKeys>, broker: &str) -> Option<PathBuf> {
    let path = LocalKeys::path(state);
    let keys = match first {
        Some(first) => Ok(Some(first.local(broker))),
        None => LocalKeys::read(&path).map(|keys| keys.map(|keys| LocalKeys { broker: broker.to_owned(), ..keys })),
    };
    match keys.and_then(|keys| keys.map(|keys| keys.write(&path)).transpose()) {
        Ok(left) => left.map(|()| path),
        Err(error) => {
            let path = path.display();
            output::note(format_args!("note: `farwire robot` and `farwire drive` need their keys: {path}: {error}"));
            None
        }
    }
}
