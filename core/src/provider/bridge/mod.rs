//! What both ends of a broker's bridge have: a transport with four channels, and calls to the broker, one at a time.

mod admit;
pub(in crate::provider) mod settings;

use std::time::Duration;

use serde::Serialize;

pub(super) use self::admit::admit;
use super::{ChannelId, Context, SctpStream};
use crate::link::{LinkError, StreamId};
use crate::signalling::policy::{FAREWELL, OPTIONAL_CALL};
use crate::signalling::{Calls, Dialect, HeaderName, Method, Reply, Request, RequestId};
use crate::wire::cloudflare::code;
use crate::wire::teleop::{Channel, IceServer, IceServers, StateMessage, path};
use crate::{Payload, Secret, SessionId, TransportId};

/// The one transport.
pub(super) const TRANSPORT: TransportId = TransportId::FIRST;

/// The placeholder of the offer, which keeps the id from being handed out (as DimOS has it).
const PLACEHOLDER: StreamId = 0;

/// STUN and TURN servers that are kept.
const MAX_ICE_SERVERS: usize = 16;

/// How a broker's refusals are read: it passes on what the SFU says.
pub(super) const DIALECT: Dialect = Dialect {
    is_passing: |_, code| code::RETRYABLE.contains(&code),
    advice: |status, _| {
        (status == 401).then_some(
            "is this the key that the broker gave out, for a robot or for an operator, and has it not been revoked?",
        )
    },
    ..Dialect::PLAIN
};

/// One end of a bridge; `C` says what a call to the broker is for.
pub(super) struct Bridge<C> {
    /// Where the calls are.
    root: String,
    /// The header by which the broker knows whose a request is.
    credential: (HeaderName, Secret),
    pub(super) calls: Calls<C>,
    offer: Option<String>,
    /// The broker's session of the robot.
    pub(super) session: Option<SessionId>,
    slots: [Slot; 4],
    ice_servers: Vec<IceServer>,
}

/// One of the channels.
#[derive(Default)]
struct Slot {
    /// The topic that wants it.
    wanted: Option<ChannelId>,
    /// Of the channel that was opened last; kept when the far end closes it.
    stream: Option<StreamId>,
    is_open: bool,
}

impl<C> Bridge<C> {
    pub(super) fn new(broker: &str, credential: (HeaderName, Secret), seed: u64) -> Bridge<C> {
        Bridge {
            root: format!("{broker}{}", path::SESSIONS),
            credential,
            calls: Calls::new(DIALECT, seed),
            offer: None,
            session: None,
            slots: Default::default(),
            ice_servers: Vec::new(),
        }
    }

    // ── the transport

    /// The transport's offer, the same each time.
    pub(super) fn offer(&mut self, cx: &mut Context<'_>) -> String {
        self.offer.get_or_insert_with(|| cx.offer_with(TRANSPORT, PLACEHOLDER)).clone()
    }

    /// `is_usable`: the topic may use the channel as soon as it is open.
    pub(super) fn want(&mut self, cx: &mut Context<'_>, id: ChannelId, channel: Channel, is_usable: bool) {
        self.slots[channel as usize].wanted = Some(id);
        if is_usable {
            self.attach(cx, channel);
        }
    }

    pub(super) fn unwant(&mut self, id: ChannelId) {
        for slot in &mut self.slots {
            slot.wanted.take_if(|wanted| *wanted == id);
        }
    }

    /// Lets the topic that wants it use a channel that is open.
    pub(super) fn attach(&mut self, cx: &mut Context<'_>, channel: Channel) {
        if let Slot { wanted: Some(id), stream: Some(stream), is_open: true } = self.slots[channel as usize] {
            cx.attach(id, on(stream));
        }
    }

    pub(super) fn stream(&self, channel: Channel) -> Option<StreamId> {
        self.slots[channel as usize].stream
    }

    pub(super) fn is_open(&self, channel: Channel) -> bool {
        self.slots[channel as usize].is_open
    }

