//! One registration of a robot.
//!
//! ```text
//!  turn-credentials ─▶ register ─▶ ICE, DTLS, SCTP ─▶ a heartbeat every second, whose answers open and close the channels
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::RobotConfig;
use super::arrivals::Arrivals;
use crate::clock::{APART, ClockEstimate, ClockWarning, OneWay};
use crate::presence::{OperatorLost, Presence};
use crate::provider::bridge::{Bridge, TRANSPORT, admit};
use crate::provider::{Attempt, ChannelId, Context, Provider, SctpStream, Verdict};
use crate::signalling::policy::{BROKER_CALL, CONNECT_TRIES, EXPECTANT_HEARTBEAT, HEARTBEAT, MAX_REJECTIONS};
use crate::signalling::{Failure, HeaderName, Method, Reply, RequestId, Response, SignallingError};
use crate::wire::teleop::code::{KEY_REVOKED, ROBOT_PRESENT, SESSION_DISPLACED, TAKEN_OVER, TOKEN_REVOKED};
use crate::wire::teleop::{
    Channel, DriveCounts, HeartbeatAnswer, IceServer, Kind, OPERATOR_LOST, Party, Received, Register, Registered,
    RobotFigures, SdpAnswer, StateMessage, path,
};
use crate::{
    ConnectionEvent, Delivery, Direction, EndReason, Payload, SessionId, Stage, Topic, TopicError, TransportId,
};

/// The longest message on the state channel that is read here, in bytes.
const MAX_STATE: usize = 4096;

/// The longest time in a ping that is sent back, in bytes.
const MAX_CLIENT_TS: usize = 64;

/// The longest warning of a broker that is passed on, in characters.
const MAX_WARNING: usize = 300;

const REGISTER: Stage = Stage::Contact("the broker does not answer (is its URL right, and the broker up?)");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// TURN servers are to be asked for.
    New,
    Registering,
    Connecting,
    Up,
}

#[derive(Clone, Copy)]
enum Call {
    Turn,
    Register,
    Heartbeat,
    Renegotiate,
}

/// One registration of a robot, from the offer to the end.
pub(super) struct Robot {
    config: RobotConfig,
    bridge: Bridge<Call>,
    state: State,
    /// By which the broker tells this connection from another robot with the same key.
    instance: String,
    /// It was registered before, so that another robot which registered meanwhile keeps its place.
    again: bool,
    started: Instant,
    deadline: Instant,
    last_error: Option<SignallingError>,
    next_heartbeat: Instant,
    /// When the latest heartbeat left, and how many commands have come since.
    counted: (Instant, u32),
    arrivals: Arrivals,
    rejections: u32,
    /// The present streak of failed heartbeats was told.
    is_failing: bool,
    /// The broker's present warning was told.
    is_warned: bool,
    /// The answer to the SFU's offer, to be sent.
    renegotiation: Option<String>,
    /// When the operator was heard last, while it counts as there.
    heard: Option<Instant>,
    /// The operator is gone, and the channels that it had still count for nothing.
    parted: bool,
    operator_clock: OneWay,
    /// That the operator's clock is far off was told.
    is_apart_told: bool,
}

impl Robot {
    pub(super) fn new(config: &RobotConfig, attempt: &Attempt) -> Robot {
        let seed = attempt.seed ^ (u64::from(attempt.number) << 32);
        let credential = (HeaderName::from_static(path::ROBOT_KEY_HEADER), config.key.clone());
        Robot {
            bridge: Bridge::new(&config.url, credential, seed),
            state: State::New,
            instance: format!("{:016x}", attempt.connection),
            again: attempt.was_up,
            started: attempt.now,
            deadline: attempt.now + config.connect_timeout,
            last_error: None,
            next_heartbeat: attempt.now,
            counted: (attempt.now, 0),
            arrivals: Arrivals::default(),
            rejections: 0,
            is_failing: false,
            is_warned: false,
            renegotiation: None,
            heard: None,
            parted: false,
            operator_clock: OneWay::default(),
            is_apart_told: false,
            config: config.clone(),
        }
    }

    // ── registering

    fn registered(&mut self, cx: &mut Context<'_>, reply: &Reply) {
        let answer = match cx.read::<Registered>(TRANSPORT, reply) {
            Ok(answer) => answer,
            Err(error) => return self.register_failed(cx, error),
        };
        if let Err(error) = cx.accept_answer(TRANSPORT, &answer.sdp_answer) {
            return self.end(cx, EndReason::Api(reply.description(error)));
        }
        match SessionId::new(&answer.session_id) {
            Some(session) => (self.bridge.session, self.state) = (Some(session), State::Connecting),
            None => self.end(cx, EndReason::Api(reply.garbage())),
        }
    }

