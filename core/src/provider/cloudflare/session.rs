//! One API session over one transport, and the channels that are wanted on it.
//!
//! ```text
//!  New ─ sessions/new ─▶ Created ─ establish ─▶ Connecting ─ ICE, DTLS, SCTP ─▶ Up
//! ```
//!
//! Calls on a session are made one at a time, batched, spaced and retried. A channel that is wanted is asked for until
//! it is there: an answer that is lost is looked up before the SFU is asked again, and a channel that the SFU closes
//! is asked for anew.

use std::collections::HashMap;
use std::time::Instant;

use super::api::Api;
use super::channel::{Ack, Channel, ChannelState};
use crate::link::StreamId;
use crate::provider::{Attempt, ChannelId, Context, SctpStream};
use crate::signalling::policy::{CLOSE_TRIES, CONNECT_TRIES, LONGEST_CLOSE_DELAY, SFU_CALL, sfu_requests};
use crate::signalling::{Backoff, Calls, Failure, Method, Reply, RequestId, Response, SignallingError};
use crate::wire::cloudflare::{
    DataChannel, DataChannels, Establish, Established, Location, NewSession, SessionState, code, path,
};
use crate::{ChannelName, Config, Delivery, EndReason, SessionId, Stage, Topic, TransportId};

/// Channels in one request at most.
const BATCH: usize = 64;

const CREATE: Stage = Stage::Contact("the SFU's API does not answer (is the URL right, and the server up?)");

const ESTABLISH: Stage = Stage::Signalling("the SFU's API made a session but does not answer its offer");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Created,
    Connecting,
    Up,
}

#[derive(Debug)]
enum Call {
    Create,
    Establish,
    Allocate(Vec<ChannelId>),
    /// Looks up what became of an allocation without an answer.
    Reconcile(Vec<ChannelId>),
    Close(Vec<StreamId>),
}

/// One API session.
pub(super) struct ApiSession {
    api: Api,
    transport: TransportId,
    /// Of the transport, once it is needed.
    offer: Option<String>,
    state: State,
    id: Option<SessionId>,
    deadline: Instant,
    started: Instant,
    last_error: Option<SignallingError>,
    calls: Calls<Call>,
    channels: HashMap<ChannelId, Channel>,
    streams: HashMap<StreamId, ChannelId>,
    acks: HashMap<StreamId, Ack>,
    /// Allocated on the SFU and no longer wanted.
    unwanted: Vec<StreamId>,
    /// Closing has failures of its own, so that what is wanted does not wait for what is not.
    closing: Backoff,
    /// Nothing is closed before this time.
    close_at: Instant,
    /// Allocations whose outcome is unknown.
    unknown: Vec<ChannelId>,
}

