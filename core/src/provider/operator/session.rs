//! One time of an operator with a robot.
//!
//! ```text
//!  turn-credentials ─▶ list ─▶ join ─▶ ICE, DTLS, SCTP ─▶ bridge ─▶ the four channels ─▶ ping … the first pong: up
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::errands::Errands;
use super::heartbeats::{Heard, Heartbeats};
use super::problem::shown;
use super::{OperatorConfig, OperatorProblem};
use crate::clock::{APART, ClockEstimate, ClockWarning, RoundTrips, StampClock};
use crate::presence::Presence;
use crate::provider::bridge::{Bridge, TRANSPORT, admit};
use crate::provider::errand::{BrokerError, Errand, ErrandId};
use crate::provider::{Attempt, ChannelId, Context, Provider, SctpStream, Verdict};
use crate::signalling::policy::BROKER_CALL;
use crate::signalling::{Failure, Method, Reply, RequestId, Response, SignallingError, header};
use crate::wire::teleop::{
    Bridged, Channel, HandOver, IceServer, Join, Joined, Kind, LeaveReason, Listed, OfOperator, Party, Received,
    RobotState, Role, StateMessage, WITH_OFFLINE, path,
};
use crate::{
    ConnectionEvent, Delivery, Direction, EndReason, Payload, Secret, SessionId, Stage, Topic, TopicError, TransportId,
};

/// The time between pings until the first pong: the robot opens its channels at its next heartbeat.
const FIRST_PINGS: Duration = Duration::from_millis(100);

/// The time between reports of the round trip to the robot.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// Pings whose pong may still come.
const MAX_OUTSTANDING: usize = 64;

/// The longest message on the back channel that may be a pong, in bytes.
const MAX_PONG: usize = 1024;

/// The longest text that says why a robot is not there, in characters.
const MAX_WHY: usize = 200;

/// Silence of the robot after which it is joined anew, in times of what makes it count as lost.
const REJOIN_AFTER: u32 = 3;

const JOIN: Stage =
    Stage::Contact("the broker does not let this operator join in time (is its URL right, and the broker up?)");

const BRIDGE: Stage = Stage::Signalling("the broker took this operator in, but made no bridge to the robot");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The robot's session is to be found.
    New,
    /// It is known.
    Found,
    Connecting,
    /// The transport is up.
    Joined,
    /// The channels are known; the robot has not answered yet.
    Bridged,
    Up,
}

#[derive(Clone, Copy)]
enum Call {
    Turn,
    List,
    Join,
    Bridge,
}

/// One time of an operator with a robot, from looking it up to the end.
pub(super) struct Operator {
    config: OperatorConfig,
    /// An attempt before this one had the robot.
    was_up: bool,
    /// The configured one at the first attempt alone.
    takeover: bool,
    role: Role,
    /// A viewer to whom the robot is handed over has to bridge, and then drives.
    is_taking: bool,
    /// It has bridged, and the robot has not answered yet.
    is_handed_over: bool,
    bridge: Bridge<Call>,
    heartbeats: Heartbeats,
    errands: Errands,
    state: State,
    /// TURN servers were asked for, before the offer.
    has_asked_for_turn: bool,
    operator_id: Option<String>,
    /// The answer to a join was lost, so that the broker may have let this operator in.
    may_have_joined: bool,
    started: Instant,
    deadline: Instant,
    /// What went wrong last, if nothing has since.
    problem: Option<EndReason>,
    /// When they left: by the own time of day, and by the monotonic clock.
    pings: VecDeque<(f64, Instant)>,
    next_ping: Instant,
    next_report: Instant,
    /// Of the last pong, or when the bridge was there.
    heard: Instant,
    is_silent: bool,
    trips: RoundTrips,
}

impl Operator {
    pub(super) fn new(config: &OperatorConfig, attempt: &Attempt) -> Operator {
        let seed = attempt.seed ^ (u64::from(attempt.number) << 32);
        let token = Secret::new(format!("Bearer {}", config.token.reveal()));
        let mut bridge = Bridge::new(&config.url, (header::AUTHORIZATION, token), seed);
        bridge.session = config.session.clone();
        Operator {
            was_up: attempt.was_up,
            takeover: config.takeover && !config.view && attempt.number == 0,
            role: if config.view { Role::Viewer } else { Role::Operator },
            is_taking: false,
            is_handed_over: false,
            state: if config.session.is_some() { State::Found } else { State::New },
            bridge,
            heartbeats: Heartbeats::new(seed),
            errands: Errands::new(seed),
            has_asked_for_turn: false,
            operator_id: None,
            may_have_joined: false,
            started: attempt.now,
            deadline: attempt.now + config.connect_timeout,
            problem: None,
            pings: VecDeque::new(),
            next_ping: attempt.now,
            next_report: attempt.now,
            heard: attempt.now,
            is_silent: true,
            trips: RoundTrips::default(),
            config: config.clone(),
        }
    }

