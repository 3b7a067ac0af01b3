//! What all tasks of a connection share: the client, and what its turns ask for.
//!
//! Whoever calls the client also does what it then says, and never waits for that: sockets do not block, and requests run
//! on threads for blocking work. The connection's task receives, keeps the timers, and sleeps without the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use farwire_core::client::{Changed, Datagram, Inbox, Turn};
use farwire_core::link::LinkEnd;
use farwire_core::signalling::{Failure, RequestId, Response};
use farwire_core::{Client, EndReason, Mailbox, RecvError, SessionId, SubscriptionId};
use farwire_telemetry::{Meter, log};
use farwire_udp::{Sender, Socket};
use tokio::runtime;
use tokio::sync::Notify;

use crate::connection::wall_clock;
use crate::http::Requests;
use crate::mailbox::Sharing;

/// The sockets, in the order of their transports.
pub(crate) type Sockets = [Arc<Socket>; 2];

/// One connection, as its handles and tasks see it.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    outgoing: Mutex<Sender<2>>,
    requests: Requests,
    /// Something happened that callers may wait for.
    progress: Notify,
    /// Wakes the connection's task.
    pub(crate) wake: Notify,
    /// The task is up, and will look at the deadline before it sleeps.
    is_task_awake: AtomicBool,
}

pub(crate) struct Engine {
    meter: Meter,
    pub(crate) client: Client<Sharing>,
    /// Callers that wait on `progress`.
    waiting: usize,
    /// When the task will be up at the latest; `None`: when it is woken.
    task_wakes: Option<Instant>,
}

/// When the connection's task is to look again.
pub(crate) enum Next {
    /// At this time, or when something comes.
    Wait(Option<Instant>),
    /// The connection is over.
    Stop,
}

impl Shared {
    pub(crate) fn new(
        is_loopback: bool,
        client: Client<Sharing>,
        sockets: Sockets,
        runtime: runtime::Handle,
    ) -> Arc<Shared> {
        Arc::new_cyclic(|shared: &Weak<Shared>| Shared {
            engine: Mutex::new(Engine { meter: Meter::default(), client, waiting: 0, task_wakes: None }),
            outgoing: Mutex::new(Sender::new(sockets)),
            requests: Requests::new(is_loopback, runtime, shared.clone()),
            progress: Notify::new(),
            wake: Notify::new(),
            is_task_awake: AtomicBool::new(true),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the client, and then what it says.
    pub(crate) fn act<R>(&self, command: impl FnOnce(&mut Client<Sharing>, Instant) -> R) -> R {
        let mut engine = self.lock();
        let now = Instant::now();
        let result = command(&mut engine.client, now);
        let turn = engine.client.turn(now);
        // A task that is up looks at the deadline itself.
        let is_due = turn.over || is_earlier(turn.deadline, engine.task_wakes);
        let wake = is_due && !self.is_task_awake.load(Ordering::Relaxed);
        if wake {
            engine.task_wakes = turn.deadline;
        }
        self.settle(engine, turn);
        if wake {
            self.wake.notify_one();
        }
        result
    }

    /// A turn of the connection's task.
    pub(crate) fn task_turn(&self, work: impl FnOnce(&mut Client<Sharing>, Instant)) -> Next {
        self.is_task_awake.store(true, Ordering::Relaxed);
        let mut engine = self.lock();
        let now = Instant::now();
        work(&mut engine.client, now);
        engine.client.handle_timeout(now);
        engine.read_clock(now);
        let turn = engine.client.turn(now);
        let next = if turn.over { Next::Stop } else { Next::Wait(turn.deadline) };
        engine.task_wakes = turn.deadline;
        engine.meter(now);
        self.is_task_awake.store(false, Ordering::Relaxed);
        self.settle(engine, turn);
        next
    }

    /// Lets others have the engine, then sends and tells what came of the turn.
    fn settle(&self, mut engine: MutexGuard<'_, Engine>, turn: Turn<Sharing>) {
        // Taken while the engine's lock is held, so that datagrams leave in the order in which they were made.
        let outgoing = (!turn.datagrams.is_empty()).then(|| self.outgoing());
        let news = engine.waiting > 0 && (turn.news || engine.client.is_flushed());
        drop(engine);
        if let Some(mut outgoing) = outgoing {
            outgoing.send(turn.datagrams.iter().map(Datagram::parts));
        }
        turn.changed.iter().for_each(Changed::wake);
        for mailbox in turn.opened {
            mailbox.with(Mailbox::note_opened);
            mailbox.wake();
        }
        log(&turn.notices);
        for request in turn.requests {
            match request.is_farewell {
                true => self.requests.start_farewell(request),
                false => self.requests.start(request),
            }
        }
        if turn.over {
            self.outgoing().close();
            self.requests.shut_down();
        }
        if news {
            self.progress.notify_waiters();
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Sender<2>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody drives the connection any more. The peer is left alone: it may have panicked.
    pub(crate) fn abandon(&self, why: &str) {
        self.act(|client, now| client.abandon(now, EndReason::Transport(LinkEnd::Failed(why.to_owned()))));
    }

    /// The connection's task cannot go on.
    pub(crate) fn fail(&self, why: String) {
        self.act(|client, now| client.fail(now, EndReason::Transport(LinkEnd::Failed(why))));
    }

    /// Takes the outcome of a request.
    pub(crate) fn answer(&self, id: RequestId, result: Result<Response, Failure>) {
        self.act(|client, now| client.handle_response(now, id, result));
    }

    pub(crate) fn cut(&self, id: SubscriptionId, why: RecvError) {
        self.act(|client, _| client.cut(id, why));
    }

    /// Ends the connection and tells the SFU.
    pub(crate) fn close(&self) {
        self.act(Client::close);
    }

    /// Waits until `done`, but not beyond the end of the connection. Says whether it is done.
    pub(crate) async fn wait_until(&self, mut done: impl FnMut(&mut Client<Sharing>) -> bool) -> bool {
        let _waiting = Waiting::new(self);
        loop {
            let progress = self.progress.notified();
            {
                let mut engine = self.lock();
                if done(&mut engine.client) {
                    return true;
                }
                if engine.client.ended().is_some() {
                    return false;
                }
            }
            progress.await;
        }
    }
}

impl Shared {
    /// Waits for news, unless `is_told` already.
    pub(crate) async fn wait_for_news(&self, is_told: impl Fn() -> bool) {
        let _waiting = Waiting::new(self);
        let progress = self.progress.notified();
        if !is_told() && self.lock().client.ended().is_none() {
            progress.await;
        }
    }

    pub(crate) fn tell_news(&self) {
        self.progress.notify_waiters();
    }
}

/// Counts a waiting caller, also when its future is dropped.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Waiting<'a> {
        shared.lock().waiting += 1;
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

impl Engine {
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
