//! Subscribing: from a channel to the subscriptions that a message is for.

use std::collections::HashMap;
use std::time::Instant;

use crate::demux::{Demux, InsertError, MessageType};
use crate::freshness::Refusals;
use crate::peer::listeners::Listeners;
use crate::peer::{Event, Peer, TopicId};
use crate::provider::ChannelId;
use crate::{Delivery, Direction, Payload, Topic, TopicError};

/// Subscriptions that one connection can have at the same time.
pub const MAX_SUBSCRIPTIONS: usize = 1024;

/// One subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(u32);

/// The subscribing end of a topic.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) key: ChannelId,
    pub(super) open: bool,
    pub(super) subscribers: Vec<SubscriptionId>,
}

/// Who receives what.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    subscriptions: HashMap<SubscriptionId, TopicId>,
    demux: Box<Demux<TopicId, SubscriptionId, MAX_SUBSCRIPTIONS>>,
    listeners: Listeners,
}

impl Peer {
    /// Subscribes to every message of a topic of the configured publisher, or of this connection itself. The topic need
    /// not exist yet.
    ///
    /// # Errors
    /// When the connection has ended or is full, or has the topic with another delivery.
    pub fn subscribe(&mut self, now: Instant, name: &Topic, delivery: Delivery) -> Result<SubscriptionId, TopicError> {
        self.subscribe_to(now, name, delivery, None)
    }

    /// [`subscribe`](Peer::subscribe), but only to the messages that begin with the fingerprint of a type.
    ///
    /// # Errors
    /// As for [`subscribe`](Peer::subscribe), and when the topic has subscriptions for another type with the same
    /// fingerprint.
    pub fn subscribe_typed(
        &mut self,
        now: Instant,
        name: &Topic,
        delivery: Delivery,
        kind: MessageType,
    ) -> Result<SubscriptionId, TopicError> {
        self.subscribe_to(now, name, delivery, Some(kind))
    }

    fn subscribe_to(
        &mut self,
        now: Instant,
        name: &Topic,
        delivery: Delivery,
        kind: Option<MessageType>,
    ) -> Result<SubscriptionId, TopicError> {
        let id = self.find_or_add_topic(name, Direction::Subscribe, delivery)?;
        let subscription = SubscriptionId(self.topics.fresh_id());
        if let Err(error) = self.inbound.demux.insert(id, kind, subscription) {
            self.topics.forget_if_unused(id);
            return Err(match error {
                InsertError::SameFingerprint { .. } => TopicError::SameFingerprint { topic: name.clone(), error },
                _ => TopicError::TooManySubscriptions { topic: name.clone(), limit: MAX_SUBSCRIPTIONS },
            });
        }
        self.inbound.subscriptions.insert(subscription, id);
        if self.loops_back() {
            self.publish_on(now, id);
        }
        self.receive_on(now, id);
        if let Some(reception) = self.topics.get_mut(id).and_then(|topic| topic.reception.as_mut()) {
            reception.subscribers.push(subscription);
            if reception.open {
                self.outbox.push_back(Event::Subscribed(subscription));
            }
        }
        Ok(subscription)
    }

    /// Subscribes to every message of every topic that has subscriptions of its own, each once however many they are.
    ///
    /// # Errors
    /// When the connection has ended, or listens so often already.
    pub fn subscribe_all(&mut self) -> Result<SubscriptionId, TopicError> {
        let id = self.listener_id()?;
        self.inbound.listeners.insert_all(id)?;
        Ok(id)
    }

    /// Subscribes to the names of the topics that have subscriptions of their own, each told once, at its first message
    /// or, if that has come, now.
    ///
    /// # Errors
    /// When the connection has ended, or listens so often already.
    pub fn subscribe_new_topics(&mut self) -> Result<SubscriptionId, TopicError> {
        let id = self.listener_id()?;
        self.inbound.listeners.insert_new_topics(id)?;
        for topic in self.topics.values().filter(|topic| topic.heard) {
            self.inbound.listeners.tell_new(&topic.name, &mut self.outbox);
        }
        Ok(id)
    }

    pub(crate) fn listener_id(&mut self) -> Result<SubscriptionId, TopicError> {
        match self.life.ended {
            Some(_) => Err(TopicError::ConnectionEnded),
            None => Ok(SubscriptionId(self.topics.fresh_id())),
        }
    }

