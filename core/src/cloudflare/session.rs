//! One session on the SFU: an API session, its PeerConnection, and the channels that are wanted on it.
//!
//! ```text
//!  New ─ sessions/new ─▶ Created ─ establish ─▶ Connecting ─ ICE, DTLS, SCTP ─▶ Up ─▶ Ended
//! ```
//!
//! Calls on a session are serialized, batched, spaced and retried here. A channel that is wanted is asked for until it
//! is there: an answer that is lost is looked up before the SFU is asked again, and a channel that the SFU closes is
//! asked for anew.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::de::DeserializeOwned;

use super::call::{self, Api, ApiError, refused};
use crate::bucket::TokenBucket;
use crate::http::{Failure, Method, RequestId, Response};
use crate::link::{
    Certificate, Link, LinkEnd, LinkError, LinkEvent, LinkOutput, LocalAddress, PLACEHOLDER, Role, StreamId,
};
use crate::retry::{Backoff, request_bucket};
use crate::session::{ChannelKey, Session, SessionEvent, SessionOutput};
use crate::wire::cloudflare::{
    DataChannel, DataChannels, ErrorBody, Establish, Established, Location, NewSession, SERVER_EVENTS,
    SessionDescription, SessionState, code, path,
};
use crate::{
    ChannelName, Config, Delivery, EndReason, LastError, SessionId, SessionStats, Side, Stage, Topic, TopicError,
};

/// The time that one API call may take. The SFU itself waits up to 5 s for a transport.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Tries for each call until the session is up. Later ones are repeated as long as the channel is wanted.
const CONNECT_TRIES: u32 = 5;

/// Channels in one request at most.
const BATCH: usize = 64;

/// After this the SFU has given up on an acknowledgement that it did not get.
const ACK_WINDOW: Duration = Duration::from_secs(30);

/// The first pause before an acknowledgement on a lossy channel is repeated; each later one is twice as long.
const ACK_REPEAT: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Created,
    Connecting,
    Up,
    Ended,
}

#[derive(Debug)]
enum Call {
    Create,
    Establish,
    Allocate(Vec<ChannelKey>),
    /// Looks up what became of an allocation without an answer.
    Reconcile(Vec<ChannelKey>),
    Close(Vec<StreamId>),
}

#[derive(Debug)]
struct InFlight {
    id: RequestId,
    method: Method,
    url: String,
    call: Call,
}

