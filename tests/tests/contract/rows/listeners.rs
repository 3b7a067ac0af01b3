//! Subscriptions to all topics, and to new ones.

use farwire_core::Delivery;

use super::*;
use crate::Names;

/// Each message of every subscribed topic comes once, however many subscriptions its topic has.
pub(crate) fn to_all_get_each_message_once<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let mut all = operator.subscribe_all(RELIABLE.into()).expect("a subscription");
    let publishers = ["one", "three", "none"].map(|topic| publisher::<D>(&robot, topic));
    let mut subscribed = ["one", "three", "three", "three"].map(|topic| subscription::<D>(&operator, topic, RELIABLE));
    for n in 0..5 {
        publishers.iter().for_each(|publisher| publish_numbers(publisher, n..n + 1));
    }
    let mut heard: Vec<_> = (0..10)
        .map(|_| all.recv().expect("a message"))
        .map(|message| (message.topic().to_string(), number(&message)))
        .collect();
    // The topics may overtake each other; a stable sort leaves each one's order as it was.
    heard.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = |topic: &'static str| (0..5).map(move |n| (topic.to_owned(), n));
    assert_eq!(heard, wanted("one").chain(wanted("three")).collect::<Vec<_>>());
    for subscription in &mut subscribed {
        expect_numbers(subscription, 0..5);
    }
    expect_nothing(&mut all);
    for topic in ["one", "three"] {
        assert_eq!(received::<D>(&operator, topic), 5);
    }
}

/// Without a subscription of its own a topic is not received for those who listen to all.
pub(crate) fn to_all_ask_for_nothing<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let mut all = robot.subscribe_all(RELIABLE.into()).expect("a subscription");
    publish_numbers(&publisher::<D>(&robot, "unwanted"), 0..5);
    let mut wanted = subscription::<D>(&robot, "wanted", RELIABLE);
    publish_numbers(&publisher::<D>(&robot, "wanted"), 5..10);
    expect_numbers(&mut wanted, 5..10);
    expect_numbers(&mut all, 5..10);
    expect_nothing(&mut all);
}

/// Each topic is told once, at its first message, to whoever listens.
pub(crate) fn to_new_topics_are_told_of_each_once<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let mut names = robot.subscribe_new_topics().expect("a subscription");
    for topic in ["a", "b", "c"] {
        let publisher = publisher::<D>(&robot, topic);
        let mut subscriptions = [(); 2].map(|()| subscription::<D>(&robot, topic, RELIABLE));
        assert_eq!(names.try_recv(), Ok(None), "a topic without a message is not new yet");
        publish_numbers(&publisher, 0..3);
        subscriptions.iter_mut().for_each(|subscription| expect_numbers(subscription, 0..3));
        assert_eq!(names.recv(), Ok(topic.to_owned()));
        // Subscribed to again, it is not new again.
        drop(subscriptions);
        let mut again = subscription::<D>(&robot, topic, RELIABLE);
        publish_numbers(&publisher, 3..4);
        expect_numbers(&mut again, 3..4);
    }
    assert_eq!(names.try_recv(), Ok(None));
}

/// Whoever comes later is told of the topics that have had messages.
pub(crate) fn to_new_topics_may_come_late<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "old");
    let mut old = subscription::<D>(&robot, "old", RELIABLE);
    let _silent = subscription::<D>(&robot, "silent", Delivery::LOSSY);
    publish_numbers(&publisher, 0..1);
    expect_numbers(&mut old, 0..1);
    let mut names = robot.subscribe_new_topics().expect("a subscription");
    assert_eq!(names.recv(), Ok("old".to_owned()));
    publish_numbers(&publisher, 1..2);
    expect_numbers(&mut old, 1..2);
    assert_eq!(names.try_recv(), Ok(None));
}
