//! Core with nothing around it: a [`Client`](farwire_core::Client) in a [`World`], behind a mutex.
//!
//! Whoever waits lets virtual time pass. Callbacks have threads of their own, as they may block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::{
    Accepted, Config, Delivery, EndReason, Held, Message, PublishError, RecvError, Stats, SubscribeOptions,
    SubscriptionId, Topic, TopicError, TopicId,
};
use farwire_tests::{Node, SharedInbox, Sharing, World};

use crate::{Callback, Connection, Driver, Names, PATIENCE, Publisher, Subscription};

crate::contract!(Memory);

/// How much virtual time a wait lets pass before others get at the world.
const STEP: Duration = Duration::from_millis(10);

/// Core in memory: no socket, and no clock but the world's.
pub(crate) struct Memory {
    world: SharedWorld,
}

#[derive(Clone)]
struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets virtual time pass until `done` has a result.
    fn run<R>(&self, limit: Duration, mut done: impl FnMut(&mut World) -> Option<R>) -> Option<R> {
        let mut result = None;
        self.lock().run_until(limit, |world| {
            result = done(world);
            result.is_some()
        });
        result
    }

    /// [`SharedWorld::run`] with the patience of a test, while others may use the world.
    fn wait<R>(&self, mut done: impl FnMut(&mut World) -> Option<R>) -> Option<R> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let result = self.run(STEP, &mut done);
            if result.is_some() || Instant::now() > deadline {
                return result;
            }
            thread::sleep(Duration::from_micros(50));
        }
    }
}

impl Driver for Memory {
    type Connection = MemoryConnection;

    fn start() -> Option<Memory> {
        Some(Memory { world: SharedWorld(Arc::new(Mutex::new(World::new(5)))) })
    }

    fn config(&self) -> Config {
        self.world.lock().config()
    }

    fn connect(&self, config: Config) -> Result<MemoryConnection, String> {
        self.connect_within(config, Duration::MAX)
    }

    fn connect_within(&self, config: Config, limit: Duration) -> Result<MemoryConnection, String> {
        let limit = limit.min(2 * config.connect_timeout);
        let node = self.world.lock().add_client(&config);
        let handle = Arc::new(Handle { world: self.world.clone(), node });
        let outcome = self.world.run(limit, |world| {
            world.act(node, |client, _| match client.ended() {
                Some(reason) => Some(Err(reason.to_string())),
                None => client.is_connected().then_some(Ok(())),
            })
        });
        outcome.unwrap_or_else(|| Err("given up".to_owned())).map(|()| MemoryConnection { handle })
    }

    fn sessions(&self) -> Option<usize> {
        Some(self.world.lock().sfu.stats().sessions)
    }

    fn pass(&self) {
        self.world.lock().run_for(STEP);
        thread::sleep(Duration::from_micros(50));
    }

    fn forgets_soon(&self) -> bool {
        true
    }
}

/// Closes the connection when the last one drops it.
struct Handle {
    world: SharedWorld,
    node: Node,
}

