//! The robot's side: registering, heartbeats, the end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use farwire_core::signalling::{RequestId, Response};
use farwire_core::wire::teleop::{HeartbeatAnswer, Party, Register, Registered, RobotFigures};
use tracing::{info, warn};

use super::{Broker, Operator, OperatorState, Outbound, Registering, Robot, RobotState, Timer, Viewer};
use crate::end_reason::EndReason;
use crate::key::{KeyId, RobotId};
use crate::limits::{ANSWER_WITHIN, MAX_NAME, MAX_OFFER};
use crate::refusal::{Refusal, json};
use crate::sfu_session::SfuSession;

/// The longest text by which a robot tells its connections apart, in bytes.
const MAX_INSTANCE: usize = 64;

/// For how long a robot is warned of another one with its key or id.
const RIVAL_WARNING: Duration = Duration::from_secs(60);

/// What a robot is warned of.
const RIVAL: &str = "another robot uses this robot's key or id and asks for its place: stop one of them, or make each a key of \
                     its own with `farwire keys create robot`";

impl Broker {
    /// Makes a session for a robot. The one that it may have stays until the SFU has taken the new one.
    pub(super) fn register(
        &mut self,
        now: Instant,
        request: RequestId,
        key: KeyId,
        robot: &RobotId,
        body: &Register,
    ) -> Result<(), Refusal> {
        if body.robot_id.as_deref().is_some_and(|id| !id.is_empty() && id != robot.as_str()) {
            return Err(Refusal::other_robot(robot));
        }
        let name = short("robot_name", body.robot_name.as_deref())?;
        let kind = short("robot_type", body.robot_type.as_deref())?;
        check_offer(&body.sdp_offer)?;
        let instance = body.instance.clone().filter(|instance| (1..=MAX_INSTANCE).contains(&instance.len()));
        let is_known = self.robots.contains_key(robot) || self.registering.contains_key(robot);
        let coming = self.registering.keys().filter(|robot| !self.robots.contains_key(robot)).count();
        if !is_known && self.robots.len() + coming >= self.config.max_robots {
            return Err(Refusal::full(self.robots.len() + coming));
        }
        self.check_room(robot)?;
        if body.again {
            self.check_rival(now, robot, instance.as_deref())?;
        }
        self.not_registered(now, robot, Refusal::superseded());
        let seed = self.jitter();
        let sfu_session = SfuSession::new(&body.sdp_offer, self.config.check_every, self.config.ends_sessions, seed);
        let sfu_session = self.start_sfu_session(now, robot, Party::Robot, sfu_session);
        let due = now + ANSWER_WITHIN;
        self.registering.insert(robot.clone(), Registering { request, key, name, kind, instance, sfu_session, due });
        self.timers.insert((due, Timer::Registering(robot.clone())));
        Ok(())
    }

    /// Refuses a robot that asks for a place that another one has.
    fn check_rival(&mut self, now: Instant, robot: &RobotId, instance: Option<&str>) -> Result<(), Refusal> {
        let Some(session) = self.robots.get(robot) else { return Ok(()) };
        if instance.is_none() || session.instance.as_deref() == instance {
            return Ok(());
        }
        if matches!(session.state, RobotState::Unverified) {
            return Err(Refusal::unverified());
        }
        self.note_rival(now, robot);
        Err(Refusal::robot_present())
    }

    /// What a robot is told whose session there is none: whether another one has its place.
    pub(super) fn displaced(&mut self, now: Instant, robot: &RobotId, session: &str, refusal: Refusal) -> Refusal {
        let Some(instance) = self.displaced.find(session, robot) else { return refusal };
        let current = self.robots.get(robot).map(|current| current.instance.as_deref());
        // What is late of the robot that is here itself is none of another one.
        let is_own = instance.is_some() && current == Some(instance);
        match (current, is_own) {
            (Some(_), false) => {
                self.note_rival(now, robot);
                Refusal::displaced()
            }
            _ => refusal,
        }
    }

    fn note_rival(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let before = session.rival_at.replace(now);
        if before.is_none_or(|at| now.saturating_duration_since(at) >= RIVAL_WARNING) {
            warn!(%robot, key = %session.key, session = short_id(&session.id), "two robots use one key or id: the one that registered last stays");
        }
    }

