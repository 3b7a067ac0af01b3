//! The SFU as a state machine.

mod calls;
mod closing;
mod expiry;
mod forwarding;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use farwire_core::link::{Certificate, LinkEnd, LinkEvent, LinkOutput, connectivity_check, is_stun};
use farwire_core::signalling::{Method, RequestId, Response};
use sha1::{Digest, Sha1};
use tracing::{debug, info, warn};

use crate::intake::{Crowd, Round};
use crate::paths::Admission;
use crate::session::{Session, SessionKey};
use crate::{Config, Stats};

/// Outputs of one session before the others have their turn.
const OUTPUTS_PER_TURN: usize = 256;

/// A request of the API.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The path, from `/v1` on; a query is ignored.
    pub path: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What a driver is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send a datagram.
    Transmit(SocketAddr, Vec<u8>),
    /// Answer a request.
    Response(RequestId, Response),
    /// Wait for input, or for this time and hand it to [`Sfu::handle_timeout`].
    WaitUntil(Option<Instant>),
}

/// A DataChannel SFU behind one UDP address.
///
/// Drive it as any state machine of farwire: hand in what came, then call [`Sfu::poll`] until it answers
/// [`Output::WaitUntil`].
pub struct Sfu {
    config: Config,
    /// The address that clients are told.
    address: SocketAddr,
    certificate: Option<Certificate>,
    seed: [u8; 32],
    next_key: u32,
    sessions: HashMap<SessionKey, Session>,
    by_id: HashMap<String, SessionKey>,
    by_ufrag: HashMap<String, SessionKey>,
    by_address: HashMap<SocketAddr, SessionKey>,
    /// Sessions with something to do, each once.
    dirty: VecDeque<SessionKey>,
    timers: BTreeSet<(Instant, SessionKey)>,
    outbox: VecDeque<Output>,
    /// Datagrams of sessions that brought messages for others, acknowledgements mostly: the messages go first.
    later: VecDeque<Output>,
    /// Whose datagrams are in `later`.
    later_of: Vec<SessionKey>,
    /// Ends whenever [`Sfu::poll`] says to wait.
    round: Round,
    /// Sessions with datagrams that wait for their turn.
    crowd: Crowd,
    stats: Stats,
}