    fn register_failed(&mut self, cx: &mut Context<'_>, error: SignallingError) {
        if let Some(why) = cause(&error) {
            cx.tell(Presence::OperatorLost(why));
        }
        if !error.is_retryable() || self.bridge.calls.failures() + 1 >= CONNECT_TRIES {
            return self.end(cx, EndReason::Api(error));
        }
        self.bridge.calls.failed(cx.now());
        self.last_error = Some(error);
    }

    // ── heartbeats

    fn heartbeat_answered(&mut self, cx: &mut Context<'_>, answer: Result<HeartbeatAnswer, SignallingError>) {
        let error = match answer {
            Ok(answer) => {
                self.rejections = 0;
                self.is_failing = false;
                self.reconcile(cx, &answer);
                self.warn(cx, answer.warning.as_deref());
                if answer.operator_coming {
                    self.next_heartbeat = self.next_heartbeat.min(cx.now() + EXPECTANT_HEARTBEAT);
                }
                return self.renegotiate(cx, answer.renegotiate_offer.as_deref());
            }
            Err(error) => error,
        };
        if let Some(why) = cause(&error) {
            // What only farwire's broker says, it means: no proxy's doing.
            self.operator_lost(cx, why);
            cx.tell(Presence::OperatorLost(why));
            return self.end(cx, EndReason::Api(error));
        }
        let is_rejected = matches!(error.refusal_status(), Some(401 | 404 | 410));
        self.rejections = if is_rejected { self.rejections + 1 } else { 0 };
        if self.rejections >= MAX_REJECTIONS {
            self.operator_lost(cx, OperatorLost::Rejected);
            return self.end(cx, EndReason::Api(error));
        }
        if !std::mem::replace(&mut self.is_failing, true) {
            cx.tell(ConnectionEvent::HeartbeatFailing { reason: error });
        }
    }

    /// Tells what the broker warns of, once for as long as it does.
    fn warn(&mut self, cx: &mut Context<'_>, warning: Option<&str>) {
        let was_warned = std::mem::replace(&mut self.is_warned, warning.is_some());
        if let Some(warning) = warning.filter(|_| !was_warned) {
            let printable = warning.chars().filter(|c| !c.is_control()).take(MAX_WARNING).collect();
            cx.tell(ConnectionEvent::Warning { what: printable });
        }
    }

    /// Opens and closes channels as the broker says. The back channel comes before the state channel, so that the first
    /// ping can be answered.
    fn reconcile(&mut self, cx: &mut Context<'_>, ids: &HeartbeatAnswer) {
        let why = match ids.operator_ended.as_deref() {
            Some(TOKEN_REVOKED) => OperatorLost::TokenRevoked,
            Some(TAKEN_OVER) => OperatorLost::TakenOver,
            _ => OperatorLost::Left,
        };
        for channel in [Channel::Cmd, Channel::Back, Channel::State, Channel::Map] {
            let (id, current) = (ids.id(channel), self.bridge.stream(channel));
            if id == current {
                continue;
            }
            if current.is_some() && is_inbound(channel) {
                // Another id is another operator, or the same one anew.
                self.operator_lost(cx, why);
            }
            self.bridge.close(cx, channel);
            if let Some(id) = id {
                // A failure shows as an id that is still missing at the next heartbeat.
                let is_open = self.bridge.open(cx, channel, id).is_ok();
                self.parted &= !(is_open && is_inbound(channel));
            }
        }
        if self.heard.is_none() && why.is_cause() {
            // The SFU was ahead of the broker, and did not know why.
            cx.tell(Presence::OperatorLost(why));
        }
    }

    /// Answers an offer of the SFU's, which it makes when there is media for the robot. Only data goes on.
    fn renegotiate(&mut self, cx: &mut Context<'_>, offer: Option<&str>) {
        match offer.map(|offer| cx.answer_again(TRANSPORT, offer)) {
            Some(Ok(answer)) => self.renegotiation = Some(answer),
            Some(Err(error)) => cx.note(&format_args!("the broker's renegotiate_offer: {error}")),
            None => {}
        }
    }

    // ── the operator

