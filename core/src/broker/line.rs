//! What both ends of a bridge have: a PeerConnection with four channels, and calls to the broker, one at a time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::WallClock;
use crate::cloudflare::{ApiError, read};
use crate::http::{Failure, Method, Request, RequestId, Response};
use crate::link::{Certificate, Link, LinkError, LinkEvent, LinkOutput, LocalAddress, Role, StreamId};
use crate::session::{ChannelKey, SessionEvent, SessionOutput};
use crate::wire::teleop::{Channel, StateMessage, path};
use crate::{LastError, Payload, Secret, SessionId, SessionStats};

/// The placeholder of the offer, which keeps the id from being handed out (as DimOS has it).
pub(super) const PLACEHOLDER: StreamId = 0;

/// The time that one call may take; the broker itself waits for the SFU meanwhile.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The time of a call that nobody waits for.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// How the broker is to know whose a request is.
pub(super) enum Credential {
    RobotKey(Secret),
    Token(Secret),
}

pub(super) struct Line<C> {
    /// The broker, without a slash at the end.
    broker: String,
    credential: Credential,
    pub(super) link: Link,
    pub(super) offer: String,
    /// The broker's session.
    pub(super) session: Option<SessionId>,
    pub(super) clock: WallClock,
    in_flight: Option<InFlight<C>>,
    next_request: u64,
    channels: [Slot; 4],
    pub(super) outbox: VecDeque<SessionOutput>,
    /// There may be something to do.
    pub(super) changed: bool,
    next_chore: Option<Instant>,
    pub(super) counted: SessionStats,
    trouble: Option<LastError>,
}

struct InFlight<C> {
    id: RequestId,
    method: Method,
    url: String,
    call: C,
}

/// A call that was answered.
pub(super) struct Answered<C> {
    pub(super) call: C,
    method: Method,
    url: String,
    result: Result<Response, Failure>,
}

#[derive(Default)]
struct Slot {
    /// Of whoever wants it.
    key: Option<ChannelKey>,
    /// Of the channel that was opened last; kept when the far end closes it.
    stream: Option<StreamId>,
    is_open: bool,
}

/// What a link had to say, in this line's terms.
pub(super) enum LineEvent {
    /// SCTP is up.
    Up,
    Opened(Channel),
    Message(Channel, Payload),
    Closed(Channel),
    Ended(crate::link::LinkEnd),
}

/// What is to be done next, and by whom.
pub(super) enum Next {
    Output(SessionOutput),
    Event(LineEvent),
    /// The owner is to see what there is to do.
    Chores,
}

impl<C> Line<C> {
    pub(super) fn new(
        broker: &str,
        credential: Credential,
        local: LocalAddress,
        certificate: Option<Certificate>,
        first_request: u64,
        now: Instant,
    ) -> Line<C> {
        let mut link = Link::new(Role::Client, local, certificate, now);
        let offer = link.offer_with(PLACEHOLDER);
        Line {
            broker: broker.to_owned(),
            credential,
            link,
            offer,
            session: None,
            clock: WallClock::new(now, Duration::ZERO),
            in_flight: None,
            next_request: first_request,
            channels: Default::default(),
            outbox: VecDeque::new(),
            changed: true,
            next_chore: None,
            counted: SessionStats::default(),
            trouble: None,
        }
    }

    pub(super) fn stats(&self, up: bool) -> SessionStats {
        SessionStats {
            up,
            in_flight: self.link.messages_in_flight(),
            in_flight_bytes: self.link.in_flight(),
            round_trip: self.link.round_trip(),
            ..self.counted.clone()
        }
    }

    pub(super) fn trouble(&self) -> Option<&LastError> {
        self.trouble.as_ref()
    }

    /// Something went wrong that needs no action.
    pub(super) fn note_trouble(&mut self, now: Instant, what: &impl std::fmt::Display) {
        self.trouble = Some(LastError::new(now, what));
    }

    pub(super) fn tell(&mut self, event: SessionEvent) {
        self.outbox.push_back(SessionOutput::Event(event));
    }

    // ── channels

    /// `usable`: whoever wants it may use it as soon as it is open.
    pub(super) fn want(&mut self, key: ChannelKey, place: Channel, usable: bool) {
        let channel = &mut self.channels[place as usize];
        channel.key = Some(key);
        if channel.is_open && usable {
            self.tell(SessionEvent::Opened(key));
        }
    }