impl ApiSession {
    pub(super) fn new(config: &Config, transport: TransportId, attempt: &Attempt) -> ApiSession {
        let number = (u64::from(attempt.number) << 32) + transport.index() as u64;
        ApiSession {
            api: Api::new(config),
            transport,
            offer: None,
            state: State::New,
            id: None,
            deadline: attempt.now + config.connect_timeout.min(Config::TIMEOUTS.1),
            started: attempt.now,
            last_error: None,
            calls: Calls::new(Api::DIALECT, attempt.seed ^ number).with_rate(sfu_requests(attempt.now)),
            channels: HashMap::new(),
            streams: HashMap::new(),
            acks: HashMap::new(),
            unwanted: Vec::new(),
            closing: Backoff::up_to(LONGEST_CLOSE_DELAY),
            close_at: attempt.now,
            unknown: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> Option<&SessionId> {
        self.id.as_ref()
    }

    pub(super) fn is_open(&self, channel: ChannelId) -> bool {
        self.channels.get(&channel).is_some_and(Channel::is_open)
    }

    pub(super) fn awaits(&self, call: RequestId) -> bool {
        self.calls.awaits(call)
    }

    /// Wants a channel; `publisher` makes it a subscription to that session's.
    pub(super) fn want(
        &mut self,
        now: Instant,
        channel: ChannelId,
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
        self.channels.insert(channel, Channel::new(entry, delivery, now));
    }

    pub(super) fn unwant(&mut self, cx: &mut Context<'_>, channel: ChannelId) {
        let Some(channel) = self.channels.remove(&channel) else { return };
        if let ChannelState::Opening(stream) | ChannelState::Open(stream) = channel.state {
            self.streams.remove(&stream);
            self.acks.remove(&stream);
            cx.close_stream(self.stream(stream));
            self.unwanted.push(stream);
        }
    }

    pub(super) fn transport_up(&mut self, cx: &mut Context<'_>) {
        if self.state == State::Connecting {
            self.state = State::Up;
            self.calls.succeeded();
            cx.up(self.transport);
        }
    }

    pub(super) fn opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        let Some(id) = self.streams.get(&stream.id).copied() else { return };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.state = ChannelState::Open(stream.id);
        channel.backoff.succeeded();
        channel.told = false;
        if channel.entry.wait_for_ack == Some(true) {
            self.acks.insert(stream.id, Ack::due(cx.now(), channel.delivery));
        }
        cx.attach(id, stream);
    }

    pub(super) fn closed(&mut self, cx: &mut Context<'_>, stream: StreamId) {
        self.acks.remove(&stream);
        let Some(id) = self.streams.remove(&stream) else { return };
        self.put_off(cx.now(), id);
    }

    /// A message came on a stream, so the SFU's gate is open.
    pub(super) fn heard(&mut self, stream: StreamId) {
        if !self.acks.is_empty() {
            self.acks.remove(&stream);
        }
    }

    pub(super) fn answered(&mut self, cx: &mut Context<'_>, id: RequestId, answer: Result<Response, Failure>) {
        let Some((call, reply)) = self.calls.answered(id, answer) else { return };
        match call {
            Call::Create => self.created(cx, &reply),
            Call::Establish => match cx.read::<Established>(self.transport, &reply) {
                Ok(answer) => self.accept(cx, &reply, answer),
                Err(error) => {
                    if error.is_outcome_unknown() {
                        // The SFU may have bound the session to this offer: start over with another.
                        cx.restart(self.transport);
                        (self.offer, self.id, self.state) = (None, None, State::New);
                    }
                    self.connect_failed(cx, error);
                }
            },
            Call::Allocate(ids) => match cx.read::<DataChannels>(self.transport, &reply) {
                Ok(answer) => self.allocated(cx, &ids, answer, &reply),
                Err(error) if error.is_outcome_unknown() => {
                    if error.is_foreign() {
                        self.tell_trouble(cx, &ids, &error);
                    }
                    self.unknown = ids;
                }
                Err(error) if error.is_session_gone() => cx.end(EndReason::Api(error)),
                Err(error) => ids.iter().for_each(|id| self.channel_failed(cx, *id, &error)),
            },
            Call::Reconcile(ids) => match cx.read::<SessionState>(self.transport, &reply) {
                Ok(state) => self.reconciled(cx, &ids, &state, &reply),
                Err(error) if error.is_session_gone() => cx.end(EndReason::Api(error)),
                Err(error) => {
                    if error.is_foreign() {
                        self.tell_trouble(cx, &ids, &error);
                    }
                    self.unknown = ids;
                    self.calls.failed(cx.now());
                }
            },
            Call::Close(streams) => match cx.read::<DataChannels>(self.transport, &reply) {
                // Per item only "no such channel" is possible, which is what was wanted.
                Ok(_) => {
                    self.calls.succeeded();
                    self.closing.succeeded();
                }
                Err(error) if error.is_session_gone() => cx.end(EndReason::Api(error)),
                Err(error)
                    if error.is_foreign() || (error.is_retryable() && self.closing.attempts() + 1 < CLOSE_TRIES) =>
                {
                    self.unwanted.extend(streams);
                    self.close_at = self.calls.delay(cx.now(), &mut self.closing);
                }
                // What is to be closed next has tries of its own.
                Err(_) => self.closing.succeeded(),
            },
        }
    }

    fn created(&mut self, cx: &mut Context<'_>, reply: &Reply) {
        match cx.read::<NewSession>(self.transport, reply) {
            Ok(answer) => match SessionId::new(&answer.session_id) {
                Some(id) => {
                    (self.id, self.state) = (Some(id), State::Created);
                    self.calls.succeeded();
                }
                None => cx.end(EndReason::Api(reply.garbage())),
            },
            Err(error) => self.connect_failed(cx, error),
        }
    }

    fn accept(&mut self, cx: &mut Context<'_>, reply: &Reply, answer: Established) {
        let sdp = answer.session_description.filter(|description| description.kind == "answer");
        let Some(answer) = sdp else { return cx.end(EndReason::Api(reply.garbage())) };
        if let Err(error) = cx.accept_answer(self.transport, &answer.sdp) {
            return cx.end(EndReason::Api(reply.description(error)));
        }
        self.state = State::Connecting;
        self.calls.succeeded();
    }

    /// A call before the session is up has failed: try again within bounds, or give up.
    fn connect_failed(&mut self, cx: &mut Context<'_>, error: SignallingError) {
        if !error.is_retryable() || self.calls.failures() + 1 >= CONNECT_TRIES {
            return cx.end(EndReason::Api(error));
        }
        self.calls.failed(cx.now());
        self.last_error = Some(error);
    }

    fn channel_failed(&mut self, cx: &mut Context<'_>, id: ChannelId, error: &SignallingError) {
        let retrying = error.is_retryable() || error.is_foreign();
        if !self.channels.contains_key(&id) {
            return;
        }
        cx.note(error);
        match retrying {
            true => self.put_off(cx.now(), id),
            false => self.set(id, ChannelState::Failed),
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if !std::mem::replace(&mut channel.told, true) || !retrying {
            cx.trouble(id, error.clone(), retrying);
        }
    }

    /// Tells of each channel what it waits for, once in a streak of failures.
    fn tell_trouble(&mut self, cx: &mut Context<'_>, ids: &[ChannelId], error: &SignallingError) {
        for id in ids {
            let Some(channel) = self.channels.get_mut(id) else { continue };
            if !std::mem::replace(&mut channel.told, true) {
                cx.trouble(*id, error.clone(), true);
            }
        }
    }

    fn set(&mut self, id: ChannelId, state: ChannelState) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.state = state;
        }
    }