impl Handle {
    fn close(&self) {
        self.world.lock().act(self.node, farwire_core::Client::close);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// A client in the world.
#[derive(Clone)]
pub(crate) struct MemoryConnection {
    handle: Arc<Handle>,
}

impl MemoryConnection {
    fn now(&self) -> Instant {
        self.handle.world.lock().now()
    }

    fn act<R>(&self, act: impl FnOnce(&mut farwire_core::Client<Sharing>, Instant) -> R) -> R {
        self.handle.world.lock().act(self.handle.node, act)
    }

    fn received_by<T: Held>(&self, (id, inbox): (SubscriptionId, SharedInbox<T>)) -> MemorySubscription<T> {
        MemorySubscription { connection: self.clone(), id, inbox }
    }
}

impl Connection for MemoryConnection {
    type Publisher = MemoryPublisher;
    type Subscription = MemorySubscription;
    type Names = MemoryNames;

    fn session_id(&self) -> String {
        self.act(|client, _| client.peer().session_id().expect("it is connected").to_string())
    }

    fn publisher(&self, topic: &str, delivery: Delivery) -> Result<MemoryPublisher, TopicError> {
        let topic = Topic::new(topic)?;
        let id = self.act(|client, now| client.topic(now, &topic, delivery))?;
        Ok(MemoryPublisher { connection: self.clone(), id })
    }

    fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<MemorySubscription, TopicError> {
        let topic = Topic::new(topic)?;
        self.act(|client, now| client.subscribe(now, &topic, options, None))
            .map(|subscribed| self.received_by(subscribed))
    }

    fn subscribe_all(&self, options: SubscribeOptions) -> Result<MemorySubscription, TopicError> {
        let subscribed = self.act(|client, _| client.subscribe_all(options))?;
        Ok(self.received_by(subscribed))
    }

    fn subscribe_new_topics(&self) -> Result<MemoryNames, TopicError> {
        let subscribed = self.act(|client, _| client.subscribe_new_topics())?;
        Ok(MemoryNames(self.received_by(subscribed)))
    }

    fn stats(&self) -> Stats {
        self.act(|client, _| client.stats())
    }

    fn ended(&self) -> Option<EndReason> {
        self.act(|client, _| client.ended().cloned())
    }

    fn close(&self) {
        self.handle.close();
    }
}

/// A topic of a client.
#[derive(Clone)]
pub(crate) struct MemoryPublisher {
    connection: MemoryConnection,
    id: TopicId,
}

impl Publisher for MemoryPublisher {
    fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        let Handle { world, node } = &*self.connection.handle;
        loop {
            let result = self.connection.act(|client, now| client.publish(now, self.id, true, message));
            let Err(PublishError::QueueFull { .. }) = result else { return result };
            let is_roomy = |world: &mut World| {
                world.act(*node, |client, _| (client.is_writable(self.id) || client.ended().is_some()).then_some(()))
            };
            if world.wait(is_roomy).is_none() {
                return result;
            }
        }
    }
}

/// A mailbox of a client.
pub(crate) struct MemorySubscription<T: Held = Message> {
    connection: MemoryConnection,
    id: SubscriptionId,
    inbox: SharedInbox<T>,
}

impl<T: Held> MemorySubscription<T> {
    fn wait(&mut self) -> Result<T, RecvError> {
        let received = self.connection.handle.world.wait(|world| self.inbox.with(|mailbox| mailbox.take(world.now())));
        received.unwrap_or(Err(RecvError::Timeout))
    }

    fn look(&mut self) -> Result<Option<T>, RecvError> {
        let now = self.connection.now();
        self.inbox.with(|mailbox| mailbox.take(now)).transpose()
    }
}

impl Subscription for MemorySubscription {
    type Callback = MemoryCallback;

    fn wait_open(&mut self) -> Result<(), RecvError> {
        let opened = self.connection.handle.world.wait(|_| self.inbox.with(|mailbox| mailbox.opened()));
        opened.unwrap_or(Err(RecvError::Timeout))
    }

    fn recv(&mut self) -> Result<Message, RecvError> {
        self.wait()
    }

    fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError> {
        let received =
            self.connection.handle.world.run(timeout, |world| self.inbox.with(|mailbox| mailbox.take(world.now())));
        received.unwrap_or(Err(RecvError::Timeout))
    }

    fn try_recv(&mut self) -> Result<Option<Message>, RecvError> {
        self.look()
    }

    fn latest(&mut self) -> Result<Option<Message>, RecvError> {
        let now = self.connection.now();
        self.inbox.with(|mailbox| mailbox.take_latest(now)).transpose()
    }

    fn dropped(&self) -> u64 {
        self.inbox.with(|mailbox| mailbox.dropped())
    }

    fn ended(&self) -> Option<RecvError> {
        self.inbox.with(|mailbox| mailbox.ended().cloned())
    }

    fn on_message(self, mut callback: impl FnMut(Message) + Send + 'static) -> MemoryCallback {
        let panics = Arc::new(AtomicU64::new(0));
        let (inbox, count) = (self.inbox.clone(), Arc::clone(&panics));
        thread::spawn(move || {
            loop {
                match inbox.wait() {
                    Ok(message) => {
                        let outcome = catch_unwind(AssertUnwindSafe(|| callback(message)));
                        count.fetch_add(u64::from(outcome.is_err()), Ordering::Relaxed);
                    }
                    Err(error) if error.is_passing() => {}
                    Err(_) => return,
                }
            }
        });
        MemoryCallback { _subscription: self, panics }
    }
}

impl<T: Held> Drop for MemorySubscription<T> {
    fn drop(&mut self) {
        self.connection.act(|client, _| client.unsubscribe(self.id));
    }
}

/// A thread that waits at a mailbox.
pub(crate) struct MemoryCallback {
    _subscription: MemorySubscription,
    panics: Arc<AtomicU64>,
}

impl Callback for MemoryCallback {
    fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// A mailbox for names.
pub(crate) struct MemoryNames(MemorySubscription<Topic>);

impl Names for MemoryNames {
    fn recv(&mut self) -> Result<String, RecvError> {
        self.0.wait().map(|topic| topic.to_string())
    }

    fn try_recv(&mut self) -> Result<Option<String>, RecvError> {
        Ok(self.0.look()?.map(|topic| topic.to_string()))
    }
}
