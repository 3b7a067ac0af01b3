//! The sessions that a peer drives, and those that it has left.

use std::collections::VecDeque;
use std::time::Instant;

use crate::clock::WallClock;
use crate::dial::{Dial, Dialer};
use crate::link::LocalAddress;
use crate::peer::{Output, Side};
use crate::session::{Session, SessionEvent, SessionOutput};
use crate::{LastError, SessionStats};

/// One session for each side, or one for both.
pub(super) struct Sessions {
    pub(super) dialer: Dialer,
    live: Vec<Box<dyn Session>>,
    /// What sessions before these counted.
    former: [SessionStats; 2],
    /// The last words of sessions that are gone.
    pub(super) farewells: VecDeque<Output>,
}

impl Sessions {
    pub(super) fn new(dial: Dial, local: [LocalAddress; 2], seed: u64, now: Instant) -> Sessions {
        let mut dialer = Dialer::new(dial, local, seed);
        Sessions { live: dialer.dial(now), dialer, former: Default::default(), farewells: VecDeque::new() }
    }

    /// The session of that side.
    pub(super) fn of(&mut self, side: Side) -> &mut dyn Session {
        let last = self.live.len() - 1;
        &mut *self.live[(side as usize).min(last)]
    }

    /// The session that publishes, and speaks for the connection.
    pub(super) fn first(&self) -> Option<&dyn Session> {
        self.live.first().map(|session| &**session)
    }

    /// [`Sessions::first`], to publish by.
    pub(super) fn first_mut(&mut self) -> Option<&mut Box<dyn Session>> {
        self.live.first_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Session> {
        self.live.iter().map(|session| &**session)
    }

    /// The sides that have a session of their own.
    pub(super) fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        Side::ALL.into_iter().take(self.live.len())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn Session>> {
        self.live.iter_mut()
    }

    /// Tells all the time of day.
    pub(super) fn set_clock(&mut self, clock: WallClock) {
        self.live.iter_mut().for_each(|session| session.set_clock(clock));
    }

    /// Dials anew, in place of sessions that were lost.
    pub(super) fn dial(&mut self, now: Instant, clock: WallClock) {
        for (former, session) in self.former.iter_mut().zip(&self.live) {
            former.go_on(&session.stats());
        }
        self.live = self.dialer.dial(now);
        self.set_clock(clock);
    }

    /// Leaves the session of that side, which is of no use any more. Keeps what is left to be said to the far end, and answers
    /// what it had still to tell.
    pub(super) fn hang_up(&mut self, now: Instant, side: Side) -> Vec<SessionEvent> {
        let Some(session) = self.live.get_mut(side as usize) else { return Vec::new() };
        session.close(now, false);
        let mut told = Vec::new();
        loop {
            match session.poll(now) {
                SessionOutput::Transmit(destination, datagram) => {
                    self.farewells.push_back(Output::Transmit { side, destination, datagram });
                }
                SessionOutput::Http(_) => {}
                SessionOutput::Event(event) => told.push(event),
                SessionOutput::WaitUntil(..) => return told,
            }
        }
    }

    /// Closes all, for good.
    pub(super) fn close(&mut self, now: Instant) {
        self.live.iter_mut().for_each(|session| session.close(now, true));
    }

    /// The counters of the publishing and the subscribing session, with those before them.
    pub(super) fn stats(&self) -> [SessionStats; 2] {
        let [mut publish, mut subscribe] = self.former.clone();
        let mut live = self.live.iter().map(|session| session.stats());
        publish.go_on(&live.next().unwrap_or_default());
        match live.next() {
            Some(session) => subscribe.go_on(&session),
            None => subscribe.up = publish.up,
        }
        [publish, subscribe]
    }

    /// The calls that went wrong last.
    pub(super) fn troubles(&self) -> impl Iterator<Item = &LastError> {
        self.live.iter().filter_map(|session| session.trouble())
    }
}
