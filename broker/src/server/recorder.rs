//! Writes sessions to the state file, so that the broker's thread does not wait for the disk.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::key::RobotId;
use crate::record::SessionRecord;
use crate::store::{Changes, Store};

/// The time between tries to write what could not be written.
const AGAIN: Duration = Duration::from_secs(1);

/// A thread that writes what is the latest for each robot, and tries again with all that could not be written, keys among it.
/// What is not written yet is bounded by the number of robots; a process that is killed loses some milliseconds of it, and its
/// robots then register again.
#[derive(Debug)]
pub(super) struct Recorder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    changes: Changes,
    /// Something could not be written elsewhere.
    look: bool,
    stop: bool,
}

impl Recorder {
    pub(super) fn spawn(store: Arc<Store>) -> io::Result<Recorder> {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("farwire-recorder".into()).spawn(move || shared.write_to(&store))?
        };
        Ok(Recorder { shared, thread: Some(thread) })
    }

    pub(super) fn save(&self, record: SessionRecord) {
        self.shared.change(|changes| drop(changes.sessions.insert(record.robot.clone(), Some(record))));
    }

    pub(super) fn forget(&self, robot: RobotId) {
        self.shared.change(|changes| drop(changes.sessions.insert(robot, None)));
    }

    /// To be called when something else may not have been written: it is tried again.
    pub(super) fn look(&self) {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).look = true;
        self.shared.changed.notify_one();
    }

    /// Keeps whether a session on the SFU is to be closed.
    pub(super) fn save_unclosed(&self, session: String, is_unclosed: bool) {
        self.shared.change(|changes| {
            changes.unclosed.insert(session, is_unclosed);
        });
    }
}

impl Drop for Recorder {
    /// Writes what is left, and ends the thread.
    fn drop(&mut self) {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Changes)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner).changes);
        self.changed.notify_one();
    }

    fn write_to(&self, store: &Store) {
        let mut is_failing = false;
        loop {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |pending: &mut Pending| pending.changes.is_empty() && !pending.look && !pending.stop;
            let mut pending = if is_failing {
                let waited = self.changed.wait_timeout_while(pending, AGAIN, |pending| !pending.stop);
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.changed.wait_while(pending, idle).unwrap_or_else(PoisonError::into_inner)
            };
            let (changes, stop) = (std::mem::take(&mut pending.changes), pending.stop);
            pending.look = false;
            drop(pending);
            let written = store.save_sessions(changes);
            match &written {
                Err(error) if stop => tracing::error!(
                    %error,
                    keys = ?store.unwritten_keys(),
                    "the broker ends, and its state file does not say what is true: after the next start revoke these keys \
                     again; robots may have to register again"
                ),
                Err(error) if !is_failing => {
                    tracing::warn!(%error, "keys and sessions are not kept; it is tried again");
                }
                Ok(()) if is_failing => tracing::info!("the state file is written again, and says all"),
                _ => {}
            }
            if stop {
                return;
            }
            is_failing = written.is_err();
        }
    }
}