    /// Ends a subscription: no event of it follows. The topic's last one closes its channel.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        if self.inbound.listeners.remove(id) {
            return self.forget_events_of(id);
        }
        let Some(topic_id) = self.inbound.subscriptions.remove(&id) else { return };
        self.inbound.demux.remove(id);
        self.forget_events_of(id);
        let Some(topic) = self.topics.get_mut(topic_id) else { return };
        if let Some(reception) = &mut topic.reception {
            reception.subscribers.retain(|subscriber| *subscriber != id);
            if reception.subscribers.is_empty() {
                let key = reception.key;
                topic.reception = None;
                self.topics.detach(key);
                self.sessions.live.unwant(key);
            }
        }
        self.topics.forget_if_unused(topic_id);
    }

    fn forget_events_of(&mut self, id: SubscriptionId) {
        self.outbox.retain(|event| match event {
            Event::Message { subscription: of, .. }
            | Event::NewTopic { subscription: of, .. }
            | Event::Subscribed(of)
            | Event::Interrupted(of) => *of != id,
            _ => true,
        });
    }

    /// The topic of a subscription to one.
    pub fn topic_of(&self, id: SubscriptionId) -> Option<&Topic> {
        self.topics.get(*self.inbound.subscriptions.get(&id)?).map(|topic| &topic.name)
    }

    /// The delivery of a subscription to one topic.
    pub(crate) fn delivery_of(&self, id: SubscriptionId) -> Option<Delivery> {
        self.delivery(*self.inbound.subscriptions.get(&id)?)
    }

    /// Whether subscriptions are to what this connection itself publishes.
    pub(crate) fn loops_back(&self) -> bool {
        self.sessions.live.loops_back()
    }

    /// Counts messages that a subscription's mailbox dropped, in [`TopicStats::unread`](crate::TopicStats::unread) and
    /// [`TopicStats::stale`](crate::TopicStats::stale).
    pub(crate) fn note_unread(&mut self, id: SubscriptionId, dropped: u64, refusals: Refusals) {
        let topic = self.inbound.subscriptions.get(&id).and_then(|topic| self.topics.get_mut(*topic));
        if let Some(topic) = topic {
            topic.stats.unread += dropped;
            refusals.add_to(&mut topic.stats);
        }
    }

    /// Counts a message that a typed subscription got and that is none of its type, in
    /// [`TopicStats::undecodable`](crate::TopicStats::undecodable).
    pub fn note_undecodable(&mut self, id: SubscriptionId) {
        let topic = self.inbound.subscriptions.get(&id).and_then(|topic| self.topics.get_mut(*topic));
        if let Some(topic) = topic {
            topic.stats.undecodable += 1;
        }
    }

    /// Asks for the subscribing channel of a topic, unless that was done.
    fn receive_on(&mut self, now: Instant, id: TopicId) {
        let key = self.topics.fresh_channel();
        let Some(topic) = self.topics.get_mut(id).filter(|topic| topic.reception.is_none()) else { return };
        topic.reception = Some(Reception { key, open: false, subscribers: Vec::new() });
        self.topics.attach(key, id);
        self.want_reception(now, id);
    }

    /// Asks the session for the channel that a topic is received on, if it is.
    pub(super) fn want_reception(&mut self, now: Instant, id: TopicId) {
        let Some(topic) = self.topics.get(id) else { return };
        let Some(reception) = &topic.reception else { return };
        self.sessions.live.want(now, reception.key, Direction::Subscribe, &topic.name, topic.delivery);
    }

    /// Hands a message to all whom it is for.
    pub(super) fn message_came(&mut self, key: ChannelId, payload: &Payload) {
        let Peer { topics, inbound, outbox, .. } = self;
        let Some((id, topic)) = topics.on(key) else { return };
        if topic.reception.is_none() {
            return;
        }
        topic.stats.note_received(payload.bytes.len());
        if !inbound.listeners.is_empty() {
            if !topic.heard {
                inbound.listeners.tell_new(&topic.name, outbox);
            }
            inbound.listeners.tell_all(&topic.name, payload, outbox);
        }
        topic.heard = true;
        let message =
            |subscription| Event::Message { subscription, topic: topic.name.clone(), payload: payload.clone() };
        match inbound.demux.receivers(id, &payload.bytes) {
            Ok(all) => outbox.extend(all.map(message)),
            Err(miss) => topic.stats.note_missed(miss),
        }
    }
}
