//! The robot's end.
//!
//! ```text
//!  turn-credentials ─▶ register ─▶ ICE, DTLS, SCTP ─▶ a heartbeat every second, whose answers open and close the channels
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::admit::admit;
use super::config::RobotConfig;
use super::line::{CALL_TIMEOUT, Credential, Line, LineEvent, Next, garbage};
use crate::clock::{APART, ClockEstimate, ClockNews, OneWay, WallClock};
use crate::cloudflare::ApiError;
use crate::http::{Failure, Method, RequestId, Response};
use crate::link::{Certificate, Link, LinkEnd, LinkError, LocalAddress};
use crate::presence::{OperatorLost, Presence};
use crate::retry::Backoff;
use crate::session::{ChannelKey, Session, SessionEvent, SessionOutput};
use crate::wire::teleop::code::{KEY_REVOKED, ROBOT_PRESENT, SESSION_DISPLACED, TAKEN_OVER, TOKEN_REVOKED};
use crate::wire::teleop::{
    Channel, HeartbeatAnswer, IceServer, IceServers, Kind, OPERATOR_LOST, Party, Received, Register, Registered,
    SdpAnswer, StateMessage, path,
};
use crate::{Delivery, EndReason, LastError, Payload, SessionId, SessionStats, Side, Stage, Topic, TopicError};

/// Heartbeats in a row that are answered 401 or 404 before the session counts as ended.
const MAX_REJECTIONS: u32 = 5;

/// The time that a heartbeat may take.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time for what is only worth having: registering waits for it.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);

/// TURN servers that are kept.
const MAX_ICE_SERVERS: usize = 16;

/// Tries to register before the connection attempt counts as failed.
const REGISTER_TRIES: u32 = 5;

/// The longest message on the state channel that is read here, in bytes.
const MAX_STATE: usize = 4096;

/// The longest time in a ping that is sent back, in bytes.
const MAX_CLIENT_TS: usize = 64;

/// The longest warning of a broker that is passed on, in characters.
const MAX_WARNING: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// TURN servers are to be asked for.
    New,
    Registering,
    Connecting,
    Up,
    Ended,
}

#[derive(Clone, Copy)]
enum Call {
    Turn,
    Register,
    Heartbeat,
    Renegotiate,
}

/// As whom a connection registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    /// Random, and the same for as long as the connection is dialed again.
    pub(crate) id: String,
    /// It was registered before.
    pub(crate) again: bool,
}

/// One registration of a robot, from the offer to the end.
pub(crate) struct RobotSession {
    config: RobotConfig,
    instance: Instance,
    line: Line<Call>,
    state: State,
    started: Instant,
    deadline: Instant,
    not_before: Instant,
    backoff: Backoff,
    rng: Rng,
    last_error: Option<ApiError>,
    next_heartbeat: Instant,
    rejections: u32,
    /// The present streak of failed heartbeats was told.
    is_failing: bool,
    /// The broker's present warning was told.
    is_warned: bool,
    /// The answer to the SFU's offer, to be sent.
    renegotiation: Option<String>,
    ice_servers: Vec<IceServer>,
    /// When the operator was heard last, while it counts as there.
    heard: Option<Instant>,
    /// The operator is gone, and the channels that it had still count for nothing.
    parted: bool,
    operator_clock: OneWay,
    /// That the operator's clock is far off was told.
    is_apart_told: bool,
}

impl RobotSession {
    pub(crate) fn new(
        config: &RobotConfig,
        instance: Instance,
        local: LocalAddress,
        certificate: Option<Certificate>,
        first_request: u64,
        seed: u64,
        now: Instant,
    ) -> RobotSession {
        let credential = Credential::RobotKey(config.key.clone());
        RobotSession {
            instance,
            line: Line::new(&config.url, credential, local, certificate, first_request, now),
            state: State::New,
            started: now,
            deadline: now + config.connect_timeout,
            not_before: now,
            backoff: Backoff::default(),
            rng: Rng::with_seed(seed ^ first_request),
            last_error: None,
            next_heartbeat: now,
            rejections: 0,
            is_failing: false,
            is_warned: false,
            renegotiation: None,
            ice_servers: Vec::new(),
            heard: None,
            parted: false,
            operator_clock: OneWay::default(),
            is_apart_told: false,
            config: config.clone(),
        }
    }

