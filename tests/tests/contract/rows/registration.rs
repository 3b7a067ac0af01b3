//! What fails leaves nothing behind.

use farwire_core::{Delivery, TopicError};

use super::*;

/// Subscriptions that one connection can have, see [`farwire_core::peer`].
const LIMIT: usize = farwire_core::peer::MAX_SUBSCRIPTIONS;

/// A subscription that is refused for its name or delivery leaves the connection as it was.
pub(crate) fn of_a_refused_subscription<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    let before: Vec<_> = robot.stats().topics.into_keys().collect();
    let refused = |topic: &str, delivery: Delivery| {
        robot.subscribe(topic, delivery.into()).map(|_| ()).expect_err("it cannot be subscribed to")
    };
    assert_eq!(refused("", RELIABLE), TopicError::Empty);
    assert!(matches!(refused(&"x".repeat(1025), RELIABLE), TopicError::TooLong { .. }));
    assert!(matches!(refused("t", Delivery::LOSSY), TopicError::DeliveryConflict { .. }));
    let conflict = robot.publisher("t", Delivery::LOSSY).map(|_| ()).expect_err("it is reliable");
    assert!(matches!(conflict, TopicError::DeliveryConflict { .. }), "{conflict}");
    assert_eq!(robot.stats().topics.into_keys().collect::<Vec<_>>(), before);
    publish_numbers(&publisher, 0..5);
    expect_numbers(&mut subscription, 0..5);
    assert_eq!(received::<D>(&robot, "t"), 5);
}

/// One too many is refused, registers no topic, and works once there is room.
pub(crate) fn of_one_subscription_too_many<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let publisher = publisher::<D>(&robot, "fresh");
    let mut crowd: Vec<_> =
        (0..LIMIT).map(|_| operator.subscribe("crowd", RELIABLE.into()).expect("a subscription")).collect();
    let error = operator.subscribe("fresh", RELIABLE.into()).map(|_| ()).expect_err("one too many");
    assert!(matches!(error, TopicError::TooManySubscriptions { .. }), "{error}");
    assert_eq!(topic_stats::<D>(&operator, "fresh"), None);
    crowd.pop();
    let mut fresh = subscription::<D>(&operator, "fresh", RELIABLE);
    publish_numbers(&publisher, 0..3);
    expect_numbers(&mut fresh, 0..3);
}

/// One listener too many is refused, and works once there is room.
pub(crate) fn of_one_listener_too_many<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let mut crowd: Vec<_> = std::iter::from_fn(|| robot.subscribe_all(RELIABLE.into()).ok()).collect();
    let mut nosy: Vec<_> = std::iter::from_fn(|| robot.subscribe_new_topics().ok()).collect();
    assert_eq!((crowd.len(), nosy.len()), (64, 64));
    drop((crowd.pop(), nosy.pop()));
    let (mut all, _names) = (
        robot.subscribe_all(RELIABLE.into()).expect("there is room"),
        robot.subscribe_new_topics().expect("there is room"),
    );
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    publish_numbers(&publisher::<D>(&robot, "t"), 0..3);
    expect_numbers(&mut subscription, 0..3);
    expect_numbers(&mut all, 0..3);
}
