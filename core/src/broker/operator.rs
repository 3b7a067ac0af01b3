//! The operator's end.
//!
//! ```text
//!  list ─▶ join ─▶ ICE, DTLS, SCTP ─▶ bridge ─▶ the four channels ─▶ ping … the first pong: up
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::admit::admit;
use super::config::OperatorConfig;
use super::line::{CALL_TIMEOUT, Credential, Line, LineEvent, Next, garbage};
use super::problem::OperatorProblem;
use crate::clock::{APART, ClockEstimate, ClockNews, RoundTrips, WallClock};
use crate::cloudflare::ApiError;
use crate::http::{Failure, Method, RequestId, Response};
use crate::link::{Certificate, Link, LinkEnd, LinkError, LocalAddress};
use crate::presence::Presence;
use crate::retry::Backoff;
use crate::session::{ChannelKey, Session, SessionEvent, SessionOutput, StampClock};
use crate::wire::teleop::{
    Bridged, Channel, Join, Joined, Kind, Listed, ListedRobot, OPERATOR_ROLE, OfOperator, Party, Received, RobotState,
    StateMessage, path,
};
use crate::{Delivery, EndReason, LastError, Payload, SessionId, SessionStats, Side, Stage, Topic, TopicError};

/// The time between pings until the first pong: the robot opens its channels at its next heartbeat.
const FIRST_PINGS: Duration = Duration::from_millis(100);

/// The time between reports of the round trip to the robot.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// Pings whose pong may still come.
const MAX_OUTSTANDING: usize = 64;

/// The longest message on the back channel that may be a pong, in bytes.
const MAX_PONG: usize = 1024;

/// As many robots as an error lists.
const MAX_SHOWN: usize = 8;

/// The longest text that says why a robot is not there, in characters.
const MAX_WHY: usize = 200;

/// Silence of the robot after which it is joined anew, in times of what makes it count as lost.
const REJOIN_AFTER: u32 = 3;

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
    Ended,
}

#[derive(Clone, Copy)]
enum Call {
    List,
    Join,
    Bridge,
}

/// One time of an operator with a robot, from looking it up to the end.
pub(crate) struct OperatorSession {
    config: OperatorConfig,
    takeover: bool,
    line: Line<Call>,
    state: State,
    operator_id: Option<String>,
    started: Instant,
    deadline: Instant,
    not_before: Instant,
    backoff: Backoff,
    rng: Rng,
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

impl OperatorSession {
    /// `takeover` is the configured one at the first attempt alone.
    pub(crate) fn new(
        config: &OperatorConfig,
        takeover: bool,
        local: LocalAddress,
        certificate: Option<Certificate>,
        first_request: u64,
        seed: u64,
        now: Instant,
    ) -> OperatorSession {
        let credential = Credential::Token(config.token.clone());
        let mut line = Line::new(&config.url, credential, local, certificate, first_request, now);
        line.session = config.session.clone();
        OperatorSession {
            takeover,
            state: if config.session.is_some() { State::Found } else { State::New },
            line,
            operator_id: None,
            started: now,
            deadline: now + config.connect_timeout,
            not_before: now,
            backoff: Backoff::default(),
            rng: Rng::with_seed(seed ^ first_request),
            problem: None,
            pings: VecDeque::new(),
            next_ping: now,
            next_report: now,
            heard: now,
            is_silent: true,
            trips: RoundTrips::default(),
            config: config.clone(),
        }
    }

