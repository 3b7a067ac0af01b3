//! Connecting, and the handle that comes of it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use farwire_core::broker::IceServer;
use farwire_core::link::LocalAddress;
use farwire_core::{
    Client, ClockEstimate, Content, Delivery, Dial, EndReason, Events, OperatorLost, Stats, SubscribeOptions, Topic,
    TopicError, TopicNames, TopicStats, WallClock,
};
use farwire_udp::{Waiter, addresses_towards, bind_towards};

use crate::handle::{Handle, Lease};
use crate::lead::Lead;
use crate::mailbox::Sharing;
use crate::shared::{Shared, Sockets};
use crate::{Publisher, Subscription, io_thread};

/// Dials an SFU ([`Config`](crate::Config)), or a broker as a robot ([`RobotConfig`](crate::RobotConfig)) or an operator
/// ([`OperatorConfig`](crate::OperatorConfig)), and blocks until the connection is up: for an operator, until the robot
/// answers. What is lost after that is dialed again.
///
/// # Errors
/// When it is not up within the configuration's `connect_timeout`, or cannot come up at all. Nothing is left of it then.
pub fn connect(dial: impl Into<Dial>) -> Result<Connection, ConnectError> {
    let dial = dial.into();
    let host = dial.host_ip();
    let bind = || bind_towards(host).map(Arc::new).map_err(ConnectError::socket);
    let sockets: Sockets = [bind()?, bind()?];
    let waiter = || {
        Waiter::new(sockets.to_vec()).map_err(|error| {
            ConnectError::socket(io::Error::new(error.kind(), format!("cannot wait for the UDP sockets: {error}")))
        })
    };
    // The first waiter goes first: a caller that waits for a message.
    let (leads_waiter, leads_waker) = waiter()?;
    let (io_waiter, io_waker) = waiter()?;
    let lead = Lead::new(sockets.clone(), leads_waiter);
    let local = sockets.each_ref().map(|socket| {
        let (offered, other) = addresses_towards(socket, host);
        LocalAddress::dual(offered, other)
    });
    let now = Instant::now();
    let mut client = Client::new(&dial, local, draw_seed(), Sharing(leads_waker), now);
    client.set_clock(wall_clock());
    let shared = Shared::new(dial.is_loopback(), client, sockets.clone(), lead, io_waker);
    let thread = thread::Builder::new().name("farwire-io".into()).spawn({
        let shared = Arc::clone(&shared);
        move || io_thread::run(&shared, &sockets, io_waiter)
    });
    let thread = thread.map_err(|error| ConnectError::Thread(Arc::new(error)))?;

    let handle = Handle::new(shared, thread);
    if !handle.shared.wait_until(None, |client| client.is_connected()) {
        let reason = handle.shared.lock().client.ended().cloned();
        return Err(ConnectError::Ended(reason.unwrap_or(EndReason::Closed)));
    }
    Ok(Connection::new(Lease::first(handle)))
}

