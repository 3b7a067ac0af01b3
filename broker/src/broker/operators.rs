//! The operator's side: listing, joining, the end.

use std::collections::BTreeSet;
use std::time::Instant;

use farwire_core::signalling::{RequestId, Response};
use farwire_core::wire::teleop::{Join, Joined, Listed, ListedRobot, Party, RobotState as State, Role, rfc3339};
use tracing::info;

use super::robots::{check_offer, short_id};
use super::{Broker, Joining, Operator, OperatorState, Robot, RobotState, SfuSessionKey};
use crate::end_reason::EndReason;
use crate::key::{KeyId, RobotId, Scope};
use crate::limits::{ANSWER_WITHIN, MAX_LISTED};
use crate::refusal::{Refusal, json};
use crate::sfu_session::SfuSession;

impl Broker {
    /// The robots that an operator may operate, with their state; those without a session only if they are asked for.
    pub(super) fn list(&self, now: Instant, key: &KeyId, scope: &Scope, with_offline: bool) -> Response {
        // A robot whose only key was revoked is listed as well, or its operator would not learn where it is.
        let revoked = self.ended.iter().filter(|(_, why)| **why == EndReason::KeyRevoked).map(|(robot, _)| robot);
        let known: BTreeSet<&RobotId> =
            self.keys.robots().into_iter().chain(self.robots.keys()).chain(revoked).collect();
        let own = known.into_iter().filter(|robot| scope.allows(robot));
        let listed = own.filter(|robot| with_offline || self.robots.contains_key(robot));
        json(200, &Listed(listed.take(MAX_LISTED).map(|robot| self.listed(now, key, robot)).collect()))
    }

    /// A robot as operators see it.
    pub(super) fn listed(&self, now: Instant, key: &KeyId, robot: &RobotId) -> ListedRobot {
        let Some(session) = self.robots.get(robot) else {
            let ended = self.ended.get(robot).map(ToString::to_string);
            return ListedRobot { ended, ..ListedRobot::new(robot.to_string(), State::Disconnected) };
        };
        let operator = session.operator.as_ref();
        let state = match session.state {
            RobotState::Unverified => State::Disconnected,
            RobotState::Live if operator.is_some() => State::Active,
            RobotState::Live => State::Idle,
        };
        ListedRobot {
            session_id: Some(session.id.clone()),
            robot_name: session.name.clone(),
            operator_id: operator.map(|operator| operator.id.clone()),
            figures: session.figures.clone().into(),
            created_at: session.created.map(rfc3339),
            robot_type: session.kind.clone(),
            operated_by_you: operator.is_some_and(|operator| operator.key == *key),
            viewers: session
                .viewers
                .iter()
                .filter(|viewer| viewer.is_there())
                .map(|viewer| viewer.id.clone())
                .collect(),
            unverified: matches!(session.state, RobotState::Unverified),
            heard_seconds_ago: Some(now.saturating_duration_since(session.heard).as_secs_f64()),
            ..ListedRobot::new(robot.to_string(), state)
        }
    }

    /// The robot that somebody wants to join, if it can be joined like this, by whomever.
    pub(super) fn joinable(&self, robot: &RobotId, body: &Join) -> Result<&Robot, Refusal> {
        check_offer(&body.sdp_offer)?;
        let session = self.robots.get(robot).ok_or_else(Refusal::no_session)?;
        match session.state {
            RobotState::Unverified => Err(Refusal::unverified()),
            RobotState::Live => Ok(session),
        }
    }

    /// Makes somebody the operator of a robot, if the rules of the [crate](crate) let it.
    pub(super) fn join(
        &mut self,
        now: Instant,
        request: RequestId,
        key: KeyId,
        robot: &RobotId,
        body: &Join,
    ) -> Result<(), Refusal> {
        let session = self.joinable(robot, body)?;
        let present = session.operator.as_ref().map(|operator| &operator.key);
        let coming = session.joining.as_ref().map(|joining| &joining.key);
        let is_takeover = present.into_iter().chain(coming).any(|other| *other != key);
        if is_takeover && !body.takeover {
            return Err(Refusal::operated());
        }
        self.check_room(robot)?;
        self.not_joined(now, robot, Refusal::no_longer_operator());
        let seed = self.jitter();
        let sfu_session = SfuSession::new(&body.sdp_offer, self.config.check_every, self.config.ends_sessions, seed);
        let sfu_session = self.start_sfu_session(now, robot, Party::Operator, sfu_session);
        if let Some(session) = self.robots.get_mut(robot) {
            session.joining = Some(Joining { request, key, sfu_session, due: now + ANSWER_WITHIN });
        }
        self.watch(robot);
        Ok(())
    }