    /// Answers pings at once, reads what the operator says of its clock, and hears of an emergency stop before anybody
    /// gets what was commanded earlier. What is none of these is left alone.
    fn read_state(&mut self, cx: &mut Context<'_>, payload: &Payload) {
        let Some(message) = Received::parse(&payload.bytes, MAX_STATE) else { return };
        let unix = cx.unix();
        match (message.kind, message.client_ts) {
            (Some(Kind::Ping), Some(client_ts)) if client_ts.get().len() <= MAX_CLIENT_TS => {
                // One that cannot go is made up for by the next.
                self.bridge.send(cx, Channel::Back, &StateMessage::Pong { client_ts, robot_ts: unix });
                if let Ok(sent) = client_ts.get().parse() {
                    self.operator_clock.note(sent, unix);
                    self.compare_clocks(cx);
                }
            }
            (Some(Kind::Estop), _) => cx.emergency_stop(),
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
    fn compare_clocks(&mut self, cx: &mut Context<'_>) {
        let offset = self.operator_clock.estimate().map_or(0.0, |clock| clock.offset);
        if offset.abs() > APART && !std::mem::replace(&mut self.is_apart_told, true) {
            cx.tell(ClockWarning::Apart { by_ms: ClockWarning::milliseconds(offset) });
        }
    }

    fn operator_heard(&mut self, cx: &mut Context<'_>) {
        if self.parted {
            return;
        }
        if self.heard.replace(cx.now()).is_none() {
            cx.tell(Presence::OperatorPresent);
            // Later messages need no look: at the time that was said for silence, it is put off.
            cx.wake();
        }
    }

    fn operator_lost(&mut self, cx: &mut Context<'_>, why: OperatorLost) {
        if why != OperatorLost::Silent {
            self.parted = true;
            // The next operator has another clock, and other numbers.
            self.operator_clock = OneWay::default();
            self.arrivals = Arrivals::default();
            self.is_apart_told = false;
        }
        if self.heard.take().is_some() {
            cx.tell(Presence::OperatorLost(why));
            let bytes = Bytes::from_static(OPERATOR_LOST.as_bytes());
            self.bridge.deliver(cx, Channel::State, Payload { bytes, binary: false });
        }
    }

    // ── what waits for its time

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = cx.now();
        let ready = self.bridge.calls.ready_at(now)?;
        let left = BROKER_CALL.min(self.deadline.saturating_duration_since(now));
        match self.state {
            State::New => {
                self.bridge.ask_for_ice_servers(cx, Call::Turn, left);
                None
            }
            State::Registering if ready > now => Some(ready),
            State::Registering => {
                let body = Register {
                    robot_id: self.config.robot_id.clone(),
                    robot_name: Some(self.config.robot_name.clone()),
                    robot_type: self.config.robot_type.clone(),
                    sdp_offer: self.bridge.offer(cx),
                    instance: Some(self.instance.clone()),
                    again: self.again,
                };
                let is_retry = self.bridge.calls.failures() > 0;
                self.bridge.ask(cx, Call::Register, self.bridge.post("", &body, left), is_retry);
                None
            }
            State::Up => {
                let session = self.bridge.session.as_ref()?;
                if let Some(sdp_answer) = self.renegotiation.take() {
                    let (path, body) = (format!("/{session}/{}", path::RENEGOTIATE_ROBOT), SdpAnswer { sdp_answer });
                    self.bridge.ask(cx, Call::Renegotiate, self.bridge.post(&path, &body, BROKER_CALL), false);
                    return None;
                }
                if self.next_heartbeat > now {
                    return Some(self.next_heartbeat);
                }
                self.next_heartbeat = now + self.config.heartbeat;
                let path = format!("/{session}/{}", path::HEARTBEAT);
                let counted = std::mem::replace(&mut self.counted, (now, 0));
                let body = figures(cx.round_trip(TRANSPORT), self.arrivals.loss_since(), counted, now);
                self.bridge.ask(cx, Call::Heartbeat, self.bridge.post(&path, &body, HEARTBEAT), self.is_failing);
                None
            }
            State::Connecting => None,
        }
    }

    fn timed_out(&self, cx: &mut Context<'_>) -> EndReason {
        let stage = match self.state {
            State::New | State::Registering => REGISTER,
            State::Connecting | State::Up => cx.stage(TRANSPORT),
        };
        EndReason::TimedOut { stage, after: cx.now().saturating_duration_since(self.started) }
    }

    fn end(&mut self, cx: &mut Context<'_>, reason: EndReason) {
        self.operator_lost(cx, OperatorLost::Disconnected);
        cx.end(reason);
    }
}

/// What the robot's end knows of how it does: the rest is known to the robot's program alone.
fn figures(
    round_trip: Option<Duration>,
    loss: Option<f64>,
    (since, commands): (Instant, u32),
    now: Instant,
) -> RobotFigures {
    let rounded = |number: f64| (number * 1e3).round() / 1e3;
    let seconds = now.saturating_duration_since(since).as_secs_f64();
    RobotFigures {
        rtt_ms: round_trip.map(|time| rounded(time.as_secs_f64() * 1e3)),
        packet_loss_pct: loss.map(|loss| rounded(loss * 100.0)),
        command_rate_hz: (seconds > 0.0).then(|| rounded(f64::from(commands) / seconds)),
        ..RobotFigures::default()
    }
}

/// What a refusal of farwire's broker says of the operator's end.
fn cause(error: &SignallingError) -> Option<OperatorLost> {
    match error.code() {
        KEY_REVOKED => Some(OperatorLost::KeyRevoked),
        SESSION_DISPLACED | ROBOT_PRESENT => Some(OperatorLost::Displaced),
        _ => None,
    }
}

fn is_inbound(channel: Channel) -> bool {
    channel.publisher() == Party::Operator
}

impl Provider for Robot {
    fn admits(&self, direction: Direction, topic: &Topic, _asked: Delivery) -> Result<Delivery, TopicError> {
        admit(Party::Robot, direction, topic)
    }