    /// Opens a channel. It has its stream only when this succeeds, so that a later try follows a failed one.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, channel: Channel, stream: StreamId) -> Result<(), LinkError> {
        cx.open(on(stream), channel.delivery())?;
        self.slots[channel as usize].stream = Some(stream);
        Ok(())
    }

    pub(super) fn close(&mut self, cx: &mut Context<'_>, channel: Channel) {
        let slot = &mut self.slots[channel as usize];
        slot.is_open = false;
        if let Some(stream) = slot.stream.take() {
            cx.close_stream(on(stream));
        }
    }

    /// A stream is open: which channel it is.
    pub(super) fn opened(&mut self, stream: SctpStream) -> Option<Channel> {
        let channel = self.channel(stream)?;
        self.slots[channel as usize].is_open = true;
        Some(channel)
    }

    /// A stream is closed: which channel it was.
    pub(super) fn closed(&mut self, stream: SctpStream) -> Option<Channel> {
        let channel = self.channel(stream)?;
        self.slots[channel as usize].is_open = false;
        Some(channel)
    }

    pub(super) fn channel(&self, stream: SctpStream) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| self.slots[*channel as usize].stream == Some(stream.id))
    }

    /// Sends a message of the protocol's own; one that cannot go now is not sent at all.
    pub(super) fn send(&self, cx: &mut Context<'_>, channel: Channel, message: &StateMessage<'_>) -> bool {
        let Slot { stream, is_open, .. } = &self.slots[channel as usize];
        stream.filter(|_| *is_open).is_some_and(|stream| cx.send(on(stream), false, message.to_json().as_bytes()))
    }

    /// Hands a message to the topic that wants a channel.
    pub(super) fn deliver(&self, cx: &mut Context<'_>, channel: Channel, payload: Payload) {
        if let Some(id) = self.slots[channel as usize].wanted {
            cx.deliver(id, payload);
        }
    }

    // ── STUN and TURN servers

    /// Asks for them, which is best effort: without them there is still what needs no relay.
    pub(super) fn ask_for_ice_servers(&mut self, cx: &mut Context<'_>, call: C, left: Duration) {
        let request = self.request(Method::GET, &format!("/{}", path::TURN_CREDENTIALS), OPTIONAL_CALL.min(left));
        self.ask(cx, call, request, false);
    }

    /// Keeps those that the broker names.
    pub(super) fn keep_ice_servers(&mut self, cx: &mut Context<'_>, reply: &Reply) {
        if let Ok(servers) = cx.read::<IceServers>(TRANSPORT, reply) {
            self.ice_servers = servers.ice_servers;
            self.ice_servers.truncate(MAX_ICE_SERVERS);
        }
    }

    pub(super) fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }

    // ── calls

    /// Makes a call; `path` follows [`path::SESSIONS`].
    pub(super) fn ask(&mut self, cx: &mut Context<'_>, call: C, request: Request, is_retry: bool) {
        cx.call(&mut self.calls, call, TRANSPORT, request, is_retry);
    }

    /// Makes a call of which nobody hears any more, in the place of whatever is in flight.
    pub(super) fn part(&mut self, cx: &mut Context<'_>, mut request: Request) {
        self.calls.abandon();
        request.timeout = FAREWELL;
        cx.farewell(TRANSPORT, request);
    }

    /// A request without a body; `path` follows [`path::SESSIONS`].
    pub(super) fn request(&self, method: Method, path: &str, timeout: Duration) -> Request {
        let (header, secret) = &self.credential;
        Request::new(RequestId(0), method, format!("{}{path}", self.root), timeout)
            .with_secret(header.clone(), secret.reveal())
    }

    /// `POST` with a body.
    pub(super) fn post(&self, path: &str, body: &impl Serialize, timeout: Duration) -> Request {
        self.request(Method::POST, path, timeout).with_json(body)
    }
}

fn on(id: StreamId) -> SctpStream {
    SctpStream { transport: TRANSPORT, id }
}