    fn registered(&mut self, now: Instant, answer: &Registered, method: Method, url: &str) {
        if let Err(error) = self.line.link.accept_answer(&answer.sdp_answer) {
            return self.end(EndReason::Api(ApiError::Description { method, url: url.to_owned(), error }));
        }
        match SessionId::new(&answer.session_id) {
            Some(session) => {
                self.line.session = Some(session);
                self.line.link.handle_timeout(now);
                self.state = State::Connecting;
            }
            None => self.end(EndReason::Api(garbage(method, url))),
        }
    }

    fn register_failed(&mut self, now: Instant, error: ApiError) {
        if let Some(why) = cause(&error) {
            self.line.tell(SessionEvent::Presence(Presence::OperatorLost(why)));
        }
        if !error.is_retryable() || self.backoff.attempts() + 1 >= REGISTER_TRIES {
            return self.end(EndReason::Api(error));
        }
        self.not_before = self.backoff.failed(now, &mut self.rng);
        self.last_error = Some(error);
    }

    fn heartbeat_answered(&mut self, now: Instant, answer: Result<HeartbeatAnswer, ApiError>) {
        let error = match answer {
            Ok(answer) => {
                self.rejections = 0;
                self.is_failing = false;
                self.reconcile(now, &answer);
                self.warn(answer.warning.as_deref());
                return self.renegotiate(now, answer.renegotiate_offer.as_deref());
            }
            Err(error) => error,
        };
        if let Some(why) = cause(&error) {
            // What only farwire's broker says, it means: no proxy's doing.
            self.operator_lost(why);
            self.line.tell(SessionEvent::Presence(Presence::OperatorLost(why)));
            return self.end(EndReason::Api(error));
        }
        let is_rejected = matches!(error.refusal_status(), Some(401 | 404 | 410));
        self.rejections = if is_rejected { self.rejections + 1 } else { 0 };
        if self.rejections >= MAX_REJECTIONS {
            self.operator_lost(OperatorLost::Rejected);
            return self.end(EndReason::Api(error));
        }
        if !std::mem::replace(&mut self.is_failing, true) {
            self.line.tell(SessionEvent::Failing(error));
        }
    }

    /// Tells what the broker warns of, once for as long as it does.
    fn warn(&mut self, warning: Option<&str>) {
        let was_warned = std::mem::replace(&mut self.is_warned, warning.is_some());
        if let Some(warning) = warning.filter(|_| !was_warned) {
            let printable = warning.chars().filter(|c| !c.is_control()).take(MAX_WARNING).collect();
            self.line.tell(SessionEvent::Warning(printable));
        }
    }

    /// Opens and closes channels as the broker says. The back channel comes before the state channel, so that the first
    /// ping can be answered.
    fn reconcile(&mut self, now: Instant, ids: &HeartbeatAnswer) {
        let why = match ids.operator_ended.as_deref() {
            Some(TOKEN_REVOKED) => OperatorLost::TokenRevoked,
            Some(TAKEN_OVER) => OperatorLost::TakenOver,
            _ => OperatorLost::Left,
        };
        for place in [Channel::Cmd, Channel::Back, Channel::State, Channel::Map] {
            let id = ids.id(place);
            let current = self.line.stream(place);
            if id == current {
                continue;
            }
            if current.is_some() && is_inbound(place) {
                // Another id is another operator, or the same one anew.
                self.operator_lost(why);
            }
            self.line.close_channel(place);
            if let Some(id) = id {
                // A failure shows as an id that is still missing at the next heartbeat.
                let is_open = self.line.open(now, place, id).is_ok();
                self.parted &= !(is_open && is_inbound(place));
            }
        }
        if self.heard.is_none() && why.is_cause() {
            // The SFU was ahead of the broker, and did not know why.
            self.line.tell(SessionEvent::Presence(Presence::OperatorLost(why)));
        }
    }