    /// Chooses the robot among those that the broker lists.
    fn choose(&mut self, now: Instant, listed: Listed, method: Method, url: &str) {
        let shown = shown(&listed.sessions);
        let mut robots = listed.sessions.into_iter();
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
            Err(problem) => return self.end(EndReason::Operator(problem)),
        };
        match robot.session_id {
            _ if robot.state == RobotState::Unverified => {
                self.try_later(now, EndReason::Operator(OperatorProblem::Unverified { robot: robot.robot_id }));
            }
            None => {
                let why = robot.ended.map(|why| why.chars().filter(|c| !c.is_control()).take(MAX_WHY).collect());
                self.try_later(now, EndReason::Operator(OperatorProblem::Offline { robot: robot.robot_id, why }));
            }
            Some(session) => match SessionId::new(&session) {
                Some(session) => {
                    self.line.session = Some(session);
                    self.state = State::Found;
                }
                None => self.end(EndReason::Api(garbage(method, url))),
            },
        }
    }

    fn joined(&mut self, now: Instant, answer: Joined, method: Method, url: &str) {
        if let Err(error) = self.line.link.accept_answer(&answer.sdp_answer) {
            return self.end(EndReason::Api(ApiError::Description { method, url: url.to_owned(), error }));
        }
        self.operator_id = answer.operator_id;
        self.line.link.handle_timeout(now);
        self.state = State::Connecting;
        self.backoff.succeeded();
        self.problem = None;
    }

    fn bridged(&mut self, now: Instant, ids: &Bridged, method: Method, url: &str) {
        for place in Channel::ALL {
            if let Some(id) = ids.id(place)
                && self.line.open(now, place, id).is_err()
            {
                return self.end(EndReason::Api(garbage(method, url)));
            }
        }
        self.state = State::Bridged;
        self.backoff.succeeded();
        self.problem = None;
        (self.heard, self.next_ping) = (now, now);
    }

    fn call_failed(&mut self, now: Instant, error: ApiError) {
        let is_gone = matches!(error.refusal_status(), Some(404 | 410));
        if self.config.session.is_none() && is_gone && self.state == State::Found {
            // The robot has registered anew, or is no longer there: the list says which.
            self.line.session = None;
            self.state = State::New;
            return self.try_later(now, EndReason::Api(error));
        }
        match error.is_retryable() {
            true => self.try_later(now, EndReason::Api(error)),
            false => self.end(EndReason::Api(error)),
        }
    }

    fn try_later(&mut self, now: Instant, problem: EndReason) {
        self.not_before = self.backoff.failed(now, &mut self.rng);
        self.problem = Some(problem);
        self.line.changed = true;
    }

