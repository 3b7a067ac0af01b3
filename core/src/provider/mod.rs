//! Providers: how a connection's transports and channels come about.
//!
//! The rest of this crate carries messages over WebRTC transports; it does not know who brings two ends together. That
//! is a [`Provider`]'s: it says what to ask of which server, and which channel of which transport carries a topic. It
//! knows no socket, no clock, no queue and no mailbox, and neither retries connections nor moves messages.
//!
//! ```text
//!            Connect::provider                 Context::up            Context::end
//!  attempt ───────────────────▶ connecting ─────────────────▶ up ─────────────────▶ over
//!                                   │  ▲                      │  ▲                    │ Connect::judge
//!            Context::request, ─────┘  └── answered,          │  │                    ▼
//!            stream_send, offer …          stream_event,      │  │           the next attempt, or none
//!                                          transport_up       │  │
//!                                            Context::open ───┘  └── channel_opened ─▶ Context::attach
//! ```
//!
//! A new attempt gets a new provider, and starts at the top. What a user wants to publish and subscribe to is told
//! anew with [`Provider::want`], in each attempt from its beginning on.
//!
//! A provider outside this crate, which turns on the feature `provider`, implements [`Provider`] for what one attempt is,
//! and [`Connect`] for what a user configures; [`Dial::new`] makes of that what every driver connects to. This one asks a
//! server for the answer to its offer, by HTTP, and expects each topic on the channel of its number:
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use farwire_core::provider::{Attempt, ChannelId, Connect, Context, Provider, SctpStream};
//! use farwire_core::signalling::{Calls, Dialect, Failure, Method, Request, RequestId, Response};
//! use farwire_core::{Delivery, Dial, Direction, EndReason, Topic, TransportId};
//!
//! #[derive(Debug, PartialEq, Eq, Hash)]
//! struct Numbered { url: String, topics: Vec<String> }
//!
//! impl Connect for Numbered {
//!     fn url(&self) -> &str {
//!         &self.url
//!     }
//!
//!     fn provider(&self, attempt: &Attempt) -> Box<dyn Provider> {
//!         let channels = vec![None; self.topics.len()];
//!         let calls = Calls::new(Dialect::PLAIN, attempt.seed);
//!         Box::new(Session { url: self.url.clone(), topics: self.topics.clone(), channels, calls, asked: false })
//!     }
//! }
//!
//! struct Session {
//!     url: String,
//!     topics: Vec<String>,
//!     channels: Vec<Option<ChannelId>>,
//!     calls: Calls<()>,
//!     asked: bool,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Answer { sdp: String }
//!
//! impl Provider for Session {
//!     fn want(&mut self, _: &mut Context<'_>, channel: ChannelId, _: Direction, topic: &Topic, _: Delivery) {
//!         if let Some(place) = self.topics.iter().position(|known| known == topic.as_str()) {
//!             self.channels[place] = Some(channel);
//!         }
//!     }
//!
//!     fn unwant(&mut self, _: &mut Context<'_>, channel: ChannelId) {
//!         self.channels.iter_mut().for_each(|wanted| *wanted = wanted.filter(|wanted| *wanted != channel));
//!     }
//!
//!     fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
//!         if !self.asked {
//!             self.asked = true;
//!             let offer = serde_json::json!({ "sdp": cx.offer(TransportId::FIRST) });
//!             let request = Request::new(RequestId(0), Method::POST, self.url.clone(), Duration::from_secs(8));
//!             cx.call(&mut self.calls, (), TransportId::FIRST, request.with_json(&offer), false);
//!         }
//!         None
//!     }
//!
//!     fn answered(&mut self, cx: &mut Context<'_>, call: RequestId, answer: Result<Response, Failure>) {
//!         let Some(((), reply)) = self.calls.answered(call, answer) else { return };
//!         let taken = cx.read::<Answer>(TransportId::FIRST, &reply).and_then(|answer| {
//!             cx.accept_answer(TransportId::FIRST, &answer.sdp).map_err(|error| reply.description(error))
//!         });
//!         if let Err(error) = taken {
//!             cx.end(EndReason::Api(error));
//!         }
//!     }
//!
//!     fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
//!         for number in 0..self.topics.len() {
//!             let stream = SctpStream { transport, id: number as u16 };
//!             if let Err(error) = cx.open(stream, Delivery::RELIABLE) {
//!                 cx.note(&error);
//!             }
//!         }
//!         cx.up(transport);
//!     }
//!
//!     fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
//!         if let Some(channel) = self.channels[usize::from(stream.id)] {
//!             cx.attach(channel, stream);
//!         }
//!     }
//! }
//!
//! let dial = Dial::new(Numbered { url: "https://h/offer".into(), topics: vec!["odom".into()] });
//! assert_eq!((dial.url(), dial.transports()), ("https://h/offer", 1));
//! ```
//!
//! [`Dial::new`]: crate::Dial::new

mod bridge;
pub mod cloudflare;
mod connect;
mod context;
mod dial;
pub(crate) mod errand;
pub(crate) mod operator;
pub(crate) mod robot;
pub(crate) mod session;
mod transports;

use std::time::Instant;

