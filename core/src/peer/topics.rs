//! The topics of a connection, by id, by name, and by channel.

use std::collections::{BTreeMap, HashMap};

use crate::peer::inbound::Reception;
use crate::peer::outbound::Publication;
use crate::provider::ChannelId;
use crate::{Delivery, Topic, TopicError, TopicStats};

/// Topics that one connection can have at the same time.
pub const MAX_TOPICS: usize = 1024;

/// A topic that can be published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(u32);

/// One topic of a connection.
#[derive(Debug)]
pub(super) struct TopicState {
    pub(super) name: Topic,
    pub(super) delivery: Delivery,
    pub(super) publication: Option<Publication>,
    pub(super) reception: Option<Reception>,
    pub(super) stats: TopicStats,
    /// A message has come, and those who listen for new topics were told.
    pub(super) heard: bool,
}

impl TopicState {
    /// What it publishes, if this is its channel.
    pub(super) fn publication_on(&mut self, key: ChannelId) -> Option<&mut Publication> {
        self.publication.as_mut().filter(|publication| publication.key == key)
    }

    /// What it receives, if this is its channel.
    pub(super) fn reception_on(&mut self, key: ChannelId) -> Option<&mut Reception> {
        self.reception.as_mut().filter(|reception| reception.key == key)
    }

    pub(super) fn stats(&self) -> TopicStats {
        let publication = self.publication.as_ref();
        TopicStats {
            queued: publication.map_or(0, |publication| publication.queue.len()),
            queued_bytes: publication.map_or(0, |publication| publication.queue.bytes()),
            publishing: publication.is_some_and(|publication| publication.open),
            subscribed: self.reception.as_ref().is_some_and(|reception| reception.open),
            ..self.stats.clone()
        }
    }
}

/// All topics of a connection.
#[derive(Debug, Default)]
pub(super) struct Topics {
    states: HashMap<TopicId, TopicState>,
    by_name: HashMap<Topic, TopicId>,
    by_key: HashMap<ChannelId, TopicId>,
    next_id: u32,
}

impl Topics {
    pub(super) fn get(&self, id: TopicId) -> Option<&TopicState> {
        self.states.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: TopicId) -> Option<&mut TopicState> {
        self.states.get_mut(&id)
    }

    pub(super) fn named(&self, name: &Topic) -> Option<&TopicState> {
        self.get(*self.by_name.get(name)?)
    }

    /// The topic of a channel.
    pub(super) fn on(&mut self, key: ChannelId) -> Option<(TopicId, &mut TopicState)> {
        let id = *self.by_key.get(&key)?;
        Some((id, self.states.get_mut(&id)?))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &TopicState> {
        self.states.values()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut TopicState> {
        self.states.values_mut()
    }

    /// The ids, in the order in which they were given.
    pub(super) fn ids(&self) -> Vec<TopicId> {
        let mut ids: Vec<TopicId> = self.states.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The channels of those that are published.
    pub(super) fn publishing(&self) -> impl Iterator<Item = ChannelId> {
        self.values().filter_map(|topic| topic.publication.as_ref()).map(|publication| publication.key)
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The counters of all.
    pub(super) fn stats(&self) -> BTreeMap<Topic, TopicStats> {
        self.values().map(|topic| (topic.name.clone(), topic.stats())).collect()
    }

    /// The topic of this name, a new one if there is none.
    ///
    /// # Errors
    /// When it has another delivery, or there are too many.
    pub(super) fn find_or_add(&mut self, name: &Topic, delivery: Delivery) -> Result<TopicId, TopicError> {
        if let Some(id) = self.by_name.get(name) {
            return match self.get(*id).map(|topic| topic.delivery) {
                Some(in_use) if in_use != delivery => {
                    Err(TopicError::DeliveryConflict { topic: name.clone(), in_use, asked: delivery })
                }
                _ => Ok(*id),
            };
        }
        if self.states.len() >= MAX_TOPICS {
            return Err(TopicError::TooMany { topic: name.clone(), limit: MAX_TOPICS });
        }
        let id = TopicId(self.fresh_id());
        let stats = TopicStats::default();
        let topic =
            TopicState { name: name.clone(), delivery, publication: None, reception: None, stats, heard: false };
        self.states.insert(id, topic);
        self.by_name.insert(name.clone(), id);
        Ok(id)
    }

    /// Forgets a topic that is neither published nor subscribed to.
    pub(super) fn forget_if_unused(&mut self, id: TopicId) {
        let Some(topic) = self.states.get(&id) else { return };
        if topic.publication.is_none() && topic.reception.is_none() {
            self.by_name.remove(&topic.name);
            self.states.remove(&id);
        }
    }

    /// A number that no topic, channel or subscription of this connection has.
    pub(super) fn fresh_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    pub(super) fn fresh_channel(&mut self) -> ChannelId {
        ChannelId(self.fresh_id())
    }

    /// The channel is this topic's.
    pub(super) fn attach(&mut self, key: ChannelId, id: TopicId) {
        self.by_key.insert(key, id);
    }

    /// The channel is no topic's any more.
    pub(super) fn detach(&mut self, key: ChannelId) {
        self.by_key.remove(&key);
    }
}