    fn handle_line_event(&mut self, now: Instant, event: LineEvent) {
        match event {
            LineEvent::Up if self.state == State::Connecting => {
                self.state = State::Joined;
                self.line.changed = true;
            }
            LineEvent::Up => {}
            LineEvent::Opened(place) => {
                self.line.changed = true;
                if self.state == State::Up || place.publisher() == Party::Robot {
                    self.line.tell_open(place);
                }
            }
            LineEvent::Message(place, payload) => {
                if place == Channel::Back {
                    self.read_state(now, &payload);
                }
                self.line.deliver(place, payload);
            }
            LineEvent::Closed(_) => self.end(EndReason::Operator(OperatorProblem::Closed)),
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

    /// Takes the robot's answers to pings. One that is no answer to a ping of this session counts for nothing.
    fn read_state(&mut self, now: Instant, payload: &Payload) {
        let Some(message) = Received::parse(&payload.bytes, MAX_PONG) else { return };
        let sent = message.client_ts.and_then(|client_ts| client_ts.get().parse::<f64>().ok());
        let (Some(Kind::Pong), Some(sent), Some(robot_ts)) = (message.kind, sent, message.robot_ts) else { return };
        let known = self.pings.iter().position(|(ping, _)| (ping - sent).abs() < 1e-5);
        let Some((sent, at)) = known.and_then(|place| self.pings.remove(place)) else { return };
        if !robot_ts.is_finite() {
            return;
        }
        if let Some(by) = self.trips.note(now, sent, robot_ts, now.saturating_duration_since(at)) {
            self.line.tell(SessionEvent::Clock(ClockNews::FarSet { by_ms: ClockNews::milliseconds(by) }));
        }
        self.heard = now;
        self.line.changed = true;
        self.robot_answers(now);
    }

    fn robot_answers(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_silent) {
            self.line.tell(SessionEvent::Presence(Presence::RobotPresent));
        }
        if self.state == State::Bridged {
            self.state = State::Up;
            (self.next_ping, self.next_report) = (now + self.config.ping_every, now);
            self.line.tell(SessionEvent::Connected);
            let offset = self.trips.estimate(now).map_or(0.0, |clock| clock.offset);
            if offset.abs() > APART {
                self.line.tell(SessionEvent::Clock(ClockNews::Apart { by_ms: ClockNews::milliseconds(offset) }));
            }
            // What is sent before the robot has opened its end is lost, so publishers get their channels only now.
            self.line.tell_open(Channel::Cmd);
            self.line.tell_open(Channel::State);
        }
    }

    /// Everything that waits for time or for a free call; answers when to look again.
    fn do_chores(&mut self, now: Instant) -> Option<Instant> {
        if self.state == State::Ended {
            return None;
        }
        if self.state != State::Up && now >= self.deadline {
            let reason = self.problem.take().unwrap_or_else(|| self.timed_out(now));
            self.end(reason);
            return None;
        }
        let silence = self.watch_robot(now);
        if self.state == State::Ended {
            return None;
        }
        let ping = self.send_ping(now);
        let call = self.start_call(now);
        let deadline = (self.state != State::Up).then_some(self.deadline);
        [silence, ping, call, deadline].into_iter().flatten().min()
    }

    /// Notices a robot that does not answer.
    fn watch_robot(&mut self, now: Instant) -> Option<Instant> {
        if self.state != State::Up {
            return None;
        }
        let silent_at = self.heard + self.config.robot_silence;
        let rejoin_at = self.heard + self.config.robot_silence * REJOIN_AFTER;
        if rejoin_at <= now {
            let seconds = now.saturating_duration_since(self.heard).as_secs();
            self.end(EndReason::Operator(OperatorProblem::Silent { seconds }));
            return None;
        }
        if silent_at > now {
            return Some(silent_at);
        }
        if !std::mem::replace(&mut self.is_silent, true) {
            self.line.tell(SessionEvent::Presence(Presence::RobotLost));
        }
        Some(rejoin_at)
    }

    fn send_ping(&mut self, now: Instant) -> Option<Instant> {
        if !matches!(self.state, State::Bridged | State::Up) || !self.line.is_open(Channel::State) {
            return None;
        }
        if self.state == State::Up && self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            self.send_report(now);
        }
        if self.next_ping <= now {
            let every = if self.state == State::Up { self.config.ping_every } else { FIRST_PINGS };
            self.next_ping = now + every.min(self.config.ping_every);
            let unix = (self.line.clock.unix(now) * 1e6).round() / 1e6;
            if self.line.send_state(now, Channel::State, &StateMessage::Ping { client_ts: unix }) {
                if self.pings.len() == MAX_OUTSTANDING {
                    self.pings.pop_front();
                }
                self.pings.push_back((unix, now));
            }
        }
        Some(self.next_ping)
    }

    /// Tells the robot what it cannot measure itself, in DimOS's words.
    fn send_report(&mut self, now: Instant) {
        if let Some(estimate) = self.trips.estimate(now) {
            let (rtt_ms, offset_ms) = (estimate.round_trip.as_secs_f64() * 1e3, estimate.offset * 1e3);
            let report = StateMessage::ClockReport { rtt_ms, offset_ms };
            self.line.send_state(now, Channel::State, &report);
        }
    }

