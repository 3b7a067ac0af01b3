//! One connection: the client behind its lock, and what follows each call of it.
//!
//! Whoever calls the client also does what it then says: a publisher's own thread or task sends its datagrams. The worker keeps
//! the timers and receives, and sleeps without the lock.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use farwire_core::LinkEnd;
use farwire_core::SctpEngine;
use farwire_core::client::{Changed, Datagram, Inbox, Turn};
use farwire_core::signalling::{Failure, Request, StreamKey};
use farwire_core::{Client, Dial, EndReason, Mailbox, SessionId};
use farwire_http::Trust;
use farwire_telemetry::{Meter, log, log_trouble};
use farwire_udp::Sender;

use crate::answer::Answer;
use crate::mailbox::Sharing;
use crate::platform::{Bell, ClientOf, Driver, Requests};
use crate::priority_mutex::PriorityMutex;
use crate::sockets::Sockets;
use crate::streams::Streams;
use crate::system::{draw_seed, wall_clock};

/// How often the worker looks up while callers are busy. A timer that a message starts, and an acknowledgement soon stops, is then
/// mostly later than that, and the caller need not wake the worker for it, which takes longer than the message.
const TICK: Duration = Duration::from_millis(10);

/// How long callers count as busy after one had to wake the worker.
const BUSY: Duration = Duration::from_millis(200);

/// One connection, as its handles and its worker see it.
pub struct Engine<D: Driver> {
    state: PriorityMutex<State<D>>,
    outgoing: Mutex<Sender>,
    streams: Streams<D::Stream>,
    /// Whom streams trust, once there was one.
    trust: OnceLock<Trust>,
    /// Where answers go. Weak, so that a request does not keep the connection alive.
    this: Weak<Engine<D>>,
    progress: D::Bell,
    /// The worker is up, and will look at the deadline before it sleeps.
    is_worker_awake: AtomicBool,
    driver: D,
}

/// What is behind the lock of an [`Engine`].
pub struct State<D: Driver> {
    /// The connection itself. Whoever calls it ends the turn with [`Engine::turn`] or [`Engine::worker_turn`].
    pub client: ClientOf<D>,
    /// Callers that wait for [`Engine::progress`], which rings only while there are any.
    pub waiting: usize,
    meter: Meter,
    /// When the worker will be up at the latest; `None`: when it is woken.
    worker_wakes: Option<Instant>,
    /// Until then the worker is up every [`TICK`].
    busy_until: Option<Instant>,
}

/// The right to call an [`Engine`]'s client.
pub type Guard<'a, D> = MutexGuard<'a, State<D>>;

/// When a connection's worker is to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At this time, if there is one, or when something comes.
    Wait(Option<Instant>),
    /// Never: the connection is over.
    Stop,
}

impl<D: Driver> Engine<D> {
    /// A connection that dials at the worker's first turn.
    pub fn new(dial: &Dial, sockets: &Sockets, waits: D::Waits, driver: D) -> Arc<Engine<D>> {
        let local = sockets.local(dial);
        let dial = match SctpEngine::from_env(|name| std::env::var(name).ok()) {
            Ok(Some(engine)) => &dial.clone().sctp(engine),
            Ok(None) => dial,
            Err(error) => {
                log_trouble(&error);
                dial
            }
        };
        let mut client = Client::new(dial, local, draw_seed(), Sharing(waits), Instant::now());
        client.set_clock(wall_clock());
        Arc::new_cyclic(|this| Engine {
            state: PriorityMutex::new(State {
                client,
                waiting: 0,
                meter: Meter::default(),
                worker_wakes: None,
                busy_until: None,
            }),
            outgoing: Mutex::new(Sender::new(sockets)),
            streams: Streams::new(),
            trust: OnceLock::new(),
            this: this.clone(),
            progress: D::Bell::default(),
            is_worker_awake: AtomicBool::new(true),
            driver,
        })
    }

    /// The driver's own part.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// Rings when something happened that callers may wait for: connected, room in a queue, flushed, or over.
    pub fn progress(&self) -> &D::Bell {
        &self.progress
    }

