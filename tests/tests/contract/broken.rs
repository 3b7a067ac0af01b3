//! Drivers that break a rule, to see that its row fails.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use farwire_core::{Config, Delivery, EndReason, Message, RecvError, Stats, SubscribeOptions, TopicError};

use crate::memory::{Memory, MemoryCallback, MemoryConnection, MemoryNames, MemoryPublisher, MemorySubscription};
use crate::{Callback, Connection, Driver, Names, Subscription, rows};

/// Core in memory, with a fault.
struct Broken<F>(Memory, PhantomData<F>);

/// What is broken; each rule is kept unless a fault says otherwise.
trait Fault: Send + Sync + Sized + 'static {
    /// How often a message is received.
    const COPIES: usize = 1;
    /// Of two messages that are there the later one comes first.
    const SWAPS: bool = false;
    /// Dropping a callback ends it.
    const UNSUBSCRIBES: bool = true;
    /// Closing ends the connection.
    const CLOSES: bool = true;
    /// Drops are counted.
    const COUNTS: bool = true;
    /// A topic's name is told again after so many messages.
    const FORGETS_NAMES: bool = false;
    /// A refused subscription leaves one behind.
    const LEAVES_REGISTRATIONS: bool = false;
}

impl<F: Fault> Driver for Broken<F> {
    type Connection = BrokenConnection<F>;

    fn start() -> Option<Self> {
        Memory::start().map(|memory| Broken(memory, PhantomData))
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn connect(&self, config: Config) -> Result<BrokenConnection<F>, String> {
        self.0.connect(config).map(|connection| BrokenConnection(connection, PhantomData))
    }

    fn connect_within(&self, config: Config, limit: Duration) -> Result<BrokenConnection<F>, String> {
        self.0.connect_within(config, limit).map(|connection| BrokenConnection(connection, PhantomData))
    }

    fn sessions(&self) -> Option<usize> {
        self.0.sessions()
    }

    fn pass(&self) {
        self.0.pass();
    }
}

struct BrokenConnection<F>(MemoryConnection, PhantomData<F>);

impl<F> Clone for BrokenConnection<F> {
    fn clone(&self) -> Self {
        BrokenConnection(self.0.clone(), PhantomData)
    }
}

impl<F: Fault> Connection for BrokenConnection<F> {
    type Publisher = MemoryPublisher;
    type Subscription = BrokenSubscription<F>;
    type Names = BrokenNames<F>;

    fn session_id(&self) -> String {
        self.0.session_id()
    }

    fn publisher(&self, topic: &str, delivery: Delivery) -> Result<MemoryPublisher, TopicError> {
        self.0.publisher(topic, delivery)
    }

    fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<BrokenSubscription<F>, TopicError> {
        let subscribed = self.0.subscribe(topic, options);
        if F::LEAVES_REGISTRATIONS && subscribed.is_err() {
            std::mem::forget(self.0.subscribe("left behind", options));
        }
        subscribed.map(BrokenSubscription::new)
    }

    fn subscribe_all(&self, options: SubscribeOptions) -> Result<BrokenSubscription<F>, TopicError> {
        self.0.subscribe_all(options).map(BrokenSubscription::new)
    }

    fn subscribe_new_topics(&self) -> Result<BrokenNames<F>, TopicError> {
        self.0.subscribe_new_topics().map(|names| BrokenNames(names, None, PhantomData))
    }

    fn stats(&self) -> Stats {
        self.0.stats()
    }

    fn ended(&self) -> Option<EndReason> {
        self.0.ended()
    }

    fn close(&self) {
        if F::CLOSES {
            self.0.close();
        }
    }
}

struct BrokenSubscription<F> {
    kept: MemorySubscription,
    ahead: VecDeque<Message>,
    fault: PhantomData<F>,
}

impl<F: Fault> BrokenSubscription<F> {
    fn new(kept: MemorySubscription) -> Self {
        BrokenSubscription { kept, ahead: VecDeque::new(), fault: PhantomData }
    }

    fn break_order(&mut self, message: Message) -> Message {
        self.ahead.extend((1..F::COPIES).map(|_| message.clone()));
        let later = if F::SWAPS { self.kept.try_recv() } else { Ok(None) };
        match later {
            Ok(Some(later)) => {
                self.ahead.push_back(message);
                later
            }
            _ => message,
        }
    }
}

impl<F: Fault> Subscription for BrokenSubscription<F> {
    type Callback = BrokenCallback<F>;

