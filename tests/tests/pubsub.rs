//! What users rely on: messages that are published arrive, each once, where somebody subscribed.

use std::time::Duration;

use farwire_core::{Accepted, Delivery, Event, PublishError};
use farwire_tests::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_topic_crosses_the_sfu() {
    for delivery in [Delivery::LOSSY, Delivery::RELIABLE] {
        let mut world = World::new(1);
        let robot = world.connect(world.config());
        let operator = world.connect_to(robot);
        let topic = world.topic(robot, "odom", delivery);
        let subscription = world.subscribe_open(operator, "odom", delivery);
        for n in 0..100u8 {
            assert_eq!(world.publish(robot, topic, &[n; 64]), Ok(Accepted::Sent));
            world.run_for(Duration::from_millis(10));
        }
        world.run_for(SECOND);
        let received: Vec<u8> = world.messages(operator, subscription).iter().map(|m| m.bytes[0]).collect();
        assert_eq!(received, (0..100).collect::<Vec<u8>>(), "{delivery}");
    }
}

#[test]
fn any_topic_name_and_any_size() {
    let mut world = World::new(2);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let long = "x/".repeat(100);
    for name in ["a", "cmd/vel", "a b c", "тема/температура 🌡", &long, "pub_x", "server-events"] {
        let topic = world.topic(robot, name, Delivery::RELIABLE);
        let subscription = world.subscribe_open(operator, name, Delivery::RELIABLE);
        for size in [0, 1, 1200, 16 * 1024, 60 * 1024] {
            let bytes = vec![size as u8; size];
            world.publish(robot, topic, &bytes).expect("accepted");
            world.run_for(SECOND);
            let received = world.messages(operator, subscription);
            assert_eq!(received.len(), 1, "topic {name:?}, {size} bytes");
            assert!(received[0].bytes == bytes && received[0].binary, "topic {name:?}, {size} bytes");
        }
    }
}

#[test]
fn text_and_binary_keep_their_kind_empty_or_not() {
    let mut world = World::new(3);
    let node = world.connect(world.config());
    let topic = world.topic(node, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(node, "t", Delivery::RELIABLE);
    let sent: [(bool, &[u8]); 6] =
        [(true, b"b"), (false, b""), (true, b""), (false, "text".as_bytes()), (true, &[0xfe]), (true, &[0xff])];
    for (binary, bytes) in sent {
        let now = world.now();
        world.peer(node).publish(now, topic, binary, bytes).expect("accepted");
    }
    world.run_for(SECOND);
    let received: Vec<_> = world.messages(node, subscription).into_iter().map(|m| (m.binary, m.bytes)).collect();
    let expected: Vec<_> = sent.into_iter().map(|(binary, bytes)| (binary, bytes.into())).collect();
    assert_eq!(received, expected);
}

#[test]
fn what_is_no_text_is_refused_as_text_and_holds_up_nothing() {
    let mut world = World::new(5);
    let node = world.connect(world.config());
    let topic = world.topic(node, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(node, "t", Delivery::RELIABLE);
    let now = world.now();
    let refused = world.peer(node).publish(now, topic, false, b"ab\xff");
    assert!(matches!(refused, Err(PublishError::NotText { valid_up_to: 2, .. })), "{refused:?}");
    world.publish(node, topic, b"next").expect("accepted");
    world.run_for(SECOND);
    assert_eq!(world.messages(node, subscription).len(), 1);
}

#[test]
fn subscribing_before_the_topic_exists() {
    let mut world = World::new(4);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let subscription = world.subscribe(operator, "late", Delivery::RELIABLE);
    world.run_for(5 * SECOND);
    let topic = world.topic(robot, "late", Delivery::RELIABLE);
    world.run_for(5 * SECOND);
    world.publish(robot, topic, b"at last").expect("accepted");
    world.run_for(SECOND);
    assert_eq!(world.messages(operator, subscription).len(), 1);
}

#[test]
fn fifty_topics_each_to_its_own_subscribers() {
    let mut world = World::new(5);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let names: Vec<String> = (0..50).map(|n| format!("sensor/{n}")).collect();
    let topics: Vec<_> = names.iter().map(|name| world.topic(robot, name, Delivery::RELIABLE)).collect();
    world.run_for(SECOND);
    let subscriptions: Vec<_> =
        names.iter().map(|name| [0, 1].map(|_| world.subscribe(operator, name, Delivery::RELIABLE))).collect();
    world.run_for(SECOND);
    for (n, topic) in topics.iter().enumerate() {
        world.publish(robot, *topic, &[n as u8]).expect("accepted");
    }
    world.run_for(SECOND);
    for (n, twice) in subscriptions.iter().enumerate() {
        for subscription in twice {
            let received = world.messages(operator, *subscription);
            assert_eq!(received.len(), 1, "topic {n}");
            assert_eq!(received[0].bytes[..], [n as u8]);
        }
    }
    let allocations = world.http.iter().filter(|log| log.call == "datachannels/new").count();
    assert!(allocations <= 4, "50 topics on two connections took {allocations} requests");
}

#[test]
fn unsubscribing_stops_delivery_at_once_and_frees_the_channel() {
    let mut world = World::new(6);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    let first = world.subscribe_open(operator, "t", Delivery::RELIABLE);
    let second = world.subscribe(operator, "t", Delivery::RELIABLE);
    world.publish(robot, topic, b"1").expect("accepted");
    world.run_for(SECOND);
    assert_eq!((world.messages(operator, first).len(), world.messages(operator, second).len()), (1, 1));
    world.peer(operator).unsubscribe(first);
    world.publish(robot, topic, b"2").expect("accepted");
    world.run_for(SECOND);
    assert_eq!((world.messages(operator, first).len(), world.messages(operator, second).len()), (0, 1));
    world.peer(operator).unsubscribe(second);
    world.publish(robot, topic, b"3").expect("accepted");
    world.run_for(SECOND);
    assert_eq!((world.messages(operator, first).len(), world.messages(operator, second).len()), (0, 0));
    assert!(world.http.iter().any(|log| log.call == "datachannels/close"), "the SFU was not told");
    // The topic can be subscribed to again, on a new channel.
    let third = world.subscribe_open(operator, "t", Delivery::RELIABLE);
    world.publish(robot, topic, b"4").expect("accepted");
    world.run_for(SECOND);
    assert_eq!(world.messages(operator, third).len(), 1);
}

#[test]
fn reliable_means_all_in_order_whatever_the_network_loses() {
    let mut world = World::new(7);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(operator, "t", Delivery::RELIABLE);
    world.network.loss = 0.1;
    world.network.jitter = Duration::from_millis(5);
    for n in 0..500u32 {
        world.publish(robot, topic, &n.to_be_bytes()).expect("accepted");
        world.run_for(Duration::from_millis(2));
    }
    world.run_for(60 * SECOND);
    let received: Vec<u32> = world
        .messages(operator, subscription)
        .iter()
        .map(|m| u32::from_be_bytes(m.bytes[..].try_into().expect("four bytes")))
        .collect();
    assert_eq!(received, (0..500).collect::<Vec<u32>>());
}

#[test]
fn lossy_loses_only_what_the_network_loses_and_repeats_nothing() {
    let mut world = World::new(8);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "t", Delivery::LOSSY);
    let subscription = world.subscribe_open(operator, "t", Delivery::LOSSY);
    world.network.loss = 0.05;
    for n in 0..1000u32 {
        world.publish(robot, topic, &n.to_be_bytes()).expect("accepted");
        world.run_for(Duration::from_millis(10));
    }
    world.run_for(5 * SECOND);
    let mut received: Vec<u32> = world
        .messages(operator, subscription)
        .iter()
        .map(|m| u32::from_be_bytes(m.bytes[..].try_into().expect("four bytes")))
        .collect();
    let count = received.len();
    assert!((800..=960).contains(&count), "of 1,000 messages over two links that lose 5 %, {count} arrived");
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len(), count, "a message arrived twice");
}

