//! Whose a request is, and what it asks for.

use std::net::IpAddr;
use std::time::Instant;

use farwire_core::signalling::{RequestId, Response, bearer};
use farwire_core::wire::Object;
use farwire_core::wire::teleop::{Join, Left, OfOperator, RobotFigures, Role};
use farwire_listener::Guess;
use serde::de::DeserializeOwned;
use tracing::warn;

use super::bound::Bound;
use super::{Broker, Incoming};
use crate::end_reason::EndReason;
use crate::key::{Grant, KeyId, RobotId, Scope};
use crate::keys::Shown;
use crate::refusal::{Refusal, json};
use crate::route::{Call, OperatorCall, RobotCall, route};

impl Broker {
    /// The response, or `None` if the SFU is to be asked.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: RequestId,
        request: Incoming<'_>,
    ) -> Result<Option<Response>, Refusal> {
        match route(request.method, request.path, request.query).ok_or_else(Refusal::unknown_path)? {
            Call::TurnCredentials => {
                let key = match request.robot_key.is_some() {
                    true => self.robot_of(now, &request)?.0,
                    false => self.operator_of(now, &request)?.0,
                };
                Ok(self.turn_credentials(now, id, &key))
            }
            Call::Robot(call) => {
                let (key, robot) = self.robot_of(now, &request)?;
                self.robot_call(now, id, (key, robot), call, request.body)
            }
            Call::Operator(call) => {
                let (key, scope) = self.operator_of(now, &request)?;
                self.operator_call(now, id, (key, scope), call, request.body)
            }
        }
    }

    fn robot_call(
        &mut self,
        now: Instant,
        id: RequestId,
        (key, robot): (KeyId, RobotId),
        call: RobotCall<'_>,
        body: &[u8],
    ) -> Result<Option<Response>, Refusal> {
        match call {
            RobotCall::Register => self.register(now, id, key, &robot, &parse(body)?).map(|()| None),
            RobotCall::Heartbeat(session) => {
                self.own_session(&robot, session).map_err(|refusal| self.displaced(now, &robot, session, refusal))?;
                self.heartbeat(now, &key, &robot, RobotFigures::of(body)).map(Some)
            }
            RobotCall::Renegotiate(session) => {
                self.own_session(&robot, session)?;
                Err(Refusal::nothing_to_answer())
            }
            RobotCall::Delete(session) => {
                self.own_session(&robot, session)?;
                self.end_robot(now, &robot, EndReason::Stopped);
                Ok(Some(Response { status: 204, body: Vec::new() }))
            }
        }
    }

    fn operator_call(
        &mut self,
        now: Instant,
        id: RequestId,
        (key, scope): (KeyId, Scope),
        call: OperatorCall<'_>,
        body: &[u8],
    ) -> Result<Option<Response>, Refusal> {
        match call {
            OperatorCall::List { with_offline } => Ok(Some(self.list(now, &key, &scope, with_offline))),
            OperatorCall::Status(session) => {
                let robot = self.operable(&scope, session)?;
                Ok(Some(json(200, &self.listed(now, &key, &robot))))
            }
            OperatorCall::Join(session) => {
                let robot = self.operable(&scope, session)?;
                let body: Join = parse(body)?;
                match body.role.unwrap_or_default() {
                    Role::Operator => self.join(now, id, key, &robot, &body).map(|()| None),
                    Role::Viewer => self.join_as_viewer(now, id, key, &robot, &body).map(|()| None),
                }
            }
            OperatorCall::Bridge(session) => {
                let robot = self.operable(&scope, session)?;
                match self.bound(&robot, &key, &parse_or_empty(body)?) {
                    Some(Bound::Operator) => self.bridge(now, id, &robot),
                    Some(Bound::Viewer(viewer)) => self.bridge_viewer(now, id, &robot, viewer),
                    None => Err(Refusal::not_operator()),
                }
            }
            OperatorCall::Renegotiate(session) => {
                let robot = self.operable(&scope, session)?;
                match self.bound(&robot, &key, &OfOperator::default()) {
                    Some(_) => Err(Refusal::nothing_to_answer()),
                    None => Err(Refusal::not_operator()),
                }
            }
            OperatorCall::Heartbeat(session) => {
                let robot = self.operable(&scope, session)?;
                let bound = self.bound(&robot, &key, &parse_or_empty(body)?).ok_or_else(Refusal::not_operator)?;
                self.operator_heartbeat(now, &robot, bound).map(Some)
            }
            OperatorCall::HandOver(session) => {
                let robot = self.operable(&scope, session)?;
                self.hand_over(now, id, &key, &robot, parse_or_empty(body)?).map(|()| None)
            }
            OperatorCall::Leave(session) => {
                let robot = self.operable(&scope, session)?;
                let of: OfOperator = parse_or_empty(body)?;
                let reason = EndReason::Left(of.reason);
                match self.bound(&robot, &key, &of) {
                    Some(Bound::Operator) => self.end_operator(now, &robot, reason),
                    Some(Bound::Viewer(viewer)) => {
                        self.end_viewers(now, &robot, reason, |other| other.sfu_session == viewer);
                    }
                    None => {}
                }
                let joining = self.robots.get(&robot).and_then(|session| session.joining.as_ref());
                if of.operator_id.is_none()
                    && of.role == Role::Operator
                    && joining.is_some_and(|joining| joining.key == key)
                {
                    self.not_joined(now, &robot, Refusal::no_longer_operator());
                }
                let state = self.listed(now, &key, &robot).state;
                Ok(Some(json(200, &Left { session_id: session.to_owned(), state })))
            }
        }
    }

    pub(super) fn authorize(&mut self, now: Instant, call: Call<'_>, request: &Incoming<'_>) -> Result<(), Refusal> {
        match call {
            Call::Robot(_) => self.robot_of(now, request).map(drop),
            Call::Operator(_) => self.operator_of(now, request).map(drop),
            // For both.
            Call::TurnCredentials if request.robot_key.is_some() => self.robot_of(now, request).map(drop),
            Call::TurnCredentials => self.operator_of(now, request).map(drop),
        }
    }

    /// The robot whose key a request shows.
    fn robot_of(&mut self, now: Instant, request: &Incoming<'_>) -> Result<(KeyId, RobotId), Refusal> {
        match self.keys.show(request.robot_key.unwrap_or_default()) {
            Shown::Good(key) => {
                if let Grant::Robot(robot) = &key.grant {
                    return Ok((key.id(), robot.clone()));
                }
            }
            // DimOS's robot has to hear 401 five times to end, however often it asks.
            Shown::Revoked => return Err(Refusal::revoked_key()),
            Shown::Unknown => {}
        }
        Err(self.wrong_key(now, request.source, Refusal::no_robot_key()))
    }

    /// What the operator may operate whose token a request shows.
    fn operator_of(&mut self, now: Instant, request: &Incoming<'_>) -> Result<(KeyId, Scope), Refusal> {
        let token = request.authorization.and_then(bearer).unwrap_or_default();
        match self.keys.show(token) {
            Shown::Good(key) => {
                if let Grant::Operator(scope) = &key.grant {
                    return Ok((key.id(), scope.clone()));
                }
            }
            Shown::Revoked => return Err(Refusal::revoked_token()),
            Shown::Unknown => {}
        }
        Err(self.wrong_key(now, request.source, Refusal::no_operator_token()))
    }

    fn wrong_key(&mut self, now: Instant, source: IpAddr, refusal: Refusal) -> Refusal {
        self.stats.wrong_keys += 1;
        match self.guesses.note(now, source) {
            Guess::Allowed => return refusal,
            Guess::FirstTooMany => warn!(%source, "too many wrong keys"),
            Guess::TooMany => {}
        }
        Refusal::too_many_guesses()
    }

    /// Makes sure that a session is a robot's.
    fn own_session(&self, robot: &RobotId, session: &str) -> Result<(), Refusal> {
        match self.by_id.get(session) {
            Some(owner) if owner == robot => Ok(()),
            _ => Err(Refusal::no_session()),
        }
    }

    /// The robot of a session, if its operator may operate it.
    fn operable(&self, scope: &Scope, session: &str) -> Result<RobotId, Refusal> {
        let robot = self.by_id.get(session).filter(|robot| scope.allows(robot));
        robot.cloned().ok_or_else(Refusal::no_session)
    }
}

/// Reads a body by its content, whatever its `Content-Type`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map(|Object(body)| body).map_err(|error| {
        // What serde quotes of a wrong value may be a piece of a description.
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field is missing or has another type",
            _ => "it is no JSON",
        };
        Refusal::body(&format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}

/// The same where a client may send nothing at all.
fn parse_or_empty<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}
