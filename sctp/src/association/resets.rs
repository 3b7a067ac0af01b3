//! Resets of streams (RFC 6525), by which data channels are closed (RFC 8831, section 6.7).

use std::time::Instant;

use super::Association;
use super::state::Phase;
use crate::send::OutPhase;
use crate::wire::{Outcome, Request, Response, read_reconfig, write_request, write_response};
use crate::{Event, Violation};

/// Streams of one request: what fits a small packet.
const MAX_STREAMS: usize = 100;

/// A request of ours that is not answered.
#[derive(Debug)]
struct Asked {
    sequence: u32,
    last_tsn: u32,
    streams: Vec<u16>,
    /// Those of them that are not known to be reset.
    waiting: Vec<u16>,
}

/// A request of the far end's that waits for data.
#[derive(Debug)]
struct Deferred {
    sequence: u32,
    last: u64,
    streams: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct Resets {
    /// Streams of ours that are to be reset once all is sent.
    closing: Vec<u16>,
    asked: Option<Asked>,
    /// The number of our next request.
    next: u32,
    is_due: bool,
    /// The number of the far end's next request.
    awaited: u32,
    /// The latest answer.
    answered: Option<Response>,
    deferred: Option<Deferred>,
    /// Answers that are owed.
    responses: Vec<Response>,
}

impl Resets {
    pub(super) fn new(first: u32) -> Resets {
        Resets {
            closing: Vec::new(),
            asked: None,
            next: first,
            is_due: false,
            awaited: 0,
            answered: None,
            deferred: None,
            responses: Vec::new(),
        }
    }

    pub(super) fn met(&mut self, first: u32) {
        self.awaited = first;
    }

    pub(super) fn is_due(&self) -> bool {
        self.is_due || !self.responses.is_empty()
    }

    /// The value of the chunk that is owed.
    pub(super) fn write(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        for response in self.responses.drain(..) {
            write_response(&mut value, response);
        }
        if let Some(asked) = self.asked.as_ref().filter(|_| self.is_due) {
            let answered = self.awaited.wrapping_sub(1);
            write_request(&mut value, asked.sequence, answered, asked.last_tsn, &asked.streams);
        }
        self.is_due = false;
        value
    }

    /// There is one answer to each of two requests at most.
    fn answer(&mut self, response: Response) {
        self.answered = Some(response);
        self.responses.retain(|known| known.sequence != response.sequence);
        if self.responses.len() < 2 {
            self.responses.push(response);
        }
    }
}

impl Association {
    /// Ends sending on a stream.
    pub(super) fn close_stream(&mut self, id: u16) {
        let Some(stream) = self.outbox.streams.get_mut(id).filter(|stream| stream.phase == OutPhase::Open) else {
            return;
        };
        stream.phase = OutPhase::Closing;
        let is_partial = std::mem::take(&mut stream.is_partial) && !std::mem::take(&mut stream.is_discarding);
        if is_partial {
            // Its end does not come.
            if let Some(rest) = self.outbox.withdraw(id) {
                self.flight.abandon(&rest);
                self.drop_abandoned();
            }
        }
        self.resets.closing.push(id);
        self.go_on_with_resets();
    }

    /// Asks for what can be asked for, and does what was waited with.
    pub(super) fn go_on_with_resets(&mut self) {
        if let Some(deferred) = self.resets.deferred.take_if(|deferred| deferred.last < self.tsns.next()) {
            self.resets.answer(Response { sequence: deferred.sequence, outcome: Outcome::Performed });
            self.perform(&deferred.streams);
        }
        if self.resets.asked.is_some() || self.resets.closing.is_empty() || !self.is_connected() {
            return;
        }
        let outbox = &self.outbox;
        let mut streams = Vec::new();
        self.resets.closing.retain(|id| {
            let is_ready = streams.len() < MAX_STREAMS && outbox.is_drained(*id);
            if is_ready {
                streams.push(*id);
            }
            !is_ready
        });
        if streams.is_empty() {
            return;
        }
        if !self.peer.as_ref().is_some_and(|peer| peer.reconfig) {
            // The far end cannot be told. Its numbers go on if the stream is used again.
            return self.were_reset(&streams, false);
        }
        for id in &streams {
            if let Some(stream) = self.outbox.streams.get_mut(*id) {
                stream.phase = OutPhase::Asked;
            }
        }
        let last_tsn = (self.flight.next() - 1) as u32;
        self.resets.asked = Some(Asked { sequence: self.resets.next, last_tsn, waiting: streams.clone(), streams });
        self.resets.next = self.resets.next.wrapping_add(1);
        self.ask();
    }

    fn ask(&mut self) {
        self.resets.is_due = true;
        let timeout: std::time::Duration = self.trip.timeout(true).max(self.trip.base() * 2);
        let again: Instant = self.now + timeout;
        self.timers.reset = Some(again);
        self.controls.unanswered_since.get_or_insert(self.now);
    }

    pub(super) fn reset_timed_out(&mut self) {
        if self.resets.asked.is_some() {
            self.ask();
        }
    }

