//! What all threads of a connection share: the client, and what its turns ask for.
//!
//! Whoever calls the client also does what it then says: a publisher's own thread sends its datagrams, and a waiting
//! receiver's takes them in. The I/O thread keeps the timers and receives otherwise, and sleeps without the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use farwire_core::client::{Changed, Datagram, Inbox, Turn};
use farwire_core::link::LinkEnd;
use farwire_core::signalling::{Failure, RequestId, Response};
use farwire_core::{
    Accepted, Client, EndReason, Held, Mailbox, PublishError, RecvError, SessionId, SubscriptionId, TopicId,
};
use farwire_telemetry::{Meter, log};
use farwire_udp::{Sender, Socket, Waker};

use crate::connection::wall_clock;
use crate::http::Requests;
use crate::lead::Lead;
use crate::mailbox::{SharedMailbox, Sharing};
use crate::turnstile::Turnstile;

/// The sockets, in the order of their transports.
pub(crate) type Sockets = [Arc<Socket>; 2];

/// One connection, as its handles and threads see it.
pub(crate) struct Shared {
    engine: Turnstile<Engine>,
    outgoing: Mutex<Sender<2>>,
    requests: Requests,
    /// Something happened that a blocked caller may wait for.
    progress: Condvar,
    lead: Lead,
    /// Of the I/O thread.
    waker: Waker,
    /// The I/O thread is up, and will look at the deadline before it sleeps.
    io_awake: AtomicBool,
}

pub(crate) struct Engine {
    meter: Meter,
    pub(crate) client: Client<Sharing>,
    /// Threads that wait on `progress`.
    waiting: usize,
    /// When the I/O thread will be up at the latest; `None`: when it is woken.
    io_wakes: Option<Instant>,
}

impl Shared {
    pub(crate) fn new(
        is_loopback: bool,
        client: Client<Sharing>,
        sockets: Sockets,
        lead: Lead,
        waker: Waker,
    ) -> Arc<Shared> {
        Arc::new_cyclic(|shared: &Weak<Shared>| Shared {
            engine: Turnstile::new(Engine { meter: Meter::default(), client, waiting: 0, io_wakes: None }),
            outgoing: Mutex::new(Sender::new(sockets)),
            requests: Requests::new(is_loopback, shared.clone()),
            progress: Condvar::new(),
            lead,
            waker,
            io_awake: AtomicBool::new(true),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock()
    }

    /// For the I/O thread, which goes first.
    pub(crate) fn io_lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock_urgently()
    }

    /// Does something with the client, and then what it says.
    pub(crate) fn act<R>(&self, command: impl FnOnce(&mut Client<Sharing>, Instant) -> R) -> R {
        let mut engine = self.lock();
        let now = Instant::now();
        let result = command(&mut engine.client, now);
        self.turn(engine, now);
        result
    }

    /// Does what the client says, on the thread of a caller.
    pub(crate) fn turn(&self, mut engine: MutexGuard<'_, Engine>, now: Instant) {
        let turn = engine.client.turn(now);
        // An I/O thread that is up looks at the deadline itself.
        let is_due = turn.over || is_earlier(turn.deadline, engine.io_wakes);
        let wake = is_due && !self.io_awake.load(Ordering::Relaxed);
        if wake {
            engine.io_wakes = turn.deadline;
        }
        self.settle(engine, turn);
        if wake {
            self.wake_io();
        }
    }

    /// Ends the I/O thread's sleep.
    pub(crate) fn wake_io(&self) {
        self.waker.wake();
    }

    /// Waits for the next message of a subscription.
    pub(crate) fn receive<T: Held>(
        &self,
        mailbox: &SharedMailbox<T>,
        timeout: Option<Duration>,
    ) -> Result<T, RecvError> {
        self.lead.receive(self, mailbox, timeout)
    }

    /// The I/O thread is up.
    pub(crate) fn io_woke(&self) {
        self.io_awake.store(true, Ordering::Relaxed);
    }

    /// Ends a turn of the I/O thread: says how long it may sleep at most, or `None` when the connection is over.
    pub(crate) fn io_turn(&self, mut engine: MutexGuard<'_, Engine>, now: Instant) -> Option<Sleep> {
        engine.client.handle_timeout(now);
        engine.read_clock(now);
        let turn = engine.client.turn(now);
        let (over, until) = (turn.over, turn.deadline);
        engine.meter(now);
        engine.io_wakes = until;
        self.io_awake.store(false, Ordering::Relaxed);
        self.settle(engine, turn);
        (!over).then_some(Sleep { until })
    }

    /// Lets others have the engine, then sends and tells what came of the turn.
    fn settle(&self, mut engine: MutexGuard<'_, Engine>, turn: Turn<Sharing>) {
        // Taken while the engine's lock is held, so that datagrams leave in the order in which they were made.
        let outgoing = (!turn.datagrams.is_empty()).then(|| self.outgoing());
        let news = engine.waiting > 0 && (turn.news || engine.client.is_flushed());
        drop(engine);
        // Receivers first: they are on their way while this thread is still sending. They will want the engine's lock.
        turn.changed.iter().for_each(Changed::wake);
        if let Some(mut outgoing) = outgoing {
            outgoing.send(turn.datagrams.iter().map(Datagram::parts));
        }
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
            self.progress.notify_all();
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Sender<2>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The I/O thread cannot go on.
    pub(crate) fn io_failed(&self, why: &str) {
        self.act(|client, now| client.fail(now, EndReason::Transport(LinkEnd::Failed(why.to_owned()))));
    }

    /// The I/O thread has panicked. The peer is left alone: it may panic again.
    pub(crate) fn io_panicked(&self) {
        let why = "a bug: the connection's thread panicked".to_owned();
        self.act(|client, now| client.abandon(now, EndReason::Transport(LinkEnd::Failed(why))));
    }

    /// Takes the outcome of a request.
    pub(crate) fn answer(&self, id: RequestId, result: Result<Response, Failure>) {
        self.act(|client, now| client.handle_response(now, id, result));
    }

    pub(crate) fn publish(&self, topic: TopicId, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        self.act(|client, now| client.publish(now, topic, binary, bytes))
    }

    /// Waits until the queue of a topic that was full has room. `false`: not in time, or the connection is over.
    pub(crate) fn wait_writable(&self, topic: TopicId, deadline: Option<Instant>) -> bool {
        self.wait_until(deadline, |client| client.is_writable(topic))
    }

    pub(crate) fn cut(&self, id: SubscriptionId, why: RecvError) {
        self.act(|client, _| client.cut(id, why));
    }

    /// Ends the connection and tells the SFU.
    pub(crate) fn close(&self) {
        self.act(Client::close);
    }

    /// Waits for requests that were cut off, a moment at most.
    pub(crate) fn join_requests(&self) {
        self.requests.join();
    }

    /// Blocks until `done`, but not beyond the deadline or the end of the connection. Says whether it is done.
    pub(crate) fn wait_until(
        &self,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut Client<Sharing>) -> bool,
    ) -> bool {
        let mut engine = self.lock();
        loop {
            if done(&mut engine.client) {
                return true;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if engine.client.ended().is_some() || left == Some(Duration::ZERO) {
                return false;
            }
            engine.waiting += 1;
            engine = match left {
                Some(left) => self.progress.wait_timeout(engine, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.progress.wait(engine).unwrap_or_else(PoisonError::into_inner),
            };
            engine.waiting -= 1;
        }
    }
}

/// How long the I/O thread may sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleep {
    /// `None`: until it is woken.
    pub(crate) until: Option<Instant>,
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
