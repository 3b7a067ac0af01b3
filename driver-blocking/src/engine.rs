//! What all threads of a connection share: the peer, and what its outputs act on.
//!
//! Whoever calls the peer also does what it then says: a publisher's own thread sends its datagrams, and a waiting
//! receiver's takes them in. The I/O thread keeps the timers and receives otherwise, and sleeps without the lock.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use farwire_core::demux::MessageType;
use farwire_core::http::{Failure, RequestId, Response};
use farwire_core::link::LinkEnd;
use farwire_core::{Accepted, Config, Delivery, EndReason, Event, Output, Peer, PublishError, Side};
use farwire_core::{SubscriptionId, Topic, TopicError, TopicId};
use farwire_udp::Waker;

use crate::http::{Client, Requests};
use crate::inboxes::Inboxes;
use crate::lead::Lead;
use crate::mailbox::Mailbox;
use crate::outgoing::{Datagram, Outgoing};
use crate::sockets::Sockets;
use crate::turnstile::Turnstile;
use crate::{Message, RecvError};

/// One connection, as its handles and threads see it.
pub(crate) struct Shared {
    engine: Turnstile<Engine>,
    outgoing: Mutex<Outgoing>,
    /// Something happened that a blocked caller may wait for.
    progress: Condvar,
    lead: Lead,
    /// Of the I/O thread.
    waker: Waker,
    /// The I/O thread is up, and will look at the deadline before it sleeps.
    io_awake: AtomicBool,
}

pub(crate) struct Engine {
    pub(crate) peer: Peer,
    pub(crate) connected: bool,
    pub(crate) ended: Option<EndReason>,
    /// The end has been dealt with: the peer is left alone.
    over: bool,
    datagrams: Vec<Datagram>,
    http: Client,
    inboxes: Inboxes,
    /// Subscriptions are to this connection's own topics.
    loops_back: bool,
    /// Topics whose queue was full, and has not been roomy since.
    full: HashSet<TopicId>,
    /// Threads that wait on `progress`.
    waiting: usize,
    /// They are to be woken.
    news: bool,
    /// When the I/O thread will be up at the latest; `None`: when it is woken.
    io_wakes: Option<Instant>,
}

