//! Subscribing and its end.

use std::time::Instant;

use crate::client::stamps::Stamps;
use crate::client::{Changed, Client, Inbox, Share};
use crate::demux::MessageType;
use crate::{
    ConnectionEvent, Container, Delivery, Held, Mailbox, Message, RecvError, SubscribeOptions, SubscriptionId, Topic,
    TopicError, WhenFull,
};

/// Subscriptions to events that one connection can have at the same time.
const MAX_EVENT_LISTENERS: usize = 64;

/// Events that such a subscription keeps until they are received; the oldest give way.
const EVENTS_KEPT: usize = 64;

impl<S: Share> Client<S> {
    /// Subscribes to a topic's messages of one type, or to all.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_typed`](crate::Peer::subscribe_typed); nothing is registered then.
    pub fn subscribe(
        &mut self,
        now: Instant,
        topic: &Topic,
        options: SubscribeOptions,
        kind: Option<MessageType>,
    ) -> Result<(SubscriptionId, S::Inbox<Message>), TopicError> {
        let id = match kind {
            Some(kind) => self.peer.subscribe_typed(now, topic, options.delivery, kind)?,
            None => self.peer.subscribe(now, topic, options.delivery)?,
        };
        let delivery = self.peer.delivery_of(id).unwrap_or(options.delivery);
        let stamps = Stamps::of(&options, kind);
        let mailbox = Mailbox::new(Some(topic.clone()), SubscribeOptions { delivery, ..options });
        Ok((id, self.messages.insert(id, mailbox, stamps, &self.share)))
    }

    /// Subscribes to every message of every topic that this connection subscribes to otherwise.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_all`](crate::Peer::subscribe_all).
    pub fn subscribe_all(
        &mut self,
        options: SubscribeOptions,
    ) -> Result<(SubscriptionId, S::Inbox<Message>), TopicError> {
        let id = self.peer.subscribe_all()?;
        let stamps = Stamps::of(&options, None);
        Ok((id, self.messages.insert(id, Mailbox::new(None, options), stamps, &self.share)))
    }

    /// Subscribes to the names of topics, each at its first message.
    ///
    /// # Errors
    /// As for [`Peer::subscribe_new_topics`](crate::Peer::subscribe_new_topics).
    pub fn subscribe_new_topics(&mut self) -> Result<(SubscriptionId, S::Inbox<Topic>), TopicError> {
        let id = self.peer.subscribe_new_topics()?;
        let inbox = self.share.share(Mailbox::new(None, Delivery::RELIABLE.into()));
        self.new_topics.insert(id, inbox.clone());
        Ok((id, inbox))
    }

    /// Subscribes to what happens to the connection, the newest 64 events of it.
    ///
    /// # Errors
    /// When the connection has ended, or there are 64 such subscriptions.
    pub fn subscribe_events(&mut self) -> Result<(SubscriptionId, S::Inbox<ConnectionEvent>), TopicError> {
        if self.events.len() >= MAX_EVENT_LISTENERS {
            return Err(TopicError::TooManyListeners { limit: MAX_EVENT_LISTENERS });
        }
        let id = self.peer.listener_id()?;
        let container = Container::queue(EVENTS_KEPT, WhenFull::DropOldest);
        let options = SubscribeOptions::from(Delivery::RELIABLE).container(container);
        let inbox = self.share.share(Mailbox::new(None, options));
        self.events.insert(id, inbox.clone());
        Ok((id, inbox))
    }

    /// Ends a subscription: nothing of it is received when this returns, not even what had arrived.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        self.cut(id, RecvError::Unsubscribed);
    }

    /// [`Client::unsubscribe`], for another reason.
    pub fn cut(&mut self, id: SubscriptionId, why: RecvError) {
        let changed = &mut self.turn.changed;
        if let Some(inbox) = self.messages.remove(id) {
            let (mut dropped, mut refusals) = Default::default();
            let awaited = inbox.update(|mailbox| {
                (dropped, refusals) = (mailbox.dropped(), mailbox.refusals());
                mailbox.clear(why);
            });
            self.peer.note_unread(id, dropped, refusals);
            changed.extend(awaited.then_some(Changed::Messages(inbox)));
        } else if let Some(inbox) = self.new_topics.remove(&id) {
            changed.extend(clear(&inbox, why).then_some(Changed::Topics(inbox)));
        } else if let Some(inbox) = self.events.remove(&id) {
            changed.extend(clear(&inbox, why).then_some(Changed::Events(inbox)));
        }
        self.peer.unsubscribe(id);
    }
}

/// Empties a mailbox for good. Says whether somebody waits for it.
fn clear<T: Held>(inbox: &impl Inbox<T>, why: RecvError) -> bool {
    inbox.update(|mailbox| mailbox.clear(why))
}
