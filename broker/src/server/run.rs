//! The broker's thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use farwire_core::WallClock;
use farwire_core::signalling::{Failure, RequestId, Response};
use farwire_core::wire::teleop::path;
use farwire_listener::{Incoming, Pass, Reply};

use super::recorder::Recorder;
use super::{Answer, CLOSE_WITHIN, HttpSfu, SfuTransport};
use crate::admin::{self, AdminAnswer, AdminRequest};
use crate::broker::{self, Broker, Output};
use crate::stats::Stats;
use crate::store::Store;

/// Requests on their way to the broker's thread. Past this bound they are answered 503.
const MAX_REQUESTS: usize = 1024;

/// Inputs that are taken before what they led to goes out.
const INPUTS_PER_TURN: usize = 64;

/// How long an administrative request may take.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);

/// What comes to the broker's thread.
pub(super) enum Input {
    /// A request's head, whose body waits.
    Head(Incoming, Pass),
    Request(Incoming, Reply),
    Answer(RequestId, Result<Response, Failure>),
    Administer(AdminRequest, SyncSender<AdminAnswer>),
    Stop,
}

/// The way to the broker's thread.
#[derive(Clone)]
pub(super) struct Inbox {
    inputs: Sender<Input>,
    /// Requests under way; answers are bounded by the calls that were made.
    requests: Arc<AtomicUsize>,
}

impl Inbox {
    pub(super) fn new(inputs: Sender<Input>) -> Inbox {
        Inbox { inputs, requests: Arc::default() }
    }

    /// Has a request's head judged, or drops its pass, which makes a 503.
    pub(super) fn head(&self, head: Incoming, pass: Pass) {
        self.hand_over(Input::Head(head, pass));
    }

    /// Hands a request over, or drops its reply, which makes a 503.
    pub(super) fn request(&self, incoming: Incoming, reply: Reply) {
        self.hand_over(Input::Request(incoming, reply));
    }

    fn hand_over(&self, input: Input) {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
            self.requests.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let _ = self.inputs.send(input);
    }

    pub(super) fn administer(&self, request: AdminRequest) -> AdminAnswer {
        let (answer, answered) = sync_channel(1);
        let _ = self.inputs.send(Input::Administer(request, answer));
        let late = || AdminAnswer::Refused("the broker does not answer, or stops just now: try again".to_owned());
        answered.recv_timeout(ORDER_TIMEOUT).unwrap_or_else(|_| late())
    }

    pub(super) fn stop(&self) {
        let _ = self.inputs.send(Input::Stop);
    }
}

/// What the broker's thread has.
pub(super) struct Runner {
    broker: Broker,
    sfu: Box<dyn SfuTransport>,
    /// To Cloudflare's TURN service.
    turn: Option<HttpSfu>,
    inbox: Inbox,
    incoming: Receiver<Input>,
    store: Arc<Store>,
    recorder: Recorder,
    replies: HashMap<RequestId, Reply>,
    next: u64,
    stats: Arc<Mutex<Stats>>,
}

impl Runner {
    pub(super) fn new(
        broker: Broker,
        (sfu, turn): (Box<dyn SfuTransport>, Option<HttpSfu>),
        (inbox, incoming): (Inbox, Receiver<Input>),
        (store, recorder): (Arc<Store>, Recorder),
        stats: Arc<Mutex<Stats>>,
    ) -> Runner {
        Runner { broker, sfu, turn, inbox, incoming, store, recorder, replies: HashMap::new(), next: 0, stats }
    }

    pub(super) fn run(mut self) {
        let mut stop_by = None;
        loop {
            let wait_until = self.turn();
            let now = Instant::now();
            if stop_by.is_some_and(|by| by <= now || self.broker.is_settled()) {
                return;
            }
            let input = match wait_until.into_iter().chain(stop_by).min() {
                Some(at) => self.incoming.recv_timeout(at.saturating_duration_since(now)),
                None => self.incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let more = self.incoming.try_iter().take(INPUTS_PER_TURN).collect::<Vec<_>>();
            let first = match input {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for input in first.into_iter().chain(more) {
                if matches!(input, Input::Stop) {
                    stop_by.get_or_insert_with(|| Instant::now() + CLOSE_WITHIN);
                }
                self.take(input);
            }
            self.broker.handle_timeout(Instant::now());
        }
    }

    fn take(&mut self, input: Input) {
        let now = Instant::now();
        match input {
            Input::Head(head, pass) => {
                self.inbox.requests.fetch_sub(1, Ordering::Relaxed);
                match self.broker.refuse_early(now, heard(&head)) {
                    Some(response) => pass.refuse(response),
                    None => pass.admit(),
                }
            }
            Input::Request(request, reply) => {
                self.inbox.requests.fetch_sub(1, Ordering::Relaxed);
                let id = RequestId(self.next);
                self.next += 1;
                self.replies.insert(id, reply);
                // The system's clock may have been set since.
                self.broker.set_clock(WallClock::new(now, since_1970()));
                self.broker.handle_request(now, id, heard(&request));
            }
            Input::Answer(id, result) => self.broker.handle_answer(now, id, result),
            Input::Administer(request, answer) => {
                let unix = since_1970().as_secs();
                let mut running = admin::Running(&mut self.broker, now);
                let done = admin::carry_out(&self.store, &mut running, request, unix);
                if self.store.has_unwritten() {
                    self.recorder.look();
                }
                // Who asked may have had no patience.
                let _ = answer.try_send(done.unwrap_or_else(|error| AdminAnswer::Refused(error.to_string())));
            }
            Input::Stop => {}
        }
    }

    /// Does what the broker says until it waits.
    fn turn(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let wait_until = loop {
            match self.broker.poll(now) {
                Output::Save(record) => self.recorder.save(record),
                Output::Forget(robot) => self.recorder.forget(robot),
                Output::SaveUnclosed(session) => self.recorder.save_unclosed(session, true),
                Output::ForgetUnclosed(session) => self.recorder.save_unclosed(session, false),
                Output::Response(id, response) => {
                    if let Some(reply) = self.replies.remove(&id) {
                        // The client may have gone meanwhile.
                        let _ = reply.send(response);
                    }
                }
                Output::Http(request) => {
                    let answer = Answer::new(request.id, self.inbox.inputs.clone());
                    self.sfu.start(request, answer);
                }
                Output::Turn(request) => {
                    let answer = Answer::new(request.id, self.inbox.inputs.clone());
                    if let Some(turn) = &mut self.turn {
                        turn.start(request, answer);
                    }
                }
                Output::WaitUntil(at, _) => break at,
            }
        };
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = self.broker.stats();
        wait_until
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A request as the broker takes it.
fn heard(request: &Incoming) -> broker::Incoming<'_> {
    broker::Incoming {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        source: request.peer.ip(),
        robot_key: request.header(path::ROBOT_KEY_HEADER),
        authorization: request.header("authorization"),
        body: &request.body,
    }
}
