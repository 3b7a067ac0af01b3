//! The channels that a robot publishes on: its operator and its viewers share them, and the last of those closes them.

use std::time::Instant;

use farwire_core::link::StreamId;
use farwire_core::wire::cloudflare::Location;
use farwire_core::wire::teleop::{Channel, Party};

use super::{Broker, OperatorState, Outbound, Viewer};
use crate::channels::entries;
use crate::end_reason::EndReason;
use crate::key::RobotId;
use crate::refusal::Refusal;
use crate::sfu_session::{Opening, SfuSession};

impl Outbound {
    /// The ids at the robot's end, in the order of [`Channel::ALL`].
    pub(super) fn ids(&self) -> [Option<StreamId>; 4] {
        match self {
            Outbound::Open([back, map], _) => [None, None, Some(*back), Some(*map)],
            Outbound::Closed | Outbound::Opening(_) => [None; 4],
        }
    }
}

impl Broker {
    /// Asks for them, unless they are there or asked for.
    pub(super) fn open_outbound(&mut self, now: Instant, robot: &RobotId) {
        let round = self.fresh();
        let Some(session) = self.robots.get_mut(robot) else { return };
        if !matches!(session.outbound, Outbound::Closed) {
            return;
        }
        session.outbound = Outbound::Opening(round);
        let (robot_sfu, opening) = (session.sfu_session, Opening { round, location: Location::Local });
        self.with_sfu_session(now, robot_sfu, |sfu_session| sfu_session.open(opening, entries(Party::Robot, None)));
    }

    /// Takes the channels that the SFU has opened, for the operator and the viewers that wait for them.
    pub(super) fn outbound_opened(
        &mut self,
        now: Instant,
        robot: &RobotId,
        round: u64,
        channels: &[(String, StreamId)],
    ) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        if !matches!(session.outbound, Outbound::Opening(current) if current == round) {
            return;
        }
        let id = |wanted: Channel| channels.iter().find(|(name, _)| name == wanted.name()).map(|(_, id)| *id);
        let ids = match (id(Channel::Back), id(Channel::Map)) {
            (Some(back), Some(map)) if back != map => [back, map],
            _ => return self.outbound_failed(now, robot, round, &Refusal::used_id()),
        };
        if ids.iter().any(|id| session.used.contains(id)) {
            return self.outbound_failed(now, robot, round, &Refusal::used_id());
        }
        session.outbound = Outbound::Open(ids, false);
        session.used.extend(ids);
        if let Some(OperatorState::Bridging(bridging)) = session.operator.as_mut().map(|operator| &mut operator.state) {
            for (place, id) in bridging.robot.iter_mut().zip(session.outbound.ids()) {
                *place = id.or(*place);
            }
        }
        self.save(robot);
        self.go_on_bridging(now, robot);
        self.go_on_watching(now, robot);
    }

    /// Takes down what waits for them, so that the next try starts from nothing.
    pub(super) fn outbound_failed(&mut self, now: Instant, robot: &RobotId, round: u64, refusal: &Refusal) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        if !matches!(session.outbound, Outbound::Opening(current) if current == round) {
            return;
        }
        session.outbound = Outbound::Closed;
        let robot_sfu = session.sfu_session;
        let round = match session.operator.as_ref().map(|operator| &operator.state) {
            Some(OperatorState::Bridging(bridging)) => Some(bridging.round),
            _ => None,
        };
        self.not_watching(now, robot, refusal, |_| true);
        if let Some(round) = round {
            self.not_bridged(now, robot, round, refusal);
        }
        self.with_sfu_session(now, robot_sfu, SfuSession::clear);
    }

    /// Ends all who share them if the SFU has closed one; the operator is looked at with its bridge.
    pub(super) fn check_outbound(&mut self, now: Instant, robot: &RobotId, closed: &[StreamId]) {
        let Some(session) = self.robots.get(robot) else { return };
        if session.outbound.ids().into_iter().flatten().any(|id| closed.contains(&id)) {
            self.end_viewers(now, robot, EndReason::ChannelClosed, Viewer::has_channels);
        }
    }

    /// Closes at the robot's end what an operator had that has no channels any more, and what it shared if nobody else has.
    pub(super) fn release_inbound(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let robot_sfu = session.sfu_session;
        if session.viewers.iter().any(Viewer::has_channels) {
            return self.with_sfu_session(now, robot_sfu, SfuSession::clear_subscriptions);
        }
        session.outbound = Outbound::Closed;
        self.with_sfu_session(now, robot_sfu, SfuSession::clear);
    }

    /// Closes them if nobody has them any more.
    pub(super) fn release_outbound(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let is_operated = session.operator.as_ref().is_some_and(|operator| operator.state.has_channels());
        if is_operated || session.viewers.iter().any(Viewer::has_channels) {
            return;
        }
        if !matches!(std::mem::replace(&mut session.outbound, Outbound::Closed), Outbound::Closed) {
            let robot_sfu = session.sfu_session;
            self.with_sfu_session(now, robot_sfu, SfuSession::clear);
        }
    }
}
