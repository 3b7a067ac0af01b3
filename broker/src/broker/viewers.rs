//! Those who watch a robot. They are let in beside its operator, put nobody out, and have what the robot publishes; no
//! channel of theirs is ever opened at the robot's end, so nothing that they send can reach it.

use std::time::Instant;

use farwire_core::link::StreamId;
use farwire_core::signalling::{RequestId, Response};
use farwire_core::wire::cloudflare::Location;
use farwire_core::wire::teleop::{Bridged, Channel, Join, Party, Role};
use tracing::info;

use super::robots::short_id;
use super::{Broker, HandingOver, Outbound, Output, SfuSessionKey, Viewer, ViewerState};
use crate::channels::entries;
use crate::end_reason::EndReason;
use crate::key::{KeyId, RobotId};
use crate::limits::{ANSWER_WITHIN, MAX_WAITING};
use crate::refusal::{Refusal, json};
use crate::sfu_session::{Opening, SfuEvent, SfuSession};

impl Broker {
    /// Lets somebody watch a robot, if there is room.
    pub(super) fn join_as_viewer(
        &mut self,
        now: Instant,
        request: RequestId,
        key: KeyId,
        robot: &RobotId,
        body: &Join,
    ) -> Result<(), Refusal> {
        let session = self.joinable(robot, body)?;
        if session.viewers.len() >= self.config.max_viewers {
            return Err(Refusal::too_many_viewers(session.viewers.len()));
        }
        self.check_viewers_room(robot)?;
        let (id, seed) = (self.fresh_id(), self.jitter());
        let sfu_session = SfuSession::new(&body.sdp_offer, self.config.check_every, self.config.ends_sessions, seed);
        let sfu_session = self.start_sfu_session(now, robot, Party::Operator, sfu_session);
        if let Some(held) = self.sfu_sessions.get_mut(&sfu_session) {
            held.is_viewer = true;
        }
        if let Some(session) = self.robots.get_mut(robot) {
            let (state, due) = (ViewerState::Joining(request), now + ANSWER_WITHIN);
            session.viewers.push(Viewer { id, key, sfu_session, state, due, heard: None });
        }
        self.watch(robot);
        Ok(())
    }

    /// Whether a session on the SFU is of somebody who watches a robot.
    pub(super) fn is_viewer(&self, robot: &RobotId, sfu_session: SfuSessionKey) -> bool {
        self.robots
            .get(robot)
            .is_some_and(|session| session.viewers.iter().any(|viewer| viewer.sfu_session == sfu_session))
    }

    fn viewer(&mut self, robot: &RobotId, sfu_session: SfuSessionKey) -> Option<&mut Viewer> {
        let session = self.robots.get_mut(robot)?;
        session.viewers.iter_mut().find(|viewer| viewer.sfu_session == sfu_session)
    }

    pub(super) fn handle_viewer_event(
        &mut self,
        now: Instant,
        robot: &RobotId,
        sfu_session: SfuSessionKey,
        event: SfuEvent,
    ) {
        let is_it = |viewer: &Viewer| viewer.sfu_session == sfu_session;
        match event {
            SfuEvent::Answered(sdp) => self.viewer_joined(now, robot, sfu_session, &sdp),
            SfuEvent::Failed(error) => {
                info!(%robot, %error, "a viewer is not let in");
                self.viewer_not_joined(now, robot, sfu_session, Refusal::of_sfu(&error));
            }
            SfuEvent::Gone => self.end_viewers(now, robot, EndReason::SfuEnded, is_it),
            SfuEvent::Alive(closed) => {
                let lost_one = |viewer: &Viewer| match viewer.state {
                    ViewerState::Bridged(ids) => is_it(viewer) && ids.iter().any(|id| closed.contains(id)),
                    _ => false,
                };
                self.end_viewers(now, robot, EndReason::ChannelClosed, lost_one);
            }
            SfuEvent::Opened(opening, channels) => self.viewer_opened(now, robot, sfu_session, opening, &channels),
            SfuEvent::NotOpened(opening, error) => {
                info!(%robot, %error, "a viewer is not bridged");
                let is_round = |viewer: &Viewer| {
                    is_it(viewer)
                        && matches!(viewer.state, ViewerState::Bridging { round, .. } if round == opening.round)
                };
                self.not_watching(now, robot, &Refusal::of_sfu(&error), is_round);
                self.release_outbound(now, robot);
            }
        }
    }