#[derive(Debug)]
struct Channel {
    entry: DataChannel,
    delivery: Delivery,
    state: ChannelState,
    backoff: Backoff,
    /// A failure of the present streak has been told.
    told: bool,
    /// The acknowledgement that opens the SFU's gate, until the first message shows that it is open.
    ack: Option<Ack>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChannelState {
    /// To be asked for at this time.
    Wanted(Instant),
    Allocating,
    /// Allocated; the local end is being opened.
    Opening(StreamId),
    Open(StreamId),
    /// Refused for good.
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Ack {
    at: Instant,
    pause: Duration,
    until: Instant,
}

pub(crate) struct CloudflareSession {
    api: Api,
    local: LocalAddress,
    certificate: Option<Certificate>,
    link: Link,
    offer: String,
    state: State,
    id: Option<SessionId>,
    deadline: Instant,
    started: Instant,
    last_error: Option<ApiError>,
    in_flight: Option<InFlight>,
    /// No call of this session before this time.
    not_before: Instant,
    backoff: Backoff,
    rate: TokenBucket,
    rng: Rng,
    next_request: u64,
    channels: HashMap<ChannelKey, Channel>,
    streams: HashMap<StreamId, ChannelKey>,
    /// Allocated on the SFU and no longer wanted.
    unwanted: Vec<StreamId>,
    /// Allocations whose outcome is unknown.
    unknown: Vec<ChannelKey>,
    outbox: VecDeque<SessionOutput>,
    changed: bool,
    next_chore: Option<Instant>,
    counted: SessionStats,
    trouble: Option<LastError>,
}

impl CloudflareSession {
    /// Its requests' ids start at `first_request` and are two apart, so that those of two sessions never meet.
    pub(crate) fn new(
        config: &Config,
        local: LocalAddress,
        certificate: Option<Certificate>,
        first_request: u64,
        seed: u64,
        now: Instant,
    ) -> CloudflareSession {
        let mut link = Link::new(Role::Client, local, certificate.clone(), now);
        let offer = link.offer();
        CloudflareSession {
            api: Api::new(config),
            local,
            certificate,
            link,
            offer,
            state: State::New,
            id: None,
            deadline: now + config.connect_timeout.min(Config::TIMEOUTS.1),
            started: now,
            last_error: None,
            in_flight: None,
            not_before: now,
            backoff: Backoff::default(),
            rate: request_bucket(now),
            rng: Rng::with_seed(seed ^ first_request),
            next_request: first_request,
            channels: HashMap::new(),
            streams: HashMap::new(),
            unwanted: Vec::new(),
            unknown: Vec::new(),
            outbox: VecDeque::new(),
            changed: true,
            next_chore: None,
            counted: SessionStats::default(),
            trouble: None,
        }
    }
}

impl Session for CloudflareSession {
    fn admits(&self, _side: Side, _topic: &Topic, asked: Delivery) -> Result<Delivery, TopicError> {
        Ok(asked)
    }

    fn queues_until_open(&self) -> bool {
        true
    }

    fn stats(&self) -> SessionStats {
        SessionStats {
            up: self.state == State::Up,
            in_flight: self.link.messages_in_flight(),
            in_flight_bytes: self.link.in_flight(),
            round_trip: self.link.round_trip(),
            ..self.counted.clone()
        }
    }

    fn trouble(&self) -> Option<&LastError> {
        self.trouble.as_ref()
    }

    fn id(&self) -> Option<&SessionId> {
        self.id.as_ref()
    }

    fn is_up(&self) -> bool {
        self.state == State::Up
    }

    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn open(
        &mut self,
        now: Instant,
        key: ChannelKey,
        topic: &Topic,
        publisher: Option<&SessionId>,
        delivery: Delivery,
    ) {
        let location = if publisher.is_some() { Location::Remote } else { Location::Local };
        let mut entry = DataChannel::wanted(location, &ChannelName::published(topic.as_str()), delivery);
        if let Some(publisher) = publisher {
            entry.session_id = Some(publisher.as_str().to_owned());
            // What arrives before the local end of the channel exists is lost: the SFU is to wait for us.
            entry.wait_for_ack = Some(true);
        }
        let state = ChannelState::Wanted(now);
        let channel = Channel { entry, delivery, state, backoff: Backoff::default(), told: false, ack: None };
        self.channels.insert(key, channel);
        self.changed = true;
    }

    fn close_channel(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.remove(&key) else { return };
        if let ChannelState::Opening(stream) | ChannelState::Open(stream) = channel.state {
            self.streams.remove(&stream);
            self.link.close_channel(stream);
            self.unwanted.push(stream);
        }
        self.changed = true;
    }

    fn write(&mut self, now: Instant, key: ChannelKey, binary: bool, bytes: &[u8]) -> Result<(), LinkError> {
        match self.channels.get(&key).map(|channel| channel.state) {
            Some(ChannelState::Open(stream)) => {
                self.link.write(now, stream, binary, bytes)?;
                self.counted.sent += 1;
                self.counted.sent_bytes += bytes.len() as u64;
                Ok(())
            }
            _ => Err(LinkError::NotOpen(0)),
        }
    }

    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let taken = self.link.handle_datagram(now, source, datagram);
        if taken {
            self.counted.datagrams_received += 1;
            self.counted.datagram_bytes_received += datagram.len() as u64;
        } else {
            self.counted.strays += 1;
        }
        taken
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.link.handle_timeout(now);
    }

    fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        let Some(InFlight { method, url, call, .. }) = self.in_flight.take_if(|in_flight| in_flight.id == id) else {
            return;
        };
        self.changed = true;
        match call {
            Call::Create => match self.read::<NewSession>(now, method, &url, result) {
                Ok(answer) => match SessionId::new(&answer.session_id) {
                    Some(id) => {
                        self.id = Some(id);
                        self.state = State::Created;
                        self.backoff.succeeded();
                    }
                    None => self.end(EndReason::Api(ApiError::Garbage { method, url, status: 200 })),
                },
                Err(error) => self.connect_failed(now, error),
            },
            Call::Establish => match self.read::<Established>(now, method, &url, result) {
                Ok(answer) => self.accept(now, method, url, answer),
                Err(error) => {
                    if error.is_outcome_unknown() {
                        // The SFU may have bound the session to this offer: start over with another.
                        self.link = Link::new(Role::Client, self.local, self.certificate.clone(), now);
                        self.offer = self.link.offer();
                        self.id = None;
                        self.state = State::New;
                    }
                    self.connect_failed(now, error);
                }
            },
            Call::Allocate(keys) => {
                match self.read::<DataChannels>(now, method, &url, result) {
                    Ok(answer) => self.allocated(now, &keys, answer, method, &url),
                    Err(error) if error.is_outcome_unknown() => {
                        if error.is_foreign() {
                            self.tell_trouble(&keys, &error);
                        }
                        self.unknown = keys;
                    }
                    Err(error) => self.call_failed(now, &keys, error),
                };
            }
            Call::Reconcile(keys) => match self.read::<SessionState>(now, method, &url, result) {
                Ok(state) => self.reconciled(now, &keys, &state),
                Err(error) if error.is_session_gone() => self.end(EndReason::Api(error)),
                Err(error) => {
                    if error.is_foreign() {
                        self.tell_trouble(&keys, &error);
                    }
                    self.unknown = keys;
                    self.not_before = self.backoff.failed(now, &mut self.rng);
                }
            },
            Call::Close(streams) => match self.read::<DataChannels>(now, method, &url, result) {
                // Per item only "no such channel" is possible, which is what was wanted.
                Ok(_) => self.backoff.succeeded(),
                Err(error) if error.is_session_gone() => self.end(EndReason::Api(error)),
                Err(error)
                    if error.is_foreign() || (error.is_retryable() && self.backoff.attempts() < CONNECT_TRIES) =>
                {
                    self.unwanted.extend(streams);
                    self.not_before = self.backoff.failed(now, &mut self.rng);
                }
                Err(_) => {}
            },
        }
    }

