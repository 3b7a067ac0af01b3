//! Tells the broker that the operator is there, which puts out one that falls silent.

use std::time::{Duration, Instant};

use super::OperatorProblem;
use crate::provider::Context;
use crate::provider::bridge::{Bridge, DIALECT, TRANSPORT};
use crate::signalling::policy::{HEARTBEAT, MAX_REJECTIONS, OPERATOR_HEARTBEAT, VIEWER_HEARTBEAT};
use crate::signalling::{Calls, Failure, RequestId, Response, SignallingError};
use crate::wire::cloudflare::code::NOT_FOUND;
use crate::wire::teleop::code::{KEY_REVOKED, NOT_JOINED};
use crate::wire::teleop::{Acknowledged, OfOperator, Role, path};
use crate::{ConnectionEvent, EndReason};

/// What a heartbeat's answer means.
pub(super) enum Heard {
    /// It goes on as it was.
    Nothing,
    /// A viewer may take the robot.
    HandedOver,
    /// The time with the robot is over.
    Over(EndReason),
}

/// The time between two.
fn period(role: Role) -> Duration {
    match role {
        Role::Operator => OPERATOR_HEARTBEAT,
        Role::Viewer => VIEWER_HEARTBEAT,
    }
}

/// An operator's heartbeats, from its joining on. They have calls of their own, so that one which hangs holds up nothing.
pub(super) struct Heartbeats {
    calls: Calls<()>,
    /// When the next one is due; `None` before the joining, and if the broker does not know the call.
    next: Option<Instant>,
    rejections: u32,
    /// The present streak of failures was told.
    is_failing: bool,
}

impl Heartbeats {
    pub(super) fn new(seed: u64) -> Heartbeats {
        Heartbeats { calls: Calls::new(DIALECT, seed), next: None, rejections: 0, is_failing: false }
    }

    /// The broker has let this operator in.
    pub(super) fn begin(&mut self, now: Instant, role: Role) {
        self.next = Some(now + period(role));
    }

    /// Makes the next one if it is due; else says when it is.
    pub(super) fn advance<C>(
        &mut self,
        cx: &mut Context<'_>,
        bridge: &Bridge<C>,
        role: Role,
        operator_id: Option<&String>,
    ) -> Option<Instant> {
        let (next, session) = (self.next?, bridge.session.as_ref()?);
        let at = self.calls.ready_at(cx.now())?.max(next);
        if at > cx.now() {
            return Some(at);
        }
        self.next = Some(cx.now() + period(role));
        let body = OfOperator::new(operator_id.cloned()).role(role);
        let request = bridge.post(&format!("/{session}/{}", path::OP_HEARTBEAT), &body, HEARTBEAT);
        cx.call(&mut self.calls, (), TRANSPORT, request, self.is_failing);
        None
    }

    /// Whether a request is one of them, whose answer is awaited.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.calls.awaits(id)
    }

    /// Takes the answer to one.
    pub(super) fn answered(&mut self, cx: &mut Context<'_>, id: RequestId, answer: Result<Response, Failure>) -> Heard {
        let Some(((), reply)) = self.calls.answered(id, answer) else { return Heard::Nothing };
        cx.wake();
        match cx.read::<Acknowledged>(TRANSPORT, &reply) {
            Ok(answer) => {
                self.calls.succeeded();
                (self.rejections, self.is_failing) = (0, false);
                if answer.role == Some(Role::Operator) { Heard::HandedOver } else { Heard::Nothing }
            }
            Err(error) => self.failed(cx, error).map_or(Heard::Nothing, Heard::Over),
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, error: SignallingError) -> Option<EndReason> {
        let status = error.refusal_status().or(error.status());
        let is_unknown_call = matches!(status, Some(404 | 405));
        // A proxy may answer one like that; what only farwire's broker says, it means.
        let is_rejected = is_unknown_call || matches!(error.refusal_status(), Some(401 | 403 | 410));
        self.rejections = if is_rejected { self.rejections + 1 } else { 0 };
        match error.code() {
            KEY_REVOKED => return Some(EndReason::Api(error)),
            NOT_JOINED => return Some(OperatorProblem::Closed.into()),
            _ => {}
        }
        let is_over = self.rejections >= MAX_REJECTIONS;
        if is_unknown_call {
            // Brokers did without this call, and a session that is gone shows in its channels.
            self.next.take_if(|_| is_over || error.code() == NOT_FOUND);
            return None;
        }
        if is_over {
            return Some(EndReason::Api(error));
        }
        if error.is_retryable() {
            let again = self.calls.failed(cx.now());
            self.next = self.next.map(|next| next.min(again));
        }
        if !std::mem::replace(&mut self.is_failing, true) {
            cx.tell(ConnectionEvent::HeartbeatFailing { reason: error });
        }
        None
    }
}
