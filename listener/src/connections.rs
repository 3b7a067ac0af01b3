//! All connections of one listener, and which of them gives way to the next.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::guesses::household;

/// As many connections as there may be. While there is room or one that is idle, a new one is let in at once.
#[derive(Debug)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    /// A place has become free, or a connection idle.
    changed: Notify,
}

#[derive(Debug)]
struct Table {
    limit: usize,
    /// Also the order in which connections became idle.
    next: u64,
    open: HashMap<u64, Open>,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug)]
struct Open {
    address: IpAddr,
    task: Option<AbortHandle>,
    /// It had a request answered with success.
    is_proven: bool,
    /// Since when nothing was asked on it, in the order of all.
    idle: Option<u64>,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Address {
    open: usize,
    /// Idle ones, by whether they are proven and since when they are idle.
    idle: [BTreeSet<(u64, u64)>; 2],
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Arc<Connections> {
        let table = Table { limit: limit.max(1), next: 0, open: HashMap::new(), addresses: HashMap::new() };
        Arc::new(Connections { table: Mutex::new(table), changed: Notify::new() })
    }

    /// Waits until there is a place, or an idle connection whose place a new one may have.
    pub(crate) async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            if self.table().has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Gives a connection its place, and ends the one that has to make room for it.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Slot {
        let mut table = self.table();
        if table.open.len() >= table.limit {
            table.evict();
        }
        let id = table.enter(household(peer.ip()));
        Slot { connections: Arc::clone(self), id }
    }

    /// Ends one that is idle, if there is one.
    pub(crate) fn evict(&self) {
        self.table().evict();
    }

    /// The lock is held for single look-ups alone.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place, until it is dropped. It is idle until told otherwise.
#[derive(Debug)]
pub(crate) struct Slot {
    connections: Arc<Connections>,
    id: u64,
}

impl Slot {
    /// Names the task that is ended when the connection has to give way.
    pub(crate) fn is_served_by(&self, task: AbortHandle) {
        self.connections.table().serve(self.id, task);
    }

    /// A request has come.
    pub(crate) fn begin(&self) {
        self.connections.table().set_idle(self.id, false);
    }

    /// It was answered with success.
    pub(crate) fn prove(&self) {
        if let Some(open) = self.connections.table().open.get_mut(&self.id) {
            open.is_proven = true;
        }
    }

    /// The next one may come.
    pub(crate) fn end(&self) {
        self.connections.table().set_idle(self.id, true);
        self.connections.changed.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.table().leave(self.id);
        self.connections.changed.notify_one();
    }
}

impl Table {
    fn has_room(&self) -> bool {
        self.open.len() < self.limit || self.victim().is_some()
    }

    fn enter(&mut self, address: IpAddr) -> u64 {
        let id = self.next;
        self.next += 1;
        self.open.insert(id, Open { address, task: None, is_proven: false, idle: None });
        self.addresses.entry(address).or_default().open += 1;
        self.set_idle(id, true);
        id
    }

    /// Of those that prove nothing, if there are any, one of the address that has the most; there the one that is idle for
    /// longest.
    fn victim(&self) -> Option<u64> {
        [0, 1].into_iter().find_map(|proven| {
            let idle = self.addresses.values().filter_map(|address| {
                let (since, id) = address.idle[proven].first()?;
                Some((address.open, std::cmp::Reverse(*since), *id))
            });
            idle.max().map(|(_, _, id)| id)
        })
    }

    fn evict(&mut self) {
        let Some(id) = self.victim() else { return };
        let task = self.open.get_mut(&id).and_then(|open| open.task.take());
        // Its place is free from now on, although its task ends when it has its next turn.
        self.leave(id);
        if let Some(task) = task {
            task.abort();
        }
    }

    fn serve(&mut self, id: u64, task: AbortHandle) {
        match self.open.get_mut(&id) {
            Some(open) => open.task = Some(task),
            // It had to give way before it had begun.
            None => task.abort(),
        }
    }

    fn set_idle(&mut self, id: u64, is_idle: bool) {
        let since = self.next;
        self.next += u64::from(is_idle);
        let Some(open) = self.open.get_mut(&id) else { return };
        let Some(address) = self.addresses.get_mut(&open.address) else { return };
        if let Some(since) = open.idle.take() {
            for idle in &mut address.idle {
                idle.remove(&(since, id));
            }
        }
        if is_idle {
            open.idle = Some(since);
            address.idle[usize::from(open.is_proven)].insert((since, id));
        }
    }

    fn leave(&mut self, id: u64) {
        self.set_idle(id, false);
        let Some(open) = self.open.remove(&id) else { return };
        if let Some(address) = self.addresses.get_mut(&open.address) {
            address.open -= 1;
            if address.open == 0 {
                self.addresses.remove(&open.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer(host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], 1))
    }

    fn is_open(slot: &Slot) -> bool {
        slot.connections.table().open.contains_key(&slot.id)
    }

    #[test]
    fn the_oldest_idle_one_of_the_busiest_address_gives_way() {
        let connections = Connections::new(4);
        let few = connections.enter(peer(1));
        let many: Vec<Slot> = (0..3).map(|_| connections.enter(peer(2))).collect();
        // The oldest has been asked something meanwhile.
        many[0].begin();
        many[0].end();
        let new = connections.enter(peer(3));
        assert!(is_open(&few) && is_open(&many[0]) && !is_open(&many[1]) && is_open(&many[2]) && is_open(&new));
    }

    #[test]
    fn one_that_was_of_use_stays_and_one_that_is_busy_is_not_touched() {
        let connections = Connections::new(3);
        let (proven, busy) = (connections.enter(peer(1)), connections.enter(peer(1)));
        proven.begin();
        proven.prove();
        proven.end();
        busy.begin();
        for _ in 0..100 {
            let flood = connections.enter(peer(2));
            assert!(is_open(&proven) && is_open(&busy));
            drop(flood);
        }
        let others: Vec<Slot> = (0..100).map(|_| connections.enter(peer(2))).collect();
        assert!(is_open(&proven) && is_open(&busy) && is_open(&others[99]) && !is_open(&others[98]));
        others[99].begin();
        let last = connections.enter(peer(2));
        assert!(!is_open(&proven) && is_open(&busy) && is_open(&last), "when there is no other");
    }

    proptest! {
        #[test]
        fn books_are_kept(steps in prop::collection::vec((0u8..5, 0u8..4, any::<prop::sample::Index>()), 1..200)) {
            let connections = Connections::new(5);
            let mut slots: Vec<Slot> = Vec::new();
            for (step, host, at) in steps {
                match step {
                    0 | 1 if connections.table().has_room() => slots.push(connections.enter(peer(host))),
                    _ if slots.is_empty() => {}
                    2 => slots[at.index(slots.len())].begin(),
                    3 => {
                        let slot = &slots[at.index(slots.len())];
                        slot.prove();
                        slot.end();
                    }
                    _ => drop(slots.swap_remove(at.index(slots.len()))),
                }
                let table = connections.table();
                prop_assert!(table.open.len() <= 5);
                prop_assert_eq!(table.addresses.values().map(|address| address.open).sum::<usize>(), table.open.len());
                let idle = table.addresses.values().flat_map(|address| &address.idle).map(BTreeSet::len).sum::<usize>();
                prop_assert_eq!(idle, table.open.values().filter(|open| open.idle.is_some()).count());
            }
            drop(slots);
            let table = connections.table();
            prop_assert!(table.open.is_empty() && table.addresses.is_empty());
        }
    }
}
