//! All connections of one listener, and which of them gives way to the next.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::guesses::network_of;

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
    evicted: u64,
}

#[derive(Debug)]
struct Open {
    address: IpAddr,
    task: Option<AbortHandle>,
    /// It had a request answered with success.
    is_proven: bool,
    /// Since when it waits for its client, in the order of all; none while its client waits.
    waits: Option<u64>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The next request.
    Request,
    /// The rest of one, for whose body its client has leave.
    Body,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Address {
    open: usize,
    /// Those that wait for it, since when: idle ones that prove nothing, idle ones that are proven, and those that wait for a
    /// body. They give way in this order.
    waiting: [BTreeSet<(u64, u64)>; 3],
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Arc<Connections> {
        let (open, addresses) = (HashMap::new(), HashMap::new());
        let table = Table { limit: limit.max(1), next: 0, open, addresses, evicted: 0 };
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
        let id = table.enter(network_of(peer.ip()));
        Slot { connections: Arc::clone(self), id }
    }

    /// Ends one that is idle, if there is one.
    pub(crate) fn evict(&self) {
        self.table().evict();
    }

    /// How many are open, and how many have had to give way.
    pub(crate) fn count(&self) -> (usize, u64) {
        let table = self.table();
        (table.open.len(), table.evicted)
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
        self.connections.table().set(self.id, None);
    }

    /// Its body is to come.
    pub(crate) fn await_body(&self) {
        self.connections.table().set(self.id, Some(Wait::Body));
        self.connections.changed.notify_one();
    }

    /// It was answered with success.
    pub(crate) fn prove(&self) {
        if let Some(open) = self.connections.table().open.get_mut(&self.id) {
            open.is_proven = true;
        }
    }

    /// The next one may come.
    pub(crate) fn end(&self) {
        self.connections.table().set(self.id, Some(Wait::Request));
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
        self.open.insert(id, Open { address, task: None, is_proven: false, waits: None });
        self.addresses.entry(address).or_default().open += 1;
        self.set(id, Some(Wait::Request));
        id
    }

    /// Of those that prove nothing, if there are any, one of the address that has the most; there the one that is idle for
    /// longest. Else the same of those that are proven, and at last of those whose bodies do not come.
    fn victim(&self) -> Option<u64> {
        (0..3).find_map(|rank: usize| {
            let first = self.addresses.values().filter_map(|address| {
                let (since, id) = address.waiting.get(rank)?.first()?;
                Some((address.open, Reverse(*since), *id))
            });
            first.max().map(|(_, _, id)| id)
        })
    }

    fn evict(&mut self) {
        let Some(id) = self.victim() else { return };
        self.evicted += 1;
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

    fn set(&mut self, id: u64, wait: Option<Wait>) {
        let since = self.next;
        self.next += 1;
        let Some(open) = self.open.get_mut(&id) else { return };
        let Some(address) = self.addresses.get_mut(&open.address) else { return };
        if let Some(since) = open.waits.take() {
            for waiting in &mut address.waiting {
                waiting.remove(&(since, id));
            }
        }
        let [unproven, proven, body] = &mut address.waiting;
        let waiting = match wait {
            Some(Wait::Request) if open.is_proven => proven,
            Some(Wait::Request) => unproven,
            Some(Wait::Body) => body,
            None => return,
        };
        open.waits = Some(since);
        waiting.insert((since, id));
    }

    fn leave(&mut self, id: u64) {
        self.set(id, None);
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

    #[test]
    fn a_body_that_does_not_come_gives_way_at_last() {
        let connections = Connections::new(3);
        let (proven, body, busy) = (connections.enter(peer(1)), connections.enter(peer(2)), connections.enter(peer(2)));
        proven.prove();
        proven.end();
        body.begin();
        body.await_body();
        busy.begin();
        let new = connections.enter(peer(3));
        assert!(!is_open(&proven) && is_open(&body) && is_open(&busy));
        new.begin();
        let last = connections.enter(peer(3));
        assert!(!is_open(&body) && is_open(&busy) && is_open(&new) && is_open(&last));
    }

    proptest! {
        #[test]
        fn books_are_kept(steps in prop::collection::vec((0u8..6, 0u8..4, any::<prop::sample::Index>()), 1..200)) {
            let connections = Connections::new(5);
            let mut slots: Vec<Slot> = Vec::new();
            for (step, host, at) in steps {
                match step {
                    0 | 1 if connections.table().has_room() => slots.push(connections.enter(peer(host))),
                    _ if slots.is_empty() => {}
                    2 => slots[at.index(slots.len())].begin(),
                    3 => slots[at.index(slots.len())].await_body(),
                    4 => {
                        let slot = &slots[at.index(slots.len())];
                        slot.prove();
                        slot.end();
                    }
                    _ => drop(slots.swap_remove(at.index(slots.len()))),
                }
                let table = connections.table();
                prop_assert!(table.open.len() <= 5);
                prop_assert_eq!(table.addresses.values().map(|address| address.open).sum::<usize>(), table.open.len());
                let idle = table.addresses.values().flat_map(|address| &address.waiting).map(BTreeSet::len).sum::<usize>();
                prop_assert_eq!(idle, table.open.values().filter(|open| open.waits.is_some()).count());
            }
            drop(slots);
            let table = connections.table();
            prop_assert!(table.open.is_empty() && table.addresses.is_empty());
        }
    }
}
