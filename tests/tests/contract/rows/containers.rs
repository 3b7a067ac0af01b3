//! Containers: what is kept when nobody receives, and that every drop is counted.

use farwire_core::{Container, WhenFull};

use super::*;

/// Publishes the numbers 0 to 9 to a subscription with this container, and lets all arrive.
fn fill<D: Driver>(driver: &D, container: Container) -> (D::Connection, SubscriptionOf<D>) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    // It keeps the channel and its counters when the other one closes.
    let mut kept = subscription::<D>(&robot, "t", RELIABLE);
    let options = SubscribeOptions::from(RELIABLE).container(container);
    let subscription = subscription::<D>(&robot, "t", options);
    let reader = publisher.clone();
    publish_numbers(&reader, 0..10);
    expect_numbers(&mut kept, 0..10);
    await_received(driver, &robot, "t", 10);
    (robot, subscription)
}

/// The drops are those, and the topic's counters know of them while the subscription is there and afterwards.
fn expect_dropped<D: Driver>(connection: &D::Connection, subscription: SubscriptionOf<D>, dropped: u64) {
    assert_eq!(subscription.dropped(), dropped);
    let _publisher = publisher::<D>(connection, "t");
    let unread = || topic_stats::<D>(connection, "t").expect("a topic").unread;
    assert_eq!(unread(), dropped);
    drop(subscription);
    assert_eq!(unread(), dropped);
}

/// A queue that drops the oldest keeps the newest, and says how many are missing.
pub(crate) fn queue_that_drops_the_oldest<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::queue(3, WhenFull::DropOldest));
    assert_eq!(drain(&mut subscription), (vec![7, 8, 9], vec![RecvError::Lagged(7)]));
    expect_dropped::<D>(&robot, subscription, 7);
}

/// A queue that drops the newest keeps the oldest, and says how many are missing.
pub(crate) fn queue_that_drops_the_newest<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::queue(3, WhenFull::DropNewest));
    assert_eq!(drain(&mut subscription), (vec![0, 1, 2], vec![RecvError::Lagged(7)]));
    expect_dropped::<D>(&robot, subscription, 7);
}

/// A queue that closes ends after what it holds, and counts the message that was too many.
pub(crate) fn queue_that_closes<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::queue(3, WhenFull::Close));
    let overflowed = RecvError::Overflowed { messages: 3 };
    eventually(driver, "it ends", || subscription.ended() == Some(overflowed.clone()));
    assert_eq!(drain(&mut subscription), (vec![0, 1, 2], vec![overflowed.clone()]));
    assert_eq!(subscription.recv(), Err(overflowed));
    expect_dropped::<D>(&robot, subscription, 1);
}

/// A ring keeps the newest, and tells of no gap.
pub(crate) fn ring<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::ring(3));
    assert_eq!(drain(&mut subscription), (vec![7, 8, 9], vec![]));
    expect_dropped::<D>(&robot, subscription, 7);
}

/// A bound in bytes counts like one in messages.
pub(crate) fn bound_in_bytes<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::ring(100).bytes(12));
    assert_eq!(drain(&mut subscription), (vec![7, 8, 9], vec![]));
    expect_dropped::<D>(&robot, subscription, 7);
}

/// Taking the latest drops the others, and counts them.
pub(crate) fn latest_of_many<D: Driver>(driver: &D) {
    let (robot, mut subscription) = fill(driver, Container::ring(5));
    let latest = subscription.latest().expect("no end").expect("a message");
    assert_eq!(number(&latest), 9);
    assert_eq!(subscription.latest(), Ok(None));
    expect_dropped::<D>(&robot, subscription, 9);
}
