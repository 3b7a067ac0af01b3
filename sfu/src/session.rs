//! One session: its PeerConnection, what it publishes, and what it subscribes to.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use farwire_core::flow::{Pump, Turn, Written};
use farwire_core::link::{Link, PLACEHOLDER, StreamId};
use farwire_core::signalling::RequestId;
use farwire_core::wire::cloudflare::{DataChannel, DataChannels, Location, SessionState};
use farwire_core::{Delivery, Payload, SctpEngine, TokenBucket};

use crate::api::Action;
use crate::backpressure::Backpressure;
use crate::intake::Intake;
use crate::limits::{CALLS_PER_SECOND, CONNECT_WITHIN, REUSE_WITHIN};
use crate::outgoing::Outgoing;
use crate::pacer::Pacer;
use crate::paths::Paths;
use crate::replies::Replies;
use crate::stats::Stats;

/// Names a session inside the SFU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SessionKey(pub(crate) u32);

/// Channels that one session can have had, since ids are never used twice.
const LAST_STREAM: StreamId = 65_534;

/// The first id to hand out: 0 and 1 are the client's for `server-events`.
const FIRST_STREAM: StreamId = 2;

/// A queue that is fuller than one part in this many slows its publisher down.
const HIGH_WATER: usize = 8;

/// And one that is emptier than one part in this many does not any more.
const LOW_WATER: usize = 32;

pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) link: Link,
    pub(crate) ufrag: String,
    /// Addresses from which its client checked the connectivity.
    pub(crate) paths: Paths,
    pub(crate) negotiation: Negotiation,
    pub(crate) connected: bool,
    /// When its client last checked the connectivity.
    pub(crate) heard: Instant,
    /// When the latest of its datagrams came.
    pub(crate) arrival: Instant,
    /// What it may be sent at once.
    pub(crate) pacer: Pacer,
    /// By when it is to be connected.
    pub(crate) connect_by: Option<Instant>,
    /// Changes that wait for the transport, in the order of their requests, each with its deadline.
    pub(crate) waiting: VecDeque<(Instant, RequestId, Change)>,
    /// The calls that it has left.
    pub(crate) allowance: TokenBucket,
    /// Calls that came too fast, in their order, each with the time at which it may be made.
    pub(crate) delayed: VecDeque<(Instant, RequestId, Action, Vec<u8>)>,
    pub(crate) streams: HashMap<StreamId, Stream>,
    /// What it publishes, by channel name.
    pub(crate) published: HashMap<String, StreamId>,
    /// What it subscribes to, by publication.
    pub(crate) subscribed: HashMap<(SessionKey, StreamId), StreamId>,
    /// Channels with queued messages.
    pub(crate) pump: Pump<StreamId>,
    /// Subscriptions that no longer hold their publishers back, and those publishers.
    pub(crate) released: Vec<(StreamId, SessionKey)>,
    /// Subscriptions whose publishers are gone, and of which nothing waits any more.
    pub(crate) drained: Vec<StreamId>,
    /// Channels whose next message was larger than this session's client receives.
    pub(crate) too_large: Vec<StreamId>,
    /// What holds this session back as a publisher.
    pub(crate) backpressure: Backpressure,
    /// Its datagrams that are not read yet.
    pub(crate) intake: Intake,
    next_stream: StreamId,
    /// The earliest time at which something besides the transport is due.
    pub(crate) due: Option<Instant>,
    /// The time under which the SFU's timers have it.
    pub(crate) timer: Option<Instant>,
    /// A subscription waits for its client's acknowledgement.
    pub(crate) awaits_ack: bool,
    pub(crate) is_dirty: bool,
    pub(crate) has_ended: bool,
}

/// How far the exchange of session descriptions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Negotiation {
    None,
    /// The SFU's offer waits for its answer.
    Offered,
    Done,
}

impl Negotiation {
    pub(crate) fn is_begun(self) -> bool {
        self != Negotiation::None
    }
}

/// A change to a session's channels.
pub(crate) enum Change {
    New(DataChannels),
    Update(DataChannels),
    Close(DataChannels),
}

