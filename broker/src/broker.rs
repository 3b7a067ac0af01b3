//! The broker as a state machine.

mod bridge;
mod operators;
mod records;
mod robots;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use farwire_core::link::StreamId;
use farwire_core::provider::cloudflare::Api;
use farwire_core::signalling::{Failure, Method, Request, RequestId, Response, bearer};
use farwire_core::wire::Object;
use farwire_core::wire::teleop::{IceServers, OfOperator, Party};
use farwire_listener::{Guess, Guesses};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tracing::{debug, info, warn};

use crate::config::Config;
use crate::displaced::Displaced;
use crate::key::{Grant, Key, KeyId, RobotId, Scope};
use crate::keys::{Keys, KeysError, Shown};
use crate::leg::{Leg, LegEvent};
use crate::limits::MAX_LEGS_OF_ROBOT;
use crate::record::{Bridge, Known, SessionRecord};
use crate::refusal::{Refusal, json};
use crate::route::{Call, OperatorCall, RobotCall, route};
use crate::stats::Stats;
use crate::why::Why;

/// A request of the broker's API.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The path, from `/api` on; a query is ignored.
    pub path: &'a str,
    /// Where it came from, for counting wrong keys.
    pub source: IpAddr,
    /// The `X-Robot-API-Key` header.
    pub robot_key: Option<&'a str>,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The body, at most [`MAX_BODY`](crate::MAX_BODY) bytes.
    pub body: &'a [u8],
}

/// What a driver is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Keep this instead of what was kept for the same robot, before the responses that follow are sent.
    Save(SessionRecord),
    /// Keep nothing for this robot any more.
    Forget(RobotId),
    /// Keep that this session on the SFU is to be closed, before what follows is kept.
    Owe(String),
    /// Keep that no more.
    Settle(String),
    /// Answer a request.
    Response(RequestId, Response),
    /// Make a request to the SFU, and hand its answer to [`Broker::handle_answer`].
    Http(Request),
    /// Wait for input, or for this time and hand it to [`Broker::handle_timeout`].
    WaitUntil(Option<Instant>, Reason),
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A robot's next heartbeat, or an operator's bridging.
    SignOfLife,
    /// A call to the SFU: a repetition, or a look whether a session is still there.
    Sfu,
    /// No timer is running.
    Idle,
}

/// Names a session on the SFU inside the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct LegKey(u64);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Robot(RobotId),
    Registering(RobotId),
    Leg(LegKey),
}

/// A leg, and whose it is; nobody's, if the broker before this one had it still to close.
struct HeldLeg {
    leg: Leg,
    owner: Option<(RobotId, Party)>,
    timer: Option<Instant>,
    /// It is kept that its session is to be closed.
    is_owed: bool,
}

/// One robot's session.
struct Robot {
    id: String,
    key: KeyId,
    name: Option<String>,
    kind: Option<String>,
    /// Which connection of the robot it is, if the robot says so.
    instance: Option<String>,
    leg: LegKey,
    state: RobotState,
    heard: Instant,
    operator: Option<Operator>,
    /// Who will be once the SFU has taken it; the present one stays until then.
    joining: Option<Joining>,
    /// Why the latest operator is gone.
    operator_ended: Option<Why>,
    /// When another robot with this one's key or id was noticed last.
    rival_at: Option<Instant>,
    /// The robot knows of the present bridge.
    told: bool,
    /// The next heartbeat is answered without ids, whoever may operate by then.
    owes_null: bool,
    used: BTreeSet<StreamId>,
    timer: Instant,
}

/// A robot's next session, of which the SFU has not said yet whether it takes it.
struct Registering {
    request: RequestId,
    key: KeyId,
    name: Option<String>,
    kind: Option<String>,
    instance: Option<String>,
    leg: LegKey,
    due: Instant,
}

enum RobotState {
    /// From the broker before; the SFU has not said yet whether it has the session.
    Unverified,
    Live,
}