    // ── joining

    /// Chooses the robot among those that the broker lists.
    fn choose(&mut self, cx: &mut Context<'_>, Listed(robots): Listed, reply: &Reply) {
        let shown = shown(&robots);
        let mut robots = robots.into_iter();
        let chosen = match &self.config.robot {
            Some(id) => robots
                .find(|robot| robot.robot_id == *id)
                .ok_or_else(|| OperatorProblem::UnknownRobot { robot: id.clone(), listed: shown }),
            None => match (robots.next(), robots.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(OperatorProblem::NotOne { listed: shown }),
            },
        };
        let robot = match chosen {
            Ok(robot) => robot,
            Err(problem) if self.was_up => return self.try_later(cx, problem.passing()),
            Err(problem) => return self.end(cx, problem.into()),
        };
        match robot.session_id.filter(|_| robot.state != RobotState::Disconnected) {
            _ if robot.unverified => {
                self.try_later(cx, OperatorProblem::Unverified { robot: robot.robot_id }.into());
            }
            None => {
                let why = robot.ended.map(|why| why.chars().filter(|c| !c.is_control()).take(MAX_WHY).collect());
                self.try_later(cx, OperatorProblem::Offline { robot: robot.robot_id, why }.into());
            }
            Some(session) => match SessionId::new(&session) {
                Some(session) => (self.bridge.session, self.state) = (Some(session), State::Found),
                None => self.end(cx, EndReason::Api(reply.garbage())),
            },
        }
    }

    fn joined(&mut self, cx: &mut Context<'_>, answer: Joined, reply: &Reply) {
        if let Err(error) = cx.accept_answer(TRANSPORT, &answer.sdp_answer) {
            return self.end(cx, EndReason::Api(reply.description(error)));
        }
        self.operator_id = answer.operator_id;
        self.state = State::Connecting;
        self.heartbeats.begin(cx.now(), self.role);
        self.bridge.calls.succeeded();
        self.problem = None;
    }

    fn bridged(&mut self, cx: &mut Context<'_>, ids: &Bridged, reply: &Reply) {
        if ids.id(Channel::Cmd).is_none() && self.role == Role::Operator {
            return self.end(cx, EndReason::Api(reply.garbage()));
        }
        for channel in Channel::ALL {
            if let Some(id) = ids.id(channel)
                && self.bridge.open(cx, channel, id).is_err()
            {
                return self.end(cx, EndReason::Api(reply.garbage()));
            }
        }
        self.state = State::Bridged;
        self.bridge.calls.succeeded();
        self.problem = None;
        (self.heard, self.next_ping) = (cx.now(), cx.now());
    }

    /// A viewer has asked for the operator's channels. Without them it goes on watching.
    fn taken(&mut self, cx: &mut Context<'_>, reply: &Reply) {
        self.is_taking = false;
        cx.wake();
        let Ok(ids) = cx.read::<Bridged>(TRANSPORT, reply) else { return };
        let (Some(cmd), Some(state)) = (ids.id(Channel::Cmd), ids.id(Channel::State)) else { return };
        for (channel, id) in [(Channel::Cmd, cmd), (Channel::State, state)] {
            if self.bridge.open(cx, channel, id).is_err() {
                return self.end(cx, EndReason::Api(reply.garbage()));
            }
        }
        // From the first pong on it drives, as one does that joined as an operator.
        (self.role, self.state, self.is_handed_over) = (Role::Operator, State::Bridged, true);
        (self.heard, self.next_ping, self.deadline) = (cx.now(), cx.now(), cx.now() + self.config.connect_timeout);
        self.robot_lost(cx);
    }

    fn call_failed(&mut self, cx: &mut Context<'_>, error: SignallingError) {
        self.may_have_joined |= self.state == State::Found && error.is_outcome_unknown();
        let is_gone = matches!(error.refusal_status(), Some(404 | 410));
        if self.config.session.is_none() && is_gone && self.state == State::Found {
            // The robot has registered anew, or is no longer there: the list says which.
            (self.bridge.session, self.state) = (None, State::New);
            self.may_have_joined = false;
            return self.try_later(cx, EndReason::Api(error));
        }
        match error.is_retryable() {
            true => self.try_later(cx, EndReason::Api(error)),
            false => self.end(cx, EndReason::Api(error)),
        }
    }