    fn viewer_joined(&mut self, now: Instant, robot: &RobotId, sfu_session: SfuSessionKey, sdp: &str) {
        let due = now + self.config.bridge_within;
        let Some(viewer) = self.viewer(robot, sfu_session) else { return };
        let ViewerState::Joining(request) = viewer.state else { return };
        (viewer.state, viewer.due) = (ViewerState::Joined, due);
        let (id, token) = (viewer.id.clone(), viewer.key.clone());
        info!(%robot, %token, "a viewer joined");
        // The next broker closes it: whoever watches joins again.
        if let Some(held) = self.sfu_sessions.get_mut(&sfu_session)
            && let Some(session) = held.sfu_session.session().filter(|_| !held.is_unclosed)
        {
            self.unclosed.push_back(Output::SaveUnclosed(session.to_owned()));
            held.is_unclosed = true;
        }
        let answer = self.joined_answer(now, robot, (&token, sfu_session), sdp, (Role::Viewer, &id));
        self.respond(request, answer);
        self.watch(robot);
    }

    fn viewer_not_joined(&mut self, now: Instant, robot: &RobotId, sfu_session: SfuSessionKey, refusal: Refusal) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let place = session.viewers.iter().position(|viewer| viewer.sfu_session == sfu_session);
        let Some(viewer) = place.map(|place| session.viewers.remove(place)) else { return };
        if let ViewerState::Joining(request) = viewer.state {
            self.refuse(request, refusal);
        }
        self.retire(now, sfu_session);
        self.watch(robot);
    }

    /// Opens a viewer's channels, or tells of those that there are.
    pub(super) fn bridge_viewer(
        &mut self,
        now: Instant,
        request: RequestId,
        robot: &RobotId,
        sfu_session: SfuSessionKey,
    ) -> Result<Option<Response>, Refusal> {
        if self.may_take(robot, sfu_session) {
            self.take(now, request, robot, sfu_session);
            return Ok(None);
        }
        let round = self.fresh();
        let viewer = self.viewer(robot, sfu_session).ok_or_else(Refusal::not_operator)?;
        match &mut viewer.state {
            ViewerState::Bridged(ids) => return Ok(Some(json(200, &Bridged::watching(*ids)))),
            ViewerState::Bridging { waiting, .. } if waiting.len() < MAX_WAITING => {
                waiting.push(request);
                return Ok(None);
            }
            ViewerState::Bridging { .. } => return Err(Refusal::too_many_waiting()),
            ViewerState::Joining(_) => return Err(Refusal::not_operator()),
            ViewerState::Joined => {}
        }
        viewer.due = now + ANSWER_WITHIN;
        viewer.state = ViewerState::Bridging { round, is_asked: false, waiting: vec![request] };
        self.open_outbound(now, robot);
        self.go_on_watching(now, robot);
        self.watch(robot);
        Ok(None)
    }

    /// Asks for the channels of those who wait for the robot's.
    pub(super) fn go_on_watching(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        if !matches!(session.outbound, Outbound::Open(..)) {
            return;
        }
        let robot_sfu = session.sfu_session;
        let mut asking = Vec::new();
        for viewer in &mut session.viewers {
            if let ViewerState::Bridging { round, is_asked: is_asked @ false, .. } = &mut viewer.state {
                *is_asked = true;
                asking.push((viewer.sfu_session, *round));
            }
        }
        let Some(publisher) = self.sfu_session_id(robot_sfu).map(str::to_owned) else { return };
        for (sfu_session, round) in asking {
            let opening = Opening { round, location: Location::Remote };
            self.with_sfu_session(now, sfu_session, |sfu_session| {
                sfu_session.open(opening, entries(Party::Operator, Some(&publisher)));
            });
        }
    }

    fn viewer_opened(
        &mut self,
        now: Instant,
        robot: &RobotId,
        sfu_session: SfuSessionKey,
        opening: Opening,
        channels: &[(String, StreamId)],
    ) {
        let id = |wanted: Channel| channels.iter().find(|(name, _)| name == wanted.name()).map(|(_, id)| *id);
        let Some(viewer) = self.viewer(robot, sfu_session) else { return };
        let ViewerState::Bridging { round, waiting, .. } = &mut viewer.state else { return };
        if *round != opening.round {
            return;
        }
        let ids = match (id(Channel::Back), id(Channel::Map)) {
            (Some(back), Some(map)) if back != map => [back, map],
            _ => {
                self.not_watching(now, robot, &Refusal::used_id(), |viewer| viewer.sfu_session == sfu_session);
                return self.release_outbound(now, robot);
            }
        };
        let waiting = std::mem::take(waiting);
        viewer.state = ViewerState::Bridged(ids);
        let token = viewer.key.clone();
        info!(%robot, %token, "a viewer watches");
        for request in waiting {
            self.respond(request, json(200, &Bridged::watching(ids)));
        }
        self.watch(robot);
    }

    /// Takes down what viewers are getting, so that their next try starts from nothing.
    pub(super) fn not_watching(
        &mut self,
        now: Instant,
        robot: &RobotId,
        refusal: &Refusal,
        is_meant: impl Fn(&Viewer) -> bool,
    ) {
        let due = now + self.config.bridge_within;
        let Some(session) = self.robots.get_mut(robot) else { return };
        let mut refused = Vec::new();
        for viewer in session.viewers.iter_mut().filter(|viewer| is_meant(viewer)) {
            if let ViewerState::Bridging { waiting, .. } = &mut viewer.state {
                refused.push((viewer.sfu_session, std::mem::take(waiting)));
                (viewer.state, viewer.due) = (ViewerState::Joined, due);
            }
        }
        for (sfu_session, waiting) in refused {
            for request in waiting {
                self.refuse(request, refusal.clone());
            }
            self.with_sfu_session(now, sfu_session, SfuSession::clear);
        }
        self.watch(robot);
    }

    /// Ends those who have not been heard of in time.
    pub(super) fn viewers_overdue(&mut self, now: Instant, robot: &RobotId) {
        let timeout = self.config.operator_timeout;
        self.end_viewers(now, robot, EndReason::Silent, |viewer| {
            viewer.heard.is_some_and(|heard| heard + timeout <= now)
        });
        let joined = |viewer: &Viewer| matches!(viewer.state, ViewerState::Joined) && viewer.due <= now;
        self.end_viewers(now, robot, EndReason::NotBridged, joined);
        self.not_watching(now, robot, &Refusal::slow_sfu(), |viewer| viewer.due <= now);
        self.release_outbound(now, robot);
        let Some(session) = self.robots.get(robot) else { return };
        let is_late = |viewer: &&Viewer| !viewer.is_there() && viewer.due <= now;
        let late: Vec<SfuSessionKey> =
            session.viewers.iter().filter(is_late).map(|viewer| viewer.sfu_session).collect();
        for sfu_session in late {
            self.viewer_not_joined(now, robot, sfu_session, Refusal::slow_sfu());
        }
    }

    /// Ends the time of some with a robot: their sessions and channels. Nothing, if there are none.
    pub(super) fn end_viewers(
        &mut self,
        now: Instant,
        robot: &RobotId,
        why: EndReason,
        is_meant: impl Fn(&Viewer) -> bool,
    ) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let ended: Vec<Viewer> = session.viewers.extract_if(.., |viewer| is_meant(viewer)).collect();
        if ended.is_empty() {
            return;
        }
        let is_to = |handing_over: &mut HandingOver| ended.iter().any(|viewer| viewer.sfu_session == handing_over.to);
        let given_up = session.handing_over.take_if(is_to);
        let robot_session = short_id(&session.id).to_owned();
        if let Some(HandingOver { request, .. }) = given_up {
            self.refuse(request, Refusal::no_viewer());
        }
        for viewer in ended {
            info!(%robot, session = robot_session, token = %viewer.key, %why, "a viewer ended");
            let waiting = match viewer.state {
                ViewerState::Joining(request) => vec![request],
                ViewerState::Bridging { waiting, .. } => waiting,
                ViewerState::Joined | ViewerState::Bridged(_) => Vec::new(),
            };
            for request in waiting {
                self.refuse(request, Refusal::no_longer_operator());
            }
            self.retire(now, viewer.sfu_session);
        }
        self.release_outbound(now, robot);
        self.watch(robot);
    }
}
