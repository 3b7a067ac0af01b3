//! One story, which every driver tells alike.

use farwire_core::{Container, Delivery, RecvError, SubscribeOptions, WhenFull};

use crate::rows::{drain, expect_numbers, follower, publish_numbers, publisher, robot, subscription};
use crate::{CallbackLog, Connection, Driver, Names, Publisher, Subscription, eventually};

/// Plays the scenario and tells what an application sees of it, in order.
fn play<D: Driver>(driver: &D) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |what: String| told.push(what);

    let config = driver.config();
    let wrong = farwire_core::Config::new(&config.url, &config.app_id, "wrong").expect("a good config");
    let error = driver.connect(wrong).map(|_| ()).expect_err("a wrong secret");
    tell(format!("wrong secret: {}", error.replace(&config.url, "URL")));

    let robot = robot(driver);
    let operator = follower(driver, &robot);
    for (topic, delivery) in [("", Delivery::RELIABLE), ("odom", Delivery::RELIABLE), ("odom", Delivery::LOSSY)] {
        tell(format!("publisher of {topic:?}: {:?}", robot.publisher(topic, delivery).map(|_| ())));
        tell(format!("subscribe to {topic:?}: {:?}", operator.subscribe(topic, delivery.into()).map(|_| ())));
    }

    let mut names = operator.subscribe_new_topics().expect("a subscription");
    let mut all = operator.subscribe_all(Delivery::RELIABLE.into()).expect("a subscription");
    let odometry = publisher::<D>(&robot, "odom");
    let mut from_odometry = subscription::<D>(&operator, "odom", Delivery::RELIABLE);
    let closes = SubscribeOptions::from(Delivery::RELIABLE).container(Container::queue(2, WhenFull::Close));
    let mut overflowing = subscription::<D>(&operator, "odom", closes);
    let newest = SubscribeOptions::from(Delivery::RELIABLE).container(Container::queue(2, WhenFull::DropNewest));
    let mut lagging = subscription::<D>(&operator, "odom", newest);
    let log = CallbackLog::default();
    let callback = subscription::<D>(&operator, "odom", Delivery::RELIABLE).on_message(log.then(|_| {}));
    publish_numbers(&odometry, 0..5);
    expect_numbers(&mut from_odometry, 0..5);
    eventually(driver, "the callback is called for each", || log.calls() == 5);
    tell(format!("callback: {:?}", log.seen()));
    tell(format!("name: {:?}, then {:?}", names.recv(), names.try_recv()));
    tell(format!("all: {:?}", drain(&mut all)));
    tell(format!("overflowing: {:?}, {} dropped", drain(&mut overflowing), overflowing.dropped()));
    tell(format!("lagging: {:?}, {} dropped", drain(&mut lagging), lagging.dropped()));
    tell(format!("try: {:?}, latest: {:?}", from_odometry.try_recv(), from_odometry.latest()));
    tell(format!("too large: {:?}", odometry.publish(&vec![0; 8 << 20])));

    drop((callback, lagging, overflowing));
    eventually(driver, "the callback is let go", || log.is_released());
    publish_numbers(&odometry, 5..7);
    expect_numbers(&mut from_odometry, 5..7);
    let stats = operator.stats().topics;
    for (topic, stats) in &stats {
        let counts = (stats.received, stats.received_bytes, stats.unread, stats.subscribed, stats.publishing);
        tell(format!("stats of {topic:?}: {counts:?}"));
    }

    operator.close();
    tell(format!("ended: {:?}, {:?}", operator.ended(), robot.ended()));
    tell(format!("received then: {:?}", from_odometry.recv()));
    tell(format!("subscribed then: {:?}", operator.subscribe("odom", Delivery::RELIABLE.into()).map(|_| ())));
    tell(format!("listened then: {:?}", operator.subscribe_all(Delivery::RELIABLE.into()).map(|_| ())));
    robot.close();
    robot.close();
    tell(format!("published then: {:?}", odometry.publish(b"x")));
    assert_eq!(from_odometry.recv().map(|_| ()), from_odometry.ended().map_or(Err(RecvError::Timeout), Err));
    told
}

fn told_by<D: Driver>() -> Vec<String> {
    play(&D::start().expect("a driver"))
}

#[test]
fn every_driver_tells_the_same_story() {
    let told = told_by::<crate::memory::Memory>();
    assert_eq!(told_by::<crate::blocking::Blocking>(), told);
    assert_eq!(told_by::<crate::tokio::CurrentThread>(), told);
    assert_eq!(told_by::<crate::tokio::MultiThread>(), told);
}