/// The time of day.
pub(crate) fn wall_clock() -> WallClock {
    WallClock::read(Instant::now, || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The operating system's randomness, by way of the keys that the standard library draws for its hash maps.
fn draw_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The system gives no socket; the error says which.
    #[error("{0}")]
    Socket(#[source] Arc<io::Error>),
    /// The system gives no thread.
    #[error("cannot start the connection's thread: {0}")]
    Thread(#[source] Arc<io::Error>),
    /// The SFU refused, or was not reached in time.
    #[error("{0}")]
    Ended(EndReason),
}

impl ConnectError {
    fn socket(error: io::Error) -> ConnectError {
        ConnectError::Socket(Arc::new(error))
    }
}

/// A connection to an SFU. Clones are handles to the same connection.
///
/// It is open while any of its [`Connection`], [`Publisher`] and [`Subscription`] handles is. Dropping the last one
/// closes it at once and tells the SFU; what still waits in send queues is not sent, so [`flush`](Self::flush) first
/// where that matters.
#[derive(Clone)]
pub struct Connection {
    lease: Arc<Lease>,
}

impl Connection {
    pub(crate) fn new(lease: Arc<Lease>) -> Connection {
        Connection { lease }
    }

    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

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
        if self.lease.is_closed() {
            return Err(TopicError::ended(Some(&topic)));
        }
        let (id, delivery) = self.shared().act(|client, now| {
            let id = client.topic(now, &topic, delivery)?;
            Ok((id, client.peer().delivery(id).unwrap_or(delivery)))
        })?;
        Ok(Publisher::new(Arc::clone(&self.lease), id, topic, delivery))
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

    /// Subscribes to a topic, with a [`Delivery`], a [`Container`](crate::Container) or both. Each subscription gets
    /// every message.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::{Container, Delivery, SubscribeOptions};
    ///
    /// let events = connection.subscribe_with("events", Delivery::RELIABLE)?;
    /// let newest = connection.subscribe_with("pose", Container::ring(1))?;
    /// let plan = SubscribeOptions::from(Delivery::RELIABLE).container(Container::ring(1));
    /// let plan = connection.subscribe_with("plan", plan)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`publisher`](Self::publisher).
    pub fn subscribe_with(
        &self,
        topic: &str,
        options: impl Into<SubscribeOptions>,
    ) -> Result<Subscription, TopicError> {
        self.subscribe_to_with(topic, options)
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
        options: impl Into<SubscribeOptions>,
    ) -> Result<Subscription<T>, TopicError> {
        let (topic, options) = (Topic::new(topic)?, options.into());
        let (id, mailbox) = self.lease.subscribe(Some(&topic), |handle| {
            handle.shared.act(|client, now| client.subscribe(now, &topic, options, T::KIND))
        })?;
        Ok(Subscription::new(Arc::clone(&self.lease), id, mailbox))
    }

    /// Subscribes to every message of every topic that this connection subscribes to otherwise: each once, however many
    /// subscriptions its topic has. [`Message::topic`](crate::Message::topic) says which it is.
    ///
    /// Gaps are told only if `options` are for reliable delivery.
    ///
    /// # Errors
    /// When the connection has ended, or has 64 such subscriptions.
    pub fn subscribe_all(&self, options: impl Into<SubscribeOptions>) -> Result<Subscription, TopicError> {
        let options = options.into();
        let (id, mailbox) =
            self.lease.subscribe(None, |handle| handle.shared.act(|client, _| client.subscribe_all(options)))?;
        Ok(Subscription::new(Arc::clone(&self.lease), id, mailbox))
    }

    /// Subscribes to the names of the topics that this connection subscribes to otherwise: each is told once, at its
    /// first message.
    ///
    /// # Errors
    /// As for [`subscribe_all`](Self::subscribe_all).
    pub fn subscribe_new_topics(&self) -> Result<Subscription<TopicNames>, TopicError> {
        let (id, mailbox) =
            self.lease.subscribe(None, |handle| handle.shared.act(|client, _| client.subscribe_new_topics()))?;
        Ok(Subscription::new(Arc::clone(&self.lease), id, mailbox))
    }

    /// Subscribes to what happens to the connection, from now on: that it is lost and up again, and who comes and goes at
    /// the far end of a broker's bridge. It keeps the latest 64 events that were not received.
    ///
    /// # Errors
    /// As for [`subscribe_all`](Self::subscribe_all).
    pub fn events(&self) -> Result<Subscription<Events>, TopicError> {
        let (id, mailbox) =
            self.lease.subscribe(None, |handle| handle.shared.act(|client, _| client.subscribe_events()))?;
        Ok(Subscription::new(Arc::clone(&self.lease), id, mailbox))
    }

    /// Whether the connection is up now. One that was lost is dialed again until it is, unless its configuration says
    /// otherwise.
    pub fn is_connected(&self) -> bool {
        !self.lease.is_closed() && self.shared().lock().client.peer().is_up()
    }

    /// For a robot on a broker: whether somebody operates it, and is heard. A robot loop that moves only while this is
    /// `true` stands still whenever the operator leaves, falls silent, or the connection is lost.
    pub fn operator_present(&self) -> bool {
        !self.lease.is_closed() && self.shared().lock().client.peer().is_operated()
    }

    /// For a robot on a broker: why it has no operator any more. `None` while it has one, and before the first.
    pub fn operator_lost(&self) -> Option<OperatorLost> {
        self.shared().lock().client.peer().operator_lost()
    }

    /// For an operator: whether the robot answers.
    pub fn robot_present(&self) -> bool {
        !self.lease.is_closed() && self.shared().lock().client.peer().has_robot()
    }

    /// What is known of the clock at the far end of a broker's bridge, by pings; `None` before the first.
    pub fn clock(&self) -> Option<ClockEstimate> {
        self.shared().lock().client.peer().far_clock(Instant::now())
    }

    /// The stamp for a message that is made now, as time since 1970: for the header of a command, in **the robot's time** on a
    /// broker's bridge, which is what robots judge by. It is newer than any that was given out before, and behind by what the
    /// fastest of the latest pings took at most, so that it lies in no robot's future. `None`: the robot's time is not known yet.
    ///
    /// [`Time::from_unix`](crate::lcm::std_msgs::Time::from_unix) makes a header's stamp of it.
    pub fn stamp(&self) -> Option<Duration> {
        self.shared().lock().client.stamp(Instant::now())
    }

    /// STUN and TURN servers that a broker named for a robot.
    pub fn ice_servers(&self) -> Vec<IceServer> {
        self.shared().lock().client.peer().ice_servers().to_vec()
    }

    /// The id of the publishing session, which a subscriber in another process needs as
    /// [`Config::publisher_session`](crate::Config::publisher_session()); through a broker, of the broker's session of the
    /// robot. It is another one when the connection was lost and dialed again, and empty meanwhile.
    pub fn session_id(&self) -> String {
        self.shared().lock().client.peer().session_id().map(ToString::to_string).unwrap_or_default()
    }

    /// Waits until everything that was published has been acknowledged, or given up by a lossy transport. `false`: not
    /// within `timeout`, or the connection has ended.
    ///
    /// An acknowledgement is the SFU's; it says nothing about subscribers.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        !self.lease.is_closed() && self.shared().wait_until(deadline, Client::is_flushed)
    }

    /// The counters of a topic, if this connection has it.
    pub fn topic_stats(&self, topic: &str) -> Option<TopicStats> {
        let topic = Topic::new(topic).ok()?;
        self.shared().lock().client.topic_stats(&topic)
    }

    /// All counters of this connection and its topics, those of other users of a shared one among them.
    pub fn stats(&self) -> Stats {
        self.shared().lock().client.stats()
    }

    /// Why the connection is over, if it is. One that is being dialed again is not.
    pub fn ended(&self) -> Option<EndReason> {
        self.lease.ended()
    }

    /// Closes the connection for all handles, at once, and tells the SFU. Blocked calls return with
    /// [`EndReason::Closed`].
    ///
    /// A connection that [`shared`](crate::shared()) gave is closed for the handles that came of that call; others keep
    /// it.
    pub fn close(&self) {
        self.lease.close();
    }

    fn shared(&self) -> &Shared {
        &self.lease.live().shared
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}
