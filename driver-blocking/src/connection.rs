//! Connecting, and the handle that comes of it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farwire_core::{Config, Delivery, EndReason, Peer, Topic, TopicError, TopicStats};
use farwire_udp::Waiter;

use crate::engine::Shared;
use crate::lead::Lead;
use crate::{Content, Publisher, Subscription, io_thread, sockets};

/// Dials the SFU, and blocks until the connection is up.
///
/// # Errors
/// When it is not up within [`Config::connect_timeout`], or cannot come up at all. Nothing is left of it then.
#[expect(clippy::needless_pass_by_value, reason = "a configuration is made for the call")]
pub fn connect(config: Config) -> Result<Connection, ConnectError> {
    let sockets = sockets::bind(&config).map_err(ConnectError::Socket)?;
    let waiter = || {
        Waiter::new(sockets.to_vec()).map_err(|error| {
            ConnectError::Socket(io::Error::new(error.kind(), format!("cannot wait for the UDP sockets: {error}")))
        })
    };
    // The first waiter goes first: a caller that waits for a message.
    let (leads_waiter, leads_waker) = waiter()?;
    let (io_waiter, io_waker) = waiter()?;
    let lead = Lead::new(sockets.clone(), leads_waiter, leads_waker);
    let peer = Peer::new(&config, sockets::local_addresses(&config, &sockets), draw_seed(), Instant::now());
    let shared = Shared::new(&config, peer, sockets.clone(), lead, io_waker);
    let thread = thread::Builder::new().name("farwire-io".into()).spawn({
        let shared = Arc::clone(&shared);
        move || io_thread::run(&shared, &sockets, io_waiter)
    });
    let thread = thread.map_err(ConnectError::Thread)?;

    let mut handle = Handle { shared, session_id: String::new(), thread: Mutex::new(Some(thread)) };
    if !handle.shared.wait_until(None, |engine| engine.connected) {
        let reason = handle.shared.lock().ended.clone();
        return Err(ConnectError::Ended(reason.unwrap_or(EndReason::Closed)));
    }
    handle.session_id = handle.shared.lock().peer.session_id().map(ToString::to_string).unwrap_or_default();
    Ok(Connection { handle: Arc::new(handle) })
}