    /// The channel is to be asked for again, a little later each time.
    fn put_off(&mut self, now: Instant, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.state = ChannelState::Wanted(self.calls.delay(now, &mut channel.backoff));
        }
    }

    fn allocated(&mut self, cx: &mut Context<'_>, ids: &[ChannelId], answer: DataChannels, reply: &Reply) {
        self.calls.succeeded();
        let mut items: Vec<Option<DataChannel>> = answer.data_channels.into_iter().map(Some).collect();
        for (index, id) in ids.iter().enumerate() {
            // Items are matched by name; one without a name by its place.
            let place = self.channels.get(id).and_then(|channel| {
                items.iter().position(|item| item.as_ref().is_some_and(|item| channel.is_named_by(item)))
            });
            let item = items.get_mut(place.unwrap_or(index)).and_then(Option::take);
            match item {
                Some(DataChannel { error_code: Some(code), .. }) if code == code::REPEATED_LOCAL_TRACK => {
                    // A former try got through after all.
                    self.unknown.push(*id);
                }
                Some(DataChannel { error_code: Some(code), error_description, .. }) => {
                    self.channel_failed(cx, *id, &reply.refused(200, &code, error_description.as_deref()));
                }
                Some(DataChannel { id: Some(stream), .. }) => self.open(cx, *id, stream, reply),
                _ => self.channel_failed(cx, *id, &reply.garbage()),
            }
        }
    }

    fn open(&mut self, cx: &mut Context<'_>, id: ChannelId, stream: StreamId, reply: &Reply) {
        let Some(channel) = self.channels.get_mut(&id) else {
            // No longer wanted when the answer came.
            self.unwanted.push(stream);
            return;
        };
        match cx.open(SctpStream { transport: self.transport, id: stream }, channel.delivery) {
            Ok(()) => {
                channel.state = ChannelState::Opening(stream);
                self.streams.insert(stream, id);
            }
            Err(_) => self.channel_failed(cx, id, &reply.garbage()),
        }
    }

    fn reconciled(&mut self, cx: &mut Context<'_>, ids: &[ChannelId], state: &SessionState, reply: &Reply) {
        self.calls.succeeded();
        for id in ids {
            let Some(channel) = self.channels.get(id) else { continue };
            let known = state.data_channels.iter().find(|item| channel.is_named_by(item)).and_then(|item| item.id);
            match known.filter(|stream| !self.streams.contains_key(stream)) {
                Some(stream) => self.open(cx, *id, stream, reply),
                None => self.put_off(cx.now(), *id),
            }
        }
    }

    /// Everything that waits for time or for a free call; answers when to look again.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if self.state != State::Up && cx.now() >= self.deadline {
            self.timed_out(cx);
            return None;
        }
        let acks = self.send_acks(cx);
        let call = self.start_call(cx);
        let deadline = (self.state != State::Up).then_some(self.deadline);
        [acks, call, deadline].into_iter().flatten().min()
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) {
        let stage = match self.state {
            State::New => CREATE,
            State::Created => ESTABLISH,
            State::Connecting | State::Up => cx.stage(self.transport),
        };
        cx.end(match self.last_error.take() {
            Some(error) => EndReason::Api(error),
            None => EndReason::TimedOut { stage, after: self.deadline.saturating_duration_since(self.started) },
        });
    }

    fn send_acks(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let (now, transport) = (cx.now(), self.transport);
        self.acks.retain(|stream, ack| {
            // What is published before it arrives is lost, so it does not wait for room.
            ack.at > now || !ack.tried(now, cx.send_uncounted(SctpStream { transport, id: *stream }, true, &[1]))
        });
        self.acks.values().map(|ack| ack.at).min()
    }

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = cx.now();
        let ready = self.calls.ready_at(now)?;
        let due = match self.state {
            State::New | State::Created => Some(now),
            State::Up if !self.unknown.is_empty() => Some(now),
            State::Up => {
                let close = (!self.unwanted.is_empty()).then_some(self.close_at);
                self.channels.values().filter_map(Channel::wanted_at).chain(close).min()
            }
            State::Connecting => None,
        };
        let at = due?.max(ready);
        if at > now {
            return Some(at);
        }
        let call = self.next_call(now);
        self.make(cx, call);
        None
    }

    fn next_call(&mut self, now: Instant) -> Call {
        match self.state {
            State::New => Call::Create,
            State::Created => Call::Establish,
            _ if !self.unknown.is_empty() => Call::Reconcile(std::mem::take(&mut self.unknown)),
            _ if !self.unwanted.is_empty() && self.close_at <= now => Call::Close(std::mem::take(&mut self.unwanted)),
            _ => {
                let due = |(id, channel): (&ChannelId, &Channel)| {
                    channel.wanted_at().is_some_and(|at| at <= now).then_some(*id)
                };
                let mut ids: Vec<ChannelId> = self.channels.iter().filter_map(due).collect();
                ids.sort_unstable();
                ids.truncate(BATCH);
                ids.iter().for_each(|id| self.set(*id, ChannelState::Allocating));
                Call::Allocate(ids)
            }
        }
    }

    fn make(&mut self, cx: &mut Context<'_>, call: Call) {
        let is_retry = self.asks_again(&call);
        let timeout = match self.state {
            State::Up => SFU_CALL,
            _ => SFU_CALL.min(self.deadline.saturating_duration_since(cx.now())),
        };
        let of_session = |method, action: &str| match &self.id {
            Some(session) => self.api.session_request(method, session, action, timeout),
            None => self.api.request(method, path::NEW_SESSION, timeout),
        };
        let request = match &call {
            Call::Create => self.api.request(Method::POST, path::NEW_SESSION, timeout),
            Call::Establish => {
                let offer = self.offer.get_or_insert_with(|| cx.offer(self.transport)).clone();
                of_session(Method::POST, path::ESTABLISH).with_json(&Establish::with_offer(offer))
            }
            Call::Allocate(ids) => {
                let entries = ids.iter().filter_map(|id| self.channels.get(id)).map(|c| c.entry.clone());
                of_session(Method::POST, path::OPEN).with_json(&DataChannels { data_channels: entries.collect() })
            }
            Call::Reconcile(_) => of_session(Method::GET, ""),
            Call::Close(streams) => of_session(Method::PUT, path::CLOSE).with_json(&DataChannels::closing(streams)),
        };
        cx.call(&mut self.calls, call, self.transport, request, is_retry);
    }

    /// Whether a call is for what an earlier one did not get, or what the SFU took back.
    fn asks_again(&self, call: &Call) -> bool {
        match call {
            Call::Create | Call::Establish => self.calls.failures() > 0,
            Call::Close(_) => self.closing.attempts() > 0,
            Call::Allocate(ids) => {
                ids.iter().filter_map(|id| self.channels.get(id)).any(|channel| channel.backoff.attempts() > 0)
            }
            Call::Reconcile(_) => true,
        }
    }

    fn stream(&self, id: StreamId) -> SctpStream {
        SctpStream { transport: self.transport, id }
    }
}
