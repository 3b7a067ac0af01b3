//! The broker as a state machine.

mod bound;
mod bridge;
mod handing_over;
mod minting;
mod operators;
mod outbound;
mod records;
mod requests;
mod robots;
mod sfu_sessions;
mod state;
mod viewers;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use farwire_core::WallClock;
use farwire_core::provider::cloudflare::Api;
use farwire_core::signalling::{Failure, Method, Request, RequestId, Response};
use farwire_listener::Guesses;
use sha2::{Digest as _, Sha256};
use tracing::{debug, info};

use self::minting::Minting;
use self::sfu_sessions::{HeldSession, SfuSessionKey};
use self::state::{
    Bridging, HandingOver, Joining, Operator, OperatorState, Outbound, Registering, Robot, RobotState, Viewer,
    ViewerState,
};
use crate::config::Config;
use crate::displaced::Displaced;
use crate::end_reason::EndReason;
use crate::key::{Key, KeyId, RobotId};
use crate::keys::{Keys, KeysError};
use crate::record::{Known, SessionRecord};
use crate::refusal::Refusal;
use crate::route::route;
use crate::stats::Stats;

/// A request of the broker's API.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The path, from `/api` on.
    pub path: &'a str,
    /// What follows the question mark; empty without one.
    pub query: &'a str,
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
    SaveUnclosed(String),
    /// Keep that no more.
    ForgetUnclosed(String),
    /// Answer a request.
    Response(RequestId, Response),
    /// Make a request to the SFU, and hand its answer to [`Broker::handle_answer`].
    Http(Request),
    /// Make a request to Cloudflare's TURN service, and hand its answer to [`Broker::handle_answer`] as well.
    Turn(Request),
    /// Wait for input, or for this time and hand it to [`Broker::handle_timeout`].
    WaitUntil(Option<Instant>, Reason),
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A robot's or an operator's next heartbeat, or an operator's bridging.
    SignOfLife,
    /// A call to the SFU: a repetition, or a look whether a session is still there.
    Sfu,
    /// TURN credentials that do not come.
    Turn,
    /// No timer is running.
    Idle,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Robot(RobotId),
    Registering(RobotId),
    Sfu(SfuSessionKey),
    Minting(KeyId),
}

/// A teleoperation broker.
///
/// Drive it as any state machine of farwire: hand in what came, then call [`Broker::poll`] until it answers
/// [`Output::WaitUntil`].
pub struct Broker {
    config: Config,
    /// The time of day, once somebody has told it.
    clock: Option<WallClock>,
    api: Api,
    keys: Keys,
    guesses: Guesses,
    seed: [u8; 32],
    /// For ids, rounds and SFU sessions: never the same twice.
    next: u64,
    robots: HashMap<RobotId, Robot>,
    registering: HashMap<RobotId, Registering>,
    displaced: Displaced,
    /// Why robots have no session any more. Bounded by [`Config::max_robots`].
    ended: HashMap<RobotId, EndReason>,
    by_id: HashMap<String, RobotId>,
    sfu_sessions: HashMap<SfuSessionKey, HeldSession>,
    calls: HashMap<RequestId, SfuSessionKey>,
    minting: Minting,
    timers: BTreeSet<(Instant, Timer)>,
    /// Robots whose records are to be written.
    unsaved: BTreeSet<RobotId>,
    /// What is to be kept of sessions that are closed, ahead of all else.
    unclosed: VecDeque<Output>,
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
            clock: None,
            keys: known.keys,
            guesses: Guesses::default(),
            seed,
            next: 0,
            robots: HashMap::new(),
            registering: HashMap::new(),
            displaced: Displaced::default(),
            ended: HashMap::new(),
            by_id: HashMap::new(),
            sfu_sessions: HashMap::new(),
            calls: HashMap::new(),
            minting: Minting::default(),
            timers: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            unclosed: VecDeque::new(),
            outbox: VecDeque::new(),
            stats: Stats::default(),
        };
        for record in known.sessions {
            broker.resume(now, record, &known.unclosed);
        }
        for session in known.unclosed {
            broker.close_left_over(now, session);
        }
        broker
    }

    /// Tells the time of day, which sessions and credentials have in them. To be told again when the system's clock may have
    /// been set; before the first time nothing has a time of day.
    pub fn set_clock(&mut self, clock: WallClock) {
        self.clock = Some(clock);
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
        let refusal = match route(request.method, request.path, request.query) {
            Some(call) => self.authorize(now, call, &request).err()?,
            None => Refusal::unknown_path(),
        };
        self.stats.requests += 1;
        Some(self.count(refusal))
    }

    /// Takes the answer to a request, or why there is none.
    pub fn handle_answer(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        let Some(result) = self.take_minted(now, id, result) else { return };
        let Some(key) = self.calls.remove(&id) else { return };
        let is_success = result.as_ref().is_ok_and(|response| (200..300).contains(&response.status));
        self.stats.sfu_calls_failed += u64::from(!is_success);
        let Some(held) = self.sfu_sessions.get_mut(&key) else { return };
        let owner = held.owner.clone();
        let events = held.sfu_session.handle(now, id, result);
        for (event, (robot, party)) in events.into_iter().zip(owner.iter().cycle()) {
            // An event may have ended what the next one is about.
            let is_current = self.sfu_sessions.get(&key).is_some_and(|held| !held.sfu_session.is_retiring());
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
                Timer::Minting(key) => self.minting_overdue(now, &key),
                Timer::Sfu(key) => {
                    if let Some(held) = self.sfu_sessions.get_mut(&key) {
                        held.timer = None;
                    }
                    self.drive(now, key);
                }
            }
        }
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, _now: Instant) -> Output {
        if let Some(output) = self.unclosed.pop_front() {
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
            Some((at, Timer::Sfu(_) | Timer::Registering(_))) => Output::WaitUntil(Some(*at), Reason::Sfu),
            Some((at, Timer::Minting(_))) => Output::WaitUntil(Some(*at), Reason::Turn),
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
        self.forget_minted(id);
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
            self.end_viewers(now, &robot, EndReason::TokenRevoked, |viewer| viewer.key == *id);
            let Some(session) = self.robots.get(&robot) else { continue };
            if session.key == *id {
                self.end_robot(now, &robot, EndReason::KeyRevoked);
            } else if session.operator.as_ref().is_some_and(|operator| operator.key == *id) {
                self.end_operator(now, &robot, EndReason::TokenRevoked);
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
        !self.sfu_sessions.values().any(|held| held.sfu_session.is_retiring())
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let operators = || self.robots.values().filter_map(|robot| robot.operator.as_ref());
        Stats {
            robots: self.robots.len(),
            operators: operators().count(),
            viewers: self.robots.values().map(|robot| robot.viewers.len()).sum(),
            bridges: operators().filter(|operator| matches!(operator.state, OperatorState::Bridged(_))).count(),
            sfu_sessions: self.sfu_sessions.len(),
            ..self.stats
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

    /// Whole seconds since 1970.
    fn unix(&self, now: Instant) -> Option<u64> {
        self.clock.map(|clock| clock.unix(now) as u64)
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// For delays that are to differ from those of other SFU sessions and brokers.
    fn jitter(&mut self) -> u64 {
        self.fresh() ^ u64::from_le_bytes(*self.seed.first_chunk().unwrap_or(&[0; 8]))
    }

    /// 128 bits that tell nothing about other ids to those who do not know the seed.
    fn fresh_id(&mut self) -> String {
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.fresh().to_be_bytes()).finalize();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