    fn try_later(&mut self, cx: &mut Context<'_>, problem: EndReason) {
        self.bridge.calls.failed(cx.now());
        self.problem = Some(problem);
    }

    // ── the robot

    /// Takes the robot's answers to pings. One that is no answer to a ping of this session counts for nothing.
    fn read_state(&mut self, cx: &mut Context<'_>, payload: &Payload) {
        let Some(message) = Received::parse(&payload.bytes, MAX_PONG) else { return };
        let sent = message.client_ts.and_then(|client_ts| client_ts.get().parse::<f64>().ok());
        let (Some(Kind::Pong), Some(sent), Some(robot_ts)) = (message.kind, sent, message.robot_ts) else { return };
        let known = self.pings.iter().position(|(ping, _)| (ping - sent).abs() < 1e-5);
        let Some((sent, at)) = known.and_then(|place| self.pings.remove(place)) else { return };
        if !robot_ts.is_finite() {
            return;
        }
        let now = cx.now();
        if let Some(by) = self.trips.note(now, sent, robot_ts, now.saturating_duration_since(at)) {
            cx.tell(ClockWarning::FarSet { by_ms: ClockWarning::milliseconds(by) });
        }
        cx.wake();
        self.robot_answers(cx);
    }

    fn robot_answers(&mut self, cx: &mut Context<'_>) {
        self.heard = cx.now();
        if std::mem::take(&mut self.is_silent) {
            cx.tell(Presence::RobotPresent);
        }
        if self.state == State::Bridged && self.role == Role::Operator {
            let now = cx.now();
            self.state = State::Up;
            (self.next_ping, self.next_report) = (now + self.config.ping_every, now);
            cx.up(TRANSPORT);
            let offset = self.trips.estimate(now).map_or(0.0, |clock| clock.offset);
            if offset.abs() > APART {
                cx.tell(ClockWarning::Apart { by_ms: ClockWarning::milliseconds(offset) });
            }
            // What is sent before the robot has opened its end is lost, so publishers get their channels only now.
            self.bridge.attach(cx, Channel::Cmd);
            self.bridge.attach(cx, Channel::State);
            if std::mem::take(&mut self.is_handed_over) {
                cx.tell(ConnectionEvent::HandedOver);
            }
        }
    }

