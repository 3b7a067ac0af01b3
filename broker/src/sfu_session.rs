//! One session on the SFU: its calls, one at a time, and the channels that are to be closed in the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use farwire_core::SessionId;
use farwire_core::link::StreamId;
use farwire_core::provider::cloudflare::Api;
use farwire_core::signalling::{Backoff, Calls, Failure, Method, Reply, Request, RequestId, Response, SignallingError};
use farwire_core::wire::cloudflare::{
    DataChannel, DataChannels, Establish, Established, Location, NewSession, SERVER_EVENTS, SessionState, code, path,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::channels::Ids;
use crate::limits::{CALL_TIMEOUT, FIRST_PAUSE, LONGEST_PAUSE, MAX_TRIES};

/// One of the requests for the channels of a bridge: `round` tells a bridge from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) round: u64,
    pub(crate) location: Location,
}

/// What a session on the SFU tells its owner.
pub(crate) enum SfuEvent {
    /// The SFU's answer to the offer.
    Answered(String),
    /// There will be no answer.
    Failed(SignallingError),
    Opened(Opening, Vec<(String, StreamId)>),
    NotOpened(Opening, SignallingError),
    /// The SFU still has the session, but no longer these of its channels.
    Alive(Vec<StreamId>),
    /// The SFU has it no more.
    Gone,
}

enum Work {
    Create(String),
    Establish(String),
    Open(Opening, Vec<DataChannel>),
    Clear(Scope),
    Check,
    End,
}

/// Which channels are closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    /// Those that the session subscribes to.
    Subscriptions,
}

/// What a call is for.
enum Call {
    Create(String),
    Establish,
    Open(Opening),
    /// Looks up what an answer that was lost would have told.
    Look(Scope),
    Close(Vec<StreamId>, Scope),
    Check,
    End,
}

/// One session on the SFU.
pub(crate) struct SfuSession {
    session: Option<SessionId>,
    is_established: bool,
    work: VecDeque<Work>,
    calls: Calls<Call>,
    /// Channels that are open, as far as is known.
    channels: BTreeMap<StreamId, Option<Location>>,
    /// The answer to an opening was lost, so that more may be open.
    is_unsure: bool,
    /// The SFU's list of the session's channels has had one of them, so that one that is missing there is closed.
    is_listed: bool,
    check_at: Option<Instant>,
    check_every: Duration,
    ends_sessions: bool,
    is_retiring: bool,
    is_gone: bool,
}

impl SfuSession {
    /// A session that is yet to be made, with this offer.
    pub(crate) fn new(offer: &str, check_every: Duration, ends_sessions: bool, seed: u64) -> SfuSession {
        SfuSession {
            session: None,
            is_established: false,
            work: VecDeque::from([Work::Create(offer.to_owned())]),
            calls: Calls::new(Api::DIALECT, seed).with_backoff(Backoff::between(FIRST_PAUSE, LONGEST_PAUSE / 2)),
            channels: BTreeMap::new(),
            is_unsure: false,
            is_listed: false,
            check_at: None,
            check_every,
            ends_sessions,
            is_retiring: false,
            is_gone: false,
        }
    }

    /// A session of the broker before this one, with the channels of a bridge; whether it is still there is asked at once.
    pub(crate) fn resumed(
        session: SessionId,
        bridge: Option<Ids>,
        now: Instant,
        check_every: Duration,
        ends_sessions: bool,
        seed: u64,
    ) -> SfuSession {
        let mut sfu_session = SfuSession::new("", check_every, ends_sessions, seed);
        sfu_session.work.clear();
        sfu_session.session = Some(session);
        sfu_session.is_established = true;
        // It may have had calls in flight when it stopped.
        sfu_session.is_unsure = true;
        match bridge {
            Some(ids) => sfu_session.channels.extend(ids.map(|id| (id, None))),
            // A bridge that was being built or taken down is nobody's.
            None => sfu_session.clear(),
        }
        sfu_session.check_at = Some(now);
        sfu_session
    }