/// One operator's time with a robot.
struct Operator {
    id: String,
    key: KeyId,
    leg: LegKey,
    state: OperatorState,
    /// By when something has to have come of its state, unless it is bridged.
    due: Instant,
}

/// An operator of which the SFU has not said yet whether it takes it.
struct Joining {
    request: RequestId,
    key: KeyId,
    leg: LegKey,
    due: Instant,
}

enum OperatorState {
    Joined,
    Bridging(Bridging),
    Bridged(Bridge),
}

impl Operator {
    fn due(&self) -> Option<Instant> {
        (!matches!(self.state, OperatorState::Bridged(_))).then_some(self.due)
    }
}

/// A bridge that is being built.
struct Bridging {
    round: u64,
    waiting: Vec<RequestId>,
    robot: [Option<StreamId>; 4],
    operator: [Option<StreamId>; 4],
    /// What both publish is there, and what they subscribe to is asked for.
    subscribing: bool,
}

/// A teleoperation broker.
///
/// Drive it as any state machine of farwire: hand in what came, then call [`Broker::poll`] until it answers
/// [`Output::WaitUntil`].
pub struct Broker {
    config: Config,
    api: Api,
    keys: Keys,
    guesses: Guesses,
    seed: [u8; 32],
    /// For ids, rounds and legs: never the same twice.
    next: u64,
    robots: HashMap<RobotId, Robot>,
    registering: HashMap<RobotId, Registering>,
    displaced: Displaced,
    /// Why robots have no session any more. Bounded by [`Config::max_robots`].
    ended: HashMap<RobotId, Why>,
    by_id: HashMap<String, RobotId>,
    legs: HashMap<LegKey, HeldLeg>,
    calls: HashMap<RequestId, LegKey>,
    timers: BTreeSet<(Instant, Timer)>,
    /// Robots whose records are to be written.
    unsaved: BTreeSet<RobotId>,
    /// What is to be kept of sessions that are closed, ahead of all else.
    owed: VecDeque<Output>,
    outbox: VecDeque<Output>,
    stats: Stats,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Broker {
    /// A broker that goes on where the one before it stopped. The ids of its sessions are derived from `seed`, which is to
    /// be random, and another one than before.
    pub fn new(config: Config, known: Known, seed: [u8; 32], now: Instant) -> Broker {
        let mut broker = Broker {
            api: Api::new(&config.sfu),
            config,
            keys: known.keys,
            guesses: Guesses::default(),
            seed,
            next: 0,
            robots: HashMap::new(),
            registering: HashMap::new(),
            displaced: Displaced::default(),
            ended: HashMap::new(),
            by_id: HashMap::new(),
            legs: HashMap::new(),
            calls: HashMap::new(),
            timers: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            owed: VecDeque::new(),
            outbox: VecDeque::new(),
            stats: Stats::default(),
        };
        for record in known.sessions {
            broker.resume(now, record, &known.owed);
        }
        for session in known.owed {
            broker.close_owed(now, session);
        }
        broker
    }

    /// Takes a request. Its response comes from [`Broker::poll`], at once or when the SFU has answered.
    pub fn handle_request(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) {
        self.stats.requests += 1;
        match self.answer(now, id, request) {
            Ok(Some(response)) => self.respond(id, response),
            Ok(None) => {}
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// The refusal of a request whose head is reason enough: there is no such call, or its key is wrong, which counts. So
    /// nobody's body is read who has no key.
    pub fn refuse_early(&mut self, now: Instant, request: Incoming<'_>) -> Option<Response> {
        let refusal = match route(request.method, request.path) {
            Some(call) => self.authorize(now, call, &request).err()?,
            None => Refusal::unknown_path(),
        };
        self.stats.requests += 1;
        Some(self.count(refusal))
    }

    fn authorize(&mut self, now: Instant, call: Call<'_>, request: &Incoming<'_>) -> Result<(), Refusal> {
        match call {
            Call::Robot(_) => self.robot_of(now, request).map(drop),
            Call::Operator(_) => self.operator_of(now, request).map(drop),
            // For both.
            Call::TurnCredentials if request.robot_key.is_some() => self.robot_of(now, request).map(drop),
            Call::TurnCredentials => self.operator_of(now, request).map(drop),
        }
    }

    /// Takes the SFU's answer to a request, or why there is none.
    pub fn handle_answer(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        let Some(key) = self.calls.remove(&id) else { return };
        let is_success = result.as_ref().is_ok_and(|response| (200..300).contains(&response.status));
        self.stats.sfu_calls_failed += u64::from(!is_success);
        let Some(held) = self.legs.get_mut(&key) else { return };
        let owner = held.owner.clone();
        let events = held.leg.handle(now, id, result);
        for (event, (robot, party)) in events.into_iter().zip(owner.iter().cycle()) {
            // An event may have ended what the next one is about.
            let is_current = self.legs.get(&key).is_some_and(|held| !held.leg.is_retiring());
            if is_current {
                self.handle_event(now, key, robot, *party, event);
            }
        }
        self.drive(now, key);
    }

    /// To be called when the time that [`Broker::poll`] named has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().cloned().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer.clone()));
            match timer {
                Timer::Robot(robot) => self.check_signs_of_life(now, &robot),
                Timer::Registering(robot) => self.not_registered(now, &robot, Refusal::slow_sfu()),
                Timer::Leg(key) => {
                    if let Some(held) = self.legs.get_mut(&key) {
                        held.timer = None;
                    }
                    self.drive(now, key);
                }
            }
        }
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, _now: Instant) -> Output {
        if let Some(output) = self.owed.pop_front() {
            return output;
        }
        if let Some(robot) = self.unsaved.pop_first() {
            if let Some(record) = self.record(&robot) {
                return Output::Save(record);
            }
            return Output::Forget(robot);
        }
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        match self.timers.first() {
            Some((at, Timer::Robot(_))) => Output::WaitUntil(Some(*at), Reason::SignOfLife),
            Some((at, Timer::Leg(_) | Timer::Registering(_))) => Output::WaitUntil(Some(*at), Reason::Sfu),
            None => Output::WaitUntil(None, Reason::Idle),
        }
    }

    /// Lets a new key in.
    ///
    /// # Errors
    /// When there are too many, or its id is taken.
    pub fn admit(&mut self, key: Key) -> Result<(), KeysError> {
        self.keys.insert(key)
    }

    /// Revokes a key, at a time in seconds since 1970. The sessions that it made end at once.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn revoke(&mut self, now: Instant, id: &KeyId, at: u64) -> Result<(), KeysError> {
        self.keys.revoke(id, at)?;
        info!(key = %id, "revoked");
        let registering = self.registering.iter().filter(|(_, registering)| registering.key == *id);
        let registering: Vec<RobotId> = registering.map(|(robot, _)| robot.clone()).collect();
        for robot in registering {
            self.not_registered(now, &robot, Refusal::revoked_key());
        }
        let concerned: Vec<RobotId> = self.robots.keys().cloned().collect();
        for robot in concerned {
            let joining = self.robots.get(&robot).and_then(|session| session.joining.as_ref());
            if joining.is_some_and(|joining| joining.key == *id) {
                self.not_joined(now, &robot, Refusal::revoked_token());
            }
            let Some(session) = self.robots.get(&robot) else { continue };
            if session.key == *id {
                self.end_robot(now, &robot, Why::KeyRevoked);
            } else if session.operator.as_ref().is_some_and(|operator| operator.key == *id) {
                self.end_operator(now, &robot, Why::TokenRevoked);
            }
        }
        Ok(())
    }