    fn poll(&mut self, now: Instant) -> SessionOutput {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            match self.link.poll(now) {
                LinkOutput::Transmit(to, datagram) => {
                    self.counted.datagrams_sent += 1;
                    self.counted.datagram_bytes_sent += datagram.len() as u64;
                    return SessionOutput::Transmit(to, datagram);
                }
                LinkOutput::Event(event) => self.handle_link_event(now, event),
                LinkOutput::WaitUntil(transport) => {
                    if self.changed || self.next_chore.is_some_and(|at| at <= now) {
                        self.changed = false;
                        self.next_chore = self.do_chores(now);
                        continue;
                    }
                    return match (transport, self.next_chore) {
                        (Some(at), Some(chore)) if chore < at => SessionOutput::WaitUntil(Some(chore), false),
                        (None, chore) => SessionOutput::WaitUntil(chore, false),
                        (at, _) => SessionOutput::WaitUntil(at, true),
                    };
                }
            }
        }
    }

    /// The API has no call that ends a session.
    fn close(&mut self, now: Instant, _farewell: bool) {
        self.link.close(now);
        self.in_flight = None;
        self.changed = true;
    }
}

impl CloudflareSession {
    /// Reads an answer, and counts those that are of no use.
    fn read<T: DeserializeOwned>(
        &mut self,
        now: Instant,
        method: Method,
        url: &str,
        result: Result<Response, Failure>,
    ) -> Result<T, ApiError> {
        let answer = call::read(method, url, result);
        if let Err(error) = &answer {
            self.counted.requests_failed += 1;
            self.trouble = Some(LastError::new(now, error));
        }
        answer
    }

    fn handle_link_event(&mut self, now: Instant, event: LinkEvent) {
        match event {
            LinkEvent::Connected => {}
            // SCTP is up when the first channel is.
            LinkEvent::Opened(PLACEHOLDER) => {
                if self.state == State::Connecting {
                    self.state = State::Up;
                    self.backoff.succeeded();
                    self.changed = true;
                    self.outbox.push_back(SessionOutput::Event(SessionEvent::Connected));
                }
            }
            LinkEvent::Opened(stream) => self.opened(now, stream),
            LinkEvent::Message(stream, payload) => {
                if let Some(key) = self.streams.get(&stream) {
                    self.counted.received += 1;
                    self.counted.received_bytes += payload.bytes.len() as u64;
                    if let Some(channel) = self.channels.get_mut(key) {
                        channel.ack = None;
                    }
                    self.outbox.push_back(SessionOutput::Event(SessionEvent::Message(*key, payload)));
                }
            }
            LinkEvent::Closed(stream) => {
                let Some(key) = self.streams.remove(&stream) else { return };
                if let Some(channel) = self.channels.get_mut(&key) {
                    channel.state = ChannelState::Wanted(channel.backoff.failed(now, &mut self.rng));
                    channel.ack = None;
                    self.changed = true;
                    self.outbox.push_back(SessionOutput::Event(SessionEvent::Closed(key)));
                }
            }
            LinkEvent::Ended(why) => {
                let reason = match (self.state, why) {
                    (State::Connecting, LinkEnd::Lost) => EndReason::TimedOut {
                        stage: Stage::of_transport(&self.link),
                        after: now.saturating_duration_since(self.started),
                    },
                    (_, LinkEnd::Local) => EndReason::Closed,
                    (_, why) => EndReason::Transport(why),
                };
                self.end(reason);
            }
        }
    }