    /// Answers an offer of the SFU's, which it makes when there is media for the robot. Only data goes on.
    fn renegotiate(&mut self, now: Instant, offer: Option<&str>) {
        match offer.map(|offer| self.line.link.answer_again(offer)) {
            Some(Ok(answer)) => self.renegotiation = Some(answer),
            Some(Err(error)) => self.line.note_trouble(now, &format_args!("the broker's renegotiate_offer: {error}")),
            None => {}
        }
    }

    fn handle_line_event(&mut self, now: Instant, event: LineEvent) {
        match event {
            LineEvent::Up if self.state == State::Connecting => {
                self.state = State::Up;
                self.backoff.succeeded();
                self.next_heartbeat = now;
                self.line.changed = true;
                self.line.tell(SessionEvent::Connected);
            }
            LineEvent::Up => {}
            LineEvent::Opened(place) => {
                self.line.tell_open(place);
                if is_inbound(place) {
                    self.operator_heard(now);
                }
            }
            // What is on its way still from one that is gone is not to move the robot.
            LineEvent::Message(..) if self.parted => {}
            LineEvent::Message(place, payload) => {
                self.operator_heard(now);
                if place == Channel::State {
                    self.read_state(now, &payload);
                }
                self.line.deliver(place, payload);
            }
            // The SFU is ahead of the broker's next heartbeat.
            LineEvent::Closed(Channel::State) => {
                self.operator_lost(OperatorLost::Left);
                // The broker knows why.
                self.next_heartbeat = now;
                self.line.changed = true;
            }
            LineEvent::Closed(_) => {}
            LineEvent::Ended(why) => {
                let reason = match (self.state, why) {
                    (State::Connecting, LinkEnd::Lost) => self.timed_out(now),
                    (_, LinkEnd::Local) => EndReason::Closed,
                    (_, why) => EndReason::Transport(why),
                };
                self.end(reason);
            }
        }
    }

    /// Answers pings at once, reads what the operator says of its clock, and hears of an emergency stop before anybody gets
    /// what was commanded earlier. What is none of these is left alone.
    fn read_state(&mut self, now: Instant, payload: &Payload) {
        let Some(message) = Received::parse(&payload.bytes, MAX_STATE) else { return };
        let unix = self.line.clock.unix(now);
        match (message.kind, message.client_ts) {
            (Some(Kind::Ping), Some(client_ts)) if client_ts.get().len() <= MAX_CLIENT_TS => {
                let pong = StateMessage::Pong { client_ts, robot_ts: unix };
                // One that cannot go is made up for by the next.
                self.line.send_state(now, Channel::Back, &pong);
                if let Ok(sent) = client_ts.get().parse() {
                    self.operator_clock.note(sent, unix);
                    self.compare_clocks();
                }
            }
            (Some(Kind::Estop), _) => self.line.tell(SessionEvent::EmergencyStop),
            (Some(Kind::ClockReport), _) => {
                let seconds = message.rtt_ms.map_or(0.0, |milliseconds| milliseconds / 1000.0);
                // Nobody drives a robot over a longer way.
                if let Ok(round_trip) = Duration::try_from_secs_f64(seconds)
                    && round_trip < Duration::from_secs(10)
                {
                    self.operator_clock.note_round_trip(round_trip);
                }
            }
            _ => {}
        }
    }

    /// Tells once for each operator if its clock is far off.
    fn compare_clocks(&mut self) {
        let offset = self.operator_clock.estimate().map_or(0.0, |clock| clock.offset);
        if offset.abs() > APART && !std::mem::replace(&mut self.is_apart_told, true) {
            self.line.tell(SessionEvent::Clock(ClockNews::Apart { by_ms: ClockNews::milliseconds(offset) }));
        }
    }

