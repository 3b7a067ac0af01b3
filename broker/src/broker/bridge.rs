//! Building the four channels between a robot and its operator.

use std::collections::BTreeSet;
use std::time::Instant;

use farwire_core::link::StreamId;
use farwire_core::signalling::{RequestId, Response};
use farwire_core::wire::cloudflare::Location;
use farwire_core::wire::teleop::{Bridged, Channel, Party};
use tracing::info;

use super::robots::short_id;
use super::{Bridging, Broker, OperatorState};
use crate::channels::entries;
use crate::end_reason::EndReason;
use crate::key::RobotId;
use crate::limits::{ANSWER_WITHIN, MAX_WAITING};
use crate::record::Bridge;
use crate::refusal::{Refusal, json};
use crate::sfu_session::{Opening, SfuSession};

impl Broker {
    /// Builds a bridge, or tells of the one that there is.
    pub(super) fn bridge(
        &mut self,
        now: Instant,
        request: RequestId,
        robot: &RobotId,
    ) -> Result<Option<Response>, Refusal> {
        let round = self.fresh();
        let session = self.robots.get_mut(robot).ok_or_else(Refusal::no_session)?;
        let operator = session.operator.as_mut().ok_or_else(Refusal::not_operator)?;
        let operator_sfu = operator.sfu_session;
        match &mut operator.state {
            OperatorState::Bridged(bridge) => return Ok(Some(json(200, &Bridged::new(bridge.operator)))),
            OperatorState::Bridging(bridging) if bridging.waiting.len() < MAX_WAITING => {
                bridging.waiting.push(request);
                return Ok(None);
            }
            OperatorState::Bridging(_) => return Err(Refusal::too_many_waiting()),
            OperatorState::Joined => {}
        }
        operator.due = now + ANSWER_WITHIN;
        operator.state = OperatorState::Bridging(Bridging {
            round,
            waiting: vec![request],
            robot: session.outbound.ids(),
            operator: [None; 4],
            subscribing: false,
        });
        self.open_outbound(now, robot);
        let opening = Opening { round, location: Location::Local };
        self.with_sfu_session(now, operator_sfu, |sfu_session| {
            sfu_session.open(opening, entries(Party::Operator, None));
        });
        self.watch(robot);
        Ok(None)
    }

    /// Notes the channels that the SFU has opened at one end.
    pub(super) fn opened(
        &mut self,
        now: Instant,
        robot: &RobotId,
        party: Party,
        opening: Opening,
        channels: &[(String, StreamId)],
    ) {
        if party == Party::Robot && opening.location == Location::Local {
            return self.outbound_opened(now, robot, opening.round, channels);
        }
        let operator = self.robots.get_mut(robot).and_then(|session| session.operator.as_mut());
        let Some(OperatorState::Bridging(bridging)) = operator.map(|operator| &mut operator.state) else { return };
        if bridging.round != opening.round {
            return;
        }
        let ids = match party {
            Party::Robot => &mut bridging.robot,
            Party::Operator => &mut bridging.operator,
        };
        for (name, id) in channels {
            if let Some(channel) = Channel::of(name) {
                ids[channel as usize] = Some(*id);
            }
        }
        self.go_on_bridging(now, robot);
    }

