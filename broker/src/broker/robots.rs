//! The robot's side: registering, heartbeats, the end.

use std::collections::BTreeSet;
use std::time::Instant;

use farwire_core::http::{RequestId, Response};
use tracing::info;

use super::{Broker, Operator, OperatorState, Robot, RobotState, Timer};
use crate::api::{Heartbeat, Register, Registered};
use crate::channels::Party;
use crate::key::{KeyId, RobotId};
use crate::leg::Leg;
use crate::limits::{ANSWER_WITHIN, MAX_NAME, MAX_OFFER};
use crate::refusal::{Refusal, json};

impl Broker {
    /// Makes a session for a robot, in place of the one that it may have.
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
        if self.robots.len() >= self.config.max_robots && !self.robots.contains_key(robot) {
            return Err(Refusal::full(self.robots.len()));
        }
        self.check_room(robot)?;
        self.end_robot(now, robot, "it registered again");
        let leg = Leg::new(&body.sdp_offer, self.config.check_every, self.config.ends_sessions);
        let leg = self.dial(now, robot, Party::Robot, leg);
        let id = self.fresh_id();
        self.by_id.insert(id.clone(), robot.clone());
        let session = Robot {
            id,
            key,
            name,
            kind,
            leg,
            state: RobotState::Registering(request),
            heard: now,
            operator: None,
            told: false,
            owes_null: false,
            used: BTreeSet::new(),
            timer: now,
        };
        self.robots.insert(robot.clone(), session);
        self.watch(robot);
        Ok(())
    }

    pub(super) fn registered(&mut self, now: Instant, robot: &RobotId, sdp: &str) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let RobotState::Registering(request) = session.state else { return };
        info!(%robot, session = short_id(&session.id), "registered");
        session.state = RobotState::Live;
        session.heard = now;
        self.stats.registrations += 1;
        let response = json(201, &Registered { session_id: &session.id, sdp_answer: sdp });
        self.respond(request, response);
        self.save(robot);
    }

    pub(super) fn not_registered(&mut self, now: Instant, robot: &RobotId, refusal: Refusal) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let RobotState::Registering(request) = session.state else { return };
        session.state = RobotState::Live;
        self.refuse(request, refusal);
        self.end_robot(now, robot, "the SFU did not take it");
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

    pub(super) fn heartbeat(&mut self, now: Instant, key: &KeyId, robot: &RobotId) -> Result<Response, Refusal> {
        let session = self.robots.get_mut(robot).ok_or_else(Refusal::no_session)?;
        match session.state {
            RobotState::Registering(_) => return Err(Refusal::no_session()),
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
        if has_changed {
            self.save(robot);
        }
        Ok(json(200, &Heartbeat::new(ids)))
    }

    /// Ends a robot's session, and with it its operator's. Nothing, if it has none.
    pub(super) fn end_robot(&mut self, now: Instant, robot: &RobotId, why: &'static str) {
        self.end_operator(now, robot, "the robot is gone");
        let Some(session) = self.robots.remove(robot) else { return };
        info!(%robot, session = short_id(&session.id), why, "ended");
        if let RobotState::Registering(request) = session.state {
            self.refuse(request, Refusal::superseded());
        }
        self.by_id.remove(&session.id);
        self.timers.remove(&(session.timer, Timer::Robot(robot.clone())));
        self.retire(now, session.leg);
        self.save(robot);
    }

    /// Ends what has not been heard of in time, or looks again later.
    pub(super) fn check_signs_of_life(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get(robot) else { return };
        if self.silent_until(session) <= now {
            return match session.state {
                RobotState::Registering(_) => self.not_registered(now, robot, Refusal::slow_sfu()),
                RobotState::Unverified | RobotState::Live => self.end_robot(now, robot, "no heartbeat came"),
            };
        }
        if session.operator.as_ref().and_then(Operator::due).is_some_and(|due| due <= now) {
            self.operator_overdue(now, robot);
        }
        self.watch(robot);
    }

    /// When a robot has been silent for too long, or the SFU, if it is still to be registered.
    fn silent_until(&self, session: &Robot) -> Instant {
        match session.state {
            RobotState::Registering(_) => session.heard + ANSWER_WITHIN,
            RobotState::Unverified | RobotState::Live => session.heard + self.config.robot_timeout,
        }
    }

    /// Sets the timer of a session by what is due next.
    pub(super) fn watch(&mut self, robot: &RobotId) {
        let Some(session) = self.robots.get(robot) else { return };
        let silent = self.silent_until(session);
        let at = session.operator.as_ref().and_then(Operator::due).map_or(silent, |due| due.min(silent));
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
