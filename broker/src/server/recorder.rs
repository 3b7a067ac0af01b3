//! Writes sessions to the state file, so that the broker's thread does not wait for the disk.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::key::RobotId;
use crate::record::SessionRecord;
use crate::store::{Changes, Store};

/// A thread that writes what is the latest for each robot. What is not written yet is bounded by the number of robots;
/// a process that is killed loses some milliseconds of it, and its robots then register again.
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

    /// Keeps whether a session on the SFU is to be closed.
    pub(super) fn owe(&self, session: String, is_owed: bool) {
        self.shared.change(|changes| {
            changes.owed.insert(session, is_owed);
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
        loop {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |pending: &mut Pending| pending.changes.is_empty() && !pending.stop;
            let mut pending = self.changed.wait_while(pending, idle).unwrap_or_else(PoisonError::into_inner);
            if pending.changes.is_empty() {
                return;
            }
            let changes = std::mem::take(&mut pending.changes);
            drop(pending);
            if let Err(error) = store.save_sessions(&changes) {
                tracing::warn!(%error, "sessions are not kept: after a restart their robots have to register again");
            }
        }
    }
}