    pub(super) fn want_no_longer(&mut self, key: ChannelKey) {
        for channel in &mut self.channels {
            channel.key.take_if(|wanted| *wanted == key);
        }
    }

    /// Tells whoever wants the channel that it can be used.
    pub(super) fn tell_open(&mut self, place: Channel) {
        let channel = &self.channels[place as usize];
        if let (Some(key), true) = (channel.key, channel.is_open) {
            self.tell(SessionEvent::Opened(key));
        }
    }

    pub(super) fn stream(&self, place: Channel) -> Option<StreamId> {
        self.channels[place as usize].stream
    }

    pub(super) fn is_open(&self, place: Channel) -> bool {
        self.channels[place as usize].is_open
    }

    /// Opens a channel. It counts as open only when this succeeds, so that a later try follows a failed one.
    pub(super) fn open(&mut self, now: Instant, place: Channel, stream: StreamId) -> Result<(), LinkError> {
        self.link.open(now, stream, place.delivery())?;
        self.channels[place as usize].stream = Some(stream);
        Ok(())
    }

    pub(super) fn close_channel(&mut self, place: Channel) {
        let channel = &mut self.channels[place as usize];
        let was_open = std::mem::take(&mut channel.is_open);
        if let Some(stream) = channel.stream.take() {
            self.link.close_channel(stream);
        }
        if let (Some(key), true) = (self.channels[place as usize].key, was_open) {
            self.tell(SessionEvent::Closed(key));
        }
    }

    pub(super) fn write(&mut self, now: Instant, key: ChannelKey, binary: bool, bytes: &[u8]) -> Result<(), LinkError> {
        let wanted = Channel::ALL.into_iter().find(|place| self.channels[*place as usize].key == Some(key));
        self.write_to(now, wanted.ok_or(LinkError::NotOpen(0))?, binary, bytes)
    }

    pub(super) fn write_to(
        &mut self,
        now: Instant,
        place: Channel,
        binary: bool,
        bytes: &[u8],
    ) -> Result<(), LinkError> {
        let channel = &self.channels[place as usize];
        let stream = channel.stream.filter(|_| channel.is_open).ok_or(LinkError::NotOpen(0))?;
        self.link.write(now, stream, binary, bytes)?;
        self.counted.sent += 1;
        self.counted.sent_bytes += bytes.len() as u64;
        Ok(())
    }

    /// A message of the protocol's own; one that cannot go now is not sent at all.
    pub(super) fn send_state(&mut self, now: Instant, place: Channel, message: &StateMessage<'_>) -> bool {
        let json = message.to_json();
        let sent = self.link.has_room(json.len()) && self.write_to(now, place, false, json.as_bytes()).is_ok();
        if sent {
            self.link.flush();
        }
        sent
    }

    /// Hands a message to whoever wants its channel.
    pub(super) fn deliver(&mut self, place: Channel, payload: Payload) {
        if let Some(key) = self.channels[place as usize].key {
            self.tell(SessionEvent::Message(key, payload));
        }
    }

    // ── the transport