    /// The keys, to list them.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether everything that is to be closed on the SFU is closed.
    pub fn is_settled(&self) -> bool {
        !self.legs.values().any(|held| held.leg.is_retiring())
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let operators = || self.robots.values().filter_map(|robot| robot.operator.as_ref());
        Stats {
            robots: self.robots.len(),
            operators: operators().count(),
            bridges: operators().filter(|operator| matches!(operator.state, OperatorState::Bridged(_))).count(),
            sfu_sessions: self.legs.len(),
            ..self.stats
        }
    }

    /// The response, or `None` if the SFU is to be asked.
    fn answer(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) -> Result<Option<Response>, Refusal> {
        match route(request.method, request.path).ok_or_else(Refusal::unknown_path)? {
            Call::TurnCredentials => {
                self.authorize(now, Call::TurnCredentials, &request)?;
                Ok(Some(json(200, &IceServers { ice_servers: self.config.ice_servers.clone() })))
            }
            Call::Robot(call) => {
                let (key, robot) = self.robot_of(now, &request)?;
                self.robot_call(now, id, (key, robot), call, request.body)
            }
            Call::Operator(call) => {
                let (key, scope) = self.operator_of(now, &request)?;
                self.operator_call(now, id, (key, scope), call, request.body)
            }
        }
    }