pub use self::connect::{Attempt, Connect};
pub use self::context::Context;
pub use self::dial::Dial;
pub use self::errand::{BrokerError, Errand, ErrandDone, ErrandId, Roster};
use crate::clock::{ClockEstimate, StampClock};
use crate::link::StreamId;
use crate::signalling::{Failure, RequestId, Response, StreamEvent};
use crate::wire::teleop::DriveCounts;
use crate::{Delivery, Direction, EndReason, IceServer, Payload, SessionId, Topic, TopicError, TransportId};

/// Names a channel that a topic wants, for one direction. Never used twice on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub(crate) u32);

/// An SCTP stream, which is a DataChannel, of one of a connection's transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SctpStream {
    /// Whose stream it is.
    pub transport: TransportId,
    /// Its number there.
    pub id: StreamId,
}

/// What becomes of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes to whoever subscribes to the topic of its channel.
    Deliver,
    /// Nobody gets it.
    Drop,
}

/// The signalling of one attempt to connect, until the connection is over: what is asked of whom, and which channel
/// carries a topic. See the [module](self) for its life, and an example.
///
/// Methods that get a [`Context`] act by it; the first few and the last few only answer a question.
pub trait Provider: Send {
    /// The transport whose counters are this direction's. It stays the same.
    fn transport(&self, _direction: Direction) -> TransportId {
        TransportId::FIRST
    }

    /// Whether a topic can be used in this direction, and with which delivery; any, as asked for, unless overridden.
    ///
    /// # Errors
    /// When it cannot: [`TopicError::NotCarried`].
    fn admits(&self, _direction: Direction, _topic: &Topic, asked: Delivery) -> Result<Delivery, TopicError> {
        Ok(asked)
    }

    /// Whether messages wait for a channel that is not open yet. If not, nobody is there who could get them, and they
    /// are dropped. It stays the same.
    fn queues_until_open(&self) -> bool {
        true
    }

    /// Whether subscriptions are to what this connection itself publishes, so that a topic that is subscribed to is
    /// published as well. It stays the same.
    fn loops_back(&self) -> bool {
        false
    }

    /// A topic wants a channel. [`Context::attach`] is what it waits for.
    fn want(
        &mut self,
        cx: &mut Context<'_>,
        channel: ChannelId,
        direction: Direction,
        topic: &Topic,
        delivery: Delivery,
    );

    /// A channel is wanted no longer. What was attached to it is not any more.
    fn unwant(&mut self, cx: &mut Context<'_>, channel: ChannelId);

    /// A request was answered, or there is no answer.
    fn answered(&mut self, _cx: &mut Context<'_>, _call: RequestId, _answer: Result<Response, Failure>) {}

    /// Something happened to the stream that [`Context::stream_connect`] opened.
    fn stream_event(&mut self, _cx: &mut Context<'_>, _event: StreamEvent) {}

    /// A user asks the server for something; [`Context::errand_done`] says what came of it. Unless overridden, that this
    /// connection operates no robot.
    fn errand(&mut self, cx: &mut Context<'_>, id: ErrandId, _errand: Errand) {
        cx.errand_done(id, Err(BrokerError::NotOperator));
    }

    /// A transport's SCTP is up: channels can be opened.
    fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
        cx.up(transport);
    }

    /// A transport is over, or did not come up; `why` is what a connection ends with that does not go on without it.
    fn transport_ended(&mut self, cx: &mut Context<'_>, _transport: TransportId, why: EndReason) {
        cx.end(why);
    }

    /// A stream that [`Context::open`] asked for is open. It says nothing about the far end.
    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream);

    /// A stream is gone, and its number free again. What was attached to it is not any more, and was told so.
    fn channel_closed(&mut self, _cx: &mut Context<'_>, _stream: SctpStream) {}

    /// A message came. This is on every message's way: it is to cost little, and [`Provider::advance`] does not follow
    /// unless [`Context::wake`] is called.
    fn message(&mut self, _cx: &mut Context<'_>, _stream: SctpStream, _payload: &Payload) -> Verdict {
        Verdict::Deliver
    }

    /// Does what waits for time or for an answer. Called first of all, after every other method but `message`, and at
    /// the time that it said last; it says when to call it again, if nothing else happens.
    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant>;

    /// The connection is over; `farewell`: for good, so that servers are told. The transports are closed next, and
    /// their far ends told. Nothing more is called, but [`Provider::message`] for what had come before.
    fn close(&mut self, _cx: &mut Context<'_>, _farewell: bool) {}

    /// The id that subscribers elsewhere need, once there is one.
    fn session_id(&self) -> Option<&SessionId> {
        None
    }

    /// STUN and TURN servers that a server named.
    fn ice_servers(&self) -> &[IceServer] {
        &[]
    }

    /// Whether this end only watches: nothing that it publishes gets anywhere.
    fn watches(&self) -> bool {
        false
    }

    /// What is known now of the clock of who is at the far end.
    fn far_clock(&self, _now: Instant) -> Option<ClockEstimate> {
        None
    }

    /// For a robot: which of the operator's drive commands came, if it numbers them.
    fn drive_counts(&self) -> Option<DriveCounts> {
        None
    }

    /// Whether somebody goes by the clock as it was told here, so that it must not jump.
    fn keeps_clock(&self) -> bool {
        false
    }

    /// The clock that stamps are in, as far as it is known, as seen from the own one; `None`: it is not known yet.
    /// Unless overridden, everybody has the same.
    fn stamp_clock(&self, _now: Instant) -> Option<StampClock> {
        Some(StampClock::default())
    }
}