impl std::fmt::Debug for Sfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sfu").field("address", &self.address).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Sfu {
    /// An SFU whose clients send datagrams to `address`. The ids of sessions are derived from `seed`, which is to be
    /// random where they are not to be guessed.
    pub fn new(config: Config, address: SocketAddr, seed: [u8; 32]) -> Sfu {
        Sfu {
            config,
            address,
            certificate: Certificate::generate(),
            seed,
            next_key: 0,
            sessions: HashMap::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            dirty: VecDeque::new(),
            timers: BTreeSet::new(),
            outbox: VecDeque::new(),
            later: VecDeque::new(),
            later_of: Vec::new(),
            round: 0,
            crowd: Crowd::default(),
            stats: Stats::default(),
        }
    }

    /// Takes a datagram. `false`: it belongs to no session.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        self.stats.datagrams += 1;
        // A connectivity check names its session, so it also finds one that moved to an address known for another.
        let check = connectivity_check(datagram);
        let named = check.as_ref().and_then(|check| self.by_ufrag.get(check.receiver)).copied();
        let check = check.filter(|_| named.is_some());
        let Some(key) = named.or_else(|| self.by_address.get(&source).copied()) else {
            self.stats.stray += 1;
            return false;
        };
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        match &check {
            Some(check) => match session.paths.admit(now, source, check) {
                Admission::Admitted => {}
                Admission::Replayed => {
                    self.stats.replayed += 1;
                    return false;
                }
                Admission::Excess => {
                    self.stats.excess_checks += 1;
                    return false;
                }
            },
            None if session.backpressure.is_on() || !session.intake.may_read(self.round) => {
                let kept = session.intake.keep(now, source, datagram);
                self.stats.crowded += u64::from(!kept);
                // Most of a flood's datagrams come while it waits for its turn.
                if !session.intake.is_crowd {
                    self.postpone(now, key);
                }
                return kept;
            }
            None => {}
        }
        session.arrival = now;
        let accepted = session.link.handle_datagram(now, source, datagram);
        match check {
            _ if !accepted => self.stats.stray += 1,
            Some(check) => {
                // Its integrity has been verified, so the address is the session's.
                session.heard = now;
                if let Some(address) = session.paths.checked(now, source, &check)
                    && self.by_address.get(&address) == Some(&key)
                {
                    self.by_address.remove(&address);
                }
                self.by_address.insert(source, key);
            }
            None => {}
        }
        match session.awaits_ack {
            true => self.mark_first(key),
            false => self.mark(key),
        }
        accepted
    }

    /// To be called when the time that [`Sfu::poll`] named has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, key)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            if let Some(session) = self.sessions.get_mut(&key) {
                session.timer = None;
                session.link.handle_timeout(now);
            }
            self.mark(key);
        }
    }

    /// Says what to do. To be called after any other call, until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self, now: Instant) -> Output {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            match self.dirty.pop_front() {
                Some(key) => {
                    if self.sessions.get(&key).is_some_and(|session| !session.intake.is_crowd) {
                        self.crowd.others_had_a_turn();
                    }
                    self.serve(now, key);
                }
                None if !self.later.is_empty() => {
                    self.later_of.clear();
                    std::mem::swap(&mut self.outbox, &mut self.later);
                }
                None if self.crowd.pauses() => return Output::WaitUntil(Some(now)),
                None => match self.crowd.next() {
                    Some(key) => self.read(now, key),
                    None if self.crowd.hastens() => {
                        self.end_round(now);
                    }
                    None => {
                        self.crowd.looks();
                        return Output::WaitUntil(self.end_round(now));
                    }
                },
            }
        }
    }

    /// Goes on at once if datagrams wait.
    fn end_round(&mut self, now: Instant) -> Option<Instant> {
        self.round += 1;
        let sessions = &self.sessions;
        let waiting = |key| sessions.get(&key).map_or(0, |session| session.intake.waiting());
        match self.crowd.begin_round(waiting) {
            true => Some(now),
            false => self.timers.first().map(|(at, _)| *at),
        }
    }

    /// The session's datagrams that wait have their turn in the next round. Not if it is held back, or may not send yet, as
    /// what it received would only pile up; then it has a turn of its own when that ends.
    fn postpone(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if !session.intake.is_waiting() || session.intake.is_crowd {
            return;
        }
        let may_read = !session.backpressure.is_on() && session.pacer.wait(now).is_none();
        if may_read {
            session.intake.is_crowd = true;
            self.crowd.postpone(key);
        }
    }

    /// Reads a share of the session's datagrams that wait, and gives it a turn.
    fn read(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.intake.is_crowd = false;
        let may_read = !session.backpressure.is_on() && session.pacer.wait(now).is_none();
        while may_read && let Some((arrival, source, datagram)) = session.intake.release(self.round) {
            session.arrival = arrival;
            let accepted = session.link.handle_datagram(now, source, &datagram);
            self.stats.stray += u64::from(!accepted);
        }
        session.is_dirty = true;
        self.serve(now, key);
    }

    /// Ends all sessions and tells their clients; [`Sfu::poll`] has the last datagrams.
    pub fn close(&mut self, now: Instant) {
        for (key, session) in &mut self.sessions {
            session.link.close(now);
            session.intake.is_crowd = false;
            if !std::mem::replace(&mut session.is_dirty, true) {
                self.dirty.push_back(*key);
            }
        }
    }

    /// Ends one session and tells its client; [`Sfu::poll`] has the last datagrams. For a program that made the session and
    /// has no more use for it: the API has no such call. `false`: there is no such session.
    pub fn end_session(&mut self, now: Instant, id: &str) -> bool {
        let Some(key) = self.by_id.get(id).copied() else { return false };
        if let Some(session) = self.sessions.get_mut(&key) {
            session.link.close(now);
            session.has_ended = true;
        }
        self.mark(key);
        true
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats { sessions: self.sessions.len(), ..self.stats }
    }

    fn mark(&mut self, key: SessionKey) {
        let session = self.sessions.get_mut(&key);
        if session.is_some_and(|session| !std::mem::replace(&mut session.is_dirty, true)) {
            self.dirty.push_back(key);
        }
    }

    /// The session's turn comes before the others', so that an acknowledgement counts for what came after it.
    fn mark_first(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if std::mem::replace(&mut session.is_dirty, true) {
            self.dirty.retain(|other| *other != key);
        }
        self.dirty.push_front(key);
    }

    fn respond(&mut self, id: RequestId, response: Response) {
        if response.status >= 400 {
            self.stats.refused += 1;
            debug!(status = response.status, "call refused");
        }
        self.outbox.push_back(Output::Response(id, response));
    }

    /// 128 bits, as many as Cloudflare's ids have, that tell nothing about other ids to those who do not know the seed.
    fn fresh_id(&mut self) -> (SessionKey, String) {
        self.next_key = self.next_key.wrapping_add(1);
        let digest = Sha1::new().chain_update(self.seed).chain_update(self.next_key.to_be_bytes()).finalize();
        let id = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (SessionKey(self.next_key), id)
    }

    /// One session's turn: its transport's output, its events, its queues, its deadlines.
    fn serve(&mut self, now: Instant, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key)
            && session.intake.is_crowd
            && !session.awaits_ack
        {
            // It has its turn when the rest of its datagrams is read.
            session.is_dirty = false;
            return;
        }
        let mut turn = OUTPUTS_PER_TURN;
        let mut datagrams = Vec::new();
        let transport = loop {
            let Some(session) = self.sessions.get_mut(&key) else { return };
            if let Some(at) = session.pacer.wait(now) {
                break Some(at);
            }
            match session.link.poll(now) {
                LinkOutput::Transmit(to, datagram) => {
                    // A check is answered where it came from.
                    let best = if is_stun(&datagram) { None } else { session.paths.best(now) };
                    let to = best.unwrap_or(to);
                    session.pacer.spend(datagram.len());
                    datagrams.push(Output::Transmit(to, datagram));
                }
                LinkOutput::Event(event) => self.handle_event(now, key, event),
                LinkOutput::WaitUntil(_) if session.pump(now, &mut self.stats) => {
                    self.release_publishers(key);
                    self.close_too_large(now, key);
                    self.close_drained(now, key);
                }
                LinkOutput::WaitUntil(at) => break at,
                _ => {}
            }
            turn -= 1;
            if turn == 0 {
                // Still dirty: it comes again after the others.
                self.send(key, datagrams);
                self.dirty.push_back(key);
                return;
            }
        };
        self.send(key, datagrams);
        self.postpone(now, key);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        self.stats.refused_packets += session.link.take_refused();
        // What is done from here on may give it another turn.
        session.is_dirty = false;
        if session.due.is_some_and(|due| due <= now) {
            self.expire(now, key);
        }
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.has_ended {
            return self.remove(now, key);
        }
        let timer = transport.into_iter().chain(session.due).min();
        if timer != session.timer {
            if let Some(old) = session.timer {
                self.timers.remove(&(old, key));
            }
            session.timer = timer;
            self.timers.extend(timer.map(|at| (at, key)));
        }
    }

    /// Puts a session's datagrams in line, in their order, behind what it brought for others.
    fn send(&mut self, key: SessionKey, datagrams: Vec<Output>) {
        let is_late = self.later_of.contains(&key);
        if is_late || !self.dirty.is_empty() {
            self.later.extend(datagrams);
            if !is_late {
                self.later_of.push(key);
            }
        } else {
            self.outbox.extend(datagrams);
        }
    }

    fn handle_event(&mut self, now: Instant, key: SessionKey, event: LinkEvent) {
        match event {
            LinkEvent::Message(stream, payload) => self.forward(now, key, stream, &payload),
            LinkEvent::Connected => {
                let Some(session) = self.sessions.get_mut(&key) else { return };
                info!(session = session.short_id(), "connected");
                session.connected = true;
                session.heard = now;
                session.connect_by = None;
                let waiting = std::mem::take(&mut session.waiting);
                session.reschedule();
                for (_, request, change) in waiting {
                    let response = self.change(now, key, change);
                    self.respond(request, response);
                }
            }
            LinkEvent::Closed(stream) => self.drop_stream(now, key, stream),
            LinkEvent::Ended(why) => {
                if let Some(session) = self.sessions.get_mut(&key) {
                    if let LinkEnd::Violation(_) | LinkEnd::Breach(_) = why {
                        self.stats.violations += 1;
                        warn!(session = session.short_id(), reason = %why, "session ended: its client breaks SCTP's rules");
                    }
                    session.has_ended = true;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
