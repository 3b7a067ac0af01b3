//! What a peer's events mean to mailboxes, to callers that wait, and to logs.

use std::time::Instant;

use crate::client::{Changed, Client, Inbox, Notice, Share};
use crate::freshness::Made;
use crate::{ConnectionEvent, Direction, EndReason, Event, Held, Mailbox, Message, RecvError, SubscriptionId, Topic};

impl<S: Share> Client<S> {
    pub(super) fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Message { subscription, topic, payload } => {
                self.messages.take_in(subscription, Message::new(topic, payload));
            }
            Event::NewTopic { subscription, topic } => self.tell_new_topic(now, subscription, topic),
            Event::Connection(ConnectionEvent::Ended { reason }) => self.finish(now, reason),
            Event::Connection(event) => self.handle_connection_event(now, event),
            Event::EmergencyStop => {
                self.outdate(now);
                self.turn.notices.push(Notice::EmergencyStop);
            }
            Event::Subscribed(id) => {
                self.turn.opened.extend(self.messages.get(id).cloned());
                self.turn.notices.extend(self.peer.topic_of(id).cloned().map(Notice::Subscribed));
            }
            Event::Interrupted(id) => {
                // What came before it stays before it.
                self.deliver(now);
                self.turn.notices.extend(self.peer.topic_of(id).cloned().map(Notice::Interrupted));
                if let Some(inbox) = self.messages.get(id)
                    && inbox.update(Mailbox::note_interrupted)
                {
                    self.turn.changed.push(Changed::Messages(inbox.clone()));
                }
            }
            Event::Trouble { direction, topic, error, retrying } => {
                let concerned = direction == Direction::Subscribe || self.peer.loops_back();
                for inbox in self.messages.iter().filter(|_| concerned) {
                    let awaited = inbox.update(|mailbox| match retrying {
                        _ if mailbox.topic() != Some(&topic) => {}
                        true => mailbox.note_trouble(error.clone()),
                        false => mailbox.end(RecvError::Refused(error.clone())),
                    });
                    self.turn.changed.extend(awaited.then(|| Changed::Messages(inbox.clone())));
                }
                self.turn.notices.push(Notice::Trouble { direction, topic, error, retrying });
            }
            Event::Errand(_) => self.turn.news = true,
            Event::Writable(topic) => {
                self.full.remove(&topic);
                self.turn.news = true;
            }
        }
    }

    fn handle_connection_event(&mut self, now: Instant, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Connected { .. } => self.connected = true,
            ConnectionEvent::Reconnecting { .. } | ConnectionEvent::OperatorLost { .. } => self.outdate(now),
            _ => {}
        }
        self.turn.news |= event.changes_state();
        self.tell(now, &event);
        self.turn.notices.push(Notice::Connection(event));
    }

    /// Tells those who listen what happened to the connection.
    fn tell(&mut self, now: Instant, event: &ConnectionEvent) {
        for inbox in self.events.values() {
            if put(inbox, now, event.clone()) {
                self.turn.changed.push(Changed::Events(inbox.clone()));
            }
        }
    }

    fn tell_new_topic(&mut self, now: Instant, subscription: SubscriptionId, topic: Topic) {
        if let Some(inbox) = self.new_topics.get(&subscription)
            && put(inbox, now, topic)
        {
            self.turn.changed.push(Changed::Topics(inbox.clone()));
        }
    }

    pub(super) fn deliver(&mut self, now: Instant) {
        self.messages.deliver(now, &mut self.peer, &mut self.turn.changed);
    }

    /// What arrived so far is from before something was lost: it is not to be acted upon.
    fn outdate(&mut self, now: Instant) {
        self.deliver(now);
        let floor = self.peer.judging_time(now);
        self.messages.outdate(floor, &mut self.turn.changed);
    }

    /// Tells everyone that the connection is over. The first reason stands.
    pub(super) fn finish(&mut self, now: Instant, reason: EndReason) {
        if self.ended.is_some() {
            return;
        }
        let event = ConnectionEvent::Ended { reason: reason.clone() };
        self.tell(now, &event);
        self.deliver(now);
        let why = RecvError::Closed(reason.clone());
        let changed = &mut self.turn.changed;
        self.messages.end(&why, changed);
        for (_, inbox) in self.new_topics.drain() {
            changed.extend(end(&inbox, &why).then_some(Changed::Topics(inbox)));
        }
        for (_, inbox) in self.events.drain() {
            changed.extend(end(&inbox, &why).then_some(Changed::Events(inbox)));
        }
        self.turn.notices.push(Notice::Connection(event));
        self.ended = Some(reason);
        self.turn.news = true;
    }
}

/// Puts something into a mailbox that knows no stamps. Says whether somebody waits for it.
fn put<T: Held>(inbox: &impl Inbox<T>, now: Instant, item: T) -> bool {
    inbox.update(|mailbox| mailbox.deliver(now, item, Made::Untold))
}

/// Ends a mailbox, after what it holds. Says whether somebody waits for it.
fn end<T: Held>(inbox: &impl Inbox<T>, why: &RecvError) -> bool {
    inbox.update(|mailbox| mailbox.end(why.clone()))
}
