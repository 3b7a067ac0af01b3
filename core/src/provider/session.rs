//! One attempt to connect, whatever the provider: its transports, its signalling, and the channels in between.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::context::State;
use super::errand::{BrokerError, Errand, ErrandDone, ErrandId};
use super::transports::{Transports, Way};
use super::{Attempt, ChannelId, Context, Dial, Provider, SctpStream, Verdict};
use crate::clock::{ClockEstimate, StampClock, WallClock};
use crate::link::{Certificate, LinkEnd, LinkEvent, LinkOutput, LocalAddress};
use crate::signalling::{Failure, Request, RequestId, Response, SignallingError, StreamCommand, StreamEvent};
use crate::wire::teleop::DriveCounts;
use crate::{
    ConnectionEvent, Delivery, Direction, EndReason, IceServer, LastError, Payload, SessionId, SessionStats, Stage,
    Topic, TopicError, TransportId,
};

/// What a session wants done.
#[derive(Debug)]
pub(crate) enum SessionOutput {
    Transmit(TransportId, SocketAddr, Vec<u8>),
    /// Boxed, since messages are handed on as this too, and a request is by far the largest.
    Http(Box<Request>),
    Stream(StreamCommand),
    Event(SessionEvent),
    /// The time of the next timer, and whether it is a transport's.
    WaitUntil(Option<Instant>, bool),
}

/// What happened to a session.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    Up,
    Opened(ChannelId),
    Message(ChannelId, Payload),
    /// The channel, which was open, is closed, and may open again.
    Closed(ChannelId),
    /// The channel is not to be had, told once for a streak of failures; `true`: it is still being tried.
    Trouble(ChannelId, SignallingError, bool),
    Told(ConnectionEvent),
    ErrandDone(ErrandId, Result<ErrandDone, BrokerError>),
    EmergencyStop,
    Ended(EndReason),
}

/// One attempt to connect.
pub(crate) struct Session {
    provider: Box<dyn Provider>,
    state: State,
    started: Instant,
    /// The latest time that was told.
    latest: Instant,
    /// Whose request and stream ids are this session's: their upper half.
    generation: u64,
    publishing: TransportId,
    subscribing: TransportId,
    next_advance: Option<Instant>,
}

impl Session {
    /// `local` holds the addresses of the transports' sockets.
    pub(crate) fn new(
        dial: &Dial,
        attempt: &Attempt,
        local: &[LocalAddress],
        certificate: Option<Certificate>,
    ) -> Session {
        let connect = dial.connect();
        let provider = connect.provider(attempt);
        let generation = u64::from(attempt.number);
        let state = State {
            transports: Transports::new(connect.transports(), dial.engine(), local, certificate, attempt.now),
            clock: WallClock::new(attempt.now, Duration::ZERO),
            outbox: VecDeque::new(),
            trouble: None,
            next_id: generation << 32,
            stream: None,
            is_awake: true,
            is_up: false,
            is_over: false,
        };
        Session {
            publishing: provider.transport(Direction::Publish),
            subscribing: provider.transport(Direction::Subscribe),
            provider,
            state,
            started: attempt.now,
            latest: attempt.now,
            generation,
            next_advance: None,
        }
    }

    pub(crate) fn admits(&self, direction: Direction, topic: &Topic, asked: Delivery) -> Result<Delivery, TopicError> {
        self.provider.admits(direction, topic, asked)
    }

    pub(crate) fn loops_back(&self) -> bool {
        self.provider.loops_back()
    }

    pub(crate) fn queues_until_open(&self) -> bool {
        self.provider.queues_until_open()
    }

    pub(crate) fn want(
        &mut self,
        now: Instant,
        channel: ChannelId,
        direction: Direction,
        topic: &Topic,
        delivery: Delivery,
    ) {
        self.with(now, |provider, cx| provider.want(cx, channel, direction, topic, delivery));
    }

    pub(crate) fn unwant(&mut self, channel: ChannelId) {
        self.state.transports.forget(channel);
        self.with(self.latest, |provider, cx| provider.unwant(cx, channel));
    }

