//! An operator hands its robot over to somebody who watches it.
//!
//! The operator goes on until the viewer takes the robot, which it does by bridging once a heartbeat has told it. Then the one
//! is ended and the other's channels are opened, so that the robot stands for no longer than between two of its heartbeats. If
//! the viewer does not take it, nothing has changed.

use std::time::Instant;

use farwire_core::signalling::RequestId;
use farwire_core::wire::cloudflare::Location;
use farwire_core::wire::teleop::{Acknowledged, HandOver, OfOperator, Party};
use tracing::info;

use super::bound::Bound;
use super::{Bridging, Broker, HandingOver, Operator, OperatorState, Output, SfuSessionKey, Viewer, ViewerState};
use crate::channels::entries;
use crate::end_reason::EndReason;
use crate::key::{KeyId, RobotId};
use crate::limits::ANSWER_WITHIN;
use crate::refusal::{Refusal, json};
use crate::sfu_session::Opening;

impl Broker {
    /// Lets a viewer take the robot. The request is answered when it has, or does not.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        request: RequestId,
        key: &KeyId,
        robot: &RobotId,
        body: HandOver,
    ) -> Result<(), Refusal> {
        let of = OfOperator::new(body.operator_id);
        if !matches!(self.bound(robot, key, &of), Some(Bound::Operator)) {
            return Err(Refusal::not_operator());
        }
        let session = self.robots.get_mut(robot).ok_or_else(Refusal::no_session)?;
        let mut meant = session.viewers.iter().filter(|viewer| {
            matches!(viewer.state, ViewerState::Bridged(_)) && body.to.as_ref().is_none_or(|to| *to == viewer.id)
        });
        let to = match (meant.next(), meant.next()) {
            (Some(only), None) => only.sfu_session,
            _ => return Err(Refusal::no_viewer()),
        };
        let former = session.handing_over.replace(HandingOver { request, to, due: now + ANSWER_WITHIN });
        if let Some(former) = former {
            self.refuse(former.request, Refusal::handed_elsewhere());
        }
        self.watch(robot);
        Ok(())
    }

    /// Gives up what was not taken in time; the operator goes on.
    pub(super) fn handing_over_overdue(&mut self, now: Instant, robot: &RobotId) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        if let Some(HandingOver { request, .. }) = session.handing_over.take_if(|handing_over| handing_over.due <= now)
        {
            self.refuse(request, Refusal::not_taken());
        }
    }

    /// Whether the robot is handed over to a viewer.
    pub(super) fn may_take(&self, robot: &RobotId, viewer: SfuSessionKey) -> bool {
        let handing_over = self.robots.get(robot).and_then(|session| session.handing_over.as_ref());
        handing_over.is_some_and(|handing_over| handing_over.to == viewer)
    }

    /// Makes a viewer the operator, and bridges it, which `request` waits for.
    pub(super) fn take(&mut self, now: Instant, request: RequestId, robot: &RobotId, sfu_session: SfuSessionKey) {
        let Some(session) = self.robots.get_mut(robot) else { return };
        let Some(HandingOver { request: of_former, .. }) = session.handing_over.take() else { return };
        // While it counts as a viewer, what the robot publishes stays open.
        self.not_joined(now, robot, Refusal::no_longer_operator());
        self.end_operator(now, robot, EndReason::HandedOver);
        let round = self.fresh();
        let Some(session) = self.robots.get_mut(robot) else { return };
        let is_it = |viewer: &mut Viewer| viewer.sfu_session == sfu_session;
        let Some(Viewer { id, key, state, heard, .. }) = session.viewers.extract_if(.., is_it).next() else { return };
        let operator = match state {
            ViewerState::Bridged([back, map]) => [None, None, Some(back), Some(map)],
            _ => [None; 4],
        };
        info!(%robot, token = %key, "handed over");
        let waiting = vec![request];
        let bridging = Bridging { round, waiting, robot: session.outbound.ids(), operator, subscribing: false };
        let (state, due) = (OperatorState::Bridging(bridging), now + ANSWER_WITHIN);
        session.operator = Some(Operator { id, key, sfu_session, state, due, heard });
        self.stats.handed_over += 1;
        self.respond(of_former, json(200, &Acknowledged { ack: true, role: None }));
        // The next broker goes on with it.
        if let Some(held) = self.sfu_sessions.get_mut(&sfu_session) {
            held.is_viewer = false;
            if let Some(id) = held.sfu_session.session().filter(|_| std::mem::take(&mut held.is_unclosed)) {
                self.unclosed.push_back(Output::ForgetUnclosed(id.to_owned()));
            }
        }
        self.open_outbound(now, robot);
        let opening = Opening { round, location: Location::Local };
        self.with_sfu_session(now, sfu_session, |sfu_session| {
            sfu_session.open(opening, entries(Party::Operator, None));
        });
        self.watch(robot);
        self.save(robot);
    }
}
