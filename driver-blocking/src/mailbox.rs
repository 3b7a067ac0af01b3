//! The bounded queue between the connection's threads and a subscription's receivers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use farwire_core::cloudflare::ApiError;
use farwire_core::{Delivery, EndReason, Payload, Topic};
use farwire_udp::Waker;

use crate::{Message, RecvError};

/// How much a mailbox holds.
#[derive(Debug, Clone, Copy)]
struct Limits {
    messages: usize,
    bytes: usize,
}

/// Newer state replaces older, so little is kept.
const LOSSY: Limits = Limits { messages: 1024, bytes: 8 << 20 };

/// Every message counts, so a receiver may be late by much.
const RELIABLE: Limits = Limits { messages: 65_536, bytes: 64 << 20 };

/// One subscription's messages and state. Any number of threads may receive.
#[derive(Debug)]
pub(crate) struct Mailbox {
    topic: Topic,
    limits: Limits,
    /// Whether receivers are told of each gap.
    reliable: bool,
    state: Mutex<State>,
    changed: Condvar,
    /// Of the leader, which waits for datagrams and not for `changed`.
    lead: Waker,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of arrival; `None` stands for an interruption that a receiver is to be told of.
    messages: VecDeque<Option<Payload>>,
    bytes: usize,
    /// Messages dropped unread.
    dropped: u64,
    /// Those of them that no receiver has been told of yet.
    untold: u64,
    open: bool,
    /// Why the channel is not open, as far as the SFU has said.
    trouble: Option<ApiError>,
    /// What follows the last message.
    end: Option<RecvError>,
    /// Threads that wait on `changed`.
    waiting: usize,
    /// The leader waits for this mailbox, and sleeps or is about to.
    is_lead_waiting: bool,
}

impl Mailbox {
    pub(crate) fn new(topic: Topic, delivery: Delivery, lead: Waker) -> Mailbox {
        let reliable = delivery.is_reliable();
        let limits = if reliable { RELIABLE } else { LOSSY };
        Mailbox { topic, limits, reliable, state: Mutex::default(), changed: Condvar::new(), lead }
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Takes messages in, and drops the oldest for what is too much. `true`: somebody waits, and is to be notified.
    pub(crate) fn deliver(&self, arrived: &mut Vec<Payload>) -> bool {
        let mut state = self.lock();
        for payload in arrived.drain(..) {
            state.bytes += payload.bytes.len();
            state.messages.push_back(Some(payload));
        }
        let mut dropped = 0;
        while state.messages.len() > self.limits.messages || state.bytes > self.limits.bytes {
            dropped += u64::from(state.pop().flatten().is_some());
        }
        state.dropped += dropped;
        if self.reliable {
            state.untold += dropped;
        }
        state.is_awaited()
    }

    /// Wakes all who wait, since they may wait for different things. A notification is a system call even when nobody
    /// does.
    pub(crate) fn notify(&self) {
        let state = self.lock();
        let (others, lead) = (state.waiting > 0, state.is_lead_waiting);
        drop(state);
        if lead {
            self.lead.wake();
        }
        if others {
            self.changed.notify_all();
        }
    }

    /// Notes that the SFU's channel is open.
    pub(crate) fn opened(&self) {
        let mut state = self.lock();
        state.open = true;
        state.trouble = None;
        self.wake(state);
    }

    /// Notes that the SFU closed its channel, which is asked for again.
    pub(crate) fn interrupted(&self) {
        let mut state = self.lock();
        state.open = false;
        if self.reliable && !matches!(state.messages.back(), Some(None)) {
            state.messages.push_back(None);
        }
        self.wake(state);
    }

    /// Notes why the SFU's channel is not open; it is still being tried.
    pub(crate) fn troubled(&self, error: ApiError) {
        self.lock().trouble = Some(error);
    }

    /// The SFU gives no channel: nothing will come.
    pub(crate) fn refused(&self, error: ApiError) {
        self.end(RecvError::Refused(error));
    }

    /// The connection is over: nothing more will come.
    pub(crate) fn close(&self, reason: EndReason) {
        self.end(RecvError::Closed(reason));
    }

    /// The next message or gap, if one is there, or the end.
    pub(crate) fn next(&self) -> Option<Result<Message, RecvError>> {
        self.lock().next()
    }

    /// [`Mailbox::next`]; if there is none, the leader is going to sleep, and is to be woken by its waker.
    pub(crate) fn begin_lead(&self) -> Option<Result<Message, RecvError>> {
        let mut state = self.lock();
        let next = state.next();
        state.is_lead_waiting = next.is_none();
        next
    }

    /// The leader is awake.
    pub(crate) fn end_lead(&self) {
        self.lock().is_lead_waiting = false;
    }

    /// Waits for a message that another thread takes in; `None`: for ever.
    pub(crate) fn receive(&self, deadline: Option<Instant>) -> Result<Message, RecvError> {
        self.wait_for(deadline, State::next)
    }

    /// The next message, if there is one.
    pub(crate) fn try_receive(&self) -> Result<Option<Message>, RecvError> {
        self.lock().next().transpose()
    }

    /// The newest message, if there is one. The older ones are dropped and counted, and gaps before it are not told.
    pub(crate) fn latest(&self) -> Result<Option<Message>, RecvError> {
        let mut state = self.lock();
        let mut newest = None;
        for payload in std::mem::take(&mut state.messages).into_iter().flatten() {
            state.dropped += u64::from(newest.is_some());
            newest = Some(payload);
        }
        state.bytes = 0;
        state.untold = 0;
        match newest {
            Some(payload) => Ok(Some(Message::new(payload))),
            None => state.next().transpose(),
        }
    }

    /// Waits until the SFU's channel is open.
    pub(crate) fn wait_open(&self, timeout: Duration) -> Result<(), RecvError> {
        self.wait_for(Instant::now().checked_add(timeout), |state| match &state.end {
            Some(end) => Some(Err(end.clone())),
            None => state.open.then_some(Ok(())),
        })
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(crate) fn trouble(&self) -> Option<ApiError> {
        self.lock().trouble.clone()
    }

    fn end(&self, end: RecvError) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        self.wake(state);
    }

    fn wait_for<T>(
        &self,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut State) -> Option<Result<T, RecvError>>,
    ) -> Result<T, RecvError> {
        let mut state = self.lock();
        loop {
            if let Some(result) = done(&mut state) {
                return result;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(RecvError::Timeout);
            }
            state.waiting += 1;
            state = match left {
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.waiting -= 1;
        }
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let is_awaited = state.is_awaited();
        drop(state);
        if is_awaited {
            self.notify();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_awaited(&self) -> bool {
        self.waiting > 0 || self.is_lead_waiting
    }

    /// What a receiver gets next: word of a gap, then the messages after it, then the end.
    fn next(&mut self) -> Option<Result<Message, RecvError>> {
        if self.untold > 0 {
            return Some(Err(RecvError::Lagged(std::mem::take(&mut self.untold))));
        }
        match self.pop() {
            Some(Some(payload)) => Some(Ok(Message::new(payload))),
            Some(None) => Some(Err(RecvError::Interrupted)),
            None => self.end.clone().map(Err),
        }
    }

    fn pop(&mut self) -> Option<Option<Payload>> {
        let first = self.messages.pop_front()?;
        self.bytes -= first.as_ref().map_or(0, |payload| payload.bytes.len());
        Some(first)
    }
}

#[cfg(test)]
mod tests;