    fn robot_call(
        &mut self,
        now: Instant,
        id: RequestId,
        (key, robot): (KeyId, RobotId),
        call: RobotCall<'_>,
        body: &[u8],
    ) -> Result<Option<Response>, Refusal> {
        match call {
            RobotCall::Register => self.register(now, id, key, &robot, &parse(body)?).map(|()| None),
            RobotCall::Heartbeat(session) => {
                self.own_session(&robot, session).map_err(|refusal| self.displaced(now, &robot, session, refusal))?;
                self.heartbeat(now, &key, &robot).map(Some)
            }
            RobotCall::Renegotiate(session) => {
                self.own_session(&robot, session)?;
                Err(Refusal::nothing_to_answer())
            }
            RobotCall::Delete(session) => {
                self.own_session(&robot, session)?;
                self.end_robot(now, &robot, Why::Stopped);
                Ok(Some(json(200, &serde_json::Map::new())))
            }
        }
    }

    fn operator_call(
        &mut self,
        now: Instant,
        id: RequestId,
        (key, scope): (KeyId, Scope),
        call: OperatorCall<'_>,
        body: &[u8],
    ) -> Result<Option<Response>, Refusal> {
        match call {
            OperatorCall::List => Ok(Some(self.list(now, &key, &scope))),
            OperatorCall::Join(session) => {
                let robot = self.operable(&scope, session)?;
                self.join(now, id, key, &robot, &parse(body)?).map(|()| None)
            }
            OperatorCall::Bridge(session) => {
                let robot = self.operable(&scope, session)?;
                self.bridge(now, id, &key, &robot, &parse_or_empty(body)?)
            }
            OperatorCall::Renegotiate(session) => {
                self.operable(&scope, session)?;
                Err(Refusal::nothing_to_answer())
            }
            OperatorCall::Leave(session) => {
                let robot = self.operable(&scope, session)?;
                let of: OfOperator = parse_or_empty(body)?;
                if self.is_operator(&robot, &key, &of).is_ok() {
                    self.end_operator(now, &robot, Why::Left);
                }
                let joining = self.robots.get(&robot).and_then(|session| session.joining.as_ref());
                if of.operator_id.is_none() && joining.is_some_and(|joining| joining.key == key) {
                    self.not_joined(now, &robot, Refusal::no_longer_operator());
                }
                Ok(Some(json(200, &serde_json::Map::new())))
            }
        }
    }

    /// The robot whose key a request shows.
    fn robot_of(&mut self, now: Instant, request: &Incoming<'_>) -> Result<(KeyId, RobotId), Refusal> {
        match self.keys.show(request.robot_key.unwrap_or_default()) {
            Shown::Good(key) => {
                if let Grant::Robot(robot) = &key.grant {
                    return Ok((key.id(), robot.clone()));
                }
            }
            // DimOS's robot has to hear 401 five times to end, however often it asks.
            Shown::Revoked => return Err(Refusal::revoked_key()),
            Shown::Unknown => {}
        }
        Err(self.wrong_key(now, request.source, Refusal::no_robot_key()))
    }

