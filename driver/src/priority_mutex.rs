//! A mutex at which one thread goes first.
//!
//! `std`'s mutex goes to whoever asks at the right moment, which a thread that publishes in a loop does and one that has
//! just been woken does not. Threads that flood a connection would leave its I/O thread waiting for milliseconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A value that many threads lock, and one that is to go first. A panic of one does not keep the others out.
pub(crate) struct PriorityMutex<T> {
    value: Mutex<T>,
    /// The urgent thread waits, and holds `gate`.
    is_urgent: AtomicBool,
    gate: Mutex<()>,
}

impl<T> PriorityMutex<T> {
    pub(crate) fn new(value: T) -> PriorityMutex<T> {
        PriorityMutex { value: Mutex::new(value), is_urgent: AtomicBool::new(false), gate: Mutex::new(()) }
    }

    /// Locks the value, after the urgent thread if that waits.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        if self.is_urgent.load(Ordering::Relaxed) {
            drop(self.gate.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the value before those that have not asked for it yet.
    pub(crate) fn lock_urgently(&self) -> MutexGuard<'_, T> {
        match self.value.try_lock() {
            Ok(value) => return value,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_urgent.store(true, Ordering::Relaxed);
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_urgent.store(false, Ordering::Relaxed);
        value
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn everyone_gets_a_turn_and_none_at_once() {
        const TURNS: u64 = 20_000;
        let counter = PriorityMutex::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..TURNS).for_each(|_| *counter.lock() += 1));
            }
            scope.spawn(|| (0..TURNS).for_each(|_| *counter.lock_urgently() += 1));
        });
        assert_eq!(*counter.lock(), 4 * TURNS);
    }

    #[test]
    fn a_panic_keeps_nobody_out() {
        let value = PriorityMutex::new(1);
        thread::scope(|scope| {
            let panicking = scope.spawn(|| {
                let _value = value.lock();
                panic!("on purpose");
            });
            assert!(panicking.join().is_err());
        });
        assert_eq!(*value.lock(), 1);
        assert_eq!(*value.lock_urgently(), 1);
    }
}