    pub(super) fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let taken = self.link.handle_datagram(now, source, datagram);
        if taken {
            self.counted.datagrams_received += 1;
            self.counted.datagram_bytes_received += datagram.len() as u64;
        } else {
            self.counted.strays += 1;
        }
        taken
    }

    pub(super) fn poll(&mut self, now: Instant) -> Next {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return Next::Output(output);
            }
            match self.link.poll(now) {
                LinkOutput::Transmit(to, datagram) => {
                    self.counted.datagrams_sent += 1;
                    self.counted.datagram_bytes_sent += datagram.len() as u64;
                    return Next::Output(SessionOutput::Transmit(to, datagram));
                }
                LinkOutput::Event(event) => {
                    if let Some(event) = self.translate(event) {
                        return Next::Event(event);
                    }
                }
                LinkOutput::WaitUntil(transport) => {
                    if std::mem::take(&mut self.changed) || self.next_chore.is_some_and(|at| at <= now) {
                        return Next::Chores;
                    }
                    return Next::Output(match (transport, self.next_chore) {
                        (Some(at), Some(chore)) if chore < at => SessionOutput::WaitUntil(Some(chore), false),
                        (None, chore) => SessionOutput::WaitUntil(chore, false),
                        (at, _) => SessionOutput::WaitUntil(at, true),
                    });
                }
            }
        }
    }

    /// When to look for chores again, unless something happens before.
    pub(super) fn look_again(&mut self, at: Option<Instant>) {
        self.next_chore = at;
    }

    fn translate(&mut self, event: LinkEvent) -> Option<LineEvent> {
        match event {
            LinkEvent::Connected => None,
            LinkEvent::Opened(PLACEHOLDER) => Some(LineEvent::Up),
            LinkEvent::Opened(stream) => {
                let place = self.place_of(stream)?;
                self.channels[place as usize].is_open = true;
                Some(LineEvent::Opened(place))
            }
            LinkEvent::Message(stream, payload) => {
                self.counted.received += 1;
                self.counted.received_bytes += payload.bytes.len() as u64;
                Some(LineEvent::Message(self.place_of(stream)?, payload))
            }
            LinkEvent::Closed(stream) => {
                let place = self.place_of(stream)?;
                let channel = &mut self.channels[place as usize];
                if std::mem::take(&mut channel.is_open)
                    && let Some(key) = channel.key
                {
                    self.tell(SessionEvent::Closed(key));
                }
                Some(LineEvent::Closed(place))
            }
            LinkEvent::Ended(why) => Some(LineEvent::Ended(why)),
        }
    }

    fn place_of(&self, stream: StreamId) -> Option<Channel> {
        Channel::ALL.into_iter().find(|place| self.channels[*place as usize].stream == Some(stream))
    }

    // ── calls

    pub(super) fn is_free(&self) -> bool {
        self.in_flight.is_none()
    }

    /// Makes a call; `path` follows [`path::SESSIONS`].
    pub(super) fn ask(
        &mut self,
        call: C,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        timeout: Duration,
        is_retry: bool,
    ) {
        let request = self.request(method, path, body, timeout);
        self.counted.requests_retried += u64::from(is_retry);
        self.in_flight = Some(InFlight { id: request.id, method, url: request.url.clone(), call });
        self.outbox.push_back(SessionOutput::Http(request));
    }

    /// Makes a call of which nobody hears any more.
    pub(super) fn part(&mut self, method: Method, path: &str, body: Option<&impl Serialize>) {
        self.in_flight = None;
        let mut request = self.request(method, path, body, FAREWELL_TIMEOUT);
        request.is_farewell = true;
        self.outbox.push_back(SessionOutput::Http(request));
    }

    fn request(&mut self, method: Method, path: &str, body: Option<&impl Serialize>, timeout: Duration) -> Request {
        let url = format!("{}{}{path}", self.broker, path::SESSIONS);
        let mut request = Request::new(RequestId(self.next_request), method, url, timeout);
        match &self.credential {
            Credential::RobotKey(key) => request.robot_key = Some(key.reveal().to_owned()),
            Credential::Token(token) => request.authorization = Some(format!("Bearer {}", token.reveal())),
        }
        // Plain data has an encoding.
        request.body = body.and_then(|body| serde_json::to_string(body).ok());
        self.next_request += 2;
        self.counted.requests += 1;
        request
    }

    /// The call that this answers; `None`: it is none of this line's.
    pub(super) fn answered(&mut self, id: RequestId, result: Result<Response, Failure>) -> Option<Answered<C>> {
        let InFlight { method, url, call, .. } = self.in_flight.take_if(|in_flight| in_flight.id == id)?;
        self.changed = true;
        Some(Answered { call, method, url, result })
    }

    /// Reads what a call was answered with, and counts what is of no use.
    pub(super) fn read<T: DeserializeOwned>(&mut self, now: Instant, answered: Answered<C>) -> Result<T, ApiError> {
        let answer = read(answered.method, &answered.url, answered.result);
        if let Err(error) = &answer {
            self.counted.requests_failed += 1;
            self.trouble = Some(LastError::new(now, error));
        }
        answer
    }

    /// Drops the call that is under way: its answer counts for nothing.
    pub(super) fn abandon_call(&mut self) {
        self.in_flight = None;
    }
}

/// What is wrong with an answer that has the right form but cannot be used.
pub(super) fn garbage(method: Method, url: &str) -> ApiError {
    ApiError::Garbage { method, url: url.to_owned(), status: 200 }
}

impl<C> Answered<C> {
    /// For errors about what was answered.
    pub(super) fn place(&self) -> (Method, String) {
        (self.method, self.url.clone())
    }
}
