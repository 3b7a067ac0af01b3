//! What is published arrives, once at each subscription.

use farwire_core::Delivery;

use super::*;
use crate::CallbackLog;

/// One subscriber receives what is published, once.
pub(crate) fn to_one_subscriber<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let publisher = publisher::<D>(&robot, "odom");
    let mut subscription = subscription::<D>(&operator, "odom", RELIABLE);
    publish_numbers(&publisher, 0..10);
    expect_numbers(&mut subscription, 0..10);
    expect_nothing(&mut subscription);
}

/// Each of many subscribers receives everything: several on one connection, and on others.
pub(crate) fn to_many_subscribers<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "odom");
    let operators = [follower(driver, &robot), follower(driver, &robot), robot.clone()];
    let mut subscriptions: Vec<_> = operators
        .iter()
        .flat_map(|operator| [operator; 3])
        .map(|operator| subscription::<D>(operator, "odom", RELIABLE))
        .collect();
    publish_numbers(&publisher, 0..10);
    for subscription in &mut subscriptions {
        expect_numbers(subscription, 0..10);
        expect_nothing(subscription);
    }
}

/// A subscription receives its own topic and no other.
pub(crate) fn to_nobody_else<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let [left, right] = ["left", "right"].map(|topic| publisher::<D>(&robot, topic));
    let [mut from_left, mut from_right] = ["left", "right"].map(|topic| subscription::<D>(&robot, topic, RELIABLE));
    publish_numbers(&left, 0..5);
    publish_numbers(&right, 5..10);
    expect_numbers(&mut from_right, 5..10);
    expect_numbers(&mut from_left, 0..5);
    expect_nothing(&mut from_right);
    expect_nothing(&mut from_left);
}

/// A lossy topic delivers too, if not each message.
pub(crate) fn on_a_lossy_topic<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = robot.publisher("pose", Delivery::LOSSY).expect("a publisher");
    let mut subscription = subscription::<D>(&robot, "pose", Delivery::LOSSY);
    eventually(driver, "a message of a lossy topic", || {
        publisher.publish(b"here").expect("published");
        subscription.latest().expect("no end").is_some_and(|message| &*message == b"here")
    });
}

/// Every size arrives as it was, and of what is too large the publisher is told.
pub(crate) fn of_every_size<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "sizes");
    let mut subscription = subscription::<D>(&robot, "sizes", RELIABLE);
    for size in [0, 1, 1200, 16 << 10, 60 << 10] {
        let message: Vec<u8> = (0..size).map(|n| n as u8).collect();
        publisher.publish(&message).expect("published");
        let received = subscription.recv().expect("a message");
        assert!(*received == message, "{size} bytes came as {}", received.len());
    }
    let error = publisher.publish(&vec![0; 8 << 20]).expect_err("too large");
    assert!(matches!(error, farwire_core::PublishError::TooLarge { .. }), "{error}");
}

/// A subscription may be there before its publisher.
pub(crate) fn to_whom_was_there_first<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let mut early = operator.subscribe("later", RELIABLE.into()).expect("a subscription");
    let log = CallbackLog::default();
    let also_early = operator.subscribe("later", RELIABLE.into()).expect("a subscription");
    let _callback = also_early.on_message(log.then(|_| {}));
    let publisher = publisher::<D>(&robot, "later");
    await_open::<D>(&mut early);
    publish_numbers(&publisher, 0..10);
    expect_numbers(&mut early, 0..10);
    eventually(driver, "the callback is called for each", || log.calls() == 10);
}

/// A reliable topic delivers a burst whole.
pub(crate) fn of_five_hundred_in_a_burst<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let publisher = publisher::<D>(&robot, "burst");
    let mut subscription = subscription::<D>(&operator, "burst", RELIABLE);
    publish_numbers(&publisher, 0..500);
    expect_numbers(&mut subscription, 0..500);
    expect_nothing(&mut subscription);
    assert_eq!(subscription.dropped(), 0);
}

/// A reliable topic keeps its order, whatever the sizes.
pub(crate) fn in_order<D: Driver>(driver: &D) {
    const COUNT: usize = 300;
    let message = |n: usize| vec![n as u8; [8, 60_000, 0, 1300, 200, 1][n % 6]];
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let publisher = publisher::<D>(&robot, "ordered");
    let mut subscription = subscription::<D>(&operator, "ordered", RELIABLE);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..COUNT {
                publisher.publish(&message(n)).expect("published");
            }
        });
        for n in 0..COUNT {
            let received = subscription.recv().expect("a message");
            assert!(*received == message(n), "message {n} came as {} bytes", received.len());
        }
    });
    expect_nothing(&mut subscription);
}

/// Receiving waits no longer than it is told to.
pub(crate) fn not_before_it_is_there<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let mut subscription = subscription::<D>(&robot, "quiet", RELIABLE);
    expect_nothing(&mut subscription);
    assert_eq!(subscription.latest(), Ok(None));
    let waited = subscription.recv_timeout(std::time::Duration::from_millis(20));
    assert_eq!(waited, Err(RecvError::Timeout));
    publish_numbers(&publisher::<D>(&robot, "quiet"), 0..1);
    expect_numbers(&mut subscription, 0..1);
}
