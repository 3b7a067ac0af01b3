//! Driving the SFU sessions, and what their events mean.

use std::time::Instant;

use farwire_core::signalling::RequestId;
use farwire_core::wire::cloudflare::Location;
use farwire_core::wire::teleop::Party;
use tracing::info;

use super::{Broker, Output, Timer};
use crate::end_reason::EndReason;
use crate::key::RobotId;
use crate::limits::MAX_SFU_SESSIONS_OF_ROBOT;
use crate::refusal::Refusal;
use crate::sfu_session::{SfuEvent, SfuSession};

/// Names a session on the SFU inside the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SfuSessionKey(pub(super) u64);

/// A session on the SFU, and whose it is; nobody's, if the broker before this one had it still to close.
pub(super) struct HeldSession {
    pub(super) sfu_session: SfuSession,
    pub(super) owner: Option<(RobotId, Party)>,
    /// It only watches.
    pub(super) is_viewer: bool,
    pub(super) timer: Option<Instant>,
    /// It is kept that its session is to be closed.
    pub(super) is_unclosed: bool,
}

impl Broker {
    pub(super) fn handle_event(
        &mut self,
        now: Instant,
        sfu_session: SfuSessionKey,
        robot: &RobotId,
        party: Party,
        event: SfuEvent,
    ) {
        if self.registering.get(robot).is_some_and(|registering| registering.sfu_session == sfu_session) {
            return match event {
                SfuEvent::Answered(sdp) => self.registered(now, robot, &sdp),
                SfuEvent::Failed(error) => {
                    info!(%robot, %error, "not registered");
                    self.not_registered(now, robot, Refusal::of_sfu(&error));
                }
                SfuEvent::Gone => self.not_registered(now, robot, Refusal::slow_sfu()),
                SfuEvent::Alive(_) | SfuEvent::Opened(..) | SfuEvent::NotOpened(..) => {}
            };
        }
        let joining = self.robots.get(robot).and_then(|session| session.joining.as_ref());
        if joining.is_some_and(|joining| joining.sfu_session == sfu_session) {
            return match event {
                SfuEvent::Answered(sdp) => self.joined(now, robot, &sdp),
                SfuEvent::Failed(error) => {
                    info!(%robot, %error, "not joined");
                    self.not_joined(now, robot, Refusal::of_sfu(&error));
                }
                SfuEvent::Gone => self.not_joined(now, robot, Refusal::slow_sfu()),
                SfuEvent::Alive(_) | SfuEvent::Opened(..) | SfuEvent::NotOpened(..) => {}
            };
        }
        if self.is_viewer(robot, sfu_session) {
            return self.handle_viewer_event(now, robot, sfu_session, event);
        }
        match (party, event) {
            // Only a session that is being registered has an answer to wait for.
            (_, SfuEvent::Answered(_) | SfuEvent::Failed(_)) => {}
            (Party::Robot, SfuEvent::Gone) => self.end_robot(now, robot, EndReason::SfuEnded),
            (Party::Operator, SfuEvent::Gone) => self.end_operator(now, robot, EndReason::SfuEnded),
            (party, SfuEvent::Alive(closed)) => {
                if party == Party::Robot {
                    self.verified(now, robot);
                    self.check_outbound(now, robot, &closed);
                }
                self.check_bridge(now, robot, party, &closed);
            }
            (party, SfuEvent::Opened(opening, channels)) => self.opened(now, robot, party, opening, &channels),
            (party, SfuEvent::NotOpened(opening, error)) => {
                info!(%robot, %error, "not bridged");
                let refusal = Refusal::of_sfu(&error);
                match (party, opening.location) {
                    (Party::Robot, Location::Local) => self.outbound_failed(now, robot, opening.round, &refusal),
                    _ => self.not_bridged(now, robot, opening.round, &refusal),
                }
            }
        }
    }

    /// Makes a session on the SFU and starts it.
    pub(super) fn start_sfu_session(
        &mut self,
        now: Instant,
        robot: &RobotId,
        party: Party,
        sfu_session: SfuSession,
    ) -> SfuSessionKey {
        let key = SfuSessionKey(self.fresh());
        let owner = Some((robot.clone(), party));
        self.sfu_sessions
            .insert(key, HeldSession { sfu_session, owner, is_viewer: false, timer: None, is_unclosed: false });
        self.drive(now, key);
        key
    }

    /// Lets a session on the SFU make its next call, or go if it is over.
    pub(super) fn drive(&mut self, now: Instant, key: SfuSessionKey) {
        let id = RequestId(self.fresh());
        let Some(held) = self.sfu_sessions.get_mut(&key) else { return };
        if let Some(request) = held.sfu_session.next(now, &self.api, id) {
            self.calls.insert(id, key);
            self.stats.sfu_calls += 1;
            self.outbox.push_back(Output::Http(request));
        }
        let due = held.sfu_session.due();
        if due != held.timer {
            if let Some(old) = held.timer {
                self.timers.remove(&(old, Timer::Sfu(key)));
            }
            held.timer = due;
            self.timers.extend(due.map(|at| (at, Timer::Sfu(key))));
        }
        if let Some(session) =
            held.sfu_session.session().filter(|_| held.sfu_session.is_retiring() && !held.is_unclosed)
        {
            self.unclosed.push_back(Output::SaveUnclosed(session.to_owned()));
            held.is_unclosed = true;
        }
        if held.sfu_session.is_over() {
            if let Some(session) = held.sfu_session.session() {
                self.unclosed.push_back(Output::ForgetUnclosed(session.to_owned()));
            }
            if let Some(at) = held.timer {
                self.timers.remove(&(at, Timer::Sfu(key)));
            }
            self.sfu_sessions.remove(&key);
        }
    }

    pub(super) fn retire(&mut self, now: Instant, key: SfuSessionKey) {
        if let Some(held) = self.sfu_sessions.get_mut(&key) {
            held.sfu_session.retire();
        }
        self.drive(now, key);
    }

    pub(super) fn with_sfu_session(&mut self, now: Instant, key: SfuSessionKey, change: impl FnOnce(&mut SfuSession)) {
        if let Some(held) = self.sfu_sessions.get_mut(&key) {
            change(&mut held.sfu_session);
        }
        self.drive(now, key);
    }

    pub(super) fn sfu_session_id(&self, key: SfuSessionKey) -> Option<&str> {
        self.sfu_sessions.get(&key)?.sfu_session.session()
    }

    /// Refuses what would need more sessions on the SFU than there may be.
    pub(super) fn check_room(&self, robot: &RobotId) -> Result<(), Refusal> {
        self.check_room_of(robot, false, MAX_SFU_SESSIONS_OF_ROBOT)
    }

    /// The same for those who watch, who take none of the others' room.
    pub(super) fn check_viewers_room(&self, robot: &RobotId) -> Result<(), Refusal> {
        self.check_room_of(robot, true, self.config.max_viewers.saturating_mul(2))
    }

    fn check_room_of(&self, robot: &RobotId, is_viewer: bool, most: usize) -> Result<(), Refusal> {
        let all = || self.sfu_sessions.values().filter(|held| held.is_viewer == is_viewer);
        if all().filter(|held| held.owner.as_ref().is_some_and(|(of, _)| of == robot)).count() >= most {
            return Err(Refusal::too_many_closing());
        }
        // A robot, its operator, and as many that are being closed.
        let all = all().count();
        match all >= self.config.max_robots.saturating_mul(3) {
            true => Err(Refusal::full(all)),
            false => Ok(()),
        }
    }
}