    /// What the operator may operate whose token a request shows.
    fn operator_of(&mut self, now: Instant, request: &Incoming<'_>) -> Result<(KeyId, Scope), Refusal> {
        let token = request.authorization.and_then(bearer).unwrap_or_default();
        match self.keys.show(token) {
            Shown::Good(key) => {
                if let Grant::Operator(scope) = &key.grant {
                    return Ok((key.id(), scope.clone()));
                }
            }
            Shown::Revoked => return Err(Refusal::revoked_token()),
            Shown::Unknown => {}
        }
        Err(self.wrong_key(now, request.source, Refusal::no_operator_token()))
    }

    fn wrong_key(&mut self, now: Instant, source: IpAddr, refusal: Refusal) -> Refusal {
        self.stats.wrong_keys += 1;
        match self.guesses.note(now, source) {
            Guess::Allowed => return refusal,
            Guess::FirstTooMany => warn!(%source, "too many wrong keys"),
            Guess::TooMany => {}
        }
        Refusal::too_many_guesses()
    }

    /// Makes sure that a session is a robot's.
    fn own_session(&self, robot: &RobotId, session: &str) -> Result<(), Refusal> {
        match self.by_id.get(session) {
            Some(owner) if owner == robot => Ok(()),
            _ => Err(Refusal::no_session()),
        }
    }

    /// The robot of a session, if its operator may operate it.
    fn operable(&self, scope: &Scope, session: &str) -> Result<RobotId, Refusal> {
        let robot = self.by_id.get(session).filter(|robot| scope.allows(robot));
        robot.cloned().ok_or_else(Refusal::no_session)
    }

    fn handle_event(&mut self, now: Instant, leg: LegKey, robot: &RobotId, party: Party, event: LegEvent) {
        if self.registering.get(robot).is_some_and(|registering| registering.leg == leg) {
            return match event {
                LegEvent::Answered(sdp) => self.registered(now, robot, &sdp),
                LegEvent::Failed(error) => {
                    info!(%robot, %error, "not registered");
                    self.not_registered(now, robot, Refusal::of_sfu(&error));
                }
                LegEvent::Gone => self.not_registered(now, robot, Refusal::slow_sfu()),
                LegEvent::Alive(_) | LegEvent::Opened(..) | LegEvent::NotOpened(..) => {}
            };
        }
        let joining = self.robots.get(robot).and_then(|session| session.joining.as_ref());
        if joining.is_some_and(|joining| joining.leg == leg) {
            return match event {
                LegEvent::Answered(sdp) => self.joined(now, robot, &sdp),
                LegEvent::Failed(error) => {
                    info!(%robot, %error, "not joined");
                    self.not_joined(now, robot, Refusal::of_sfu(&error));
                }
                LegEvent::Gone => self.not_joined(now, robot, Refusal::slow_sfu()),
                LegEvent::Alive(_) | LegEvent::Opened(..) | LegEvent::NotOpened(..) => {}
            };
        }
        match (party, event) {
            // Only a session that is being registered has an answer to wait for.
            (_, LegEvent::Answered(_) | LegEvent::Failed(_)) => {}
            (Party::Robot, LegEvent::Gone) => self.end_robot(now, robot, Why::SfuEnded),
            (Party::Operator, LegEvent::Gone) => self.end_operator(now, robot, Why::SfuEnded),
            (party, LegEvent::Alive(closed)) => {
                if party == Party::Robot {
                    self.verified(now, robot);
                }
                self.check_bridge(now, robot, party, &closed);
            }
            (party, LegEvent::Opened(opening, channels)) => self.opened(now, robot, party, opening, &channels),
            (_, LegEvent::NotOpened(opening, error)) => {
                info!(%robot, %error, "not bridged");
                self.not_bridged(now, robot, opening.round, &Refusal::of_sfu(&error));
            }
        }
    }