    /// The robot does not answer, or the connection is over.
    fn robot_lost(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.is_silent, true) {
            cx.tell(Presence::RobotLost);
        }
    }

    // ── what waits for its time

    /// Notices a robot that does not answer. `Err`: it is over with it.
    fn watch_robot(&mut self, cx: &mut Context<'_>) -> Result<Option<Instant>, OperatorProblem> {
        if self.state != State::Up {
            return Ok(None);
        }
        let now = cx.now();
        let silent_at = self.heard + self.config.robot_silence;
        if self.role == Role::Viewer {
            // A robot need not say anything to those who watch. One that is gone shows in the channels.
            if silent_at <= now {
                self.robot_lost(cx);
            }
            return Ok(Some(silent_at).filter(|at| *at > now));
        }
        let rejoin_at = self.heard + self.config.robot_silence * REJOIN_AFTER;
        if rejoin_at <= now {
            return Err(OperatorProblem::Silent { seconds: now.saturating_duration_since(self.heard).as_secs() });
        }
        if silent_at > now {
            return Ok(Some(silent_at));
        }
        self.robot_lost(cx);
        Ok(Some(rejoin_at))
    }

    fn send_ping(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if !matches!(self.state, State::Bridged | State::Up) || !self.bridge.is_open(Channel::State) {
            return None;
        }
        let now = cx.now();
        if self.state == State::Up && self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            self.send_report(cx);
        }
        if self.next_ping <= now {
            let every = if self.state == State::Up { self.config.ping_every } else { FIRST_PINGS };
            self.next_ping = now + every.min(self.config.ping_every);
            let unix = (cx.unix() * 1e6).round() / 1e6;
            if self.bridge.send(cx, Channel::State, &StateMessage::Ping { client_ts: unix }) {
                if self.pings.len() == MAX_OUTSTANDING {
                    self.pings.pop_front();
                }
                self.pings.push_back((unix, now));
            }
        }
        Some(self.next_ping)
    }

    /// Tells the robot what it cannot measure itself, in DimOS's words.
    fn send_report(&mut self, cx: &mut Context<'_>) {
        if let Some(estimate) = self.trips.estimate(cx.now()) {
            let (rtt_ms, offset_ms) = (estimate.round_trip.as_secs_f64() * 1e3, estimate.offset * 1e3);
            self.bridge.send(cx, Channel::State, &StateMessage::ClockReport { rtt_ms, offset_ms });
        }
    }

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = cx.now();
        let ready = self.bridge.calls.ready_at(now)?;
        let has_call = matches!(self.state, State::New | State::Found | State::Joined) || self.is_taking;
        if !has_call || ready > now {
            return Some(ready).filter(|ready| *ready > now);
        }
        let left = match self.is_taking {
            true => BROKER_CALL,
            false => BROKER_CALL.min(self.deadline.saturating_duration_since(now)),
        };
        if !std::mem::replace(&mut self.has_asked_for_turn, true) {
            self.bridge.ask_for_ice_servers(cx, Call::Turn, left);
            return None;
        }
        let session = self.bridge.session.as_ref().map_or_else(String::new, ToString::to_string);
        let (call, request) = match self.state {
            State::New => (Call::List, self.bridge.request(Method::GET, &format!("?{WITH_OFFLINE}"), left)),
            State::Found => {
                let (role, sdp_offer) = (Some(self.role), self.bridge.offer(cx));
                let body = Join { role, sdp_offer, takeover: self.takeover };
                (Call::Join, self.bridge.post(&format!("/{session}/{}", path::JOIN), &body, left))
            }
            _ => {
                let body = OfOperator::new(self.operator_id.clone()).role(self.role);
                (Call::Bridge, self.bridge.post(&format!("/{session}/{}", path::BRIDGE), &body, left))
            }
        };
        let is_retry = self.bridge.calls.failures() > 0;
        self.bridge.ask(cx, call, request, is_retry);
        None
    }

    fn timed_out(&self, cx: &mut Context<'_>) -> EndReason {
        let after = cx.now().saturating_duration_since(self.started);
        let stage = match self.state {
            State::New | State::Found => JOIN,
            State::Connecting => cx.stage(TRANSPORT),
            State::Joined => BRIDGE,
            State::Bridged | State::Up => return OperatorProblem::Silent { seconds: after.as_secs() }.into(),
        };
        EndReason::TimedOut { stage, after }
    }

    /// The bridge is over, by somebody else's doing.
    fn bridge_over(&mut self, cx: &mut Context<'_>, reason: EndReason) {
        match self.errands.bridge_over(cx.now(), reason) {
            Some(reason) => self.end(cx, reason),
            None => self.robot_lost(cx),
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, reason: EndReason) {
        self.robot_lost(cx);
        cx.end(reason);
    }
}

impl Provider for Operator {
    fn admits(&self, direction: Direction, topic: &Topic, _asked: Delivery) -> Result<Delivery, TopicError> {
        admit(Party::Operator, direction, topic)
    }

    fn queues_until_open(&self) -> bool {
        false
    }

    fn want(&mut self, cx: &mut Context<'_>, id: ChannelId, _: Direction, topic: &Topic, _: Delivery) {
        let Some(channel) = Channel::of(topic.as_str()) else { return };
        let is_usable = self.state == State::Up || channel.publisher() == Party::Robot;
        self.bridge.want(cx, id, channel, is_usable);
    }

    fn unwant(&mut self, _: &mut Context<'_>, id: ChannelId) {
        self.bridge.unwant(id);
    }

    fn answered(&mut self, cx: &mut Context<'_>, id: RequestId, answer: Result<Response, Failure>) {
        if self.heartbeats.awaits(id) {
            return match self.heartbeats.answered(cx, id, answer) {
                Heard::Nothing => {}
                Heard::HandedOver => self.is_taking |= self.role == Role::Viewer && self.state == State::Up,
                Heard::Over(reason) => self.bridge_over(cx, reason),
            };
        }
        if self.errands.awaits(id) {
            if let Some(reason) = self.errands.answered(cx, id, answer, self.operator_id.as_ref()) {
                self.end(cx, reason);
            }
            return;
        }
        let Some((call, reply)) = self.bridge.calls.answered(id, answer) else { return };
        let failed = match call {
            Call::Turn => {
                self.bridge.keep_ice_servers(cx, &reply);
                return cx.wake();
            }
            Call::List => cx.read_list(TRANSPORT, &reply).map(|listed| self.choose(cx, listed, &reply)),
            Call::Join => cx.read(TRANSPORT, &reply).map(|joined| self.joined(cx, joined, &reply)),
            Call::Bridge if self.is_taking => return self.taken(cx, &reply),
            Call::Bridge => cx.read(TRANSPORT, &reply).map(|ids| self.bridged(cx, &ids, &reply)),
        };
        if let Err(error) = failed {
            self.call_failed(cx, error);
        }
    }

