//! Messages through the embedded SFU.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use farwire_blocking::{Delivery, PublishError, RecvError, TopicError};

use crate::leftovers::shared;
use crate::script::Tap;
use crate::sfu::{PATIENCE, config, connection, follower, start};

#[test]
fn a_connection_hears_its_own_topics() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let subscription = connection.subscribe_with("loop", Delivery::RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("loop", Delivery::RELIABLE).expect("a publisher");
    assert_eq!((subscription.topic(), publisher.topic()), ("loop", "loop"));
    assert!(!connection.session_id().is_empty());
    subscription.wait_open(PATIENCE).expect("the channel opens");
    for n in 0..1000_u32 {
        publisher.publish(&n.to_be_bytes()).expect("published");
    }
    publisher.publish_text("that was all").expect("published");
    for n in 0..1000_u32 {
        let message = subscription.recv_timeout(PATIENCE).expect("a message");
        assert_eq!((message.as_ref(), message.is_text()), (&n.to_be_bytes()[..], false));
    }
    let last = subscription.recv_timeout(PATIENCE).expect("a message");
    assert!(last.is_text());
    assert_eq!(format!("{last:?}"), "Message(\"loop\", 12 bytes of text)");
    assert_eq!(&last.into_bytes()[..], b"that was all");
    assert!(connection.flush(PATIENCE));
    let stats = connection.topic_stats("loop").expect("a topic");
    assert_eq!((stats.sent, stats.received, stats.queued, stats.refused), (1001, 1001, 0, 0));
    assert_eq!(connection.topic_stats("none"), None);
}

#[test]
fn two_connections_meet_and_every_size_crosses() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    for delivery in [Delivery::RELIABLE, Delivery::LOSSY] {
        let topic = delivery.to_string();
        let publisher = robot.publisher_with(&topic, delivery).expect("a publisher");
        let subscription = operator.subscribe_with(&topic, delivery).expect("a subscription");
        subscription.wait_open(PATIENCE).expect("the channel opens");
        for size in [0, 1, 1200, 16 << 10, 60 << 10] {
            let message: Vec<u8> = (0..size).map(|n| n as u8).collect();
            publisher.publish(&message).expect("published");
            let received = subscription.recv_timeout(PATIENCE).expect("a message");
            assert!(received.as_ref() == message, "{size} bytes came as {}", received.len());
        }
        publisher.publish_text("").expect("published");
        let received = subscription.recv_timeout(PATIENCE).expect("a message");
        assert!(received.is_empty() && received.is_text());
        let error = publisher.publish(&vec![0; 8 << 20]).expect_err("too large");
        assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains("8388608"), "{error}");
    }
}

#[test]
fn two_threads_that_publish_first_share_one_channel() {
    let _shared = shared();
    let sfu = start();
    let tap = Tap::before(&sfu.api_root());
    let config = tap.config("app", "secret");
    let connection = farwire_blocking::connect(config).expect("a connection");
    let together = Barrier::new(2);
    thread::scope(|scope| {
        for name in [b"one", b"two"] {
            let (connection, together) = (&connection, &together);
            scope.spawn(move || {
                together.wait();
                let publisher = connection.publisher_with("new", Delivery::RELIABLE).expect("a publisher");
                publisher.publish(name).expect("published");
            });
        }
    });
    assert!(connection.flush(PATIENCE));
    assert_eq!(tap.allocations(), 1);

    let follower = tap.config("app", "secret").publisher_session(connection.session_id()).expect("a session's id");
    let follower = farwire_blocking::connect(follower).expect("a connection");
    let subscriptions: Vec<_> =
        (0..3).map(|_| follower.subscribe_with("new", Delivery::RELIABLE).expect("a subscription")).collect();
    for subscription in &subscriptions {
        subscription.wait_open(PATIENCE).expect("the channel opens");
    }
    assert_eq!(tap.allocations(), 2);
    let publisher = connection.publisher_with("new", Delivery::RELIABLE).expect("a publisher");
    publisher.publish(b"to each").expect("published");
    for subscription in &subscriptions {
        assert_eq!(&*subscription.recv_timeout(PATIENCE).expect("a message"), b"to each");
    }
}

#[test]
fn fifty_topics_of_all_names() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let mut names = vec!["x".to_owned(), "n".repeat(200), "a/b/c".into(), "with space".into(), "größe/速度/🤖".into()];
    names.extend((names.len()..50).map(|n| format!("topic/{n}")));
    let delivery = |n: usize| if n.is_multiple_of(2) { Delivery::RELIABLE } else { Delivery::LOSSY };
    let subscriptions: Vec<_> =
        names.iter().enumerate().map(|(n, name)| operator.subscribe_with(name, delivery(n))).collect();
    let publishers: Vec<_> =
        names.iter().enumerate().map(|(n, name)| robot.publisher_with(name, delivery(n))).collect();
    for (n, (subscription, publisher)) in subscriptions.into_iter().zip(publishers).enumerate() {
        let (subscription, publisher) = (subscription.expect("a subscription"), publisher.expect("a publisher"));
        subscription.wait_open(PATIENCE).expect("the channel opens");
        publisher.publish(&[n as u8]).expect("published");
        assert_eq!(&*subscription.recv_timeout(PATIENCE).expect("a message"), [n as u8]);
    }
}

#[test]
fn names_and_deliveries_are_checked() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    assert_eq!(connection.publisher("").map(|_| ()), Err(TopicError::Empty));
    assert!(matches!(connection.subscribe(&"x".repeat(2000)), Err(TopicError::TooLong { .. })));
    let _lossy = connection.publisher("t").expect("a publisher");
    let conflict = connection.subscribe_with("t", Delivery::RELIABLE).map(|_| ());
    assert!(matches!(conflict, Err(TopicError::DeliveryConflict { .. })), "{conflict:?}");
}

#[test]
fn a_subscription_says_what_it_waits_for() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let subscription = operator.subscribe("later").expect("a subscription");
    assert_eq!(subscription.wait_open(Duration::from_millis(300)), Err(RecvError::Timeout));
    let trouble = subscription.trouble().expect("the SFU has said something").to_string();
    assert!(trouble.contains("nobody publishes this topic"), "{trouble}");
    let _publisher = robot.publisher("later").expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    assert_eq!(subscription.trouble(), None);
}

#[test]
fn a_dropped_subscription_leaves_the_others() {
    let _shared = shared();
    let sfu = start();
    let connection = farwire_blocking::connect(config(&sfu)).expect("a connection");
    let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
    let kept = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    let dropped = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    dropped.wait_open(PATIENCE).expect("the channel opens");
    drop(dropped);
    publisher.publish(b"still here").expect("published");
    assert_eq!(&*kept.recv_timeout(PATIENCE).expect("a message"), b"still here");
    drop(kept);
    // The channel is closed with its last subscription, and opened again for the next.
    let again = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    again.wait_open(PATIENCE).expect("the channel opens");
    publisher.publish(b"and again").expect("published");
    assert_eq!(&*again.recv_timeout(PATIENCE).expect("a message"), b"and again");
}
