//! The session that a peer drives, and those that it has left.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use fastrand::Rng;

use crate::clock::WallClock;
use crate::link::{Certificate, LocalAddress};
use crate::peer::Output;
use crate::provider::session::{Session, SessionEvent, SessionOutput};
use crate::provider::{Attempt, Dial};
use crate::signalling::{Reconnect, Retry};
use crate::{EndReason, SessionStats};

/// One session at a time, and when the next one is due.
pub(super) struct Sessions {
    dial: Dial,
    local: Vec<LocalAddress>,
    certificate: Option<Certificate>,
    attempt: Attempt,
    pub(super) reconnect: Reconnect,
    pub(super) live: Session,
    /// What sessions before this one counted.
    former: [SessionStats; 2],
    /// The last words of sessions that are gone.
    pub(super) farewells: VecDeque<Output>,
}

impl Sessions {
    pub(super) fn new(dial: Dial, local: Vec<LocalAddress>, seed: u64, now: Instant) -> Sessions {
        let certificate = Certificate::generate();
        let connection = connection(seed, local.first().map(LocalAddress::offered));
        let attempt = Attempt { number: 0, was_up: false, seed, connection, now };
        Sessions {
            live: Session::new(&dial, &attempt, &local, certificate.clone()),
            dial,
            local,
            certificate,
            attempt,
            reconnect: Reconnect::new(seed),
            former: Default::default(),
            farewells: VecDeque::new(),
        }
    }

    /// The connection is over, or an attempt at it: whether another attempt follows.
    pub(super) fn lost(&mut self, now: Instant, reason: &EndReason) -> bool {
        let connect = self.dial.connect();
        let retry = match reason {
            EndReason::Closed => Retry::Never,
            _ if !connect.reconnects() => Retry::Never,
            _ => connect.judge(reason),
        };
        self.reconnect.lost(now, retry)
    }

    /// Starts the next attempt, in place of the session that was lost.
    pub(super) fn connect_again(&mut self, now: Instant, clock: WallClock) {
        self.reconnect.began();
        for (former, session) in self.former.iter_mut().zip(self.live.stats()) {
            former.go_on(&session);
        }
        let Attempt { number, seed, connection, .. } = self.attempt;
        let number = number.wrapping_add(1);
        self.attempt = Attempt { number, was_up: self.reconnect.was_up(), seed, connection, now };
        self.live = Session::new(&self.dial, &self.attempt, &self.local, self.certificate.clone());
        self.live.set_clock(clock);
    }

    /// Leaves a session that is of no use any more. Keeps what is left to be said to far ends, and answers what it had
    /// still to tell.
    pub(super) fn hang_up(&mut self, now: Instant) -> Vec<SessionEvent> {
        self.live.close(now, false);
        let mut told = Vec::new();
        loop {
            match self.live.poll(now) {
                SessionOutput::Transmit(transport, destination, datagram) => {
                    self.farewells.push_back(Output::Transmit { transport, destination, datagram });
                }
                SessionOutput::Stream(command) => self.farewells.push_back(Output::Stream(command)),
                SessionOutput::Http(_) => {}
                SessionOutput::Event(event) => told.push(event),
                SessionOutput::WaitUntil(..) => return told,
            }
        }
    }

    /// The counters of the publishing and the subscribing transport, with those before them.
    pub(super) fn stats(&self) -> [SessionStats; 2] {
        let mut all = self.former.clone();
        for (former, session) in all.iter_mut().zip(self.live.stats()) {
            former.go_on(&session);
        }
        all
    }
}

/// 64 bits that tell nothing of the seed to those who do not know it, and differ between connections with equal seeds.
fn connection(seed: u64, local: Option<SocketAddr>) -> u64 {
    let address = local.map_or_else(String::new, |local| local.to_string());
    let hash = address
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Rng::with_seed(seed.rotate_left(17) ^ hash).u64(..)
}
