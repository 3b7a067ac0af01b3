//! The rows, by what they are about.

pub(crate) mod callbacks;
pub(crate) mod containers;
pub(crate) mod delivery;
pub(crate) mod lifecycle;
pub(crate) mod listeners;
pub(crate) mod registration;
pub(crate) mod sharing;
pub(crate) mod shutdown;
pub(crate) mod threads;
pub(crate) mod unsubscribe;

use farwire_core::{Delivery, RecvError, SubscribeOptions};

use crate::{Connection, Driver, Publisher, Subscription, eventually};

pub(super) type PublisherOf<D> = <<D as Driver>::Connection as Connection>::Publisher;
pub(super) type SubscriptionOf<D> = <<D as Driver>::Connection as Connection>::Subscription;

const RELIABLE: Delivery = Delivery::RELIABLE;

/// A connection that publishes, and subscribes to itself.
pub(super) fn robot<D: Driver>(driver: &D) -> D::Connection {
    driver.connect(driver.config()).expect("a connection")
}

/// A connection that subscribes to what `robot` publishes.
pub(super) fn follower<D: Driver>(driver: &D, robot: &D::Connection) -> D::Connection {
    let config = driver.config().publisher_session(robot.session_id()).expect("a session's id");
    driver.connect(config).expect("a connection")
}

pub(super) fn publisher<D: Driver>(connection: &D::Connection, topic: &str) -> PublisherOf<D> {
    connection.publisher(topic, RELIABLE).expect("a publisher")
}

/// A subscription with an open channel.
pub(super) fn subscription<D: Driver>(
    connection: &D::Connection,
    topic: &str,
    options: impl Into<SubscribeOptions>,
) -> SubscriptionOf<D> {
    let mut subscription = connection.subscribe(topic, options.into()).expect("a subscription");
    await_open::<D>(&mut subscription);
    subscription
}

/// Waits until what is published from now on will come.
#[track_caller]
fn await_open<D: Driver>(subscription: &mut SubscriptionOf<D>) {
    subscription.wait_open().expect("the channel opens");
    std::thread::sleep(D::WAY_TO_SFU);
}

/// Publishes the numbers `range`, each as a message.
pub(super) fn publish_numbers(publisher: &impl Publisher, range: std::ops::Range<u32>) {
    for n in range {
        publisher.publish(&n.to_be_bytes()).expect("published");
    }
}

fn number(message: &[u8]) -> u32 {
    u32::from_be_bytes(message.try_into().expect("a number"))
}

/// Receives as many numbers as `range` has, which they must be.
#[track_caller]
pub(super) fn expect_numbers(subscription: &mut impl Subscription, range: std::ops::Range<u32>) {
    let received: Vec<u32> =
        range.clone().map(|_| number(&subscription.recv().expect("a message of a number"))).collect();
    assert_eq!(received, range.collect::<Vec<_>>());
}

/// Nothing is left to be received.
#[track_caller]
fn expect_nothing(subscription: &mut impl Subscription) {
    assert_eq!(subscription.try_recv(), Ok(None));
}

/// Receives everything that is there, without the gaps' lengths, until the mailbox is empty or over.
pub(super) fn drain(subscription: &mut impl Subscription) -> (Vec<u32>, Vec<RecvError>) {
    let (mut numbers, mut errors) = (Vec::new(), Vec::new());
    loop {
        match subscription.try_recv() {
            Ok(Some(message)) => numbers.push(number(&message)),
            Ok(None) => return (numbers, errors),
            Err(error) => {
                let is_passing = error.is_passing();
                errors.push(error);
                if !is_passing {
                    return (numbers, errors);
                }
            }
        }
    }
}

/// Waits until a topic of a connection has received so many messages.
fn await_received<D: Driver>(driver: &D, connection: &D::Connection, topic: &str, count: u64) {
    eventually(driver, "all messages have arrived", || received::<D>(connection, topic) >= count);
}

fn received<D: Driver>(connection: &D::Connection, topic: &str) -> u64 {
    topic_stats::<D>(connection, topic).map_or(0, |stats| stats.received)
}

fn topic_stats<D: Driver>(connection: &D::Connection, topic: &str) -> Option<farwire_core::TopicStats> {
    connection.stats().topics.into_iter().find(|(name, _)| name.as_str() == topic).map(|(_, stats)| stats)
}

/// The SFU has no session any more, as far as it tells.
fn expect_no_sessions<D: Driver>(driver: &D) {
    eventually(driver, "the SFU has no session left", || driver.sessions().is_none_or(|sessions| sessions == 0));
}
