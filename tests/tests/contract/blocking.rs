//! The blocking driver, through the embedded SFU.

use std::thread;
use std::time::Duration;

use crate::{Callback, Connection, Driver, Names, PATIENCE, Publisher, Shares, Subscription};
use farwire_blocking::{
    Accepted, Config, Delivery, EndReason, Message, PublishError, RecvError, Stats, SubscribeOptions, TopicError,
    TopicNames, connect, shared, shutdown_all,
};
use farwire_sfu::Server;

crate::contract!(Blocking);
crate::contract_of_sharing!(Blocking);

/// The driver, and an SFU of its own.
pub(crate) struct Blocking {
    sfu: Server,
}

impl Driver for Blocking {
    type Connection = farwire_blocking::Connection;

    fn start() -> Option<Blocking> {
        Some(Blocking { sfu: Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU") })
    }

    fn config(&self) -> Config {
        // A busy machine may take its time; a test that fails, too.
        Config::new(&self.sfu.api_root(), "app", "secret").expect("a good config").connect_timeout(PATIENCE)
    }

    fn connect(&self, config: Config) -> Result<farwire_blocking::Connection, String> {
        connect(config).map_err(|error| error.to_string())
    }

    fn connect_within(&self, config: Config, limit: Duration) -> Result<farwire_blocking::Connection, String> {
        self.connect(config.connect_timeout(limit))
    }

    fn sessions(&self) -> Option<usize> {
        Some(self.sfu.sessions())
    }

    fn pass(&self) {
        thread::sleep(Duration::from_millis(1));
    }
}

impl Shares for Blocking {
    fn shared(&self, config: Config) -> Result<farwire_blocking::Connection, String> {
        shared(config).map_err(|error| error.to_string())
    }

    fn shutdown_all(&self) {
        shutdown_all();
    }
}

impl Connection for farwire_blocking::Connection {
    type Publisher = farwire_blocking::Publisher;
    type Subscription = farwire_blocking::Subscription;
    type Names = farwire_blocking::Subscription<TopicNames>;

    fn session_id(&self) -> String {
        self.session_id().to_owned()
    }

    fn publisher(&self, topic: &str, delivery: Delivery) -> Result<farwire_blocking::Publisher, TopicError> {
        self.publisher_with(topic, delivery)
    }

    fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<farwire_blocking::Subscription, TopicError> {
        self.subscribe_with(topic, options)
    }

    fn subscribe_all(&self, options: SubscribeOptions) -> Result<farwire_blocking::Subscription, TopicError> {
        self.subscribe_all(options)
    }

    fn subscribe_new_topics(&self) -> Result<Self::Names, TopicError> {
        self.subscribe_new_topics()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn ended(&self) -> Option<EndReason> {
        self.ended()
    }

    fn close(&self) {
        self.close();
    }
}

impl Publisher for farwire_blocking::Publisher {
    fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        self.publish(message)
    }
}

impl Subscription for farwire_blocking::Subscription {
    type Callback = farwire_blocking::Callback;

    fn wait_open(&mut self) -> Result<(), RecvError> {
        farwire_blocking::Subscription::wait_open(self, PATIENCE)
    }

    fn recv(&mut self) -> Result<Message, RecvError> {
        farwire_blocking::Subscription::recv_timeout(self, PATIENCE)
    }

    fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError> {
        farwire_blocking::Subscription::recv_timeout(self, timeout)
    }

    fn try_recv(&mut self) -> Result<Option<Message>, RecvError> {
        farwire_blocking::Subscription::try_recv(self)
    }

    fn latest(&mut self) -> Result<Option<Message>, RecvError> {
        farwire_blocking::Subscription::latest(self)
    }

    fn dropped(&self) -> u64 {
        self.dropped()
    }

    fn ended(&self) -> Option<RecvError> {
        self.ended()
    }

    fn on_message(self, callback: impl FnMut(Message) + Send + 'static) -> farwire_blocking::Callback {
        self.on_message(callback).expect("a thread")
    }
}

impl Callback for farwire_blocking::Callback {
    fn panics(&self) -> u64 {
        self.panics()
    }
}

impl Names for farwire_blocking::Subscription<TopicNames> {
    fn recv(&mut self) -> Result<String, RecvError> {
        self.recv_timeout(PATIENCE).map(|topic| topic.to_string())
    }

    fn try_recv(&mut self) -> Result<Option<String>, RecvError> {
        Ok(farwire_blocking::Subscription::try_recv(self)?.map(|topic| topic.to_string()))
    }
}