/// The operating system's randomness, by way of the keys that the standard library draws for its hash maps.
fn draw_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The system gives no socket; the error says which.
    #[error("{0}")]
    Socket(#[source] io::Error),
    /// The system gives no thread.
    #[error("cannot start the connection's thread: {0}")]
    Thread(#[source] io::Error),
    /// The SFU refused, or was not reached in time.
    #[error("{0}")]
    Ended(EndReason),
}

/// A connection to an SFU. Clones are handles to the same connection.
///
/// It is open while any of its [`Connection`], [`Publisher`] and [`Subscription`] handles is. Dropping the last one
/// closes it at once and tells the SFU; what still waits in send queues is not sent, so [`flush`](Self::flush) first
/// where that matters.
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

impl Connection {
    /// Publishes a topic with the default delivery, [`Delivery::LOSSY`].
    ///
    /// # Errors
    /// When the topic's name cannot be used, the connection has ended or is full, or has the topic with another
    /// delivery.
    pub fn publisher(&self, topic: &str) -> Result<Publisher, TopicError> {
        self.publisher_with(topic, Delivery::default())
    }

    /// Publishes a topic. However many publishers a topic has, its channel is opened once.
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn publisher_with(&self, topic: &str, delivery: Delivery) -> Result<Publisher, TopicError> {
        self.publisher_of_with(topic, delivery)
    }

    /// [`publisher`](Self::publisher) for messages of one type. A topic can have publishers of several types, and raw
    /// ones as well.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::lcm::geometry_msgs::Twist;
    ///
    /// let commands = connection.publisher_of::<Twist>("cmd_vel")?;
    /// commands.publish(&Twist::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A message of another type does not compile:
    ///
    /// ```compile_fail,E0308
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::lcm::geometry_msgs::{Accel, Twist};
    ///
    /// let commands = connection.publisher_of::<Twist>("cmd_vel")?;
    /// commands.publish(&Accel::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn publisher_of<T: Content>(&self, topic: &str) -> Result<Publisher<T>, TopicError> {
        self.publisher_of_with(topic, Delivery::default())
    }

    /// [`publisher_with`](Self::publisher_with) for messages of one type.
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn publisher_of_with<T: Content>(&self, topic: &str, delivery: Delivery) -> Result<Publisher<T>, TopicError> {
        let topic = Topic::new(topic)?;
        let id = self.handle.shared.act(|engine, now| engine.peer.topic(now, &topic, delivery))?;
        Ok(Publisher::new(Arc::clone(&self.handle), id, topic, delivery))
    }

    /// Subscribes to a topic with the default delivery, [`Delivery::LOSSY`].
    ///
    /// The topic is the one of the configured publisher, or of this connection itself. It need not exist yet; see
    /// [`Subscription::wait_open`].
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn subscribe(&self, topic: &str) -> Result<Subscription, TopicError> {
        self.subscribe_with(topic, Delivery::default())
    }

    /// Subscribes to a topic. Each subscription gets every message.
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn subscribe_with(&self, topic: &str, delivery: Delivery) -> Result<Subscription, TopicError> {
        self.subscribe_to_with(topic, delivery)
    }

    /// [`subscribe`](Self::subscribe) to the messages of one type: to those that begin with its fingerprint. What the
    /// others on the topic are is counted in [`topic_stats`](Self::topic_stats), unless another subscription gets them.
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher), and when this connection subscribes to another type with the same
    /// fingerprint on this topic.
    pub fn subscribe_to<T: Content>(&self, topic: &str) -> Result<Subscription<T>, TopicError> {
        self.subscribe_to_with(topic, Delivery::default())
    }

    /// [`subscribe_with`](Self::subscribe_with) to the messages of one type.
    ///
    /// # Errors
    /// As for [`subscribe_to`](Self::subscribe_to).
    pub fn subscribe_to_with<T: Content>(
        &self,
        topic: &str,
        delivery: Delivery,
    ) -> Result<Subscription<T>, TopicError> {
        let topic = Topic::new(topic)?;
        let (id, mailbox) = self.handle.shared.subscribe(&topic, delivery, T::KIND)?;
        Ok(Subscription::new(Arc::clone(&self.handle), id, mailbox))
    }

    /// The id of the publishing session, which a subscriber in another process needs as
    /// [`Config::publisher_session`](Config::publisher_session()).
    pub fn session_id(&self) -> &str {
        &self.handle.session_id
    }

    /// Waits until everything that was published has been acknowledged, or given up by a lossy transport. `false`: not
    /// within `timeout`, or the connection has ended.
    ///
    /// An acknowledgement is the SFU's; it says nothing about subscribers.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        self.handle.shared.wait_until(deadline, |engine| engine.peer.is_flushed())
    }

    /// The counters of a topic, if this connection has it.
    pub fn topic_stats(&self, topic: &str) -> Option<TopicStats> {
        let topic = Topic::new(topic).ok()?;
        self.handle.shared.lock().peer.topic_stats(&topic)
    }

    /// Why the connection is over, if it is. It does not come back by itself.
    pub fn ended(&self) -> Option<EndReason> {
        self.handle.shared.lock().ended.clone()
    }

    /// Closes the connection for all handles, at once, and tells the SFU. Blocked calls return with
    /// [`EndReason::Closed`].
    pub fn close(&self) {
        self.handle.close();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}

/// What all handles share: as long as there is one, the connection is open.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    session_id: String,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    fn close(&self) {
        let requests = self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has ended the connection already.
            let _ = thread.join();
        }
        requests.join();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