    fn operator_heard(&mut self, now: Instant) {
        if self.parted {
            return;
        }
        if self.heard.replace(now).is_none() {
            self.line.tell(SessionEvent::Presence(Presence::OperatorPresent));
        }
        self.line.changed = true;
    }

    fn operator_lost(&mut self, why: OperatorLost) {
        if why != OperatorLost::Silent {
            self.parted = true;
            // The next operator has another clock.
            self.operator_clock = OneWay::default();
            self.is_apart_told = false;
        }
        if self.heard.take().is_some() {
            self.line.tell(SessionEvent::Presence(Presence::OperatorLost(why)));
            let bytes = bytes::Bytes::from_static(OPERATOR_LOST.as_bytes());
            self.line.deliver(Channel::State, Payload { bytes, binary: false });
        }
    }

    /// Everything that waits for time or for a free call; answers when to look again.
    fn do_chores(&mut self, now: Instant) -> Option<Instant> {
        if self.state == State::Ended {
            return None;
        }
        let is_up = self.state == State::Up;
        if !is_up && now >= self.deadline {
            let reason = match self.last_error.take() {
                Some(error) => EndReason::Api(error),
                None => self.timed_out(now),
            };
            self.end(reason);
            return None;
        }
        let silent_at = self.heard.and_then(|heard| heard.checked_add(self.config.operator_silence));
        if silent_at.is_some_and(|at| at <= now) {
            self.operator_lost(OperatorLost::Silent);
        }
        let call = self.start_call(now);
        let silent_at = silent_at.filter(|at| *at > now);
        [silent_at, call, (!is_up).then_some(self.deadline)].into_iter().flatten().min()
    }

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, now: Instant) -> Option<Instant> {
        if !self.line.is_free() {
            return None;
        }
        let nothing = None::<&()>;
        let left = CALL_TIMEOUT.min(self.deadline.saturating_duration_since(now));
        match self.state {
            State::New => {
                let timeout = TURN_TIMEOUT.min(left);
                let path = format!("/{}", path::TURN_CREDENTIALS);
                self.line.ask(Call::Turn, Method::Get, &path, nothing, timeout, false);
                None
            }
            State::Registering if self.not_before > now => Some(self.not_before),
            State::Registering => {
                let body = Register {
                    robot_id: self.config.robot_id.clone(),
                    robot_name: Some(self.config.robot_name.clone()),
                    robot_type: self.config.robot_type.clone(),
                    sdp_offer: self.line.offer.clone(),
                    instance: Some(self.instance.id.clone()),
                    again: self.instance.again,
                };
                let is_retry = self.backoff.attempts() > 0;
                self.line.ask(Call::Register, Method::Post, "", Some(&body), left, is_retry);
                None
            }
            State::Up => {
                let session = self.line.session.clone()?;
                if let Some(sdp_answer) = self.renegotiation.take() {
                    let (path, body) = (format!("/{session}/{}", path::RENEGOTIATE_ROBOT), SdpAnswer { sdp_answer });
                    self.line.ask(Call::Renegotiate, Method::Post, &path, Some(&body), CALL_TIMEOUT, false);
                    return None;
                }
                if self.next_heartbeat > now {
                    return Some(self.next_heartbeat);
                }
                self.next_heartbeat = now + self.config.heartbeat;
                let (path, body) = (format!("/{session}/{}", path::HEARTBEAT), serde_json::Map::new());
                self.line.ask(Call::Heartbeat, Method::Post, &path, Some(&body), HEARTBEAT_TIMEOUT, self.is_failing);
                None
            }
            State::Connecting | State::Ended => None,
        }
    }

    fn timed_out(&self, now: Instant) -> EndReason {
        let stage = match self.state {
            State::New | State::Registering => Stage::Register,
            _ => Stage::of_transport(&self.line.link),
        };
        EndReason::TimedOut { stage, after: now.saturating_duration_since(self.started) }
    }

    fn end(&mut self, reason: EndReason) {
        if self.state == State::Ended {
            return;
        }
        self.operator_lost(OperatorLost::Disconnected);
        self.state = State::Ended;
        self.line.abandon_call();
        self.line.tell(SessionEvent::Ended(reason));
    }
}

