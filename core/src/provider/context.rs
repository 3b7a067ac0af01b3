//! What a provider can do.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::errand::{BrokerError, ErrandDone, ErrandId};
use super::session::{SessionEvent, SessionOutput};
use super::transports::Transports;
use super::{ChannelId, SctpStream};
use crate::clock::WallClock;
use crate::link::{LinkError, PLACEHOLDER, StreamId};
use crate::signalling::{Calls, MAX_LINE, Reply, Request, RequestId, SignallingError, StreamCommand, StreamKey};
use crate::{ConnectionEvent, Delivery, EndReason, LastError, Payload, Stage, TransportId};

/// The connection, as its [`Provider`](super::Provider) sees it.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) now: Instant,
    pub(super) state: &'a mut State,
}

/// What a [`Context`] works on.
#[derive(Debug)]
pub(super) struct State {
    pub(super) transports: Transports,
    pub(super) clock: WallClock,
    pub(super) outbox: VecDeque<SessionOutput>,
    pub(super) trouble: Option<LastError>,
    /// Of the next request or stream of lines. No session has ids of another one.
    pub(super) next_id: u64,
    pub(super) stream: Option<StreamKey>,
    /// The provider may have something to do.
    pub(super) is_awake: bool,
    pub(super) is_up: bool,
    /// It is over, and that was told.
    pub(super) is_over: bool,
}