impl Shared {
    pub(crate) fn new(config: &Config, peer: Peer, sockets: Sockets, lead: Lead, waker: Waker) -> Arc<Shared> {
        Arc::new_cyclic(|shared: &Weak<Shared>| Shared {
            engine: Turnstile::new(Engine {
                peer,
                connected: false,
                ended: None,
                over: false,
                datagrams: Vec::new(),
                http: Client::new(config, shared.clone()),
                inboxes: Inboxes::default(),
                loops_back: config.publisher_session.is_none(),
                full: HashSet::new(),
                waiting: 0,
                news: false,
                io_wakes: None,
            }),
            outgoing: Mutex::new(Outgoing::new(sockets)),
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

    /// Does something with the engine, and then what the peer says.
    pub(crate) fn act<R>(&self, command: impl FnOnce(&mut Engine, Instant) -> R) -> R {
        let mut engine = self.lock();
        let now = Instant::now();
        let result = command(&mut engine, now);
        self.turn(engine, now);
        result
    }

    /// Does what the peer says, on the thread of a caller.
    pub(crate) fn turn(&self, mut engine: MutexGuard<'_, Engine>, now: Instant) {
        let deadline = engine.pump(now);
        // An I/O thread that is up looks at the deadline itself.
        let wake = !self.io_awake.load(Ordering::Relaxed) && is_earlier(deadline, engine.io_wakes);
        if wake {
            engine.io_wakes = deadline;
        }
        self.settle(engine);
        if wake {
            self.wake_io();
        }
    }

    /// Ends the I/O thread's sleep.
    pub(crate) fn wake_io(&self) {
        self.waker.wake();
    }

    /// Waits for the next message of a subscription.
    pub(crate) fn receive(&self, mailbox: &Mailbox, timeout: Option<Duration>) -> Result<Message, RecvError> {
        self.lead.receive(self, mailbox, timeout)
    }

    /// The I/O thread is up.
    pub(crate) fn io_woke(&self) {
        self.io_awake.store(true, Ordering::Relaxed);
    }

    /// Ends a turn of the I/O thread: says how long it may sleep at most, or `None` when the connection is over.
    pub(crate) fn io_turn(&self, mut engine: MutexGuard<'_, Engine>, now: Instant) -> Option<Sleep> {
        engine.peer.handle_timeout(now);
        let deadline = engine.pump(now);
        engine.io_wakes = deadline;
        self.io_awake.store(false, Ordering::Relaxed);
        let over = engine.over;
        self.settle(engine);
        (!over).then_some(Sleep { until: deadline })
    }

    /// Lets others have the engine, then sends and tells what came of the turn.
    fn settle(&self, mut engine: MutexGuard<'_, Engine>) {
        engine.inboxes.deliver();
        let awaited = engine.inboxes.take_awaited();
        let outgoing = (!engine.datagrams.is_empty()).then(|| {
            let mut outgoing = self.outgoing();
            outgoing.take_over(&mut engine.datagrams);
            outgoing
        });
        let opened = engine.inboxes.take_opened();
        let news = std::mem::take(&mut engine.news) && engine.waiting > 0;
        let over = engine.over;
        drop(engine);
        // Receivers first: they are on their way while this thread is still sending. They will want the engine's lock.
        for mailbox in awaited {
            mailbox.notify();
        }
        if let Some(mut outgoing) = outgoing {
            outgoing.send();
        }
        if over {
            self.outgoing().close();
        }
        // Only now, since an acknowledgement among the datagrams makes the SFU deliver.
        for mailbox in opened {
            mailbox.opened();
        }
        if news {
            self.progress.notify_all();
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The I/O thread cannot go on.
    pub(crate) fn io_failed(&self, why: &str) {
        self.act(|engine, now| {
            engine.finish(EndReason::Transport(LinkEnd::Failed(why.to_owned())));
            engine.peer.close(now);
        });
    }

    /// The I/O thread has panicked. The peer is left alone: it may panic again.
    pub(crate) fn io_panicked(&self) {
        let why = "a bug: the connection's thread panicked".to_owned();
        let mut engine = self.lock();
        engine.finish(EndReason::Transport(LinkEnd::Failed(why)));
        engine.over = true;
        drop(engine);
        self.outgoing().close();
        self.progress.notify_all();
    }

    /// Takes the outcome of a request.
    pub(crate) fn answer(&self, id: RequestId, result: Result<Response, Failure>) {
        self.act(|engine, now| engine.peer.handle_response(now, id, result));
    }

    pub(crate) fn publish(&self, topic: TopicId, binary: bool, bytes: &[u8]) -> Result<Accepted, PublishError> {
        self.act(|engine, now| {
            let result = engine.peer.publish(now, topic, binary, bytes);
            if let Err(PublishError::QueueFull { .. }) = result {
                engine.full.insert(topic);
            }
            result
        })
    }

    /// Waits until the queue of a topic that was full has room. `false`: not in time, or the connection is over.
    pub(crate) fn wait_writable(&self, topic: TopicId, deadline: Option<Instant>) -> bool {
        self.wait_until(deadline, |engine| !engine.full.contains(&topic))
    }

    pub(crate) fn subscribe(
        &self,
        topic: &Topic,
        delivery: Delivery,
        kind: Option<MessageType>,
    ) -> Result<(SubscriptionId, Arc<Mailbox>), TopicError> {
        let mailbox = Arc::new(Mailbox::new(topic.clone(), delivery, self.lead.waker()));
        let id = self.act(|engine, now| {
            let id = match kind {
                Some(kind) => engine.peer.subscribe_typed(now, topic, delivery, kind)?,
                None => engine.peer.subscribe(now, topic, delivery)?,
            };
            engine.inboxes.insert(id, Arc::clone(&mailbox));
            Ok(id)
        })?;
        Ok((id, mailbox))
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) {
        self.act(|engine, _| {
            engine.inboxes.remove(id);
            engine.peer.unsubscribe(id);
        });
    }

    /// Ends the connection, tells the SFU, and hands out what is to be joined.
    pub(crate) fn close(&self) -> Requests {
        self.act(|engine, now| {
            if engine.ended.is_none() {
                engine.peer.close(now);
            }
        });
        self.lock().http.take_requests()
    }

    /// Blocks until `done`, but not beyond the deadline or the end of the connection. Says whether it is done.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>, mut done: impl FnMut(&mut Engine) -> bool) -> bool {
        let mut engine = self.lock();
        loop {
            if done(&mut engine) {
                return true;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if engine.ended.is_some() || left == Some(Duration::ZERO) {
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

impl Engine {
    /// Does what the peer says until it waits, and answers until when.
    fn pump(&mut self, now: Instant) -> Option<Instant> {
        while !self.over {
            match self.peer.poll(now) {
                Output::Transmit { side, destination, datagram: contents } => {
                    self.datagrams.push(Datagram { side, destination, contents });
                }
                Output::Http(request) => {
                    if let Err((id, failure)) = self.http.start(request) {
                        self.peer.handle_response(now, id, Err(failure));
                    }
                }
                Output::Event(event) => self.handle_event(event),
                Output::WaitUntil(deadline, _) => {
                    self.news |= self.waiting > 0 && self.peer.is_flushed();
                    self.over = self.ended.is_some();
                    if !self.over {
                        return deadline;
                    }
                }
                _ => {}
            }
        }
        // At once: the I/O thread is to notice the end.
        Some(now)
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Message(id, payload) => self.inboxes.push(id, payload),
            Event::Connected => {
                self.connected = true;
                self.news = true;
            }
            Event::Subscribed(id) => self.inboxes.open(id),
            Event::Interrupted(id) => self.inboxes.interrupt(id),
            Event::Trouble { side, topic, error, retrying } if side == Side::Subscribe || self.loops_back => {
                for mailbox in self.inboxes.of_topic(&topic) {
                    match retrying {
                        true => mailbox.troubled(error.clone()),
                        false => mailbox.refused(error.clone()),
                    }
                }
            }
            Event::Writable(topic) => {
                self.full.remove(&topic);
                self.news = true;
            }
            Event::Ended(reason) => self.finish(reason),
            _ => {}
        }
    }

    /// Tells everyone that the connection is over. The first reason stands.
    fn finish(&mut self, reason: EndReason) {
        if self.ended.is_none() {
            self.inboxes.close(&reason);
            self.ended = Some(reason);
            self.news = true;
            self.http.shut_down();
        }
    }
}

/// How long the I/O thread may sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleep {
    /// `None`: until it is woken.
    pub(crate) until: Option<Instant>,
}

/// `None` is never.
fn is_earlier(a: Option<Instant>, b: Option<Instant>) -> bool {
    a.is_some_and(|a| b.is_none_or(|b| a < b))
}
