//! Calls to one server, one at a time: which is in flight, what came of it, and when the next may be made.

use std::time::Instant;

use fastrand::Rng;

use super::{Backoff, Dialect, Failure, Reply, Request, RequestId, Response};
use crate::bucket::TokenBucket;

/// Calls to one server, one at a time. `C` says what a call is for.
///
/// It makes no request: who has made one says so with [`Calls::started`], and hands in what came of it with
/// [`Calls::answered`].
///
/// ```
/// # use std::time::{Duration, Instant};
/// use farwire_core::signalling::{Calls, Dialect, Method, Request, RequestId, Response};
///
/// #[derive(serde::Deserialize)]
/// struct Hello { name: String }
///
/// let now = Instant::now();
/// let mut calls = Calls::new(Dialect::PLAIN, 7);
/// assert!(calls.ready_at(now).is_some_and(|at| at <= now));
/// let request = Request::new(RequestId(1), Method::GET, "http://h/hello".into(), Duration::from_secs(8));
/// calls.started(now, &request, "hello");
/// assert_eq!(calls.ready_at(now), None, "one at a time");
///
/// let response = Response { status: 200, body: br#"{"name":"world"}"#.to_vec() };
/// let (call, reply) = calls.answered(RequestId(1), Ok(response)).expect("it is the call in flight");
/// assert_eq!((call, reply.read::<Hello>()?.name.as_str()), ("hello", "world"));
/// # Ok::<(), farwire_core::signalling::SignallingError>(())
/// ```
#[derive(Debug)]
pub struct Calls<C> {
    dialect: Dialect,
    in_flight: Option<InFlight<C>>,
    /// No call before this time.
    not_before: Option<Instant>,
    rate: Option<TokenBucket>,
    backoff: Backoff,
    rng: Rng,
}

#[derive(Debug)]
struct InFlight<C> {
    id: RequestId,
    place: String,
    call: C,
}

impl<C> Calls<C> {
    /// Calls whose answers are read in this dialect; `seed` jitters the delays after failures.
    pub fn new(dialect: Dialect, seed: u64) -> Calls<C> {
        let (backoff, rng) = (Backoff::default(), Rng::with_seed(seed));
        Calls { dialect, in_flight: None, not_before: None, rate: None, backoff, rng }
    }

    /// With other delays after failures.
    pub fn with_backoff(mut self, backoff: Backoff) -> Calls<C> {
        self.backoff = backoff;
        self
    }

    /// With a bound on calls per second.
    pub fn with_rate(mut self, rate: TokenBucket) -> Calls<C> {
        self.rate = Some(rate);
        self
    }

    /// Whether no call is in flight.
    pub fn is_free(&self) -> bool {
        self.in_flight.is_none()
    }

    /// What the call in flight is for, if there is one.
    pub fn in_flight(&self) -> Option<&C> {
        self.in_flight.as_ref().map(|in_flight| &in_flight.call)
    }

    /// When the next call may be made: `now` or later. `None` while one is in flight.
    pub fn ready_at(&self, now: Instant) -> Option<Instant> {
        let rate = self.rate.as_ref().map(|rate| rate.ready_at(now));
        self.is_free().then(|| [self.not_before, rate].into_iter().flatten().fold(now, Instant::max))
    }

    /// Until when no call is made after a failure; a time that is past counts for nothing.
    pub fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Notes that a call is being made. One that was in flight is abandoned.
    pub fn started(&mut self, now: Instant, request: &Request, call: C) {
        if let Some(rate) = &mut self.rate {
            rate.reserve(now);
        }
        let place = format!("{} {}", request.method, request.url);
        self.in_flight = Some(InFlight { id: request.id, place, call });
    }

    /// Takes what came of a request: which call it was, and the reply to read. `None`: it is not the call in flight.
    pub fn answered(&mut self, id: RequestId, result: Result<Response, Failure>) -> Option<(C, Reply)> {
        let InFlight { place, call, .. } = self.in_flight.take_if(|in_flight| in_flight.id == id)?;
        Some((call, Reply::new(place, self.dialect, result)))
    }

    /// Whether this request is the call in flight.
    pub fn awaits(&self, id: RequestId) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.id == id)
    }

    /// Forgets the call in flight: its answer counts for nothing.
    pub fn abandon(&mut self) {
        self.in_flight = None;
    }

    /// Notes that a call has failed and is to be made again, so that the next one waits; says until when.
    pub fn failed(&mut self, now: Instant) -> Instant {
        let at = self.backoff.failed(now, &mut self.rng);
        self.not_before = Some(at);
        at
    }

    /// Notes that a call has done what it should: the next one need not wait, and the next delay is a short one again.
    pub fn succeeded(&mut self) {
        self.backoff.succeeded();
        self.not_before = None;
    }

    /// How many calls have failed since one succeeded.
    pub fn failures(&self) -> u32 {
        self.backoff.attempts()
    }

    /// When something that has failed by itself is to be tried again, with the same jitter.
    pub fn delay(&mut self, now: Instant, backoff: &mut Backoff) -> Instant {
        backoff.failed(now, &mut self.rng)
    }
}