    /// Its id on the SFU, once it has one.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_ref().map(SessionId::as_str)
    }

    /// Asks for channels.
    pub(crate) fn open(&mut self, opening: Opening, entries: Vec<DataChannel>) {
        self.work.push_back(Work::Open(opening, entries));
    }

    /// Closes every channel that is open or asked for.
    pub(crate) fn clear(&mut self) {
        self.work.retain(|work| !matches!(work, Work::Open(..) | Work::Clear(_)));
        self.work.push_back(Work::Clear(Scope::All));
    }

    /// Closes what it subscribes to, and what of that is asked for; what it publishes stays.
    pub(crate) fn clear_subscriptions(&mut self) {
        let is_for_subscriptions = |work: &Work| match work {
            Work::Open(opening, _) => opening.location == Location::Remote,
            Work::Clear(scope) => *scope == Scope::Subscriptions,
            _ => false,
        };
        self.work.retain(|work| !is_for_subscriptions(work));
        self.work.push_back(Work::Clear(Scope::Subscriptions));
    }

    /// The channels in a scope. One of which it is not known what it is counts as a subscription, which may carry commands.
    fn within(&self, scope: Scope) -> Vec<StreamId> {
        let is_within = |location: Option<Location>| scope == Scope::All || location != Some(Location::Local);
        self.channels.iter().filter(|(_, location)| is_within(**location)).map(|(id, _)| *id).collect()
    }

    /// Closes everything; [`SfuSession::is_over`] says when that is done. Nothing more is told.
    pub(crate) fn retire(&mut self) {
        self.is_retiring = true;
        self.work.clear();
        self.work.extend([Work::Clear(Scope::All), Work::End]);
        self.check_at = None;
    }

    /// Whether nothing is left to be done for a session that nobody has any more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_retiring && self.calls.is_free() && (self.is_gone || self.work.is_empty())
    }

    pub(crate) fn is_retiring(&self) -> bool {
        self.is_retiring
    }

    /// When to call [`SfuSession::next`] again, if no answer comes before.
    pub(crate) fn due(&self) -> Option<Instant> {
        if !self.calls.is_free() || self.is_gone {
            return None;
        }
        match self.work.is_empty() {
            true => self.check_at,
            false => self.calls.not_before(),
        }
    }

    /// The next request, if one may be made now.
    pub(crate) fn next(&mut self, now: Instant, api: &Api, id: RequestId) -> Option<Request> {
        if self.is_gone || self.calls.ready_at(now) != Some(now) {
            return None;
        }
        if self.work.is_empty() && self.check_at.is_some_and(|at| at <= now) {
            self.check_at = None;
            self.work.push_back(Work::Check);
        }
        loop {
            let work = self.work.pop_front()?;
            if let Some((mut request, call)) = self.begin(api, work) {
                request.id = id;
                self.calls.started(now, &request, call);
                return Some(request);
            }
        }
    }

    /// What a piece of work asks; `None` if there is nothing to do.
    fn begin(&self, api: &Api, work: Work) -> Option<(Request, Call)> {
        if let Work::Create(offer) = work {
            return Some((api.request(Method::POST, path::NEW_SESSION, CALL_TIMEOUT), Call::Create(offer)));
        }
        let session = self.session.as_ref()?;
        let ask = |method, action| api.session_request(method, session, action, CALL_TIMEOUT);
        Some(match work {
            Work::Create(_) => return None,
            Work::Establish(offer) => {
                (ask(Method::POST, path::ESTABLISH).with_json(&Establish::with_offer(offer)), Call::Establish)
            }
            Work::Open(opening, data_channels) => {
                (ask(Method::POST, path::OPEN).with_json(&DataChannels { data_channels }), Call::Open(opening))
            }
            Work::Clear(scope) if self.is_unsure => (ask(Method::GET, ""), Call::Look(scope)),
            Work::Clear(scope) => {
                let ids = self.within(scope);
                if ids.is_empty() {
                    return None;
                }
                (ask(Method::PUT, path::CLOSE).with_json(&DataChannels::closing(&ids)), Call::Close(ids, scope))
            }
            Work::Check => (ask(Method::GET, ""), Call::Check),
            Work::End if self.ends_sessions => (ask(Method::DELETE, ""), Call::End),
            Work::End => return None,
        })
    }

    /// Takes the answer to the call in flight.
    pub(crate) fn handle(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) -> Vec<SfuEvent> {
        let Some((call, reply)) = self.calls.answered(id, result) else { return Vec::new() };
        let mut events = match call {
            Call::Create(offer) => self.created(now, &reply, offer),
            Call::Establish => self.established(now, &reply),
            Call::Open(opening) => self.opened(&reply, opening),
            Call::Look(scope) => self.looked(now, reply.read(), scope),
            Call::Close(ids, scope) => {
                let close = |sfu_session: &mut SfuSession, _: IgnoredAny| {
                    sfu_session.channels.retain(|id, _| !ids.contains(id));
                };
                self.done(now, reply.read(), Work::Clear(scope), close)
            }
            Call::Check => self.checked(now, reply.read()),
            Call::End => {
                self.done(now, reply.read(), Work::End, |sfu_session, _: IgnoredAny| sfu_session.is_gone = true)
            }
        };
        if self.check_at.is_none() && self.is_established && !self.is_retiring {
            self.check_at = Some(now + self.check_every);
        }
        if self.is_retiring {
            events.clear();
        }
        events
    }

    fn created(&mut self, now: Instant, reply: &Reply, offer: String) -> Vec<SfuEvent> {
        match reply.read::<NewSession>() {
            Ok(made) => match SessionId::new(&made.session_id) {
                Some(session) => {
                    self.session = Some(session);
                    self.calls.succeeded();
                    if !self.is_retiring {
                        self.work.push_front(Work::Establish(offer));
                    }
                    Vec::new()
                }
                None => vec![SfuEvent::Failed(reply.garbage())],
            },
            // A session whose answer was lost has no transport, so the SFU forgets it by itself.
            Err(error) if error.is_retryable() && !self.is_retiring && self.may_try_again(now) => {
                self.work.push_front(Work::Create(offer));
                Vec::new()
            }
            Err(error) => vec![SfuEvent::Failed(error)],
        }
    }

    fn established(&mut self, now: Instant, reply: &Reply) -> Vec<SfuEvent> {
        let answered = reply.read::<Established>().and_then(|established| {
            let answer = established.session_description.filter(|description| description.kind == "answer");
            answer.ok_or_else(|| reply.garbage())
        });
        match answered {
            Ok(answer) => {
                self.is_established = true;
                self.check_at = Some(now + self.check_every);
                vec![SfuEvent::Answered(answer.sdp)]
            }
            Err(error) => vec![SfuEvent::Failed(error)],
        }
    }

    fn opened(&mut self, reply: &Reply, opening: Opening) -> Vec<SfuEvent> {
        let answer = match reply.read::<DataChannels>() {
            Ok(answer) => answer,
            Err(error) => {
                self.is_unsure |= error.is_outcome_unknown();
                let is_gone = self.note_gone(&error);
                let mut events = vec![SfuEvent::NotOpened(opening, error)];
                events.extend(is_gone.then_some(SfuEvent::Gone));
                return events;
            }
        };
        let (mut open, mut problem) = (Vec::new(), None);
        for item in answer.data_channels {
            match item {
                DataChannel { error_code: Some(code), error_description, .. } => {
                    problem = Some(reply.refused(200, &code, error_description.as_deref()));
                }
                DataChannel { data_channel_name: Some(name), id: Some(id), .. } => {
                    self.channels.insert(id, Some(opening.location));
                    open.push((name, id));
                }
                _ => problem = Some(reply.garbage()),
            }
        }
        match problem {
            None => vec![SfuEvent::Opened(opening, open)],
            Some(error) => {
                // What it has already, or may have, is to be looked up before it is closed.
                self.is_unsure |= error.refusal_status().is_none() || error.code() == code::REPEATED_LOCAL_TRACK;
                vec![SfuEvent::NotOpened(opening, error)]
            }
        }
    }

    fn looked(&mut self, now: Instant, answer: Result<SessionState, SignallingError>, scope: Scope) -> Vec<SfuEvent> {
        self.done(now, answer, Work::Clear(scope), |sfu_session, state| {
            let listed = state.data_channels.into_iter();
            let own = listed.filter(|channel| channel.data_channel_name.as_deref() != Some(SERVER_EVENTS));
            sfu_session.channels = own.filter_map(|channel| Some((channel.id?, channel.location))).collect();
            sfu_session.is_unsure = false;
            if !sfu_session.within(scope).is_empty() {
                sfu_session.work.push_front(Work::Clear(scope));
            }
        })
    }

    fn checked(&mut self, now: Instant, answer: Result<Value, SignallingError>) -> Vec<SfuEvent> {
        match answer {
            Ok(state) => {
                // Whatever else it says, the session is there.
                let items = state["dataChannels"].as_array().into_iter().flatten();
                let listed: BTreeSet<StreamId> =
                    items.filter_map(|item| StreamId::try_from(item["id"].as_u64()?).ok()).collect();
                self.is_listed |= self.channels.keys().any(|id| listed.contains(id));
                let missing = self.channels.keys().filter(|id| self.is_listed && !listed.contains(id));
                let closed: Vec<StreamId> = missing.copied().collect();
                // Before the rest is closed, it is looked up what that is.
                self.is_unsure |= !closed.is_empty();
                vec![SfuEvent::Alive(closed)]
            }
            Err(error) if self.note_gone(&error) => vec![SfuEvent::Gone],
            Err(_) => {
                self.check_at = Some(now + self.check_every.min(LONGEST_PAUSE));
                Vec::new()
            }
        }
    }

    /// Ends a piece of work, or puts it off, or gives it up.
    fn done<T: DeserializeOwned>(
        &mut self,
        now: Instant,
        answer: Result<T, SignallingError>,
        again: Work,
        then: impl FnOnce(&mut SfuSession, T),
    ) -> Vec<SfuEvent> {
        match answer {
            Ok(answer) => {
                self.calls.succeeded();
                then(self, answer);
                Vec::new()
            }
            Err(error) if self.note_gone(&error) => vec![SfuEvent::Gone],
            Err(error) if error.is_retryable() => {
                // For as long as it takes: nobody else will close it.
                self.calls.failed(now);
                self.work.push_front(again);
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(%error, "the SFU refuses to close what was opened on it");
                self.calls.succeeded();
                self.is_unsure = !self.is_retiring;
                if self.is_retiring {
                    self.channels.clear();
                }
                Vec::new()
            }
        }
    }

    fn may_try_again(&mut self, now: Instant) -> bool {
        self.calls.failed(now);
        let may = self.calls.failures() < MAX_TRIES;
        if !may {
            self.calls.succeeded();
        }
        may
    }

    fn note_gone(&mut self, error: &SignallingError) -> bool {
        self.is_gone |= matches!(error.refusal_status(), Some(404 | 410));
        self.is_gone
    }
}