    /// Asks for what both ends subscribe to once both publish, and tells of the bridge once that is there.
    pub(super) fn go_on_bridging(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let Some(operator) = &mut session.operator else { return };
        let (robot_sfu, operator_sfu) = (session.sfu_session, operator.sfu_session);
        let OperatorState::Bridging(bridging) = &mut operator.state else { return };
        if let ([Some(a), Some(b), Some(c), Some(d)], [Some(e), Some(f), Some(g), Some(h)]) =
            (bridging.robot, bridging.operator)
        {
            return self.bridged(now, robot, Bridge { robot: [a, b, c, d], operator: [e, f, g, h] });
        }
        let is_published =
            matches!((bridging.robot, bridging.operator), ([_, _, Some(_), Some(_)], [Some(_), Some(_), _, _]));
        if !is_published || std::mem::replace(&mut bridging.subscribing, true) {
            return;
        }
        let opening = Opening { round: bridging.round, location: Location::Remote };
        let watches_already = matches!(bridging.operator, [_, _, Some(_), Some(_)]);
        let sessions =
            (self.sfu_session_id(robot_sfu).map(str::to_owned), self.sfu_session_id(operator_sfu).map(str::to_owned));
        let (Some(robot_session), Some(operator_session)) = sessions else { return };
        self.with_sfu_session(now, robot_sfu, |sfu_session| {
            sfu_session.open(opening, entries(Party::Robot, Some(&operator_session)));
        });
        if !watches_already {
            self.with_sfu_session(now, operator_sfu, |sfu_session| {
                sfu_session.open(opening, entries(Party::Operator, Some(&robot_session)));
            });
        }
    }

    fn bridged(&mut self, now: Instant, robot: &RobotId, bridge: Bridge) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let (robot_ids, operator_ids) = (BTreeSet::from(bridge.robot), BTreeSet::from(bridge.operator));
        let are_distinct = robot_ids.len() == bridge.robot.len() && operator_ids.len() == bridge.operator.len();
        // What it publishes on was looked at when it was opened.
        let [cmd, state, ..] = bridge.robot;
        if !are_distinct || session.used.contains(&cmd) || session.used.contains(&state) {
            let round = match session.operator.as_ref().map(|operator| &operator.state) {
                Some(OperatorState::Bridging(bridging)) => bridging.round,
                _ => return,
            };
            return self.not_bridged(now, robot, round, &Refusal::used_id());
        }
        let Some(operator) = &mut session.operator else { return };
        let state = std::mem::replace(&mut operator.state, OperatorState::Bridged(bridge));
        session.used.extend(bridge.robot);
        self.stats.bridges_built += 1;
        info!(%robot, session = short_id(&session.id), token = %operator.key, "bridged");
        if let OperatorState::Bridging(Bridging { waiting, .. }) = state {
            for request in waiting {
                self.respond(request, json(200, &Bridged::new(bridge.operator)));
            }
        }
        self.save(robot);
    }

    /// Takes down what there is of a bridge, so that the next try starts from nothing.
    pub(super) fn not_bridged(&mut self, now: Instant, robot: &RobotId, round: u64, refusal: &Refusal) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let Some(operator) = &mut session.operator else { return };
        match &operator.state {
            OperatorState::Bridging(bridging) if bridging.round == round => {}
            _ => return,
        }
        operator.due = now + self.config.bridge_within;
        let state = std::mem::replace(&mut operator.state, OperatorState::Joined);
        let operator_sfu = operator.sfu_session;
        if let OperatorState::Bridging(Bridging { waiting, .. }) = state {
            for request in waiting {
                self.refuse(request, refusal.clone());
            }
        }
        self.release_inbound(now, robot);
        self.with_sfu_session(now, operator_sfu, SfuSession::clear);
        self.watch(robot);
    }

    /// Ends the operator of a bridge that has lost a channel at one end: the operator learns nothing of new ids but by
    /// joining, and the robot has to stop before it hears of them.
    pub(super) fn check_bridge(&mut self, now: Instant, robot: &RobotId, party: Party, closed: &[StreamId]) {
        let operator = self.robots.get(robot).and_then(|session| session.operator.as_ref());
        let Some(OperatorState::Bridged(bridge)) = operator.map(|operator| &operator.state) else { return };
        let ids = match party {
            Party::Robot => bridge.robot,
            Party::Operator => bridge.operator,
        };
        if ids.iter().any(|id| closed.contains(id)) {
            self.stats.bridges_broken += 1;
            self.end_operator(now, robot, EndReason::ChannelClosed);
        }
    }
}