    fn opened(&mut self, now: Instant, stream: StreamId) {
        let Some(key) = self.streams.get(&stream).copied() else { return };
        let Some(channel) = self.channels.get_mut(&key) else { return };
        channel.state = ChannelState::Open(stream);
        channel.backoff.succeeded();
        channel.told = false;
        if channel.entry.wait_for_ack == Some(true) {
            channel.ack = Some(Ack { at: now, pause: ACK_REPEAT, until: now + ACK_WINDOW });
        }
        self.changed = true;
        self.outbox.push_back(SessionOutput::Event(SessionEvent::Opened(key)));
    }

    fn accept(&mut self, now: Instant, method: Method, url: String, answer: Established) {
        let sdp = answer.session_description.filter(|description| description.kind == "answer");
        let Some(answer) = sdp else {
            return self.end(EndReason::Api(ApiError::Garbage { method, url, status: 200 }));
        };
        if let Err(error) = self.link.accept_answer(&answer.sdp) {
            return self.end(EndReason::Api(ApiError::Description { method, url, error }));
        }
        self.link.handle_timeout(now);
        self.state = State::Connecting;
        self.backoff.succeeded();
    }

    /// A call before the session is up has failed: try again within bounds, or give up.
    fn connect_failed(&mut self, now: Instant, error: ApiError) {
        if !error.is_retryable() || self.backoff.attempts() + 1 >= CONNECT_TRIES {
            return self.end(EndReason::Api(error));
        }
        self.not_before = self.backoff.failed(now, &mut self.rng);
        self.last_error = Some(error);
    }

    fn call_failed(&mut self, now: Instant, keys: &[ChannelKey], error: ApiError) {
        if error.is_session_gone() {
            return self.end(EndReason::Api(error));
        }
        for key in keys {
            self.channel_failed(now, *key, &error);
        }
    }

