//! What this process holds: its connections' threads, and file descriptors.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Counting needs a test for itself, since all tests of this file are one process.
static PROCESS: RwLock<()> = RwLock::new(());

/// Held by a test that does not count.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    PROCESS.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Held by a test that counts.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    PROCESS.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    threads: usize,
    descriptors: usize,
}

impl Holdings {
    /// Counts; elsewhere than on Linux nothing is counted.
    pub(crate) fn now() -> Holdings {
        let entries = |path: &str| fs::read_dir(path).into_iter().flatten().flatten();
        let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let ours = |name: &String| matches!(name.trim(), "farwire-io" | "farwire-request");
        Holdings {
            threads: entries("/proc/self/task").map(name).filter(ours).count(),
            descriptors: entries("/proc/self/fd").count(),
        }
    }

    /// Asserts that this process holds no more than it held then; less, if an earlier test's request was still on its way.
    /// The test's own servers may need a moment.
    pub(crate) fn assert_unchanged(self) {
        let is_back = |now: Holdings| now.threads <= self.threads && now.descriptors <= self.descriptors;
        let deadline = Instant::now() + Duration::from_secs(2);
        while !is_back(Holdings::now()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(is_back(Holdings::now()), "{:?} instead of {self:?}", Holdings::now());
    }
}
