//! Cloudflare Realtime's DataChannel API: two API sessions over two transports, of which one publishes and one
//! subscribes.
//!
//! Source: Cloudflare's public API reference of the Realtime SFU, read 2026-08. Its JSON is in `wire/cloudflare.rs`.

mod api;
mod channel;
mod session;

use std::collections::HashMap;
use std::time::Instant;

pub use self::api::Api;
use self::session::ApiSession;
use super::{Attempt, ChannelId, Connect, Context, Dial, Provider, SctpStream, Verdict};
use crate::signalling::{Failure, RequestId, Response};
use crate::{Config, Delivery, Direction, EndReason, Payload, SessionId, Topic, TransportId};

impl Connect for Config {
    fn url(&self) -> &str {
        &self.url
    }

    /// Two, because an SFU may serve both sessions from one address.
    fn transports(&self) -> usize {
        2
    }

    fn reconnects(&self) -> bool {
        self.reconnect
    }

    fn provider(&self, attempt: &Attempt) -> Box<dyn Provider> {
        let session = |place| TransportId::new(place).map(|of| ApiSession::new(self, of, attempt));
        Box::new(Cloudflare {
            publisher: self.publisher_session.clone(),
            sessions: [PUBLISH, SUBSCRIBE].into_iter().filter_map(session).collect(),
            published: HashMap::new(),
            waiting: Vec::new(),
        })
    }
}

impl From<Config> for Dial {
    fn from(config: Config) -> Dial {
        Dial::new(config)
    }
}

/// The places of the two sessions, and the numbers of their transports.
const PUBLISH: usize = 0;
const SUBSCRIBE: usize = 1;

/// One attempt to connect to an SFU.
struct Cloudflare {
    /// Whose topics subscriptions are to; `None`: this connection's own.
    publisher: Option<SessionId>,
    sessions: Vec<ApiSession>,
    published: HashMap<Topic, ChannelId>,
    /// Subscriptions to what this connection itself is yet to publish.
    waiting: Vec<Waiting>,
}

struct Waiting {
    channel: ChannelId,
    topic: Topic,
    delivery: Delivery,
}

impl Cloudflare {
    fn session(&mut self, transport: TransportId) -> &mut ApiSession {
        &mut self.sessions[transport.index().min(SUBSCRIBE)]
    }

    /// Subscribes to what this connection itself publishes by now.
    fn subscribe_to_own(&mut self, now: Instant) {
        let [publish, subscribe] = &mut self.sessions[..] else { return };
        let Some(own) = publish.id().filter(|_| !self.waiting.is_empty()) else { return };
        let published = &self.published;
        self.waiting.retain(|Waiting { channel, topic, delivery }| {
            let is_there = published.get(topic).is_some_and(|publication| publish.is_open(*publication));
            if is_there {
                subscribe.want(now, *channel, topic, Some(own), *delivery);
            }
            !is_there
        });
    }
}

impl Provider for Cloudflare {
    fn transport(&self, direction: Direction) -> TransportId {
        let place = if direction == Direction::Publish { PUBLISH } else { SUBSCRIBE };
        TransportId::new(place).unwrap_or(TransportId::FIRST)
    }

    fn loops_back(&self) -> bool {
        self.publisher.is_none()
    }

    fn want(
        &mut self,
        cx: &mut Context<'_>,
        channel: ChannelId,
        direction: Direction,
        topic: &Topic,
        delivery: Delivery,
    ) {
        match (direction, &self.publisher) {
            (Direction::Publish, _) => {
                self.published.insert(topic.clone(), channel);
                self.sessions[PUBLISH].want(cx.now(), channel, topic, None, delivery);
            }
            (Direction::Subscribe, Some(publisher)) => {
                self.sessions[SUBSCRIBE].want(cx.now(), channel, topic, Some(publisher), delivery);
            }
            (Direction::Subscribe, None) => self.waiting.push(Waiting { channel, topic: topic.clone(), delivery }),
        }
    }

    fn unwant(&mut self, cx: &mut Context<'_>, channel: ChannelId) {
        self.waiting.retain(|waiting| waiting.channel != channel);
        self.published.retain(|_, published| *published != channel);
        for session in &mut self.sessions {
            session.unwant(cx, channel);
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, call: RequestId, answer: Result<Response, Failure>) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.awaits(call)) {
            session.answered(cx, call, answer);
        }
    }

    fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
        self.session(transport).transport_up(cx);
    }

    fn transport_ended(&mut self, cx: &mut Context<'_>, _transport: TransportId, why: EndReason) {
        cx.end(why);
    }

    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        self.session(stream.transport).opened(cx, stream);
    }

    fn channel_closed(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        self.session(stream.transport).closed(cx, stream.id);
    }

    fn message(&mut self, _: &mut Context<'_>, stream: SctpStream, _: &Payload) -> Verdict {
        self.session(stream.transport).heard(stream.id);
        Verdict::Deliver
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.subscribe_to_own(cx.now());
        let next: Vec<Option<Instant>> = self.sessions.iter_mut().map(|session| session.advance(cx)).collect();
        next.into_iter().flatten().min()
    }

    fn session_id(&self) -> Option<&SessionId> {
        self.sessions.first()?.id()
    }
}