    fn channel_failed(&mut self, now: Instant, key: ChannelKey, error: &ApiError) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let retry = error.is_retryable() || error.is_foreign();
        self.trouble = Some(LastError::new(now, error));
        channel.state = match retry {
            true => ChannelState::Wanted(channel.backoff.failed(now, &mut self.rng)),
            false => ChannelState::Failed,
        };
        if !std::mem::replace(&mut channel.told, true) || !retry {
            self.outbox.push_back(SessionOutput::Event(SessionEvent::Trouble(key, error.clone(), retry)));
        }
    }

    /// Tells of each channel what it waits for, once in a streak of failures.
    fn tell_trouble(&mut self, keys: &[ChannelKey], error: &ApiError) {
        for key in keys {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            if !std::mem::replace(&mut channel.told, true) {
                self.outbox.push_back(SessionOutput::Event(SessionEvent::Trouble(*key, error.clone(), true)));
            }
        }
    }

    fn allocated(&mut self, now: Instant, keys: &[ChannelKey], answer: DataChannels, method: Method, url: &str) {
        self.backoff.succeeded();
        let mut items: Vec<Option<DataChannel>> = answer.data_channels.into_iter().map(Some).collect();
        for (index, key) in keys.iter().enumerate() {
            let wanted = self.channels.get(key).map(|channel| channel.entry.clone());
            // Items are matched by name; one without a name by its place.
            let place = match &wanted {
                Some(entry) => items.iter().position(|item| item.as_ref().is_some_and(|item| is_for(item, entry))),
                None => None,
            };
            let item = items.get_mut(place.unwrap_or(index)).and_then(Option::take);
            match item {
                Some(DataChannel { error_code: Some(code), .. }) if code == code::REPEATED_LOCAL_TRACK => {
                    // A former try got through after all.
                    self.unknown.push(*key);
                }
                Some(DataChannel { error_code: Some(code), error_description, .. }) => {
                    let body = ErrorBody { error_code: Some(code), error_description };
                    self.channel_failed(now, *key, &refused(method, url.to_owned(), 200, body));
                }
                Some(DataChannel { id: Some(stream), .. }) => self.open_stream(now, *key, stream, method, url),
                _ => self.channel_failed(now, *key, &ApiError::Garbage { method, url: url.to_owned(), status: 200 }),
            }
        }
    }

    fn open_stream(&mut self, now: Instant, key: ChannelKey, stream: StreamId, method: Method, url: &str) {
        let Some(channel) = self.channels.get_mut(&key) else {
            // No longer wanted when the answer came.
            self.unwanted.push(stream);
            return;
        };
        match self.link.open(now, stream, channel.delivery) {
            Ok(()) => {
                channel.state = ChannelState::Opening(stream);
                self.streams.insert(stream, key);
            }
            Err(_) => self.channel_failed(now, key, &ApiError::Garbage { method, url: url.to_owned(), status: 200 }),
        }
    }

    fn reconciled(&mut self, now: Instant, keys: &[ChannelKey], state: &SessionState) {
        self.backoff.succeeded();
        for key in keys {
            let Some(entry) = self.channels.get(key).map(|channel| channel.entry.clone()) else { continue };
            let known = state.data_channels.iter().find(|item| is_for(item, &entry)).and_then(|item| item.id);
            match known.filter(|stream| !self.streams.contains_key(stream)) {
                Some(stream) => self.open_stream(now, *key, stream, Method::Get, ""),
                None => {
                    if let Some(channel) = self.channels.get_mut(key) {
                        channel.state = ChannelState::Wanted(channel.backoff.failed(now, &mut self.rng));
                    }
                }
            }
        }
    }

    /// Everything that waits for time or for a free call; answers when to look again.
    fn do_chores(&mut self, now: Instant) -> Option<Instant> {
        if self.state == State::Ended {
            return None;
        }
        if self.state != State::Up && now >= self.deadline {
            self.timed_out();
            return None;
        }
        let acks = self.send_acks(now);
        let call = self.start_call(now);
        let deadline = (self.state != State::Up).then_some(self.deadline);
        [acks, call, deadline].into_iter().flatten().min()
    }

    fn timed_out(&mut self) {
        let stage = match self.state {
            State::New => Stage::Create,
            State::Created => Stage::Establish,
            _ => Stage::of_transport(&self.link),
        };
        let reason = match self.last_error.take() {
            Some(error) => EndReason::Api(error),
            None => EndReason::TimedOut { stage, after: self.deadline.saturating_duration_since(self.started) },
        };
        self.end(reason);
    }

    fn send_acks(&mut self, now: Instant) -> Option<Instant> {
        let mut next = None;
        for channel in self.channels.values_mut() {
            let (Some(ack), ChannelState::Open(stream)) = (&mut channel.ack, channel.state) else { continue };
            let mut written = false;
            if ack.at <= now {
                // A refusal is made up for by the next repetition.
                written = self.link.write(now, stream, true, &[1]).is_ok();
                // What is published before it arrives is lost.
                self.link.flush();
                ack.at = now + ack.pause;
                ack.pause *= 2;
            }
            // A reliable channel loses none, so one is enough, and not less.
            let done = if channel.delivery.is_reliable() { written } else { ack.at > ack.until };
            if done {
                channel.ack = None;
            } else {
                next = Some(next.map_or(ack.at, |next: Instant| next.min(ack.at)));
            }
        }
        next
    }

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, now: Instant) -> Option<Instant> {
        if self.in_flight.is_some() {
            return None;
        }
        let due = match self.state {
            State::New | State::Created => Some(now),
            State::Up if !self.unknown.is_empty() || !self.unwanted.is_empty() => Some(now),
            State::Up => self.channels.values().filter_map(Channel::wanted_at).min(),
            State::Connecting | State::Ended => None,
        };
        let at = due?.max(self.not_before).max(self.rate.ready_at(now));
        if at > now {
            return Some(at);
        }
        self.rate.reserve(now);
        let call = self.next_call(now);
        self.send(now, call);
        None
    }

    fn next_call(&mut self, now: Instant) -> Call {
        match self.state {
            State::New => Call::Create,
            State::Created => Call::Establish,
            _ if !self.unknown.is_empty() => Call::Reconcile(std::mem::take(&mut self.unknown)),
            _ if !self.unwanted.is_empty() => Call::Close(std::mem::take(&mut self.unwanted)),
            _ => {
                let due = |(key, channel): (&ChannelKey, &Channel)| {
                    channel.wanted_at().is_some_and(|at| at <= now).then_some(*key)
                };
                let mut keys: Vec<ChannelKey> = self.channels.iter().filter_map(due).collect();
                keys.sort_unstable();
                keys.truncate(BATCH);
                for key in &keys {
                    if let Some(channel) = self.channels.get_mut(key) {
                        channel.state = ChannelState::Allocating;
                    }
                }
                Call::Allocate(keys)
            }
        }
    }

    fn send(&mut self, now: Instant, call: Call) {
        let id = RequestId(self.next_request);
        self.next_request += 2;
        self.counted.requests += 1;
        self.counted.requests_retried += u64::from(self.asks_again(&call));
        let timeout = match self.state {
            State::Up => CALL_TIMEOUT,
            _ => CALL_TIMEOUT.min(self.deadline.saturating_duration_since(now)),
        };
        let action = |method, action: &str| match &self.id {
            Some(session) => self.api.session_request(id, method, session, action, timeout),
            None => self.api.request(id, method, path::NEW_SESSION, timeout),
        };
        let mut request = match &call {
            Call::Create => self.api.request(id, Method::Post, path::NEW_SESSION, timeout),
            Call::Establish => action(Method::Post, path::ESTABLISH),
            Call::Allocate(_) => action(Method::Post, path::OPEN),
            Call::Reconcile(_) => action(Method::Get, ""),
            Call::Close(_) => action(Method::Put, path::CLOSE),
        };
        request.body = match &call {
            Call::Create | Call::Reconcile(_) => None,
            Call::Establish => to_json(&Establish {
                data_channel: DataChannel {
                    location: Some(Location::Remote),
                    data_channel_name: Some(SERVER_EVENTS.to_owned()),
                    ..DataChannel::default()
                },
                session_description: Some(SessionDescription { kind: "offer".into(), sdp: self.offer.clone() }),
            }),
            Call::Allocate(keys) => {
                let entries = keys.iter().filter_map(|key| self.channels.get(key)).map(|c| c.entry.clone());
                to_json(&DataChannels { data_channels: entries.collect() })
            }
            Call::Close(streams) => {
                let entries = streams.iter().map(|id| DataChannel { id: Some(*id), ..DataChannel::default() });
                to_json(&DataChannels { data_channels: entries.collect() })
            }
        };
        self.in_flight = Some(InFlight { id, method: request.method, url: request.url.clone(), call });
        self.outbox.push_back(SessionOutput::Http(request));
    }

    /// Whether a call is for what an earlier one did not get, or what the SFU took back.
    fn asks_again(&self, call: &Call) -> bool {
        match call {
            Call::Create | Call::Establish | Call::Close(_) => self.backoff.attempts() > 0,
            Call::Allocate(keys) => {
                keys.iter().filter_map(|key| self.channels.get(key)).any(|channel| channel.backoff.attempts() > 0)
            }
            Call::Reconcile(_) => true,
        }
    }

    fn end(&mut self, reason: EndReason) {
        if self.state == State::Ended {
            return;
        }
        self.state = State::Ended;
        self.in_flight = None;
        self.outbox.push_back(SessionOutput::Event(SessionEvent::Ended(reason)));
    }
}

impl Channel {
    fn wanted_at(&self) -> Option<Instant> {
        match self.state {
            ChannelState::Wanted(at) => Some(at),
            _ => None,
        }
    }
}

/// Whether an item of an answer is about this entry of a request.
fn is_for(item: &DataChannel, entry: &DataChannel) -> bool {
    item.data_channel_name.is_some()
        && item.data_channel_name == entry.data_channel_name
        && (item.session_id.is_none() || entry.session_id.is_none() || item.session_id == entry.session_id)
        && (item.location.is_none() || item.location == entry.location)
}

/// These types are plain data, so this does not fail.
fn to_json(body: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(body).ok()
}