    /// Takes a session that is being registered off the list of those.
    fn take_registering(&mut self, robot: &RobotId) -> Option<Registering> {
        let registering = self.registering.remove(robot)?;
        self.timers.remove(&(registering.due, Timer::Registering(robot.clone())));
        Some(registering)
    }

    /// Puts a new session in place of the one that there may be.
    pub(super) fn registered(&mut self, now: Instant, robot: &RobotId, sdp: &str) {
        let Some(Registering { request, key, name, kind, instance, sfu_session, .. }) = self.take_registering(robot)
        else {
            return;
        };
        if let Some(former) = self.robots.get(robot) {
            self.displaced.note(former.id.clone(), robot.clone(), former.instance.clone());
        }
        self.end_robot(now, robot, EndReason::RegisteredAgain);
        self.ended.remove(robot);
        let (id, created) = (self.fresh_id(), self.unix(now));
        info!(%robot, session = short_id(&id), "registered");
        self.by_id.insert(id.clone(), robot.clone());
        self.stats.registrations += 1;
        let answer = Registered {
            session_id: id.clone(),
            cf_session_id: self.sfu_session_id(sfu_session).map(str::to_owned),
            sdp_answer: sdp.to_owned(),
            ice_servers: self.ice_servers(now, &key),
        };
        self.respond(request, json(201, &answer));
        let session = Robot {
            id,
            key,
            name,
            kind,
            instance,
            sfu_session,
            state: RobotState::Live,
            heard: now,
            created,
            figures: RobotFigures::default(),
            operator: None,
            viewers: Vec::new(),
            handing_over: None,
            outbound: Outbound::Closed,
            joining: None,
            operator_ended: None,
            rival_at: None,
            told: false,
            owes_null: false,
            used: BTreeSet::new(),
            timer: now,
        };
        self.robots.insert(robot.clone(), session);
        self.watch(robot);
        self.save(robot);
    }

    /// Gives up a session that is being registered; the one that there may be stays. Nothing, if there is none.
    pub(super) fn not_registered(&mut self, now: Instant, robot: &RobotId, refusal: Refusal) {
        let Some(registering) = self.take_registering(robot) else { return };
        self.refuse(registering.request, refusal);
        self.retire(now, registering.sfu_session);
    }

