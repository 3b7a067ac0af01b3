//! What an operator's user asks of the broker: to hand the robot over, and who is there.
//!
//! Once a viewer has taken the robot, the broker closes the channels of its former operator, and the answer that says so may come
//! after that. An operator that joined again then would take the robot back, so until the answer is there, and for as long as one
//! that was lost may have meant it, the end of the bridge is the end of the connection.

use std::time::{Duration, Instant};

use super::OperatorProblem;
use crate::EndReason;
use crate::provider::Context;
use crate::provider::bridge::{Bridge, DIALECT, TRANSPORT};
use crate::provider::errand::{BrokerError, ErrandDone, ErrandId, Roster};
use crate::signalling::policy::{BROKER_CALL, HAND_OVER};
use crate::signalling::{Calls, Failure, Method, RequestId, Response, SignallingError};
use crate::wire::teleop::code::{NO_VIEWER, NOT_JOINED, SESSION_NOT_FOUND, SUPERSEDED};
use crate::wire::teleop::{Acknowledged, Attended, HandOver, path};

/// How long the broker's answer is waited for when the bridge is closed before it comes.
const GRACE: Duration = Duration::from_secs(3);

/// The longest id of a joining that is asked for or believed, in bytes.
const MAX_ID: usize = 128;

/// As many viewers as are told.
const MAX_VIEWERS: usize = 256;

/// The calls, one of each kind at a time, beside those of the session.
pub(super) struct Errands {
    handing_over: Calls<ErrandId>,
    roster: Calls<()>,
    /// All who get the answer to the call for it.
    of_roster: Vec<ErrandId>,
    /// Until when the robot may be handed over by what was asked for.
    may_hand_over: Option<Instant>,
    /// Why the bridge is over, while the broker's answer is waited for, and until when.
    ending: Option<(EndReason, Instant)>,
}

impl Errands {
    pub(super) fn new(seed: u64) -> Errands {
        Errands {
            handing_over: Calls::new(DIALECT, seed),
            roster: Calls::new(DIALECT, seed),
            of_roster: Vec::new(),
            may_hand_over: None,
            ending: None,
        }
    }

    /// Asks the broker to hand the robot over.
    pub(super) fn hand_over<C>(&mut self, cx: &mut Context<'_>, id: ErrandId, bridge: &Bridge<C>, body: &HandOver) {
        let Some(session) = &bridge.session else { return cx.errand_done(id, Err(BrokerError::NotConnected)) };
        if body.to.as_ref().is_some_and(|to| to.len() > MAX_ID) {
            return cx.errand_done(id, Err(BrokerError::NoViewer));
        }
        if let Some(former) = self.handing_over.in_flight() {
            cx.errand_done(*former, Err(BrokerError::Superseded));
        }
        let request = bridge.post(&format!("/{session}/{}", path::HAND_OVER), body, HAND_OVER);
        self.may_hand_over = Some(cx.now() + HAND_OVER);
        cx.call(&mut self.handing_over, id, TRANSPORT, request, false);
    }

    /// Asks the broker who is there.
    pub(super) fn ask_roster<C>(&mut self, cx: &mut Context<'_>, id: ErrandId, bridge: &Bridge<C>) {
        let Some(session) = &bridge.session else { return cx.errand_done(id, Err(BrokerError::NotConnected)) };
        self.of_roster.push(id);
        if self.roster.is_free() {
            let request = bridge.request(Method::GET, &format!("/{session}/{}", path::STATUS), BROKER_CALL);
            cx.call(&mut self.roster, (), TRANSPORT, request, false);
        }
    }

    /// Whether the broker's answer to a hand-over is awaited.
    pub(super) fn is_handing_over(&self) -> bool {
        !self.handing_over.is_free()
    }

    /// Whether a request is one of them, whose answer is awaited.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.handing_over.awaits(id) || self.roster.awaits(id)
    }

    /// Takes the answer to one; `Some`: the operator's time with the robot is over.
    pub(super) fn answered(
        &mut self,
        cx: &mut Context<'_>,
        id: RequestId,
        answer: Result<Response, Failure>,
        you: Option<&String>,
    ) -> Option<EndReason> {
        if self.roster.awaits(id) {
            let ((), reply) = self.roster.answered(id, answer)?;
            let told = cx.read::<Attended>(TRANSPORT, &reply);
            let told = told.map(|told| ErrandDone::Roster(roster(told, you))).map_err(refused);
            for waiting in self.of_roster.drain(..) {
                cx.errand_done(waiting, told.clone());
            }
            return None;
        }
        let (errand, reply) = self.handing_over.answered(id, answer)?;
        let Err(error) = cx.read::<Acknowledged>(TRANSPORT, &reply).map_err(refused) else {
            cx.errand_done(errand, Ok(ErrandDone::HandedOver));
            return Some(OperatorProblem::HandedOver.into());
        };
        let is_open = matches!(error, BrokerError::Unknown(_));
        cx.errand_done(errand, Err(error));
        let ending = self.ending.take().map(|(reason, _)| reason);
        if is_open {
            return ending.map(|_| OperatorProblem::HandedOver.into());
        }
        self.may_hand_over = None;
        ending
    }

    /// The bridge is over, by somebody else's doing. Answers what the connection ends with; `None`: the broker's answer is waited
    /// for.
    pub(super) fn bridge_over(&mut self, now: Instant, reason: EndReason) -> Option<EndReason> {
        if self.is_handing_over() {
            self.ending.get_or_insert((reason, now + GRACE));
            return None;
        }
        let is_handed_over = self.may_hand_over.is_some_and(|until| now <= until);
        Some(if is_handed_over { OperatorProblem::HandedOver.into() } else { reason })
    }

    /// Gives up the broker's answer when it is time, or says when that is.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) -> Result<Option<Instant>, EndReason> {
        match &self.ending {
            Some((_, due)) if *due <= cx.now() => Err(OperatorProblem::HandedOver.into()),
            ending => Ok(ending.as_ref().map(|(_, due)| *due)),
        }
    }
}

/// What a refusal of an errand means.
fn refused(error: SignallingError) -> BrokerError {
    match (error.refusal_status().or(error.status()), error.code()) {
        (Some(404), NO_VIEWER) => BrokerError::NoViewer,
        (Some(_), NO_VIEWER) => BrokerError::NotTaken,
        (Some(_), SUPERSEDED) => BrokerError::Superseded,
        (Some(_), NOT_JOINED) => BrokerError::NotOperator,
        (Some(404 | 405), code) if code != SESSION_NOT_FOUND => BrokerError::Unsupported,
        _ if error.refusal_status().is_some_and(|status| status < 500) => BrokerError::Refused(error),
        _ => BrokerError::Unknown(error),
    }
}

/// What a broker says of who is there, as far as it can be shown.
fn roster(told: Attended, you: Option<&String>) -> Roster {
    let is_id = |id: &String| (1..=MAX_ID).contains(&id.len()) && !id.contains(char::is_control);
    Roster {
        operator: told.operator_id.filter(is_id),
        viewers: told.viewers.into_iter().filter(is_id).take(MAX_VIEWERS).collect(),
        you: you.cloned().filter(is_id),
    }
}