    /// Puts an operator in place of the one that there may be.
    pub(super) fn joined(&mut self, now: Instant, robot: &RobotId, sdp: &str) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let Some(Joining { request, key, sfu_session, .. }) = session.joining.take() else { return };
        let is_takeover = session.operator.as_ref().is_some_and(|operator| operator.key != key);
        self.stats.takeovers += u64::from(is_takeover);
        self.end_operator(now, robot, if is_takeover { EndReason::TakenOver } else { EndReason::JoinedAgain });
        let id = self.fresh_id();
        self.stats.joins += 1;
        let answer = self.joined_answer(now, robot, (&key, sfu_session), sdp, (Role::Operator, &id));
        self.respond(request, answer);
        if let Some(session) = self.robots.get_mut(robot) {
            info!(%robot, session = short_id(&session.id), token = %key, "joined");
            let due = now + self.config.bridge_within;
            session.operator = Some(Operator { id, key, sfu_session, state: OperatorState::Joined, due, heard: None });
        }
        self.watch(robot);
        self.save(robot);
    }

    /// What somebody is told who has joined.
    pub(super) fn joined_answer(
        &self,
        now: Instant,
        robot: &RobotId,
        (key, sfu_session): (&KeyId, SfuSessionKey),
        sdp: &str,
        (role, id): (Role, &str),
    ) -> Response {
        let of_robot = self.robots.get(robot).and_then(|session| self.sfu_session_id(session.sfu_session));
        let answer = Joined {
            cf_session_id: self.sfu_session_id(sfu_session).map(str::to_owned),
            sdp_answer: sdp.to_owned(),
            robot_cf_session_id: of_robot.map(str::to_owned),
            ice_servers: self.ice_servers(now, key),
            role: Some(role),
            operator_id: Some(id.to_owned()),
        };
        json(200, &answer)
    }

    /// Gives up an operator that is joining; the one that there may be stays. Nothing, if there is none.
    pub(super) fn not_joined(&mut self, now: Instant, robot: &RobotId, refusal: Refusal) {
        let joining = self.robots.get_mut(robot).and_then(|session| session.joining.take());
        let Some(joining) = joining else { return };
        self.refuse(joining.request, refusal);
        self.retire(now, joining.sfu_session);
        self.watch(robot);
    }

    /// Ends an operator of whose state nothing has come in time.
    pub(super) fn operator_overdue(&mut self, now: Instant, robot: &RobotId) {
        let operator = self.robots.get(robot).and_then(|session| session.operator.as_ref());
        match operator.map(|operator| &operator.state) {
            Some(OperatorState::Joined) => self.end_operator(now, robot, EndReason::NotBridged),
            Some(OperatorState::Bridging(bridging)) => {
                let round = bridging.round;
                self.not_bridged(now, robot, round, &Refusal::slow_sfu());
            }
            Some(OperatorState::Bridged(_)) | None => {}
        }
    }

    /// Ends an operator's time with a robot: its session, and the channels of both. Nothing, if there is none.
    pub(super) fn end_operator(&mut self, now: Instant, robot: &RobotId, why: EndReason) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let Some(operator) = session.operator.take() else { return };
        info!(%robot, session = short_id(&session.id), token = %operator.key, %why, "operator ended");
        session.operator_ended = Some(why);
        session.owes_null |= std::mem::take(&mut session.told);
        let has_channels = operator.state.has_channels();
        let waiting = match operator.state {
            OperatorState::Bridging(bridging) => bridging.waiting,
            OperatorState::Joined | OperatorState::Bridged(_) => Vec::new(),
        };
        let handing_over = session.handing_over.take().map(|handing_over| handing_over.request);
        for request in waiting.into_iter().chain(handing_over) {
            self.refuse(request, Refusal::no_longer_operator());
        }
        self.retire(now, operator.sfu_session);
        if has_channels {
            self.release_inbound(now, robot);
        }
        self.watch(robot);
        self.save(robot);
    }
}