    pub(super) fn on_reconfig(&mut self, value: &[u8]) -> Result<(), Violation> {
        if !self.is_connected() || self.phase == Phase::ShutdownAckSent {
            return Ok(());
        }
        let Some((requests, responses)) = read_reconfig(value) else { return Err(Violation::Protocol) };
        for request in requests {
            self.on_request(request)?;
        }
        for response in responses {
            self.on_response(response);
        }
        Ok(())
    }

    fn on_request(&mut self, request: Request) -> Result<(), Violation> {
        let (Request::Outgoing { sequence, .. } | Request::Incoming { sequence, .. } | Request::Other { sequence }) =
            request;
        if sequence == self.resets.awaited.wrapping_sub(1)
            && let Some(answered) = self.resets.answered
        {
            // Asked again.
            self.resets.answer(answered);
            return Ok(());
        }
        if sequence != self.resets.awaited {
            let before = self.resets.answered;
            self.resets.answer(Response { sequence, outcome: Outcome::BadSequence });
            self.resets.answered = before;
            return Ok(());
        }
        self.resets.awaited = sequence.wrapping_add(1);
        let Request::Outgoing { last_tsn, streams, .. } = request else {
            self.resets.answer(Response { sequence, outcome: Outcome::Denied });
            return Ok(());
        };
        if streams.len() > self.config.max_streams {
            return Err(Violation::Streams);
        }
        let last = self.tsns.position(last_tsn);
        if last >= self.tsns.next() {
            // One request at a time: an earlier one that waits is over.
            if let Some(earlier) = self.resets.deferred.take() {
                self.perform(&earlier.streams);
            }
            self.resets.deferred = Some(Deferred { sequence, last, streams });
            self.resets.answer(Response { sequence, outcome: Outcome::InProgress });
            return Ok(());
        }
        self.resets.answer(Response { sequence, outcome: Outcome::Performed });
        self.perform(&streams);
        Ok(())
    }

    /// The far end's streams begin anew; all of them if none is named.
    fn perform(&mut self, streams: &[u16]) {
        let all: Vec<u16> = if streams.is_empty() { self.inbox.ids() } else { Vec::new() };
        let streams = if streams.is_empty() { &all } else { streams };
        for aborted in self.assembly.reset(streams) {
            // It cannot be too many streams, as it is one of those that are there.
            let _ = self.inbox.insert(aborted);
        }
        for id in streams.iter().copied() {
            match self.inbox.reset(id) {
                Some(notice) => self.tell(notice),
                // Nothing was ever received on it.
                None if self.outbox.streams.get(id).is_some() && !self.inbox.knows(id) => self.peer_was_reset(id),
                None => {}
            }
        }
    }

    /// The far end uses a stream anew, so it has reset ours, whatever became of its answer.
    pub(super) fn is_used_anew(&mut self, id: u16) {
        let is_asked = |stream: &crate::send::OutStream| stream.phase == OutPhase::Asked && stream.peer_reset;
        if !self.outbox.streams.get(id).is_some_and(is_asked) {
            return;
        }
        if let Some(asked) = &mut self.resets.asked {
            asked.waiting.retain(|waiting| *waiting != id);
        }
        self.were_reset(&[id], true);
    }

    fn on_response(&mut self, response: Response) {
        let Some(asked) = self.resets.asked.take_if(|asked| asked.sequence == response.sequence) else { return };
        match response.outcome {
            Outcome::InProgress | Outcome::OtherInProgress => {
                self.resets.asked = Some(asked);
            }
            Outcome::NothingToDo | Outcome::Performed => {
                self.timers.reset = None;
                self.were_reset(&asked.waiting, true);
            }
            Outcome::Denied | Outcome::WrongNumber | Outcome::BadSequence => {
                self.timers.reset = None;
                self.were_reset(&asked.waiting, false);
            }
        }
    }

    /// Our streams are reset, or the far end does not do that.
    fn were_reset(&mut self, streams: &[u16], is_performed: bool) {
        for id in streams.iter().copied() {
            let Some(stream) = self.outbox.streams.get_mut(id) else { continue };
            stream.phase = OutPhase::Reset;
            if is_performed {
                (stream.next_ordered, stream.next_unordered) = (0, 0);
            }
            stream.keeps_numbers = !is_performed;
            self.events.push_back(Event::ResetDone(id));
            self.close_if_over(id);
        }
    }

    /// The far end's direction is reset, and all of before was taken: ours is as well.
    pub(super) fn peer_was_reset(&mut self, id: u16) {
        self.events.push_back(Event::ResetByPeer(id));
        match self.outbox.streams.get_mut(id) {
            Some(stream) => {
                stream.peer_reset = true;
                self.close_stream(id);
                self.close_if_over(id);
            }
            None => {
                self.inbox.forget(id);
                self.events.push_back(Event::Closed(id));
            }
        }
    }

    /// Once both directions are reset, the stream is free.
    fn close_if_over(&mut self, id: u16) {
        let stream = self.outbox.streams.get(id);
        let Some(stream) = stream.filter(|stream| stream.phase == OutPhase::Reset && stream.peer_reset) else { return };
        if !stream.keeps_numbers {
            self.outbox.remove(id);
        }
        self.inbox.forget(id);
        self.events.push_back(Event::Closed(id));
    }
}