    /// The SFU has said that it still has the session.
    pub(super) fn verified(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        if matches!(session.state, RobotState::Unverified) {
            info!(%robot, session = short_id(&session.id), "taken up again");
            session.state = RobotState::Live;
            session.heard = now;
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        now: Instant,
        key: &KeyId,
        robot: &RobotId,
        figures: RobotFigures,
    ) -> Result<Response, Refusal> {
        let session = self.robots.get_mut(robot).ok_or_else(Refusal::no_session)?;
        session.figures = figures;
        match session.state {
            RobotState::Unverified => {
                session.heard = now;
                return Err(Refusal::unverified());
            }
            RobotState::Live => session.heard = now,
        }
        let bridged = match session.operator.as_ref().map(|operator| &operator.state) {
            Some(OperatorState::Bridged(bridge)) => Some(bridge.robot),
            _ => None,
        };
        let has_changed = session.owes_null || session.key != *key;
        if session.key != *key {
            // A robot whose key is exchanged goes on with the new one.
            session.key = key.clone();
        }
        let ids = bridged.filter(|_| !session.owes_null);
        session.owes_null = false;
        session.told = ids.is_some();
        let warning = session.rival_at.filter(|at| now.saturating_duration_since(*at) < RIVAL_WARNING).map(|_| RIVAL);
        let ended = session.operator_ended;
        let is_coming = session.operator.as_ref().is_some_and(|operator| operator.state.has_channels());
        let watched = match session.outbound {
            // What the robot has open it keeps, whoever comes next.
            Outbound::Open(ids, is_told) if is_told || session.viewers.iter().any(Viewer::has_channels) => Some(ids),
            _ => None,
        };
        if let (Outbound::Open(_, is_told), true) = (&mut session.outbound, ids.is_some() || watched.is_some()) {
            *is_told = true;
        }
        if has_changed {
            self.save(robot);
        }
        let answer = HeartbeatAnswer {
            operator_ended: ended.filter(|_| ids.is_none()).map(|why| why.code().to_owned()),
            operator_coming: is_coming && ids.is_none(),
            warning: warning.map(str::to_owned),
            ..HeartbeatAnswer::new(ids)
        };
        let answer = match watched.filter(|_| ids.is_none()) {
            Some(outbound) => answer.watched(outbound),
            None => answer,
        };
        Ok(json(200, &answer))
    }

    /// Ends a robot's session, and with it its operator's. Nothing, if it has none.
    pub(super) fn end_robot(&mut self, now: Instant, robot: &RobotId, why: EndReason) {
        self.not_joined(now, robot, Refusal::no_longer_operator());
        self.end_operator(now, robot, EndReason::RobotGone);
        self.end_viewers(now, robot, EndReason::RobotGone, |_| true);
        let Some(session) = self.robots.remove(robot) else { return };
        info!(%robot, session = short_id(&session.id), %why, "ended");
        if self.ended.len() >= self.config.max_robots && !self.ended.contains_key(robot) {
            // One of those that nobody may ask for any more.
            let any = self.ended.keys().next().cloned();
            any.map(|any| self.ended.remove(&any));
        }
        self.ended.insert(robot.clone(), why);
        self.by_id.remove(&session.id);
        self.timers.remove(&(session.timer, Timer::Robot(robot.clone())));
        self.retire(now, session.sfu_session);
        self.save(robot);
    }

    /// Ends what has not been heard of in time, or looks again later.
    pub(super) fn check_signs_of_life(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get(robot) else { return };
        if self.silent_until(session) <= now {
            return self.end_robot(now, robot, EndReason::Silent);
        }
        let operator = session.operator.as_ref();
        let is_overdue = operator.and_then(Operator::due).is_some_and(|due| due <= now);
        let silent_at = operator.and_then(|operator| operator.silent_at(self.config.operator_timeout));
        if session.joining.as_ref().is_some_and(|joining| joining.due <= now) {
            self.not_joined(now, robot, Refusal::slow_sfu());
        }
        if silent_at.is_some_and(|at| at <= now) {
            self.end_operator(now, robot, EndReason::Silent);
        } else if is_overdue {
            self.operator_overdue(now, robot);
        }
        self.viewers_overdue(now, robot);
        self.handing_over_overdue(now, robot);
        self.watch(robot);
    }

    /// When a robot has been silent for too long.
    fn silent_until(&self, session: &Robot) -> Instant {
        session.heard + self.config.robot_timeout
    }

    /// Sets the timer of a session by what is due next.
    pub(super) fn watch(&mut self, robot: &RobotId) {
        let Some(session) = self.robots.get(robot) else { return };
        let silent = self.silent_until(session);
        let (operator, joining) = (session.operator.as_ref(), session.joining.as_ref());
        let silent_operator = operator.and_then(|operator| operator.silent_at(self.config.operator_timeout));
        let due = [operator.and_then(Operator::due), silent_operator, joining.map(|joining| joining.due)];
        let viewers = session.viewers.iter().filter_map(|viewer| viewer.due(self.config.operator_timeout));
        let viewers = viewers.chain(session.handing_over.as_ref().map(|handing_over| handing_over.due));
        let at = due.into_iter().flatten().chain(viewers).fold(silent, Instant::min);
        let Some(session) = self.robots.get_mut(robot) else { return };
        let old = std::mem::replace(&mut session.timer, at);
        self.timers.remove(&(old, Timer::Robot(robot.clone())));
        self.timers.insert((at, Timer::Robot(robot.clone())));
    }
}

/// As much of an id as logs say.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

pub(super) fn check_offer(sdp: &str) -> Result<(), Refusal> {
    match (1..=MAX_OFFER).contains(&sdp.len()) {
        true => Ok(()),
        false => Err(Refusal::offer(sdp.len())),
    }
}

/// A text that others are shown: bounded and printable.
fn short(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > MAX_NAME => Err(Refusal::long_name(field, text.len())),
        text => Ok(text.map(|text| text.chars().filter(|c| !c.is_control()).collect())),
    }
}