    /// Makes a leg and starts it.
    fn dial(&mut self, now: Instant, robot: &RobotId, party: Party, leg: Leg) -> LegKey {
        let key = LegKey(self.fresh());
        let owner = Some((robot.clone(), party));
        self.legs.insert(key, HeldLeg { leg, owner, timer: None, is_owed: false });
        self.drive(now, key);
        key
    }

    /// Lets a leg make its next call, or go if it is over.
    fn drive(&mut self, now: Instant, key: LegKey) {
        let id = RequestId(self.fresh());
        let Some(held) = self.legs.get_mut(&key) else { return };
        if let Some(request) = held.leg.next(now, &self.api, id) {
            self.calls.insert(id, key);
            self.stats.sfu_calls += 1;
            self.outbox.push_back(Output::Http(request));
        }
        let due = held.leg.due();
        if due != held.timer {
            if let Some(old) = held.timer {
                self.timers.remove(&(old, Timer::Leg(key)));
            }
            held.timer = due;
            self.timers.extend(due.map(|at| (at, Timer::Leg(key))));
        }
        if let Some(session) = held.leg.session().filter(|_| held.leg.is_retiring() && !held.is_owed) {
            self.owed.push_back(Output::Owe(session.to_owned()));
            held.is_owed = true;
        }
        if held.leg.is_over() {
            if let Some(session) = held.leg.session() {
                self.owed.push_back(Output::Settle(session.to_owned()));
            }
            if let Some(at) = held.timer {
                self.timers.remove(&(at, Timer::Leg(key)));
            }
            self.legs.remove(&key);
        }
    }

    fn retire(&mut self, now: Instant, key: LegKey) {
        if let Some(held) = self.legs.get_mut(&key) {
            held.leg.retire();
        }
        self.drive(now, key);
    }

    fn with_leg(&mut self, now: Instant, key: LegKey, change: impl FnOnce(&mut Leg)) {
        if let Some(held) = self.legs.get_mut(&key) {
            change(&mut held.leg);
        }
        self.drive(now, key);
    }

    fn leg_session(&self, key: LegKey) -> Option<&str> {
        self.legs.get(&key)?.leg.session()
    }

    /// Refuses what would need more sessions on the SFU than there may be.
    fn check_room(&self, robot: &RobotId) -> Result<(), Refusal> {
        let own = self.legs.values().filter(|held| held.owner.as_ref().is_some_and(|(of, _)| of == robot)).count();
        if own >= MAX_LEGS_OF_ROBOT {
            return Err(Refusal::too_many_closing());
        }
        // A robot, its operator, and as many that are being closed.
        match self.legs.len() >= self.config.max_robots.saturating_mul(3) {
            true => Err(Refusal::full(self.legs.len())),
            false => Ok(()),
        }
    }

    fn respond(&mut self, id: RequestId, response: Response) {
        self.outbox.push_back(Output::Response(id, response));
    }

    fn refuse(&mut self, id: RequestId, refusal: Refusal) {
        let response = self.count(refusal);
        self.respond(id, response);
    }

    fn count(&mut self, refusal: Refusal) -> Response {
        let response = refusal.response();
        self.stats.refused.count(response.status);
        debug!(status = response.status, "refused");
        response
    }

    fn save(&mut self, robot: &RobotId) {
        self.unsaved.insert(robot.clone());
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// For delays that are to differ from those of other legs and brokers.
    fn jitter(&mut self) -> u64 {
        self.fresh() ^ u64::from_le_bytes(*self.seed.first_chunk().unwrap_or(&[0; 8]))
    }

    /// 128 bits that tell nothing about other ids to those who do not know the seed.
    fn fresh_id(&mut self) -> String {
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.fresh().to_be_bytes()).finalize();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Reads a body by its content, whatever its `Content-Type`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map(|Object(body)| body).map_err(|error| {
        // What serde quotes of a wrong value may be a piece of a description.
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field is missing or has another type",
            _ => "it is no JSON",
        };
        Refusal::body(&format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}

/// The same where a client may send nothing at all.
fn parse_or_empty<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}
