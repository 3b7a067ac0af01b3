//! What is kept of sessions, and how the next broker goes on with it.

use std::time::Instant;

use farwire_core::SessionId;
use farwire_core::wire::teleop::Party;

use super::{Broker, HeldLeg, LegKey, Operator, OperatorState, Output, Robot, RobotState};
use crate::channels::Ids;
use crate::key::RobotId;
use crate::leg::Leg;
use crate::record::{OperatorRecord, SessionRecord};
use crate::why::Why;

impl Broker {
    /// What is kept of a session; `None` for one that a restart would find useless.
    pub(super) fn record(&self, robot: &RobotId) -> Option<SessionRecord> {
        let session = self.robots.get(robot)?;
        let operator = session.operator.as_ref().and_then(|operator| {
            let bridge = match operator.state {
                OperatorState::Joined | OperatorState::Bridging(_) => None,
                OperatorState::Bridged(bridge) => Some(bridge),
            };
            let sfu_session = self.leg_session(operator.leg)?.to_owned();
            Some(OperatorRecord { id: operator.id.clone(), key: operator.key.clone(), sfu_session, bridge })
        });
        Some(SessionRecord {
            id: session.id.clone(),
            robot: robot.clone(),
            key: session.key.clone(),
            name: session.name.clone(),
            kind: session.kind.clone(),
            instance: session.instance.clone(),
            sfu_session: self.leg_session(session.leg)?.to_owned(),
            used: session.used.iter().copied().collect(),
            owes_null: session.owes_null,
            operator,
        })
    }

    /// Takes up a session of the broker before this one, but for what that was about to close.
    pub(super) fn resume(&mut self, now: Instant, record: SessionRecord, owed: &[String]) {
        let usable = |session: &String| SessionId::new(session).filter(|_| !owed.contains(session));
        let Some(session) = usable(&record.sfu_session) else { return self.save(&record.robot) };
        let robot = record.robot;
        let operator = record.operator.and_then(|operator| Some((usable(&operator.sfu_session)?, operator)));
        let bridge = operator.as_ref().and_then(|(_, operator)| operator.bridge);

        let leg = self.resumed(now, session, bridge.map(|bridge| bridge.robot));
        let leg = self.dial(now, &robot, Party::Robot, leg);
        let operator = operator.map(|(session, OperatorRecord { id, key, .. })| {
            let leg = self.resumed(now, session, bridge.map(|bridge| bridge.operator));
            let leg = self.dial(now, &robot, Party::Operator, leg);
            let state = bridge.map_or(OperatorState::Joined, OperatorState::Bridged);
            Operator { id, key, leg, state, due: now + self.config.bridge_within }
        });
        let is_good = self.keys.is_good(&record.key);
        let operator_is_good = operator.as_ref().is_none_or(|operator| self.keys.is_good(&operator.key));
        let session = Robot {
            id: record.id.clone(),
            key: record.key,
            name: record.name,
            kind: record.kind,
            instance: record.instance,
            leg,
            state: RobotState::Unverified,
            heard: now,
            operator,
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
            self.end_robot(now, &robot, Why::KeyRevoked);
        } else if !operator_is_good {
            self.end_operator(now, &robot, Why::TokenRevoked);
        }
    }

    fn resumed(&mut self, now: Instant, session: SessionId, bridge: Option<Ids>) -> Leg {
        let seed = self.jitter();
        Leg::resumed(session, bridge, now, self.config.check_every, self.config.ends_sessions, seed)
    }

    /// Closes what the broker before this one had still to close.
    pub(super) fn close_owed(&mut self, now: Instant, session: String) {
        let Some(id) = SessionId::new(&session) else { return self.owed.push_back(Output::Settle(session)) };
        let leg = self.resumed(now, id, None);
        let key = LegKey(self.fresh());
        self.legs.insert(key, HeldLeg { leg, owner: None, timer: None, is_owed: true });
        self.retire(now, key);
    }
}