    fn errand(&mut self, cx: &mut Context<'_>, id: ErrandId, errand: Errand) {
        match errand {
            Errand::Roster => self.errands.ask_roster(cx, id, &self.bridge),
            Errand::HandOver { .. } if self.role == Role::Viewer => {
                cx.errand_done(id, Err(BrokerError::NotOperator));
            }
            Errand::HandOver { to } => {
                let body = HandOver { to, operator_id: self.operator_id.clone() };
                self.errands.hand_over(cx, id, &self.bridge, &body);
            }
        }
    }

    fn transport_up(&mut self, _: &mut Context<'_>, _: TransportId) {
        if self.state == State::Connecting {
            self.state = State::Joined;
        }
    }

    fn transport_ended(&mut self, cx: &mut Context<'_>, _: TransportId, why: EndReason) {
        self.bridge_over(cx, why);
    }

    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        let Some(channel) = self.bridge.opened(stream) else { return };
        if self.state == State::Up || channel.publisher() == Party::Robot {
            self.bridge.attach(cx, channel);
        }
        if self.role == Role::Viewer && self.state == State::Bridged && channel == Channel::Back {
            self.state = State::Up;
            cx.up(TRANSPORT);
        }
    }

    fn channel_closed(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        if self.bridge.closed(stream).is_some() {
            self.bridge_over(cx, OperatorProblem::Closed.into());
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, stream: SctpStream, payload: &Payload) -> Verdict {
        // What came with the end does not bring the connection up any more.
        match self.bridge.channel(stream).filter(|_| !cx.is_over()) {
            // Nothing asks for it but that it is there.
            Some(_) if self.role == Role::Viewer => {
                let was_silent = self.is_silent;
                self.robot_answers(cx);
                if was_silent {
                    cx.wake();
                }
            }
            Some(Channel::Back) => self.read_state(cx, payload),
            _ => {}
        }
        Verdict::Deliver
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if self.state != State::Up && cx.now() >= self.deadline {
            let reason = self.problem.take().unwrap_or_else(|| self.timed_out(cx));
            self.end(cx, reason);
            return None;
        }
        let silence = match self.watch_robot(cx) {
            Ok(silence) => silence,
            // The answer to a hand-over comes first.
            Err(_) if self.errands.is_handing_over() => None,
            Err(problem) => {
                self.bridge_over(cx, problem.into());
                return None;
            }
        };
        let ending = match self.errands.advance(cx) {
            Ok(ending) => ending,
            Err(reason) => {
                self.end(cx, reason);
                return None;
            }
        };
        let ping = self.send_ping(cx);
        let call = self.start_call(cx);
        let heartbeat = self.heartbeats.advance(cx, &self.bridge, self.role, self.operator_id.as_ref());
        let deadline = (self.state != State::Up).then_some(self.deadline);
        [silence, ending, ping, call, heartbeat, deadline].into_iter().flatten().min()
    }

    fn close(&mut self, cx: &mut Context<'_>, farewell: bool) {
        let has_joined = match self.state {
            State::New => false,
            // The broker may have let this operator in, or be about to.
            State::Found => self.may_have_joined || !self.bridge.calls.is_free(),
            _ => true,
        };
        self.robot_lost(cx);
        self.bridge.calls.abandon();
        if let (true, true, Some(session)) = (farewell, has_joined, self.bridge.session.clone()) {
            // A connection that is over already joins again.
            let reason = if cx.is_over() { LeaveReason::ConnectionLost } else { LeaveReason::UserInitiated };
            let body = OfOperator::new(self.operator_id.take()).role(self.role).because(reason);
            let request = self.bridge.post(&format!("/{session}/{}", path::LEAVE), &body, BROKER_CALL);
            self.bridge.part(cx, request);
        }
    }

    fn session_id(&self) -> Option<&SessionId> {
        self.bridge.session.as_ref()
    }

    fn ice_servers(&self) -> &[IceServer] {
        self.bridge.ice_servers()
    }

    fn watches(&self) -> bool {
        self.role == Role::Viewer
    }

    fn far_clock(&self, now: Instant) -> Option<ClockEstimate> {
        self.trips.estimate(now)
    }

    fn keeps_clock(&self) -> bool {
        matches!(self.state, State::Bridged | State::Up)
    }

    fn stamp_clock(&self, now: Instant) -> Option<StampClock> {
        let ClockEstimate { offset, uncertainty, .. } = self.trips.estimate(now)?;
        Some(StampClock { offset, uncertainty })
    }
}