    /// Starts the next call if there is one and it may go; else says when it may.
    fn start_call(&mut self, now: Instant) -> Option<Instant> {
        if !self.line.is_free() || !matches!(self.state, State::New | State::Found | State::Joined) {
            return None;
        }
        if self.not_before > now {
            return Some(self.not_before);
        }
        let left = CALL_TIMEOUT.min(self.deadline.saturating_duration_since(now));
        let is_retry = self.backoff.attempts() > 0;
        let session = self.line.session.as_ref().map_or_else(String::new, ToString::to_string);
        match self.state {
            State::New => self.line.ask(Call::List, Method::Get, "", None::<&()>, left, is_retry),
            State::Found => {
                let sdp_offer = self.line.offer.clone();
                let body = Join { role: Some(OPERATOR_ROLE.to_owned()), sdp_offer, takeover: self.takeover };
                let path = format!("/{session}/{}", path::JOIN);
                self.line.ask(Call::Join, Method::Post, &path, Some(&body), left, is_retry);
            }
            _ => {
                let body = OfOperator::new(self.operator_id.clone());
                let path = format!("/{session}/{}", path::BRIDGE);
                self.line.ask(Call::Bridge, Method::Post, &path, Some(&body), left, is_retry);
            }
        }
        None
    }

    fn timed_out(&self, now: Instant) -> EndReason {
        let after = now.saturating_duration_since(self.started);
        let stage = match self.state {
            State::New | State::Found => Stage::Join,
            State::Connecting => Stage::of_transport(&self.line.link),
            State::Joined => Stage::Bridge,
            State::Bridged | State::Up | State::Ended => {
                return EndReason::Operator(OperatorProblem::Silent { seconds: after.as_secs() });
            }
        };
        EndReason::TimedOut { stage, after }
    }

    fn end(&mut self, reason: EndReason) {
        if self.state == State::Ended {
            return;
        }
        self.state = State::Ended;
        if !std::mem::replace(&mut self.is_silent, true) {
            self.line.tell(SessionEvent::Presence(Presence::RobotLost));
        }
        self.line.abandon_call();
        self.line.tell(SessionEvent::Ended(reason));
    }
}

/// Robots as an error lists them.
fn shown(robots: &[ListedRobot]) -> String {
    if robots.is_empty() {
        return "none".to_owned();
    }
    let names = robots.iter().take(MAX_SHOWN).map(|robot| {
        let name: String = robot.robot_id.chars().filter(|c| !c.is_control()).take(128).collect();
        format!("{name:?}")
    });
    let mut text = names.collect::<Vec<_>>().join(", ");
    if robots.len() > MAX_SHOWN {
        text.push_str(&format!(" and {} more", robots.len() - MAX_SHOWN));
    }
    text
}

impl Session for OperatorSession {
    fn admits(&self, side: Side, topic: &Topic, _asked: Delivery) -> Result<Delivery, TopicError> {
        admit(Party::Operator, side, topic)
    }

    fn queues_until_open(&self) -> bool {
        false
    }

    fn open(&mut self, _now: Instant, key: ChannelKey, topic: &Topic, _publisher: Option<&SessionId>, _: Delivery) {
        let Some(place) = Channel::of(topic.as_str()) else { return };
        self.line.want(key, place, self.state == State::Up || place.publisher() == Party::Robot);
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
        let failed = match answered.call {
            Call::List => self.line.read(now, answered).map(|listed| self.choose(now, listed, method, &url)),
            Call::Join => self.line.read(now, answered).map(|joined| self.joined(now, joined, method, &url)),
            Call::Bridge => self.line.read(now, answered).map(|ids| self.bridged(now, &ids, method, &url)),
        };
        if let Err(error) = failed {
            self.call_failed(now, error);
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
        let has_joined = !matches!(self.state, State::New | State::Found);
        if !std::mem::replace(&mut self.is_silent, true) {
            self.line.tell(SessionEvent::Presence(Presence::RobotLost));
        }
        self.state = State::Ended;
        self.line.abandon_call();
        self.line.link.close(now);
        if let (true, true, Some(session)) = (farewell, has_joined, self.line.session.clone()) {
            let body = OfOperator::new(self.operator_id.take());
            self.line.part(Method::Post, &format!("/{session}/{}", path::LEAVE), Some(&body));
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