/// What a refusal of farwire's broker says of the operator's end.
fn cause(error: &ApiError) -> Option<OperatorLost> {
    match error {
        ApiError::Refused { code, .. } if code == KEY_REVOKED => Some(OperatorLost::KeyRevoked),
        ApiError::Refused { code, .. } if code == SESSION_DISPLACED || code == ROBOT_PRESENT => {
            Some(OperatorLost::Displaced)
        }
        _ => None,
    }
}

fn is_inbound(place: Channel) -> bool {
    place.publisher() == Party::Operator
}

impl Session for RobotSession {
    fn admits(&self, side: Side, topic: &Topic, _asked: Delivery) -> Result<Delivery, TopicError> {
        admit(Party::Robot, side, topic)
    }

    fn queues_until_open(&self) -> bool {
        false
    }

    fn open(&mut self, _now: Instant, key: ChannelKey, topic: &Topic, _publisher: Option<&SessionId>, _: Delivery) {
        if let Some(place) = Channel::of(topic.as_str()) {
            self.line.want(key, place, true);
        }
    }

    fn close_channel(&mut self, key: ChannelKey) {
        self.line.want_no_longer(key);
    }

    fn write(&mut self, now: Instant, key: ChannelKey, binary: bool, bytes: &[u8]) -> Result<(), LinkError> {
        self.line.write(now, key, binary, bytes)
    }

    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        self.line.handle_datagram(now, source, datagram)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.line.link.handle_timeout(now);
    }

    fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        let Some(answered) = self.line.answered(id, result) else { return };
        let (method, url) = answered.place();
        match answered.call {
            Call::Turn => {
                // Without them there is still what needs no relay.
                if let Ok(servers) = self.line.read::<IceServers>(now, answered) {
                    self.ice_servers = servers.ice_servers;
                    self.ice_servers.truncate(MAX_ICE_SERVERS);
                }
                self.state = State::Registering;
            }
            Call::Register => match self.line.read::<Registered>(now, answered) {
                Ok(answer) => self.registered(now, &answer, method, &url),
                Err(error) => self.register_failed(now, error),
            },
            Call::Heartbeat => {
                let answer = self.line.read(now, answered);
                self.heartbeat_answered(now, answer);
            }
            // The SFU offers again if it did not get the answer.
            Call::Renegotiate => drop(self.line.read::<serde::de::IgnoredAny>(now, answered)),
        }
    }

    fn poll(&mut self, now: Instant) -> SessionOutput {
        loop {
            match self.line.poll(now) {
                Next::Output(output) => return output,
                Next::Event(event) => self.handle_line_event(now, event),
                Next::Chores => {
                    let next = self.do_chores(now);
                    self.line.look_again(next);
                }
            }
        }
    }

    fn close(&mut self, now: Instant, farewell: bool) {
        self.operator_lost(OperatorLost::Disconnected);
        self.state = State::Ended;
        self.line.abandon_call();
        self.line.link.close(now);
        if let (true, Some(session)) = (farewell, self.line.session.clone()) {
            self.line.part(Method::Delete, &format!("/{session}"), None::<&()>);
        }
        self.line.changed = true;
    }

    fn link(&mut self) -> &mut Link {
        &mut self.line.link
    }

    fn is_up(&self) -> bool {
        self.state == State::Up
    }

    fn id(&self) -> Option<&SessionId> {
        self.line.session.as_ref()
    }

    fn stats(&self) -> SessionStats {
        self.line.stats(self.is_up())
    }

    fn trouble(&self) -> Option<&LastError> {
        self.line.trouble()
    }

    fn set_clock(&mut self, clock: WallClock) {
        self.line.clock = clock;
    }

    fn far_clock(&self, _now: Instant) -> Option<ClockEstimate> {
        self.operator_clock.estimate()
    }

    fn keeps_clock(&self) -> bool {
        self.heard.is_some()
    }

    fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }
}
