//! Publishing: from a topic's queue to the transport.

use std::time::Instant;

use bytes::Bytes;

use crate::flow::{Pump, Pushed, QueueLimits, SendQueue, Turn, Written};
use crate::link::LinkError;
use crate::peer::{Event, Peer, PublishError, TopicId};
use crate::provider::ChannelId;
use crate::provider::session::Session;
use crate::signalling::SignallingError;
use crate::{Delivery, Direction, Payload, Topic, TopicError};

/// What became of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepted {
    /// It was handed to the transport.
    Sent,
    /// It waits in the topic's queue.
    Queued,
    /// It waits in the topic's queue, and the oldest there were dropped for it.
    ReplacedOldest,
    /// It was dropped, and counted: nobody can get it now, since the connection is reconnecting, or nobody is at the
    /// far end of a broker's bridge.
    Dropped,
}

/// The publishing end of a topic.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) key: ChannelId,
    pub(super) queue: SendQueue,
    pub(super) open: bool,
    /// A message was refused since the queue was last roomy.
    refused: bool,
    /// Why the topic is of no use on this connection.
    pub(super) failed: Option<SignallingError>,
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// Topics with queued messages and an open channel.
    pub(super) pump: Pump<TopicId>,
    /// Messages in all queues.
    queued: usize,
}

impl Outbound {
    /// Gives a topic's queue its turns, if its channel is open.
    pub(super) fn schedule(&mut self, id: TopicId, publication: &mut Publication) {
        if publication.open {
            self.pump.schedule(id, &mut publication.queue);
        }
    }
}

impl Peer {
    /// Makes a topic publishable; its channel is opened once, however often this is called.
    ///
    /// # Errors
    /// When the connection has ended or is full, or has the topic with another delivery.
    pub fn topic(&mut self, now: Instant, name: &Topic, delivery: Delivery) -> Result<TopicId, TopicError> {
        let id = self.find_or_add_topic(name, Direction::Publish, delivery)?;
        self.publish_on(now, id);
        Ok(id)
    }

    /// The delivery that a topic has. Through a broker it is the channel's own, whatever was asked for.
    pub fn delivery(&self, id: TopicId) -> Option<Delivery> {
        self.topics.get(id).map(|topic| topic.delivery)
    }

