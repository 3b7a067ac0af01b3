//! The mailboxes of a connection's subscriptions, and what is on its way into them.

use std::collections::HashMap;
use std::sync::Arc;

use farwire_core::{EndReason, Payload, SubscriptionId, Topic};

use crate::mailbox::Mailbox;

/// Collects the messages of one turn, so that each mailbox is locked, and its receivers woken, once a turn.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    inboxes: HashMap<SubscriptionId, Inbox>,
    /// Those with messages that their mailboxes do not have yet.
    filled: Vec<SubscriptionId>,
    /// Those that have new messages and receivers who wait for them.
    awaited: Vec<Arc<Mailbox>>,
    /// Those whose channels have opened.
    opened: Vec<Arc<Mailbox>>,
}

#[derive(Debug)]
struct Inbox {
    mailbox: Arc<Mailbox>,
    arrived: Vec<Payload>,
}

impl Inboxes {
    pub(crate) fn insert(&mut self, id: SubscriptionId, mailbox: Arc<Mailbox>) {
        self.inboxes.insert(id, Inbox { mailbox, arrived: Vec::new() });
    }

    pub(crate) fn remove(&mut self, id: SubscriptionId) {
        self.inboxes.remove(&id);
    }

    pub(crate) fn push(&mut self, id: SubscriptionId, payload: Payload) {
        let Some(inbox) = self.inboxes.get_mut(&id) else { return };
        if inbox.arrived.is_empty() {
            self.filled.push(id);
        }
        inbox.arrived.push(payload);
    }

    pub(crate) fn open(&mut self, id: SubscriptionId) {
        self.opened.extend(self.inboxes.get(&id).map(|inbox| Arc::clone(&inbox.mailbox)));
    }

    /// The mailboxes that are to be told that their channels have opened.
    pub(crate) fn take_opened(&mut self) -> Vec<Arc<Mailbox>> {
        std::mem::take(&mut self.opened)
    }

    pub(crate) fn interrupt(&mut self, id: SubscriptionId) {
        // What came before it stays before it.
        self.deliver();
        if let Some(inbox) = self.inboxes.get(&id) {
            inbox.mailbox.interrupted();
        }
    }

    /// Hands over what was collected. Who waits for it is still to be notified.
    pub(crate) fn deliver(&mut self) {
        for id in self.filled.drain(..) {
            if let Some(inbox) = self.inboxes.get_mut(&id)
                && inbox.mailbox.deliver(&mut inbox.arrived)
            {
                self.awaited.push(Arc::clone(&inbox.mailbox));
            }
        }
    }

    /// The mailboxes whose receivers are to be notified.
    pub(crate) fn take_awaited(&mut self) -> Vec<Arc<Mailbox>> {
        std::mem::take(&mut self.awaited)
    }

    /// The mailboxes of a topic.
    pub(crate) fn of_topic(&self, topic: &Topic) -> impl Iterator<Item = &Mailbox> {
        self.inboxes.values().map(|inbox| &*inbox.mailbox).filter(move |mailbox| mailbox.topic() == topic)
    }

    /// The connection is over: delivers the rest, closes all mailboxes, and forgets them.
    pub(crate) fn close(&mut self, reason: &EndReason) {
        self.deliver();
        // Closing notifies.
        self.awaited.clear();
        for (_, inbox) in self.inboxes.drain() {
            inbox.mailbox.close(reason.clone());
        }
    }
}