    /// How a channel's messages go.
    pub(crate) fn way(&mut self, channel: ChannelId) -> Way<'_> {
        self.state.transports.way(channel, self.publishing)
    }

    /// Takes a datagram from a transport's socket. `false`: it was not for this connection.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        transport: TransportId,
        source: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let transport = self.state.transports.of(transport);
        let is_taken = transport.link.handle_datagram(now, source, datagram);
        if is_taken {
            transport.counted.datagrams_received += 1;
            transport.counted.datagram_bytes_received += datagram.len() as u64;
        } else {
            transport.counted.strays += 1;
        }
        is_taken
    }

    /// Takes the answer to a request; one to an earlier session's is ignored.
    pub(crate) fn handle_response(&mut self, now: Instant, id: RequestId, answer: Result<Response, Failure>) {
        if id.0 >> 32 == self.generation {
            self.with(now, |provider, cx| provider.answered(cx, id, answer));
        }
    }

    /// Asks the server for something.
    pub(crate) fn errand(&mut self, now: Instant, id: ErrandId, errand: Errand) {
        self.with(now, |provider, cx| provider.errand(cx, id, errand));
    }

    /// Takes what happened to the stream of lines; an earlier one's events are ignored.
    pub(crate) fn handle_stream(&mut self, now: Instant, event: StreamEvent) {
        if self.state.stream != Some(event.stream()) {
            return;
        }
        if let StreamEvent::Closed { .. } = event {
            self.state.stream = None;
        }
        self.with(now, |provider, cx| provider.stream_event(cx, event));
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for id in self.state.transports.ids() {
            self.state.transports.of(id).link.handle_timeout(now);
        }
    }

    /// Says what to do. To be called until it answers [`SessionOutput::WaitUntil`].
    pub(crate) fn poll(&mut self, now: Instant) -> SessionOutput {
        self.latest = now;
        'again: loop {
            if let Some(output) = self.state.outbox.pop_front() {
                return output;
            }
            let mut transports = None::<Instant>;
            for id in self.state.transports.ids() {
                let transport = self.state.transports.of(id);
                match transport.link.poll(now) {
                    LinkOutput::Transmit(to, datagram) => {
                        transport.counted.datagrams_sent += 1;
                        transport.counted.datagram_bytes_sent += datagram.len() as u64;
                        return SessionOutput::Transmit(id, to, datagram);
                    }
                    LinkOutput::Event(event) => {
                        self.handle_link_event(now, id, event);
                        continue 'again;
                    }
                    LinkOutput::WaitUntil(at) => transports = earlier(transports, at),
                }
            }
            let is_due = self.next_advance.is_some_and(|at| at <= now);
            if !self.state.is_over && (std::mem::take(&mut self.state.is_awake) || is_due) {
                self.next_advance = self.provider.advance(&mut Context { now, state: &mut self.state });
                continue;
            }
            let advance = self.next_advance.filter(|_| !self.state.is_over);
            return match (transports, advance) {
                (Some(at), Some(advance)) if advance < at => SessionOutput::WaitUntil(Some(advance), false),
                (None, advance) => SessionOutput::WaitUntil(advance, false),
                (at, _) => SessionOutput::WaitUntil(at, true),
            };
        }
    }

    /// Ends the connection. `farewell`: for good, so that servers are told as well as the far ends.
    pub(crate) fn close(&mut self, now: Instant, farewell: bool) {
        self.provider.close(&mut Context { now, state: &mut self.state }, farewell);
        self.state.is_over = true;
        self.state.transports.note_down();
        for id in self.state.transports.ids() {
            self.state.transports.of(id).link.close(now);
        }
        Context { now, state: &mut self.state }.stream_close();
    }

    fn handle_link_event(&mut self, now: Instant, transport: TransportId, event: LinkEvent) {
        match event {
            LinkEvent::Connected => {}
            LinkEvent::Opened(id) if self.state.transports.of(transport).placeholder == Some(id) => {
                self.state.transports.of(transport).is_connected = true;
                self.with(now, |provider, cx| provider.transport_up(cx, transport));
            }
            LinkEvent::Opened(id) => {
                self.with(now, |provider, cx| provider.channel_opened(cx, SctpStream { transport, id }));
            }
            LinkEvent::Message(id, payload) => {
                let stream = SctpStream { transport, id };
                let cx = &mut Context { now, state: &mut self.state };
                let verdict = self.provider.message(cx, stream, &payload);
                let transport = self.state.transports.of(transport);
                if transport.placeholder != Some(id) {
                    transport.counted.received += 1;
                    transport.counted.received_bytes += payload.bytes.len() as u64;
                }
                if let (Verdict::Deliver, Some(channel)) = (verdict, transport.channel(id)) {
                    self.state.outbox.push_back(SessionOutput::Event(SessionEvent::Message(channel, payload)));
                }
            }
            LinkEvent::Closed(id) => {
                let stream = SctpStream { transport, id };
                for channel in self.state.transports.detach(stream) {
                    self.state.outbox.push_back(SessionOutput::Event(SessionEvent::Closed(channel)));
                }
                self.with(now, |provider, cx| provider.channel_closed(cx, stream));
            }
            LinkEvent::Ended(why) => {
                let reason = self.reason(now, transport, why);
                self.with(now, |provider, cx| provider.transport_ended(cx, transport, reason));
            }
        }
    }

    /// What a connection ends with whose transport ended so.
    fn reason(&mut self, now: Instant, transport: TransportId, why: LinkEnd) -> EndReason {
        let transport = self.state.transports.of(transport);
        match why {
            LinkEnd::Lost if !transport.is_connected => EndReason::TimedOut {
                stage: Stage::of_transport(&transport.link),
                after: now.saturating_duration_since(self.started),
            },
            LinkEnd::Local => EndReason::Closed,
            why => EndReason::Transport(why),
        }
    }

    /// Tells the provider something, unless the connection is over.
    fn with(&mut self, now: Instant, tell: impl FnOnce(&mut dyn Provider, &mut Context<'_>)) {
        if !self.state.is_over {
            tell(&mut *self.provider, &mut Context { now, state: &mut self.state });
            self.state.is_awake = true;
        }
    }

    pub(crate) fn set_clock(&mut self, clock: WallClock) {
        self.state.clock = clock;
    }

    pub(crate) fn session_id(&self) -> Option<&SessionId> {
        self.provider.session_id()
    }

    /// The counters of the transports that publish and subscribe; further ones count as publishing. If one does both, it
    /// counts as publishing, and as subscribing only whether it is up.
    pub(crate) fn stats(&self) -> [SessionStats; 2] {
        let mut publish = self.state.transports.peek(self.publishing).stats();
        for further in self.state.transports.ids().filter(|id| *id != self.publishing && *id != self.subscribing) {
            publish.add_further(&self.state.transports.peek(further).stats());
        }
        let subscribe = match self.publishing == self.subscribing {
            true => SessionStats { up: publish.up, ..SessionStats::default() },
            false => self.state.transports.peek(self.subscribing).stats(),
        };
        [publish, subscribe]
    }

    /// The last thing that went wrong.
    pub(crate) fn trouble(&self) -> Option<&LastError> {
        self.state.trouble.as_ref()
    }

    pub(crate) fn ice_servers(&self) -> &[IceServer] {
        self.provider.ice_servers()
    }

    pub(crate) fn watches(&self) -> bool {
        self.provider.watches()
    }

    pub(crate) fn far_clock(&self, now: Instant) -> Option<ClockEstimate> {
        self.provider.far_clock(now)
    }

    pub(crate) fn drive_counts(&self) -> Option<DriveCounts> {
        self.provider.drive_counts()
    }

    pub(crate) fn keeps_clock(&self) -> bool {
        !self.state.is_over && self.provider.keeps_clock()
    }

    pub(crate) fn stamp_clock(&self, now: Instant) -> Option<StampClock> {
        self.provider.stamp_clock(now)
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    [a, b].into_iter().flatten().min()
}