#[test]
fn a_full_queue_refuses_on_reliable_topics_and_replaces_on_lossy_ones() {
    let mut world = World::new(9);
    let robot = world.connect(world.config());
    let reliable = world.topic(robot, "reliable", Delivery::RELIABLE);
    let lossy = world.topic(robot, "lossy", Delivery::LOSSY);
    world.run_for(SECOND);
    let mut accepted = 0;
    let error = loop {
        match world.publish(robot, reliable, &[0; 1000]) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, PublishError::QueueFull { .. }), "{error}");
    assert!(accepted >= 4000, "{accepted}");
    let outcomes: Vec<_> = (0..1000).map(|_| world.publish(robot, lossy, &[0; 1000]).expect("never refused")).collect();
    assert_eq!(outcomes.last(), Some(&Accepted::ReplacedOldest));
    // Once there is room again, the publisher is told.
    world.events(robot);
    world.run_for(5 * SECOND);
    let told =
        world.events(robot).iter().any(|event| matches!(event, farwire_core::Event::Writable(id) if *id == reliable));
    assert!(told, "no word of room");
    assert!(world.peer(robot).is_flushed());
    assert_eq!(world.publish(robot, reliable, &[0; 1000]), Ok(Accepted::Sent));
}

#[test]
fn too_large_names_both_numbers() {
    let mut world = World::new(10);
    let robot = world.connect(world.config());
    let topic = world.topic(robot, "big", Delivery::RELIABLE);
    let error = world.publish(robot, topic, &vec![0; 300_000]).expect_err("too large");
    let text = error.to_string();
    assert!(text.contains("300000") && text.contains("262144") && text.contains("\"big\""), "{text}");
}

#[test]
fn a_command_does_not_wait_for_bulk() {
    let mut world = World::new(11);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let bulk = world.topic(robot, "bulk", Delivery::RELIABLE);
    let command = world.topic(robot, "cmd", Delivery::RELIABLE);
    let subscription = world.subscribe_open(operator, "cmd", Delivery::RELIABLE);
    world.network.delay = Duration::from_millis(20);
    for _ in 0..60 {
        world.publish(robot, bulk, &[0; 60_000]).expect("accepted");
    }
    world.run_for(Duration::from_millis(100));
    assert!(!world.peer(robot).is_flushed(), "the bulk is to be under way");
    let sent = world.now();
    world.publish(robot, command, b"stop").expect("accepted");
    let arrived = world.run_until(5 * SECOND, |world| !world.messages(operator, subscription).is_empty());
    let took = world.now() - sent;
    assert!(arrived && took <= Duration::from_millis(200), "{took:?}");
}

#[test]
fn what_is_published_once_a_channel_is_open_arrives_though_its_publisher_is_busy() {
    let mut world = World::new(9);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let [busy, topic] = ["busy", "t"].map(|name| world.topic(robot, name, Delivery::RELIABLE));
    world.run_for(Duration::from_secs(1));
    let subscription = world.subscribe(operator, "t", Delivery::RELIABLE);
    // Something of the robot's is always on its way before the operator's acknowledgement.
    let opened = world.run_until(Duration::from_secs(10), |world| {
        world.publish(robot, busy, b"busy").expect("published");
        world.events(operator).iter().any(|event| matches!(event, Event::Subscribed(id) if *id == subscription))
    });
    assert!(opened);
    world.publish(robot, topic, b"now").expect("published");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.messages(operator, subscription).len(), 1);
}
