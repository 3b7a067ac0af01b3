//! What receiving on a caller's own thread needs.
//!
//! A caller that waits for a message waits for datagrams itself, so that no thread has to wake another for it. One
//! caller of a connection can do so at a time, the leader; it goes before the I/O thread, which does the work whenever
//! there is none. Other callers wait for whoever receives.

use std::sync::{Mutex, MutexGuard, TryLockError};

use farwire_driver::Sockets;
use farwire_udp::{ReceiveBuffers, Waiter};

/// The place of the leader.
pub(crate) struct LeaderSlot(Mutex<Leader>);

/// What the leader has.
pub(crate) struct Leader {
    pub(crate) waiter: Waiter,
    pub(crate) buffers: ReceiveBuffers,
    pub(crate) sockets: Sockets,
}

impl LeaderSlot {
    pub(crate) fn new(sockets: Sockets, waiter: Waiter) -> LeaderSlot {
        LeaderSlot(Mutex::new(Leader { waiter, buffers: ReceiveBuffers::new(), sockets }))
    }

    /// The place, if nobody has it.
    pub(crate) fn take(&self) -> Option<MutexGuard<'_, Leader>> {
        match self.0.try_lock() {
            Ok(leader) => Some(leader),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
