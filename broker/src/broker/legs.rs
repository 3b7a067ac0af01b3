//! Driving the legs, and what their events mean.

use std::time::Instant;

use farwire_core::signalling::RequestId;
use farwire_core::wire::teleop::Party;
use tracing::info;

use super::{Broker, Output, Timer};
use crate::key::RobotId;
use crate::leg::{Leg, LegEvent};
use crate::limits::MAX_LEGS_OF_ROBOT;
use crate::refusal::Refusal;
use crate::why::Why;

/// Names a session on the SFU inside the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LegKey(pub(super) u64);

/// A leg, and whose it is; nobody's, if the broker before this one had it still to close.
pub(super) struct HeldLeg {
    pub(super) leg: Leg,
    pub(super) owner: Option<(RobotId, Party)>,
    pub(super) timer: Option<Instant>,
    /// It is kept that its session is to be closed.
    pub(super) is_owed: bool,
}

impl Broker {
    pub(super) fn handle_event(&mut self, now: Instant, leg: LegKey, robot: &RobotId, party: Party, event: LegEvent) {
        if self.registering.get(robot).is_some_and(|registering| registering.leg == leg) {
            return match event {
                LegEvent::Answered(sdp) => self.registered(now, robot, &sdp),
                LegEvent::Failed(error) => {
                    info!(%robot, %error, "not registered");
                    self.not_registered(now, robot, Refusal::of_sfu(&error));
                }
                LegEvent::Gone => self.not_registered(now, robot, Refusal::slow_sfu()),
                LegEvent::Alive(_) | LegEvent::Opened(..) | LegEvent::NotOpened(..) => {}
            };
        }
        let joining = self.robots.get(robot).and_then(|session| session.joining.as_ref());
        if joining.is_some_and(|joining| joining.leg == leg) {
            return match event {
                LegEvent::Answered(sdp) => self.joined(now, robot, &sdp),
                LegEvent::Failed(error) => {
                    info!(%robot, %error, "not joined");
                    self.not_joined(now, robot, Refusal::of_sfu(&error));
                }
                LegEvent::Gone => self.not_joined(now, robot, Refusal::slow_sfu()),
                LegEvent::Alive(_) | LegEvent::Opened(..) | LegEvent::NotOpened(..) => {}
            };
        }
        match (party, event) {
            // Only a session that is being registered has an answer to wait for.
            (_, LegEvent::Answered(_) | LegEvent::Failed(_)) => {}
            (Party::Robot, LegEvent::Gone) => self.end_robot(now, robot, Why::SfuEnded),
            (Party::Operator, LegEvent::Gone) => self.end_operator(now, robot, Why::SfuEnded),
            (party, LegEvent::Alive(closed)) => {
                if party == Party::Robot {
                    self.verified(now, robot);
                }
                self.check_bridge(now, robot, party, &closed);
            }
            (party, LegEvent::Opened(opening, channels)) => self.opened(now, robot, party, opening, &channels),
            (_, LegEvent::NotOpened(opening, error)) => {
                info!(%robot, %error, "not bridged");
                self.not_bridged(now, robot, opening.round, &Refusal::of_sfu(&error));
            }
        }
    }

    /// Makes a leg and starts it.
    pub(super) fn dial(&mut self, now: Instant, robot: &RobotId, party: Party, leg: Leg) -> LegKey {
        let key = LegKey(self.fresh());
        let owner = Some((robot.clone(), party));
        self.legs.insert(key, HeldLeg { leg, owner, timer: None, is_owed: false });
        self.drive(now, key);
        key
    }

    /// Lets a leg make its next call, or go if it is over.
    pub(super) fn drive(&mut self, now: Instant, key: LegKey) {
        let id = RequestId(self.fresh());
        let Some(held) = self.legs.get_mut(&key) else { return };
        if let Some(request) = held.leg.next(now, &self.api, id) {
            self.calls.insert(id, key);
            self.stats.sfu_calls += 1;
            self.outbox.push_back(Output::Http(request));
        }
        let due = held.leg.due();
        if due != held.timer {
            if let Some(old) = held.timer {
                self.timers.remove(&(old, Timer::Leg(key)));
            }
            held.timer = due;
            self.timers.extend(due.map(|at| (at, Timer::Leg(key))));
        }
        if let Some(session) = held.leg.session().filter(|_| held.leg.is_retiring() && !held.is_owed) {
            self.owed.push_back(Output::Owe(session.to_owned()));
            held.is_owed = true;
        }
        if held.leg.is_over() {
            if let Some(session) = held.leg.session() {
                self.owed.push_back(Output::Settle(session.to_owned()));
            }
            if let Some(at) = held.timer {
                self.timers.remove(&(at, Timer::Leg(key)));
            }
            self.legs.remove(&key);
        }
    }

    pub(super) fn retire(&mut self, now: Instant, key: LegKey) {
        if let Some(held) = self.legs.get_mut(&key) {
            held.leg.retire();
        }
        self.drive(now, key);
    }

    pub(super) fn with_leg(&mut self, now: Instant, key: LegKey, change: impl FnOnce(&mut Leg)) {
        if let Some(held) = self.legs.get_mut(&key) {
            change(&mut held.leg);
        }
        self.drive(now, key);
    }

    pub(super) fn leg_session(&self, key: LegKey) -> Option<&str> {
        self.legs.get(&key)?.leg.session()
    }

    /// Refuses what would need more sessions on the SFU than there may be.
    pub(super) fn check_room(&self, robot: &RobotId) -> Result<(), Refusal> {
        let own = self.legs.values().filter(|held| held.owner.as_ref().is_some_and(|(of, _)| of == robot)).count();
        if own >= MAX_LEGS_OF_ROBOT {
            return Err(Refusal::too_many_closing());
        }
        // A robot, its operator, and as many that are being closed.
        match self.legs.len() >= self.config.max_robots.saturating_mul(3) {
            true => Err(Refusal::full(self.legs.len())),
            false => Ok(()),
        }
    }
}