impl Context<'_> {
    /// The present time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The time of day, in seconds since 1970. It does not jump while
    /// [`Provider::keeps_clock`](super::Provider::keeps_clock).
    pub fn unix(&self) -> f64 {
        self.state.clock.unix(self.now)
    }

    /// Has [`Provider::advance`](super::Provider::advance) called soon.
    pub fn wake(&mut self) {
        self.state.is_awake = true;
    }

    /// An SDP offer of a transport, with the placeholder channel on stream 100. To be asked for once, or once after
    /// each [`Context::restart`].
    pub fn offer(&mut self, transport: TransportId) -> String {
        self.offer_with(transport, PLACEHOLDER)
    }

    /// [`Context::offer`] with the placeholder channel on another stream.
    pub fn offer_with(&mut self, transport: TransportId, placeholder: StreamId) -> String {
        let transport = self.state.transports.of(transport);
        transport.placeholder = Some(placeholder);
        transport.link.offer_with(placeholder)
    }

    /// Takes the far end's answer to a transport's offer.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn accept_answer(&mut self, transport: TransportId, sdp: &str) -> Result<(), LinkError> {
        let link = &mut self.state.transports.of(transport).link;
        link.accept_answer(sdp)?;
        link.handle_timeout(self.now);
        Ok(())
    }

    /// The answer to the far end's offer, for a transport of which no offer was made here.
    ///
    /// # Errors
    /// When the offer cannot be answered.
    pub fn answer(&mut self, transport: TransportId, sdp: &str) -> Result<String, LinkError> {
        let transport = self.state.transports.of(transport);
        let answer = transport.link.answer(sdp)?;
        transport.placeholder = Some(PLACEHOLDER);
        transport.link.open(self.now, PLACEHOLDER, Delivery::RELIABLE)?;
        Ok(answer)
    }

    /// The answer to an offer that the far end makes to change a transport that is there.
    ///
    /// # Errors
    /// When the offer changes the data's transport; it then goes on as it was.
    pub fn answer_again(&mut self, transport: TransportId, sdp: &str) -> Result<String, LinkError> {
        self.state.transports.of(transport).link.answer_again(sdp)
    }

    /// Starts a transport over, with a new offer: the far end may hold the one before for somebody else's. What was attached
    /// to its streams is not any more, and is told so.
    pub fn restart(&mut self, transport: TransportId) {
        for channel in self.state.transports.restart(transport, self.now) {
            self.tell_session(SessionEvent::Closed(channel));
        }
    }

    /// Opens a channel on a stream, which both ends do. [`Provider::channel_opened`](super::Provider::channel_opened)
    /// follows.
    ///
    /// # Errors
    /// While a channel with this number exists.
    pub fn open(&mut self, stream: SctpStream, delivery: Delivery) -> Result<(), LinkError> {
        self.state.transports.of(stream.transport).link.open(self.now, stream.id, delivery)
    }

    /// Closes a channel at both ends. What was attached to it is not any more, and is told so.
    pub fn close_stream(&mut self, stream: SctpStream) {
        self.state.transports.of(stream.transport).link.close_channel(stream.id);
        for channel in self.state.transports.detach(stream) {
            self.tell_session(SessionEvent::Closed(channel));
        }
    }

    /// Lets a topic use a stream that is open, until it is closed.
    pub fn attach(&mut self, channel: ChannelId, stream: SctpStream) {
        self.state.transports.attach(channel, stream);
        self.tell_session(SessionEvent::Opened(channel));
    }

    /// Sends a message of the provider's own, at once. `false`: there is no room for it now, and it is not sent.
    pub fn send(&mut self, stream: SctpStream, binary: bool, bytes: &[u8]) -> bool {
        let link = &mut self.state.transports.of(stream.transport).link;
        link.has_room(stream.id, bytes.len()) && self.send_now(stream, binary, bytes)
    }

    /// [`Context::send`], even when what was sent before fills the window.
    pub fn send_now(&mut self, stream: SctpStream, binary: bool, bytes: &[u8]) -> bool {
        let is_sent = self.send_uncounted(stream, binary, bytes);
        if is_sent {
            self.state.transports.of(stream.transport).note_sent(bytes.len());
        }
        is_sent
    }

    /// [`Context::send_now`] for what is nobody's message, and does not count as one.
    pub(super) fn send_uncounted(&mut self, stream: SctpStream, binary: bool, bytes: &[u8]) -> bool {
        let link = &mut self.state.transports.of(stream.transport).link;
        let is_sent = link.write(self.now, stream.id, binary, Bytes::copy_from_slice(bytes)).is_ok();
        link.flush();
        is_sent
    }

    /// Hands a message to whoever subscribes to a channel's topic, as if it had come.
    pub fn deliver(&mut self, channel: ChannelId, payload: Payload) {
        self.tell_session(SessionEvent::Message(channel, payload));
    }

    /// Makes a request, whose id is given here. It counts as one of this transport's session, and as a repetition if
    /// it asks for what an earlier one did not get. [`Provider::answered`](super::Provider::answered) follows.
    pub fn request(&mut self, of: TransportId, mut request: Request, is_retry: bool) -> RequestId {
        request.id = self.fresh_request();
        let id = request.id;
        self.issue(of, request, is_retry);
        id
    }

    /// [`Context::request`], noted among a provider's calls.
    pub fn call<C>(&mut self, calls: &mut Calls<C>, call: C, of: TransportId, mut request: Request, is_retry: bool) {
        request.id = self.fresh_request();
        calls.started(self.now, &request, call);
        self.issue(of, request, is_retry);
    }

    /// Makes a request of which nobody hears any more, at the end of a connection.
    pub fn farewell(&mut self, of: TransportId, mut request: Request) {
        (request.id, request.is_farewell) = (self.fresh_request(), true);
        self.issue(of, request, false);
    }

    fn fresh_request(&mut self) -> RequestId {
        let id = RequestId(self.state.next_id);
        self.state.next_id += 1;
        id
    }

    fn issue(&mut self, of: TransportId, request: Request, is_retry: bool) {
        let counted = &mut self.state.transports.of(of).counted;
        counted.requests += 1;
        counted.requests_retried += u64::from(is_retry);
        self.state.outbox.push_back(SessionOutput::Http(Box::new(request)));
    }

    /// Reads a reply, and counts one that is of no use.
    ///
    /// # Errors
    /// As for [`Reply::read`].
    pub fn read<T: DeserializeOwned>(&mut self, of: TransportId, reply: &Reply) -> Result<T, SignallingError> {
        self.noted(of, reply.read())
    }

    /// [`Context::read`] for what may be a JSON array as well.
    ///
    /// # Errors
    /// As for [`Reply::read`].
    pub fn read_list<T: DeserializeOwned>(&mut self, of: TransportId, reply: &Reply) -> Result<T, SignallingError> {
        self.noted(of, reply.read_list())
    }

    fn noted<T>(&mut self, of: TransportId, answer: Result<T, SignallingError>) -> Result<T, SignallingError> {
        if let Err(error) = &answer {
            self.state.transports.of(of).counted.requests_failed += 1;
            self.note(error);
        }
        answer
    }

    /// Remembers something that went wrong, for [`Stats`](crate::Stats).
    pub fn note(&mut self, what: &dyn Display) {
        self.state.trouble = Some(LastError::new(self.now, &what));
    }

    /// Opens the connection's stream of lines, of which it has one: one that was there before is closed, and no event
    /// of it follows.
    pub fn stream_connect(&mut self, url: &str) {
        let stream = StreamKey(self.fresh_request().0);
        self.state.stream = Some(stream);
        self.state.outbox.push_back(SessionOutput::Stream(StreamCommand::Connect { stream, url: url.to_owned() }));
    }

    /// Sends a line, even before the stream is open. `false`: there is no stream, the line is longer than
    /// [`MAX_LINE`], or it holds a line feed.
    pub fn stream_send(&mut self, line: &str) -> bool {
        let Some(stream) = self.state.stream.filter(|_| line.len() <= MAX_LINE && !line.contains('\n')) else {
            return false;
        };
        self.state.outbox.push_back(SessionOutput::Stream(StreamCommand::Send { stream, line: line.to_owned() }));
        true
    }

    /// Closes the stream when what was sent before is out. No event follows.
    pub fn stream_close(&mut self) {
        if let Some(stream) = self.state.stream.take() {
            self.state.outbox.push_back(SessionOutput::Stream(StreamCommand::Close { stream }));
        }
    }

    /// Whether the connection is over.
    pub fn is_over(&self) -> bool {
        self.state.is_over
    }

    /// The round trip to the far end of a transport, by its latest connectivity check.
    pub fn round_trip(&self, transport: TransportId) -> Option<Duration> {
        self.state.transports.peek(transport).link.round_trip()
    }

    /// How far a transport that does not come up has come.
    pub fn stage(&mut self, transport: TransportId) -> Stage {
        Stage::of_transport(&self.state.transports.of(transport).link)
    }

    /// A transport is of use: topics can have their channels on it. The connection is up when all its transports are.
    pub fn up(&mut self, transport: TransportId) {
        if self.state.is_over {
            return;
        }
        self.state.transports.of(transport).is_up = true;
        if !self.state.is_up && self.state.transports.are_up() {
            self.state.is_up = true;
            self.tell_session(SessionEvent::Up);
        }
    }

    /// The connection is over. The first reason stands.
    pub fn end(&mut self, reason: EndReason) {
        if !std::mem::replace(&mut self.state.is_over, true) {
            self.state.transports.note_down();
            self.tell_session(SessionEvent::Ended(reason));
        }
    }

    /// Tells the users of the connection who came or went, what is with the clocks, and what a person has to see to.
    /// That it is up, lost or over is told without this.
    pub fn tell(&mut self, event: impl Into<ConnectionEvent>) {
        self.tell_session(SessionEvent::Told(event.into()));
    }

    /// Tells what came of an errand.
    pub fn errand_done(&mut self, id: ErrandId, outcome: Result<ErrandDone, BrokerError>) {
        self.tell_session(SessionEvent::ErrandDone(id, outcome));
    }

    /// The emergency stop was pressed at the far end: what was commanded before it counts no more.
    pub fn emergency_stop(&mut self) {
        self.tell_session(SessionEvent::EmergencyStop);
    }

    /// A channel is not to be had. To be told once for a streak of failures; `retrying`: it is still being tried.
    pub fn trouble(&mut self, channel: ChannelId, error: SignallingError, retrying: bool) {
        self.tell_session(SessionEvent::Trouble(channel, error, retrying));
    }

    fn tell_session(&mut self, event: SessionEvent) {
        self.state.outbox.push_back(SessionOutput::Event(event));
    }
}
