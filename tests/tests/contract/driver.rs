//! What the rows need of a way to use farwire.

use std::time::Duration;

use farwire_core::{
    Accepted, Config, Delivery, EndReason, Message, PublishError, RecvError, Stats, SubscribeOptions, TopicError,
};

/// A way to use farwire, together with an SFU that nobody else uses.
pub(crate) trait Driver: Send + Sync + Sized + 'static {
    /// Its connections.
    type Connection: Connection;

    /// How long word of an open channel may be on its way when `wait_open` has returned.
    const WAY_TO_SFU: Duration = Duration::ZERO;

    /// With a new SFU. `None`: it cannot run here, and has said why.
    fn start() -> Option<Self>;

    /// The configuration that fits its SFU.
    fn config(&self) -> Config;

    /// Connects, or says why not.
    ///
    /// # Errors
    /// The driver's own error, as text.
    fn connect(&self, config: Config) -> Result<Self::Connection, String>;

    /// Begins to connect, and gives up after `limit`, in the driver's own time.
    ///
    /// # Errors
    /// When it was given up, or failed.
    fn connect_within(&self, config: Config, limit: Duration) -> Result<Self::Connection, String>;

    /// Sessions on its SFU. `None`: the SFU does not tell.
    fn sessions(&self) -> Option<usize>;

    /// Lets a moment pass.
    fn pass(&self);

    /// Whether the SFU removes what was left half connected while a row can wait.
    fn forgets_soon(&self) -> bool {
        false
    }
}

/// A driver whose callers share connections.
pub(crate) trait Shares: Driver {
    /// The process's connection with this configuration, to its own SFU or to another.
    ///
    /// # Errors
    /// The driver's own error, as text.
    fn shared(&self, config: Config) -> Result<Self::Connection, String>;

    /// Closes all connections that callers of this process share, those of other tests among them.
    fn shutdown_all(&self);
}

/// A handle to a connection. Clones are the same connection; the last handle of any kind closes it.
pub(crate) trait Connection: Clone + Send + Sync + 'static {
    /// Publishes bytes.
    type Publisher: Publisher;
    /// Receives messages.
    type Subscription: Subscription;
    /// Receives the names of topics.
    type Names: Names;

    /// The publishing session.
    fn session_id(&self) -> String;

    /// Makes a topic publishable.
    ///
    /// # Errors
    /// As for [`farwire_core::Client::topic`].
    fn publisher(&self, topic: &str, delivery: Delivery) -> Result<Self::Publisher, TopicError>;

    /// Subscribes to a topic.
    ///
    /// # Errors
    /// As for [`farwire_core::Client::subscribe`].
    fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Self::Subscription, TopicError>;

    /// Subscribes to all messages.
    ///
    /// # Errors
    /// As for [`farwire_core::Client::subscribe_all`].
    fn subscribe_all(&self, options: SubscribeOptions) -> Result<Self::Subscription, TopicError>;

    /// Subscribes to the names of topics.
    ///
    /// # Errors
    /// As for [`farwire_core::Client::subscribe_new_topics`].
    fn subscribe_new_topics(&self) -> Result<Self::Names, TopicError>;

    /// All counters.
    fn stats(&self) -> Stats;

    /// Why the connection is over, if it is.
    fn ended(&self) -> Option<EndReason>;

    /// Closes the connection.
    fn close(&self);
}

/// The sending end of a topic.
pub(crate) trait Publisher: Clone + Send + Sync + 'static {
    /// Publishes; waits for room on a reliable topic.
    ///
    /// # Errors
    /// When the message was not taken.
    fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError>;
}

/// The receiving end of a topic. Dropping it unsubscribes.
pub(crate) trait Subscription: Send + 'static {
    /// What [`on_message`](Subscription::on_message) gives.
    type Callback: Callback;

    /// Waits patiently until the SFU's channel is open.
    ///
    /// # Errors
    /// As the driver's own `wait_open`.
    fn wait_open(&mut self) -> Result<(), RecvError>;

    /// Waits patiently for the next message.
    ///
    /// # Errors
    /// As the driver's own `recv`, and [`RecvError::Timeout`] when the patience is over.
    fn recv(&mut self) -> Result<Message, RecvError>;

    /// Waits so long for the next message, in the driver's own time.
    ///
    /// # Errors
    /// As the driver's own.
    fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError>;

    /// The next message, if one is there.
    ///
    /// # Errors
    /// As the driver's own.
    fn try_recv(&mut self) -> Result<Option<Message>, RecvError>;

    /// The newest message, if one is there.
    ///
    /// # Errors
    /// As the driver's own.
    fn latest(&mut self) -> Result<Option<Message>, RecvError>;

    /// Messages dropped unread.
    fn dropped(&self) -> u64;

    /// Why no more messages will come, if so.
    fn ended(&self) -> Option<RecvError>;

    /// Has a callback called for each message.
    fn on_message(self, callback: impl FnMut(Message) + Send + 'static) -> Self::Callback;
}

/// A subscription with a callback. Dropping it unsubscribes.
pub(crate) trait Callback: Send + 'static {
    /// How often the callback has panicked.
    fn panics(&self) -> u64;
}

/// A subscription to the names of topics.
pub(crate) trait Names: Send + 'static {
    /// Waits patiently for the next name.
    ///
    /// # Errors
    /// As the driver's own `recv`, and [`RecvError::Timeout`] when the patience is over.
    fn recv(&mut self) -> Result<String, RecvError>;

    /// The next name, if one is there.
    ///
    /// # Errors
    /// As the driver's own.
    fn try_recv(&mut self) -> Result<Option<String>, RecvError>;
}