pub(crate) enum Stream {
    Publication { name: String, subscribers: Vec<(SessionKey, StreamId)>, replies: Replies },
    Subscription(Subscription),
}

pub(crate) struct Subscription {
    pub(crate) name: String,
    pub(crate) publisher: (SessionKey, StreamId),
    pub(crate) publisher_id: String,
    /// Until the subscriber's first message nothing is delivered; by this time it has to come.
    pub(crate) gate: Option<Instant>,
    pub(crate) reliable: bool,
    /// Its publisher is gone. What waits is delivered until then, and the channel closed when nothing is left.
    pub(crate) drain_until: Option<Instant>,
    /// Whether its publisher is held back for it.
    pub(crate) holds: bool,
    /// It has held its publisher back in vain, and does so no more.
    pub(crate) is_given_up: bool,
    /// The same for a lossy one, until then.
    pub(crate) rests_until: Option<Instant>,
    pub(crate) outgoing: Outgoing,
}

impl Subscription {
    pub(crate) fn new(
        name: String,
        publisher: (SessionKey, StreamId),
        publisher_id: String,
        delivery: Delivery,
        gate: Option<Instant>,
    ) -> Subscription {
        Subscription {
            name,
            publisher,
            publisher_id,
            gate,
            reliable: delivery.is_reliable(),
            drain_until: None,
            holds: false,
            is_given_up: false,
            rests_until: None,
            outgoing: Outgoing::new(delivery),
        }
    }
}

/// What became of a message for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    Taken,
    /// Taken, and the publisher is to be held back from now on.
    TakenAndHolds,
    /// Taken by a lossy queue in which much waits.
    TakenAndFull,
    /// Not taken: a reliable queue has overflowed.
    Overflowed,
}

impl Session {
    pub(crate) fn new(id: String, engine: SctpEngine, mut link: Link, now: Instant) -> Session {
        let connect_by = now + CONNECT_WITHIN;
        let ufrag = link.local_ufrag();
        Session {
            id,
            link,
            ufrag,
            paths: Paths::new(now),
            negotiation: Negotiation::None,
            connected: false,
            heard: now,
            arrival: now,
            pacer: Pacer::new(engine, now),
            connect_by: Some(connect_by),
            waiting: VecDeque::new(),
            allowance: TokenBucket::new(CALLS_PER_SECOND, Duration::from_secs(1) / CALLS_PER_SECOND, now),
            delayed: VecDeque::new(),
            streams: HashMap::new(),
            published: HashMap::new(),
            subscribed: HashMap::new(),
            pump: Pump::default(),
            released: Vec::new(),
            drained: Vec::new(),
            too_large: Vec::new(),
            backpressure: Backpressure::default(),
            intake: Intake::default(),
            next_stream: FIRST_STREAM,
            due: Some(connect_by),
            timer: None,
            is_dirty: false,
            awaits_ack: false,
            has_ended: false,
        }
    }

