//! Whom a call means that somebody makes who has joined: the operator, or one of those who watch.

use std::time::Instant;

use farwire_core::signalling::Response;
use farwire_core::wire::teleop::{Acknowledged, OfOperator, Role};

use super::{Broker, SfuSessionKey, Viewer};
use crate::key::{KeyId, RobotId};
use crate::refusal::{Refusal, json};

/// Who has joined a robot.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    Operator,
    /// By its session on the SFU.
    Viewer(SfuSessionKey),
}

impl Broker {
    /// Whom a call with this token means. One that names a joining means that alone. One that does not means the operator,
    /// unless it says that it watches or its sender does nothing else; and then the one that joined last.
    pub(super) fn bound(&self, robot: &RobotId, key: &KeyId, of: &OfOperator) -> Option<Bound> {
        let session = self.robots.get(robot)?;
        let is_meant = |id: &String| of.operator_id.as_ref().is_none_or(|meant| meant == id);
        let may_operate = of.operator_id.is_some() || of.role == Role::Operator;
        let operator = session.operator.as_ref().filter(|operator| operator.key == *key && is_meant(&operator.id));
        if operator.is_some() && may_operate {
            return Some(Bound::Operator);
        }
        let is_it = |viewer: &&Viewer| viewer.is_there() && viewer.key == *key && is_meant(&viewer.id);
        session.viewers.iter().rfind(is_it).map(|viewer| Bound::Viewer(viewer.sfu_session))
    }

    /// Notes that somebody is there. From its first heartbeat on, none for too long ends it.
    pub(super) fn operator_heartbeat(
        &mut self,
        now: Instant,
        robot: &RobotId,
        bound: Bound,
    ) -> Result<Response, Refusal> {
        let session = self.robots.get_mut(robot).ok_or_else(Refusal::not_operator)?;
        let mut role = None;
        match bound {
            Bound::Operator => {
                let operator = session.operator.as_mut().ok_or_else(Refusal::not_operator)?;
                if operator.heard.replace(now).is_none() {
                    self.save(robot);
                }
            }
            Bound::Viewer(key) => {
                let viewer = session.viewers.iter_mut().find(|viewer| viewer.sfu_session == key);
                viewer.ok_or_else(Refusal::not_operator)?.heard = Some(now);
                role =
                    session.handing_over.as_ref().filter(|handing_over| handing_over.to == key).map(|_| Role::Operator);
            }
        }
        self.watch(robot);
        Ok(json(200, &Acknowledged { ack: true, role }))
    }
}