    fn queues_until_open(&self) -> bool {
        false
    }

    fn want(&mut self, cx: &mut Context<'_>, id: ChannelId, _: Direction, topic: &Topic, _: Delivery) {
        if let Some(channel) = Channel::of(topic.as_str()) {
            self.bridge.want(cx, id, channel, true);
        }
    }

    fn unwant(&mut self, _: &mut Context<'_>, id: ChannelId) {
        self.bridge.unwant(id);
    }

    fn answered(&mut self, cx: &mut Context<'_>, id: RequestId, answer: Result<Response, Failure>) {
        let Some((call, reply)) = self.bridge.calls.answered(id, answer) else { return };
        match call {
            Call::Turn => {
                self.bridge.keep_ice_servers(cx, &reply);
                self.state = State::Registering;
            }
            Call::Register => self.registered(cx, &reply),
            Call::Heartbeat => {
                let answer = cx.read(TRANSPORT, &reply);
                self.heartbeat_answered(cx, answer);
            }
            // The SFU offers again if it did not get the answer.
            Call::Renegotiate => drop(cx.read::<IgnoredAny>(TRANSPORT, &reply)),
        }
    }

    fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
        if self.state == State::Connecting {
            self.state = State::Up;
            self.bridge.calls.succeeded();
            self.next_heartbeat = cx.now();
            cx.up(transport);
        }
    }

    fn transport_ended(&mut self, cx: &mut Context<'_>, _: TransportId, why: EndReason) {
        self.end(cx, why);
    }

    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        let Some(channel) = self.bridge.opened(stream) else { return };
        self.bridge.attach(cx, channel);
        if is_inbound(channel) {
            self.operator_heard(cx);
        }
    }

    fn channel_closed(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        // The SFU is ahead of the broker's next heartbeat, and the broker knows why.
        if self.bridge.closed(stream) == Some(Channel::State) {
            self.operator_lost(cx, OperatorLost::Left);
            self.next_heartbeat = cx.now();
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, stream: SctpStream, payload: &Payload) -> Verdict {
        // What is on its way still from one that is gone is not to move the robot.
        let Some(channel) = self.bridge.channel(stream).filter(|_| !self.parted) else { return Verdict::Drop };
        self.operator_heard(cx);
        if channel == Channel::Cmd {
            self.counted.1 = self.counted.1.saturating_add(1);
            self.arrivals.note(&payload.bytes);
        }
        if channel == Channel::State {
            self.read_state(cx, payload);
        }
        Verdict::Deliver
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = cx.now();
        let is_up = self.state == State::Up;
        if !is_up && now >= self.deadline {
            let reason = self.last_error.take().map_or_else(|| self.timed_out(cx), EndReason::Api);
            self.end(cx, reason);
            return None;
        }
        let silent_at = self.heard.and_then(|heard| heard.checked_add(self.config.operator_silence));
        if silent_at.is_some_and(|at| at <= now) {
            self.operator_lost(cx, OperatorLost::Silent);
        }
        let call = self.start_call(cx);
        let silent_at = silent_at.filter(|at| *at > now);
        [silent_at, call, (!is_up).then_some(self.deadline)].into_iter().flatten().min()
    }

    fn close(&mut self, cx: &mut Context<'_>, farewell: bool) {
        self.operator_lost(cx, OperatorLost::Disconnected);
        self.bridge.calls.abandon();
        if let (true, Some(session)) = (farewell, self.bridge.session.clone()) {
            let request = self.bridge.request(Method::DELETE, &format!("/{session}"), BROKER_CALL);
            self.bridge.part(cx, request);
        }
    }

    fn session_id(&self) -> Option<&SessionId> {
        self.bridge.session.as_ref()
    }

    fn ice_servers(&self) -> &[IceServer] {
        self.bridge.ice_servers()
    }

    fn far_clock(&self, _: Instant) -> Option<ClockEstimate> {
        self.operator_clock.estimate()
    }

    fn drive_counts(&self) -> Option<DriveCounts> {
        self.arrivals.counts()
    }

    fn keeps_clock(&self) -> bool {
        self.heard.is_some()
    }
}