    /// Enough of its id to tell it from others in a log.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or_default()
    }

    /// Opens the SFU's end of a new channel; `None` when the session has used up its ids.
    pub(crate) fn open_stream(&mut self, now: Instant, delivery: Delivery) -> Option<StreamId> {
        loop {
            let stream = self.next_stream;
            if stream > LAST_STREAM {
                return None;
            }
            self.next_stream += 1;
            // The client may use an id on its own; the next one is then as good.
            if stream != PLACEHOLDER && self.link.open(now, stream, delivery).is_ok() {
                return Some(stream);
            }
        }
    }

    /// Queues a message, which came at `arrival`, for one of this session's subscriptions.
    pub(crate) fn deliver(
        &mut self,
        stream: StreamId,
        arrival: Instant,
        payload: &Payload,
        stats: &mut Stats,
    ) -> Delivered {
        let Some(Stream::Subscription(subscription)) = self.streams.get_mut(&stream) else { return Delivered::Taken };
        if subscription.gate.is_some() {
            stats.gated += 1;
            return Delivered::Taken;
        }
        let outgoing = &mut subscription.outgoing;
        if !outgoing.push(arrival, payload, stats) {
            return Delivered::Overflowed;
        }
        outgoing.schedule(stream, &mut self.pump);
        let rests = subscription.is_given_up || subscription.rests_until.is_some_and(|until| arrival < until);
        if rests || !outgoing.is_fuller_than(HIGH_WATER) {
            return Delivered::Taken;
        }
        match subscription.reliable {
            false => Delivered::TakenAndFull,
            true if std::mem::replace(&mut subscription.holds, true) => Delivered::Taken,
            true => Delivered::TakenAndHolds,
        }
    }

    /// Moves queued messages to SCTP, subscription by subscription in turn, while there is room. `true` if any
    /// went, or was too large to.
    pub(crate) fn pump(&mut self, now: Instant, stats: &mut Stats) -> bool {
        let Session { pump, link, streams, released, drained, too_large, .. } = self;
        let progressed = pump.run(|stream| {
            let write = |front: &Payload| match link.has_room(stream, front.bytes.len()) {
                true => match link.write(now, stream, front.binary, front.bytes.clone()).into() {
                    // A channel that is still opening opens.
                    Written::NotOpen => Written::NoRoom,
                    written => written,
                },
                false => Written::NoRoom,
            };
            let (turn, subscription) = match streams.get_mut(&stream) {
                Some(Stream::Subscription(subscription)) => {
                    (subscription.outgoing.take_turn(now, stats, write), Some(subscription))
                }
                Some(Stream::Publication { replies, .. }) => (replies.outgoing.take_turn(now, stats, write), None),
                None => (Turn::Over, None),
            };
            if let Turn::Dropped { .. } = turn {
                too_large.push(stream);
            }
            if let (Turn::Sent { .. } | Turn::Dropped { .. }, Some(subscription)) = (turn, subscription) {
                if subscription.holds && !subscription.outgoing.is_fuller_than(LOW_WATER) {
                    subscription.holds = false;
                    released.push((stream, subscription.publisher.0));
                }
                if subscription.drain_until.is_some() && subscription.outgoing.is_empty() {
                    drained.push(stream);
                }
            }
            turn
        });
        progressed || !self.too_large.is_empty()
    }

    /// To be called after a change to what is due besides the transport: gates, waiting calls, the connection.
    pub(crate) fn reschedule(&mut self) {
        let gates = self.streams.values().filter_map(|stream| match stream {
            Stream::Subscription(subscription) => subscription.gate,
            Stream::Publication { .. } => None,
        });
        let gate = gates.min();
        self.awaits_ack = gate.is_some();
        let drains = self.streams.values().filter_map(|stream| match stream {
            Stream::Subscription(subscription) => subscription.drain_until,
            Stream::Publication { .. } => None,
        });
        let drain = drains.min();
        let check = self.backpressure.check_at();
        let calls = self.waiting.iter().map(|(at, ..)| *at).chain(self.delayed.iter().map(|(at, ..)| *at));
        let contact = self.connected.then(|| self.heard + REUSE_WITHIN);
        self.due = calls.chain(self.connect_by).chain(contact).chain(gate).chain(drain).chain(check).min();
    }

    /// As `GET /sessions/{id}` shows it.
    pub(crate) fn state(&self) -> SessionState {
        let mut data_channels: Vec<DataChannel> = self.streams.keys().filter_map(|id| self.channel(*id)).collect();
        data_channels.sort_by_key(|channel| channel.id);
        for channel in &mut data_channels {
            let status = match channel.id.is_some_and(|id| self.link.is_open(id)) {
                _ if self.link.is_interrupted() => "inactive",
                true => "active",
                false => "initializing",
            };
            channel.status = Some(status.to_owned());
        }
        SessionState { tracks: Vec::new(), data_channels }
    }

    /// A channel as the API's lists show it.
    pub(crate) fn channel(&self, stream: StreamId) -> Option<DataChannel> {
        let (location, session_id, name) = match self.streams.get(&stream)? {
            Stream::Publication { name, .. } => (Location::Local, None, name),
            Stream::Subscription(s) => (Location::Remote, Some(s.publisher_id.clone()), &s.name),
        };
        Some(DataChannel {
            location: Some(location),
            session_id,
            data_channel_name: Some(name.clone()),
            id: Some(stream),
            ..DataChannel::default()
        })
    }
}
