//! Commands, one at a time: what is run, what waits, and what is answered.
//!
//! There are two lanes. The urgent one is the emergency stop's, which waits for nobody; in the other one a command runs, and a
//! few wait. Each emergency stop and each loss of the operator begins a new epoch: what is of an older one is aborted.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::Value;

use super::nonces::Nonces;
use crate::wire::teleop::Command;

/// Commands that wait for the one that runs; one more is refused.
pub(super) const BACKLOG: usize = 4;

/// Emergency stops that wait for the answer of the same actuators; more are not answered, and stop all the same.
const JOINED: usize = 64;

/// Names a command that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(u64);

/// What is to be done for a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    /// Answer it.
    Ack { nonce: Value, ok: bool },
    /// Stop the actuators.
    Stop(RunId),
    /// Run it.
    Run(RunId, Command),
    /// Whoever runs it should leave off: it counts for nothing any more.
    Abort(RunId),
    /// Release the emergency stop.
    Release,
    /// The actuators did not stop as they were told to.
    StopFailed,
}

/// Both lanes.
#[derive(Debug, Default)]
pub(super) struct Executor {
    latest: u64,
    nonces: Nonces,
    running: Option<Running>,
    waiting: VecDeque<(Command, Option<Value>)>,
    stopping: Option<Stopping>,
    deeds: VecDeque<Deed>,
}

#[derive(Debug)]
struct Running {
    id: RunId,
    nonce: Option<Value>,
    /// Of an older epoch: it was answered, and its place is taken until it returns.
    is_aborted: bool,
}

/// Actuators that are told to stop.
#[derive(Debug)]
struct Stopping {
    id: RunId,
    /// Those who wait for what comes of it.
    nonces: Vec<Value>,
    /// The release that waits for it.
    release: Option<Option<Value>>,
}

impl Executor {
    /// What is to be done next.
    pub(super) fn poll(&mut self) -> Option<Deed> {
        self.deeds.pop_front()
    }

    /// The emergency stop came. `has_actuators`: something is to be told to stop beside the drive.
    pub(super) fn estop(&mut self, now: Instant, nonce: Option<Value>, was_latched: bool, has_actuators: bool) {
        self.abort(true);
        let known = nonce.as_ref().and_then(|nonce| self.nonces.note(now, nonce));
        if let Some(stopping) = &mut self.stopping {
            // Whoever wanted it released does so no more.
            let release = stopping.release.take().flatten();
            if let Some(Some(ok)) = known {
                self.answer(nonce, ok);
            } else if known.is_none() && stopping.nonces.len() < JOINED {
                stopping.nonces.extend(nonce);
            }
            return self.answer(release, false);
        }
        match known {
            // It was heard before, and is latched since.
            Some(Some(ok)) if was_latched => self.answer(nonce, ok),
            _ if has_actuators => {
                let id = self.next_id();
                self.stopping = Some(Stopping { id, nonces: nonce.into_iter().collect(), release: None });
                self.deeds.push_back(Deed::Stop(id));
            }
            _ => self.answer(nonce, true),
        }
    }

    /// The emergency stop is to be released: at once, or when the actuators have done what they were told.
    pub(super) fn estop_clear(&mut self, now: Instant, nonce: Option<Value>) {
        if let Some(Some(ok)) = nonce.as_ref().and_then(|nonce| self.nonces.note(now, nonce)) {
            return self.answer(nonce, ok);
        }
        match &mut self.stopping {
            Some(stopping) => {
                if let Some(before) = stopping.release.replace(nonce) {
                    self.answer(before, false);
                }
            }
            None => {
                self.deeds.push_back(Deed::Release);
                self.answer(nonce, true);
            }
        }
    }

    /// A command came; `None`: one that this robot cannot do, or not now.
    pub(super) fn command(&mut self, now: Instant, command: Option<Command>, nonce: Option<Value>) {
        match nonce.as_ref().map(|nonce| self.nonces.note(now, nonce)) {
            Some(Some(Some(ok))) => return self.answer(nonce, ok),
            // It is answered when it has run.
            Some(Some(None)) => return,
            _ => {}
        }
        match command {
            None => self.answer(nonce, false),
            Some(_) if self.running.is_some() && self.waiting.len() == BACKLOG => self.answer(nonce, false),
            Some(command) => {
                self.waiting.push_back((command, nonce));
                self.run_next();
            }
        }
    }

    /// What ran is done.
    pub(super) fn done(&mut self, id: RunId, ok: bool) {
        if let Some(running) = self.running.take_if(|running| running.id == id) {
            if !running.is_aborted {
                self.answer(running.nonce, ok);
            }
            return self.run_next();
        }
        let Some(stopping) = self.stopping.take_if(|stopping| stopping.id == id) else { return };
        if !ok {
            self.deeds.push_back(Deed::StopFailed);
        }
        for nonce in stopping.nonces {
            self.answer(Some(nonce), ok);
        }
        if let Some(release) = stopping.release {
            self.deeds.push_back(Deed::Release);
            self.answer(release, true);
        }
    }

    /// The operator is gone: nothing that it asked for counts, and there is nobody to answer.
    pub(super) fn operator_lost(&mut self) {
        self.abort(false);
        self.nonces.forget();
        if let Some(stopping) = &mut self.stopping {
            stopping.nonces.clear();
            stopping.release = None;
        }
        self.deeds.retain(|deed| !matches!(deed, Deed::Ack { .. } | Deed::Release));
    }

    /// Whether the actuators are being stopped.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// A new epoch.
    fn abort(&mut self, is_answered: bool) {
        let mut nonces: Vec<Value> = Vec::new();
        if let Some(running) = &mut self.running
            && !std::mem::replace(&mut running.is_aborted, true)
        {
            self.deeds.push_back(Deed::Abort(running.id));
            nonces.extend(running.nonce.take());
        }
        nonces.extend(self.waiting.drain(..).filter_map(|(_, nonce)| nonce));
        for nonce in nonces.into_iter().filter(|_| is_answered) {
            self.answer(Some(nonce), false);
        }
    }

    fn run_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        if let Some((command, nonce)) = self.waiting.pop_front() {
            let id = self.next_id();
            self.running = Some(Running { id, nonce, is_aborted: false });
            self.deeds.push_back(Deed::Run(id, command));
        }
    }

    fn next_id(&mut self) -> RunId {
        self.latest += 1;
        RunId(self.latest)
    }

    fn answer(&mut self, nonce: Option<Value>, ok: bool) {
        if let Some(nonce) = nonce {
            self.nonces.answered(&nonce, ok);
            self.deeds.push_back(Deed::Ack { nonce, ok });
        }
    }
}

#[cfg(test)]
mod tests;