    /// Publishes a message, as binary or as text, which is UTF-8. [`Peer::poll`] is to be called next.
    ///
    /// # Errors
    /// When the message was not taken; see [`PublishError`].
    pub fn publish(&mut self, now: Instant, id: TopicId, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        let Peer { sessions, topics, outbound, life, .. } = self;
        let Some(topic) = topics.get_mut(id) else { return Err(PublishError::UnknownTopic) };
        let Some(publication) = &mut topic.publication else { return Err(PublishError::UnknownTopic) };
        let session = &mut sessions.live;
        let result = 'sent: {
            if let Some(reason) = &life.ended {
                break 'sent Err(PublishError::Ended { topic: topic.name.clone(), reason: reason.clone() });
            }
            if let Some(error) = &publication.failed {
                break 'sent Err(PublishError::Refused { topic: topic.name.clone(), error: error.clone() });
            }
            let mut way = session.way(publication.key);
            let max = way.max_message();
            if bytes.len() > max {
                break 'sent Err(PublishError::TooLarge { topic: topic.name.clone(), len: bytes.len(), max });
            }
            if !binary && let Err(error) = std::str::from_utf8(bytes) {
                break 'sent Err(PublishError::NotText { topic: topic.name.clone(), valid_up_to: error.valid_up_to() });
            }
            let payload = Payload { bytes: Bytes::copy_from_slice(bytes), binary };
            if publication.open && publication.queue.is_empty() && way.has_room(bytes.len()) {
                match way.write(now, binary, payload.bytes.clone()) {
                    Ok(()) => break 'sent Ok(Accepted::Sent),
                    Err(LinkError::NotOpen(_)) => publication.open = false,
                    // What SCTP cannot take now may go later.
                    Err(_) => {}
                }
            }
            if life.is_lost || !(publication.open || session.queues_until_open()) {
                topic.stats.unheard += 1;
                break 'sent Ok(Accepted::Dropped);
            }
            match publication.queue.push(payload, ()) {
                Pushed::Queued => {
                    outbound.queued += 1;
                    Ok(Accepted::Queued)
                }
                Pushed::Replaced(dropped) => {
                    outbound.queued = outbound.queued + 1 - dropped;
                    topic.stats.replaced += dropped as u64;
                    Ok(Accepted::ReplacedOldest)
                }
                Pushed::Refused => {
                    publication.refused = true;
                    let (messages, bytes) = (publication.queue.len(), publication.queue.bytes());
                    Err(PublishError::QueueFull { topic: topic.name.clone(), messages, bytes })
                }
            }
        };
        match &result {
            Ok(Accepted::Sent) => topic.stats.note_sent(bytes.len()),
            Ok(_) => {}
            Err(error) => topic.stats.note_refused(error),
        }
        outbound.schedule(id, publication);
        result
    }

    /// Whether everything that was published has been acknowledged, or given up by a lossy transport.
    pub fn is_flushed(&mut self) -> bool {
        let Peer { sessions, topics, outbound, life, .. } = self;
        outbound.queued == 0
            && !life.is_lost
            && topics.publishing().all(|channel| sessions.live.way(channel).in_flight() == 0)
    }

    /// Asks for the publishing channel of a topic, unless that was done.
    pub(super) fn publish_on(&mut self, now: Instant, id: TopicId) {
        let key = self.topics.fresh_channel();
        let Some(topic) = self.topics.get_mut(id).filter(|topic| topic.publication.is_none()) else { return };
        let queue = SendQueue::new(QueueLimits::suited_to(topic.delivery));
        topic.publication = Some(Publication { key, queue, open: false, refused: false, failed: None });
        self.topics.attach(key, id);
        self.want_publication(now, id);
    }

    /// Asks the session for the channel that a topic is published on, if it is.
    pub(super) fn want_publication(&mut self, now: Instant, id: TopicId) {
        let Some(topic) = self.topics.get(id) else { return };
        let Some(publication) = &topic.publication else { return };
        self.sessions.live.want(now, publication.key, Direction::Publish, &topic.name, topic.delivery);
    }

    /// Drops what waits to be sent on a topic: it would be late by an unknown time.
    pub(super) fn drop_queued(&mut self, id: TopicId) {
        let Some(topic) = self.topics.get_mut(id) else { return };
        let Some(publication) = &mut topic.publication else { return };
        while publication.queue.pop().is_some() {
            self.outbound.queued -= 1;
            topic.stats.unheard += 1;
        }
        self.outbound.pump.unschedule(id, &mut publication.queue);
        if std::mem::take(&mut publication.refused) {
            self.outbox.push_back(Event::Writable(id));
        }
    }

    /// Moves queued messages to SCTP, topic by topic in turn, while there is room. `true` if any went, or there is something
    /// to tell.
    pub(super) fn pump(&mut self, now: Instant) -> bool {
        let Peer { sessions, topics, outbound: Outbound { pump, queued }, outbox, .. } = self;
        let session = &mut sessions.live;
        let progressed = pump.run(|id| {
            let Some(topic) = topics.get_mut(id) else { return Turn::Over };
            let Some(publication) = &mut topic.publication else { return Turn::Over };
            let Publication { key, open, queue, refused, .. } = publication;
            let (turn, message) = queue.take_turn(|front| write(session, now, *key, open, front));
            let Some((payload, ())) = message else { return turn };
            *queued -= 1;
            if let Turn::Sent { .. } = turn {
                topic.stats.note_sent(payload.bytes.len());
            } else {
                topic.stats.refused += 1;
                topic.stats.too_large += 1;
            }
            if *refused && queue.is_roomy() {
                *refused = false;
                outbox.push_back(Event::Writable(id));
            }
            turn
        });
        progressed || !outbox.is_empty()
    }
}

/// Writes a queued message to its channel, if that is open and there is room.
fn write(session: &mut Session, now: Instant, key: ChannelId, open: &mut bool, message: &Payload) -> Written {
    if !*open {
        return Written::NotOpen;
    }
    let mut way = session.way(key);
    if !way.has_room(message.bytes.len()) {
        return Written::NoRoom;
    }
    let written = way.write(now, message.binary, message.bytes.clone()).into();
    *open = written != Written::NotOpen;
    written
}