    /// The right to call the client.
    pub fn lock(&self) -> Guard<'_, D> {
        self.state.lock()
    }

    /// [`lock`](Engine::lock) for the worker, which goes first.
    pub fn lock_urgently(&self) -> Guard<'_, D> {
        self.state.lock_urgently()
    }

    /// Does something with the client, and then what it says.
    pub fn act<R>(&self, command: impl FnOnce(&mut ClientOf<D>, Instant) -> R) -> R {
        let mut state = self.lock();
        let now = Instant::now();
        let result = command(&mut state.client, now);
        self.turn(state, now);
        result
    }

    /// Does what the client says after a call at this time, on the thread or task of a caller.
    pub fn turn(&self, mut state: Guard<'_, D>, now: Instant) {
        let turn = state.client.turn(now);
        // A worker that is up looks at the deadline itself.
        let is_due = turn.over || is_earlier(turn.deadline, state.worker_wakes);
        let wake = is_due && !self.is_worker_awake.load(Ordering::Relaxed);
        if wake {
            state.worker_wakes = turn.deadline;
            state.busy_until = Some(now + BUSY);
        }
        self.settle(state, turn);
        if wake {
            self.driver.wake_worker();
        }
    }

    /// Ends the worker's sleep.
    pub fn wake_worker(&self) {
        self.driver.wake_worker();
    }

    /// The worker is up.
    pub fn worker_woke(&self) {
        self.is_worker_awake.store(true, Ordering::Relaxed);
    }

    /// Does what the client says after a call at this time, on the worker, and keeps the timers.
    pub fn worker_turn(&self, mut state: Guard<'_, D>, now: Instant) -> Next {
        state.client.handle_timeout(now);
        state.read_clock(now);
        let turn = state.client.turn(now);
        let tick = state.busy_until.filter(|until| now < *until).map(|_| now + TICK);
        let until = turn.deadline.into_iter().chain(tick).min();
        let next = if turn.over { Next::Stop } else { Next::Wait(until) };
        state.meter(now);
        state.worker_wakes = until;
        self.is_worker_awake.store(false, Ordering::Relaxed);
        self.settle(state, turn);
        next
    }

    /// Lets others have the client, then sends and tells what came of the turn.
    fn settle(&self, mut state: Guard<'_, D>, turn: Turn<Sharing<D::Waits>>) {
        // Taken while the client's lock is held, so that datagrams leave, and lines go, in the order in which they were made.
        let outgoing = (!turn.datagrams.is_empty()).then(|| self.outgoing());
        let streams = (!turn.stream.is_empty()).then(|| self.streams.lock());
        let news = state.waiting > 0 && (turn.news || state.client.is_flushed());
        drop(state);
        // Receivers first: they are on their way while this thread is still sending. They will want the client's lock.
        turn.changed.iter().for_each(Changed::wake);
        if let Some(mut outgoing) = outgoing {
            outgoing.send(turn.datagrams.iter().map(Datagram::parts));
        }
        for mailbox in turn.opened {
            mailbox.update(Mailbox::note_opened);
            mailbox.wake();
        }
        let failed = streams.map(|mut streams| {
            let carry = |command| streams.carry(command, |stream, url| self.connect(stream, url));
            turn.stream.into_iter().filter_map(carry).collect::<Vec<_>>()
        });
        log(&turn.notices);
        for request in turn.requests {
            self.start(request);
        }
        if turn.over {
            self.outgoing().close();
            self.streams.lock().close();
            self.driver.requests().shut_down();
        }
        if news {
            self.progress.ring();
        }
        for event in failed.into_iter().flatten() {
            self.act(|client, now| client.handle_stream(now, event));
        }
    }

    fn connect(&self, stream: StreamKey, url: String) -> Result<D::Stream, Failure> {
        let this = self.this.clone();
        let trust = self.trust.get_or_init(|| Trust::from_env(|name| std::env::var_os(name))).clone();
        self.driver.connect(stream, url, trust, move |event| {
            if let Some(engine) = this.upgrade() {
                engine.hear(|client, now| client.handle_stream(now, event));
            }
        })
    }

    /// The last user has closed the connection.
    pub(crate) fn finish(&self) {
        let stream = self.streams.lock().take();
        self.driver.finish(stream);
    }

    fn start(&self, request: Request) {
        if request.is_farewell {
            return self.driver.requests().start_farewell(request);
        }
        let (this, id) = (self.this.clone(), request.id);
        let answer = Answer::new(move |result| {
            if let Some(engine) = this.upgrade() {
                engine.hear(|client, now| client.handle_response(now, id, result));
            }
        });
        self.driver.requests().start(request, answer);
    }

    /// [`act`](Engine::act) for what comes on a thread or task of its own, whose panic nobody would hear of.
    fn hear(&self, tell: impl FnOnce(&mut ClientOf<D>, Instant)) {
        if catch_unwind(AssertUnwindSafe(|| self.act(tell))).is_err() {
            self.abandon("a bug: the connection panicked at what a server said");
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Sender> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker cannot go on: ends the connection.
    pub fn fail(&self, why: &str) {
        self.act(|client, now| client.fail(now, EndReason::Transport(LinkEnd::Failed(why.to_owned()))));
    }

    /// Ends the connection of a worker that has panicked. The client's peer is left alone: it may panic again.
    pub fn abandon(&self, why: &str) {
        self.act(|client, now| client.abandon(now, EndReason::Transport(LinkEnd::Failed(why.to_owned()))));
    }
}

impl<D: Driver> State<D> {
    /// Whether what a caller waits for has come; `Some(false)`: it will not, since the connection is over.
    pub fn look(&mut self, done: impl FnOnce(&mut ClientOf<D>) -> bool) -> Option<bool> {
        match done(&mut self.client) {
            true => Some(true),
            false => self.client.ended().map(|_| false),
        }
    }

    fn read_clock(&mut self, now: Instant) {
        if self.client.is_clock_due(now) {
            self.client.set_clock(wall_clock());
        }
    }

    /// Records counters now and then, if the application wants any.
    fn meter(&mut self, now: Instant) {
        if self.meter.is_due(now) {
            let session = self.client.peer().session_id().map_or("", SessionId::as_str);
            self.meter.record(session, &self.client.stats());
        }
    }
}

/// `None` is never.
fn is_earlier(a: Option<Instant>, b: Option<Instant>) -> bool {
    a.is_some_and(|a| b.is_none_or(|b| a < b))
}

impl<D: Driver> fmt::Debug for Engine<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl<D: Driver> fmt::Debug for State<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
