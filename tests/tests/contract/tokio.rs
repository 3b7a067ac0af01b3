//! The tokio driver, through the embedded SFU, on a runtime of each kind.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::tokio::runtime::{Builder, Handle, Runtime};
use ::tokio::sync::oneshot;
use ::tokio::time::timeout;
use farwire_sfu::Server;
use farwire_tokio::{
    Accepted, Callback, Config, Connection, Delivery, EndReason, Message, PublishError, Publisher, RecvError, Stats,
    SubscribeOptions, Subscription, TopicError, TopicNames, connect, shared, shutdown_all,
};

use crate::{Driver, PATIENCE, Shares};

mod current_thread {
    use super::CurrentThread;

    crate::contract!(CurrentThread);
    crate::contract_of_sharing!(CurrentThread);
}

mod multi_thread {
    use super::MultiThread;

    crate::contract!(MultiThread);
    crate::contract_of_sharing!(MultiThread);
}

/// On a runtime with a thread of the test.
pub(crate) type CurrentThread = Tokio<0>;

/// On a runtime with threads of its own.
pub(crate) type MultiThread = Tokio<2>;

/// The driver with a runtime of so many workers, and an SFU of its own.
pub(crate) struct Tokio<const WORKERS: usize> {
    sfu: Server,
    runtime: Arc<Runtime>,
    /// A runtime without threads works as long as somebody waits on it.
    _worker: Option<oneshot::Sender<()>>,
}

impl<const WORKERS: usize> Driver for Tokio<WORKERS> {
    type Connection = Attached<Connection>;

    fn start() -> Option<Self> {
        let sfu = Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU");
        let mut builder = if WORKERS == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        let runtime = Arc::new(builder.worker_threads(WORKERS.max(1)).enable_all().build().expect("a runtime"));
        let worker = (WORKERS == 0).then(|| {
            let (alive, over) = oneshot::channel();
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.block_on(over));
            alive
        });
        Some(Tokio { sfu, runtime, _worker: worker })
    }

    fn config(&self) -> Config {
        // A busy machine may take its time; a test that fails, too.
        Config::new(&self.sfu.api_root(), "app", "secret").expect("a good config").connect_timeout(PATIENCE)
    }

    fn connect(&self, config: Config) -> Result<Attached<Connection>, String> {
        let connected = self.runtime.handle().block_on(connect(config));
        connected.map(|connection| self.attach(connection)).map_err(|error| error.to_string())
    }

    fn connect_within(&self, config: Config, limit: Duration) -> Result<Attached<Connection>, String> {
        match self.runtime.handle().block_on(async { timeout(limit, connect(config)).await }) {
            Ok(connected) => connected.map(|connection| self.attach(connection)).map_err(|error| error.to_string()),
            Err(elapsed) => Err(elapsed.to_string()),
        }
    }

    fn sessions(&self) -> Option<usize> {
        Some(self.sfu.sessions())
    }

    fn pass(&self) {
        thread::sleep(Duration::from_millis(1));
    }
}

impl<const WORKERS: usize> Shares for Tokio<WORKERS> {
    fn shared(&self, config: Config) -> Result<Attached<Connection>, String> {
        let connected = self.runtime.handle().block_on(shared(config));
        connected.map(|connection| self.attach(connection)).map_err(|error| error.to_string())
    }

    fn shutdown_all(&self) {
        shutdown_all();
    }
}

impl<const WORKERS: usize> Tokio<WORKERS> {
    fn attach<T>(&self, it: T) -> Attached<T> {
        Attached { it, runtime: self.runtime.handle().clone() }
    }
}

/// One of the driver's handles, and the runtime that its futures are waited for on.
#[derive(Clone)]
pub(crate) struct Attached<T> {
    it: T,
    runtime: Handle,
}

impl<T> Attached<T> {
    fn attach<U>(&self, it: U) -> Attached<U> {
        Attached { it, runtime: self.runtime.clone() }
    }

    /// Waits on this thread.
    fn wait<R>(
        &mut self,
        limit: Duration,
        future: impl AsyncFnOnce(&mut T) -> Result<R, RecvError>,
    ) -> Result<R, RecvError> {
        let it = &mut self.it;
        self.runtime.block_on(async { timeout(limit, future(it)).await.unwrap_or(Err(RecvError::Timeout)) })
    }
}

impl crate::Connection for Attached<Connection> {
    type Publisher = Attached<Publisher>;
    type Subscription = Attached<Subscription>;
    type Names = Attached<Subscription<TopicNames>>;

    fn session_id(&self) -> String {
        self.it.session_id().to_owned()
    }

    fn publisher(&self, topic: &str, delivery: Delivery) -> Result<Attached<Publisher>, TopicError> {
        self.it.publisher_with(topic, delivery).map(|publisher| self.attach(publisher))
    }

    fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Attached<Subscription>, TopicError> {
        self.it.subscribe_with(topic, options).map(|subscription| self.attach(subscription))
    }

    fn subscribe_all(&self, options: SubscribeOptions) -> Result<Attached<Subscription>, TopicError> {
        self.it.subscribe_all(options).map(|subscription| self.attach(subscription))
    }

    fn subscribe_new_topics(&self) -> Result<Attached<Subscription<TopicNames>>, TopicError> {
        self.it.subscribe_new_topics().map(|subscription| self.attach(subscription))
    }

    fn stats(&self) -> Stats {
        self.it.stats()
    }

    fn ended(&self) -> Option<EndReason> {
        self.it.ended()
    }

    fn close(&self) {
        self.it.close();
    }
}

impl crate::Publisher for Attached<Publisher> {
    fn publish(&self, message: &[u8]) -> Result<Accepted, PublishError> {
        loop {
            match self.it.publish(message) {
                Err(PublishError::QueueFull { .. }) => self.runtime.block_on(self.it.ready())?,
                result => return result,
            }
        }
    }
}

impl crate::Subscription for Attached<Subscription> {
    type Callback = Callback;

    fn wait_open(&mut self) -> Result<(), RecvError> {
        self.wait(PATIENCE, async |subscription| subscription.opened().await)
    }

    fn recv(&mut self) -> Result<Message, RecvError> {
        self.recv_timeout(PATIENCE)
    }

    fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError> {
        self.wait(timeout, async |subscription| subscription.recv().await)
    }

    fn try_recv(&mut self) -> Result<Option<Message>, RecvError> {
        self.it.try_recv()
    }

    fn latest(&mut self) -> Result<Option<Message>, RecvError> {
        self.it.latest()
    }

    fn dropped(&self) -> u64 {
        self.it.dropped()
    }

    fn ended(&self) -> Option<RecvError> {
        self.it.ended()
    }

    fn on_message(self, callback: impl FnMut(Message) + Send + 'static) -> Callback {
        self.it.on_message(callback)
    }
}

impl crate::Callback for Callback {
    fn panics(&self) -> u64 {
        self.panics()
    }
}

impl crate::Names for Attached<Subscription<TopicNames>> {
    fn recv(&mut self) -> Result<String, RecvError> {
        self.wait(PATIENCE, async |names| names.recv().await).map(|topic| topic.to_string())
    }

    fn try_recv(&mut self) -> Result<Option<String>, RecvError> {
        Ok(self.it.try_recv()?.map(|topic| topic.to_string()))
    }
}
