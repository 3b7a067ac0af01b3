//! What is kept of sessions, and how the next broker goes on with it.

use std::time::Instant;

use farwire_core::SessionId;
use farwire_core::wire::teleop::{Party, RobotFigures};

use super::{Broker, HeldSession, Operator, OperatorState, Outbound, Output, Robot, RobotState, SfuSessionKey};
use crate::channels::Ids;
use crate::end_reason::EndReason;
use crate::key::RobotId;
use crate::record::{Bridge, OperatorRecord, SessionRecord};
use crate::sfu_session::SfuSession;

impl Broker {
    /// What is kept of a session; `None` for one that a restart would find useless.
    pub(super) fn record(&self, robot: &RobotId) -> Option<SessionRecord> {
        let session = self.robots.get(robot)?;
        let operator = session.operator.as_ref().and_then(|operator| {
            let bridge = match operator.state {
                OperatorState::Joined | OperatorState::Bridging(_) => None,
                OperatorState::Bridged(bridge) => Some(bridge),
            };
            let sfu_session = self.sfu_session_id(operator.sfu_session)?.to_owned();
            let (id, key) = (operator.id.clone(), operator.key.clone());
            Some(OperatorRecord { id, key, sfu_session, bridge, heartbeats: operator.heard.is_some() })
        });
        Some(SessionRecord {
            id: session.id.clone(),
            robot: robot.clone(),
            key: session.key.clone(),
            name: session.name.clone(),
            kind: session.kind.clone(),
            instance: session.instance.clone(),
            created: session.created,
            sfu_session: self.sfu_session_id(session.sfu_session)?.to_owned(),
            used: session.used.iter().copied().collect(),
            owes_null: session.owes_null,
            operator,
        })
    }

    /// Takes up a session of the broker before this one, but for what that was about to close.
    pub(super) fn resume(&mut self, now: Instant, record: SessionRecord, unclosed: &[String]) {
        let usable = |session: &String| SessionId::new(session).filter(|_| !unclosed.contains(session));
        let Some(session) = usable(&record.sfu_session) else { return self.save(&record.robot) };
        let robot = record.robot;
        let operator = record.operator.and_then(|operator| Some((usable(&operator.sfu_session)?, operator)));
        let bridge = operator.as_ref().and_then(|(_, operator)| operator.bridge);

        let sfu_session = self.resumed(now, session, bridge.map(|bridge| bridge.robot));
        let sfu_session = self.start_sfu_session(now, &robot, Party::Robot, sfu_session);
        let operator = operator.map(|(session, OperatorRecord { id, key, heartbeats, .. })| {
            let sfu_session = self.resumed(now, session, bridge.map(|bridge| bridge.operator));
            let sfu_session = self.start_sfu_session(now, &robot, Party::Operator, sfu_session);
            let state = bridge.map_or(OperatorState::Joined, OperatorState::Bridged);
            let (due, heard) = (now + self.config.bridge_within, heartbeats.then_some(now));
            Operator { id, key, sfu_session, state, due, heard }
        });
        let is_good = self.keys.is_good(&record.key);
        let operator_is_good = operator.as_ref().is_none_or(|operator| self.keys.is_good(&operator.key));
        let session = Robot {
            id: record.id.clone(),
            key: record.key,
            name: record.name,
            kind: record.kind,
            instance: record.instance,
            sfu_session,
            state: RobotState::Unverified,
            heard: now,
            created: record.created,
            figures: RobotFigures::default(),
            operator,
            // Those who watched are closed, and join again.
            viewers: Vec::new(),
            handing_over: None,
            outbound: bridge
                .map_or(Outbound::Closed, |Bridge { robot: [_, _, back, map], .. }| Outbound::Open([back, map], true)),
            joining: None,
            operator_ended: None,
            rival_at: None,
            // It may have been.
            told: bridge.is_some(),
            owes_null: record.owes_null,
            used: record.used.into_iter().collect(),
            timer: now,
        };
        self.by_id.insert(record.id, robot.clone());
        self.robots.insert(robot.clone(), session);
        self.watch(&robot);
        if !is_good {
            self.end_robot(now, &robot, EndReason::KeyRevoked);
        } else if !operator_is_good {
            self.end_operator(now, &robot, EndReason::TokenRevoked);
        }
    }

    fn resumed(&mut self, now: Instant, session: SessionId, bridge: Option<Ids>) -> SfuSession {
        let seed = self.jitter();
        SfuSession::resumed(session, bridge, now, self.config.check_every, self.config.ends_sessions, seed)
    }

    /// Closes what the broker before this one had still to close.
    pub(super) fn close_left_over(&mut self, now: Instant, session: String) {
        let Some(id) = SessionId::new(&session) else {
            return self.unclosed.push_back(Output::ForgetUnclosed(session));
        };
        let sfu_session = self.resumed(now, id, None);
        let key = SfuSessionKey(self.fresh());
        self.sfu_sessions
            .insert(key, HeldSession { sfu_session, owner: None, is_viewer: false, timer: None, is_unclosed: true });
        self.retire(now, key);
    }
}