    fn wait_open(&mut self) -> Result<(), RecvError> {
        self.kept.wait_open()
    }

    fn recv(&mut self) -> Result<Message, RecvError> {
        if let Some(message) = self.ahead.pop_front() {
            return Ok(message);
        }
        self.kept.recv().map(|message| self.break_order(message))
    }

    fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvError> {
        self.kept.recv_timeout(timeout)
    }

    fn try_recv(&mut self) -> Result<Option<Message>, RecvError> {
        match self.ahead.pop_front() {
            Some(message) => Ok(Some(message)),
            None => self.kept.try_recv(),
        }
    }

    fn latest(&mut self) -> Result<Option<Message>, RecvError> {
        self.kept.latest()
    }

    fn dropped(&self) -> u64 {
        if F::COUNTS { self.kept.dropped() } else { 0 }
    }

    fn ended(&self) -> Option<RecvError> {
        self.kept.ended()
    }

    fn on_message(self, mut callback: impl FnMut(Message) + Send + 'static) -> BrokenCallback<F> {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let kept = self.kept.on_message(move |message| {
            count.fetch_add(1, Ordering::SeqCst);
            callback(message);
        });
        BrokenCallback { kept: Some(kept), calls, fault: PhantomData }
    }
}

struct BrokenCallback<F: Fault> {
    kept: Option<MemoryCallback>,
    calls: Arc<AtomicUsize>,
    fault: PhantomData<fn() -> F>,
}

impl<F: Fault> Callback for BrokenCallback<F> {
    fn panics(&self) -> u64 {
        self.kept.as_ref().map_or(0, Callback::panics)
    }
}

impl<F: Fault> Drop for BrokenCallback<F> {
    fn drop(&mut self) {
        if F::UNSUBSCRIBES {
            return;
        }
        let (kept, calls) = (self.kept.take(), Arc::clone(&self.calls));
        let before = calls.load(Ordering::SeqCst);
        // It ends only when it has been called once more.
        thread::spawn(move || {
            while calls.load(Ordering::SeqCst) == before {
                thread::yield_now();
            }
            drop(kept);
        });
    }
}

/// It may tell the last name again.
struct BrokenNames<F>(MemoryNames, Option<String>, PhantomData<F>);

impl<F: Fault> Names for BrokenNames<F> {
    fn recv(&mut self) -> Result<String, RecvError> {
        let name = self.0.recv()?;
        self.1 = F::FORGETS_NAMES.then(|| name.clone());
        Ok(name)
    }

    fn try_recv(&mut self) -> Result<Option<String>, RecvError> {
        match self.1.take() {
            Some(name) => Ok(Some(name)),
            None => self.0.try_recv(),
        }
    }
}

/// A fault, and the row that notices it, with what that says.
macro_rules! noticed {
    ($($test:ident: $fault:ident { $constant:ident: $type:ty = $value:expr } by $group:ident::$row:ident: $says:literal;)+) => {
        $(
            struct $fault;

            impl Fault for $fault {
                const $constant: $type = $value;
            }

            #[test]
            #[should_panic(expected = $says)]
            fn $test() {
                rows::$group::$row(&Broken::<$fault>::start().expect("a driver"));
            }
        )+
    };
}

noticed! {
    delivering_twice: DeliversTwice { COPIES: usize = 2 }
        by delivery::to_one_subscriber: "assertion `left == right` failed";
    swapping_messages: SwapsMessages { SWAPS: bool = true }
        by delivery::of_five_hundred_in_a_burst: "assertion `left == right` failed";
    delivering_after_unsubscribe: DeliversAfterUnsubscribe { UNSUBSCRIBES: bool = false }
        by unsubscribe::stops_delivery_without_waiting_for_a_running_callback: "calls that began after unsubscribing";
    not_closing: DoesNotClose { CLOSES: bool = false }
        by lifecycle::use_after_close_is_an_error: "assertion `left == right` failed";
    not_counting_drops: DoesNotCount { COUNTS: bool = false }
        by containers::ring: "assertion `left == right` failed";
    telling_names_twice: TellsNamesTwice { FORGETS_NAMES: bool = true }
        by listeners::to_new_topics_are_told_of_each_once: "assertion `left == right` failed";
    leaving_registrations: LeavesRegistrations { LEAVES_REGISTRATIONS: bool = true }
        by registration::of_a_refused_subscription: "assertion `left == right` failed";
}
