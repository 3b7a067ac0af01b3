//! The mailboxes of messages: filled once a turn, and told when what they hold grows stale.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::client::stamps::Stamps;
use crate::client::{Changed, Inbox, Share};
use crate::{Mailbox, Message, Peer, RecvError, SubscriptionId, Topic, TopicStats};

/// The mailboxes of all subscriptions to messages.
#[derive(Debug)]
pub(super) struct Messages<S: Share> {
    slots: HashMap<SubscriptionId, Slot<S>>,
    /// Those with messages that their mailboxes do not have yet.
    filled: Vec<SubscriptionId>,
    /// Those whose messages grow stale.
    timed: Vec<SubscriptionId>,
}

#[derive(Debug)]
struct Slot<S: Share> {
    inbox: S::Inbox<Message>,
    arrived: Vec<Message>,
    stamps: Stamps,
    /// When its latest message grows stale.
    fresh_until: Option<Instant>,
}

impl<S: Share> Messages<S> {
    /// Shares a mailbox, and delivers to it from now on.
    pub(super) fn insert(
        &mut self,
        id: SubscriptionId,
        mailbox: Mailbox,
        stamps: Stamps,
        share: &S,
    ) -> S::Inbox<Message> {
        if mailbox.has_deadline() {
            self.timed.push(id);
        }
        let inbox = share.share(mailbox);
        self.slots.insert(id, Slot { inbox: inbox.clone(), arrived: Vec::new(), stamps, fresh_until: None });
        inbox
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&S::Inbox<Message>> {
        self.slots.get(&id).map(|slot| &slot.inbox)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &S::Inbox<Message>> {
        self.slots.values().map(|slot| &slot.inbox)
    }

    /// Forgets a mailbox, and what has arrived for it.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<S::Inbox<Message>> {
        self.timed.retain(|timed| *timed != id);
        self.slots.remove(&id).map(|slot| slot.inbox)
    }

    /// Collects a message for a subscription.
    pub(super) fn take_in(&mut self, id: SubscriptionId, message: Message) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if slot.arrived.is_empty() {
            self.filled.push(id);
        }
        slot.arrived.push(message);
    }

    /// Hands over what was collected, so that each mailbox is locked once a turn. A mailbox that ends at an overflow ends its
    /// subscription.
    pub(super) fn deliver(&mut self, now: Instant, peer: &mut Peer, changed: &mut Vec<Changed<S>>) {
        for id in self.filled.drain(..) {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            let (mut overflowed, arrived, stamps) = (None, &mut slot.arrived, slot.stamps);
            let (fresh_until, judge) = (&mut slot.fresh_until, &*peer);
            let awaited = slot.inbox.update(|mailbox| {
                for message in arrived.drain(..) {
                    let made = stamps.made(now, &message, judge);
                    mailbox.deliver(now, message, made);
                }
                *fresh_until = mailbox.fresh_until();
                overflowed = mailbox.ended().is_some().then(|| (mailbox.dropped(), mailbox.refusals()));
            });
            changed.extend(awaited.then(|| Changed::Messages(slot.inbox.clone())));
            if let Some((dropped, refusals)) = overflowed {
                self.slots.remove(&id);
                self.timed.retain(|timed| *timed != id);
                peer.note_unread(id, dropped, refusals);
                peer.unsubscribe(id);
            }
        }
    }

    /// Tells the receivers of mailboxes in which nothing fresh is left, and says when to look again.
    pub(super) fn notice_stale(&mut self, now: Instant, changed: &mut Vec<Changed<S>>) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for id in &self.timed {
            let Some(slot) = self.slots.get_mut(id) else { continue };
            let Some(until) = slot.fresh_until else { continue };
            if until > now {
                next = Some(next.map_or(until, |next| next.min(until)));
                continue;
            }
            slot.fresh_until = None;
            if slot.inbox.update(|mailbox| mailbox.note_time(now)) {
                changed.push(Changed::Messages(slot.inbox.clone()));
            }
        }
        next
    }

    /// What arrived so far is from before something was lost: it is not to be acted upon, and neither is what was stamped up
    /// to `floor`.
    pub(super) fn outdate(&mut self, floor: Duration, changed: &mut Vec<Changed<S>>) {
        for id in &self.timed {
            let Some(slot) = self.slots.get_mut(id) else { continue };
            slot.fresh_until = None;
            if slot.inbox.update(|mailbox| mailbox.outdate(floor)) {
                changed.push(Changed::Messages(slot.inbox.clone()));
            }
        }
    }

    /// The clock that judges stamps was put back by so much.
    pub(super) fn put_clock_back(&self, by: Duration) {
        for slot in self.timed.iter().filter_map(|id| self.slots.get(id)) {
            slot.inbox.update(|mailbox| mailbox.put_clock_back(by));
        }
    }

    /// Ends all, with what has arrived before the end.
    pub(super) fn end(&mut self, why: &RecvError, changed: &mut Vec<Changed<S>>) {
        for (_, slot) in self.slots.drain() {
            if slot.inbox.update(|mailbox| mailbox.end(why.clone())) {
                changed.push(Changed::Messages(slot.inbox));
            }
        }
    }

    /// Adds what the mailboxes dropped and hold to the counters of their topics.
    pub(super) fn add_to(&self, stats: &mut BTreeMap<Topic, TopicStats>) {
        for inbox in self.iter() {
            inbox.update(|mailbox| {
                if let Some(stats) = mailbox.topic().and_then(|topic| stats.get_mut(topic)) {
                    add(mailbox, stats);
                }
            });
        }
    }

    /// [`Messages::add_to`], for one topic.
    pub(super) fn add_to_topic(&self, topic: &Topic, stats: &mut TopicStats) {
        for inbox in self.iter() {
            inbox.update(|mailbox| {
                if mailbox.topic() == Some(topic) {
                    add(mailbox, stats);
                }
            });
        }
    }
}

fn add(mailbox: &Mailbox, stats: &mut TopicStats) {
    stats.unread += mailbox.dropped();
    mailbox.refusals().add_to(stats);
    stats.waiting += mailbox.len();
}

impl<S: Share> Default for Messages<S> {
    fn default() -> Self {
        Messages { slots: HashMap::new(), filled: Vec::new(), timed: Vec::new() }
    }
}
