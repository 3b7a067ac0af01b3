//! Subscriptions that are for more than one topic.

use std::collections::{HashSet, VecDeque};

use crate::{Event, Payload, SubscriptionId, Topic, TopicError};

/// Subscriptions to all topics, and to new ones, that one connection can have at the same time: of each kind.
const MAX_LISTENERS: usize = 64;

/// Names of topics that one subscription to new ones remembers; it is told of no more.
const MAX_NAMES: usize = 65_536;

/// Who listens to more than one topic.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    to_all: Vec<SubscriptionId>,
    to_new: Vec<(SubscriptionId, HashSet<Topic>)>,
}

impl Listeners {
    pub(crate) fn insert_all(&mut self, id: SubscriptionId) -> Result<(), TopicError> {
        if self.to_all.len() >= MAX_LISTENERS {
            return Err(TopicError::TooManyListeners { limit: MAX_LISTENERS });
        }
        self.to_all.push(id);
        Ok(())
    }

    pub(crate) fn insert_new_topics(&mut self, id: SubscriptionId) -> Result<(), TopicError> {
        if self.to_new.len() >= MAX_LISTENERS {
            return Err(TopicError::TooManyListeners { limit: MAX_LISTENERS });
        }
        self.to_new.push((id, HashSet::new()));
        Ok(())
    }

    /// `false`: it is none of these.
    pub(crate) fn remove(&mut self, id: SubscriptionId) -> bool {
        let before = self.to_all.len() + self.to_new.len();
        self.to_all.retain(|listener| *listener != id);
        self.to_new.retain(|(listener, _)| *listener != id);
        self.to_all.len() + self.to_new.len() < before
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.to_all.is_empty() && self.to_new.is_empty()
    }

    /// A message has come on a topic.
    pub(crate) fn tell_all(&self, topic: &Topic, payload: &Payload, outbox: &mut VecDeque<Event>) {
        outbox.extend(self.to_all.iter().map(|id| Event::Message {
            subscription: *id,
            topic: topic.clone(),
            payload: payload.clone(),
        }));
    }

    /// A topic may be new to some.
    pub(crate) fn tell_new(&mut self, topic: &Topic, outbox: &mut VecDeque<Event>) {
        for (id, told) in &mut self.to_new {
            if told.len() < MAX_NAMES && told.insert(topic.clone()) {
                outbox.push_back(Event::NewTopic { subscription: *id, topic: topic.clone() });
            }
        }
    }
}
