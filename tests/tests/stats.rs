//! What a connection counts, at both ends, and that nothing of it is lost sight of.

use std::time::Duration;

use farwire_core::{Config, Delivery, Direction, Stats, Topic, TopicStats, TransportId};
use farwire_tests::{Fate, Network, World};

const SECOND: Duration = Duration::from_secs(1);

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("a good topic")
}

fn of(stats: &Stats, name: &str) -> TopicStats {
    stats.topics.get(&topic(name)).expect("the topic is known").clone()
}

#[test]
fn what_one_end_sent_the_other_received() {
    let mut world = World::new(60);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    for name in ["odom", "cmd"] {
        let topic = world.topic(robot, name, Delivery::RELIABLE);
        world.subscribe_open(operator, name, Delivery::RELIABLE);
        for len in 0..100 {
            world.publish(robot, topic, &vec![7; 10 * len]).expect("accepted");
            world.run_for(Duration::from_millis(1));
        }
    }
    world.run_for(SECOND);
    let (sent, received) = (world.peer(robot).stats(), world.peer(operator).stats());
    for name in ["odom", "cmd"] {
        let (sent, received) = (of(&sent, name), of(&received, name));
        assert_eq!((sent.sent, sent.sent_bytes), (100, 49_500));
        assert_eq!((received.received, received.received_bytes), (100, 49_500));
        assert!(sent.publishing && !sent.subscribed && !received.publishing && received.subscribed);
        assert_eq!((sent.queued, sent.refused, sent.replaced, &sent.last_error), (0, 0, 0, &None));
    }
    let (sent, received) = (sent.connection, received.connection);
    assert_eq!((sent.publish.sent, sent.publish.sent_bytes), (200, 99_000));
    assert_eq!((received.subscribe.received, received.subscribe.received_bytes), (200, 99_000));
    assert_eq!((sent.subscribe.received, received.publish.sent), (0, 0));
    assert_eq!((sent.publish.in_flight, sent.publish.in_flight_bytes), (0, 0), "all is acknowledged");
    for side in [&sent, &received].into_iter().flat_map(|stats| Direction::ALL.map(|side| stats.of(side))) {
        assert!(side.up && side.strays == 0 && side.requests_failed == 0 && side.requests_retried == 0, "{side:?}");
        assert!(side.datagrams_sent > 5 && side.datagram_bytes_sent > side.sent_bytes, "{side:?}");
        assert!(side.datagrams_received > 5 && side.datagram_bytes_received > side.received_bytes, "{side:?}");
    }
    assert_eq!((sent.publish.requests, received.subscribe.requests), (4, 4), "two to connect, and one for each topic");
    assert_eq!((sent.last_error, received.last_error), (None, None));
}

#[test]
fn the_round_trip_is_that_of_the_network() {
    let mut world = World::new(61);
    world.network = Network { delay: Duration::from_millis(20), ..Network::default() };
    let node = world.connect(world.config());
    let round_trip = |world: &mut World, side| world.peer(node).stats().connection.of(side).round_trip;
    for side in Direction::ALL {
        assert_eq!(round_trip(&mut world, side), Some(Duration::from_millis(40)), "known from the first moment");
    }
    world.network = Network { delay: Duration::from_millis(75), jitter: Duration::from_millis(10), loss: 0.1 };
    world.run_for(10 * SECOND);
    for side in Direction::ALL {
        let measured = round_trip(&mut world, side).expect("measured");
        assert!((150..=170).contains(&measured.as_millis()), "{side:?}: {measured:?}");
    }
}

#[test]
fn every_message_that_is_not_there_has_its_cause() {
    let mut world = World::new(62);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let lossy = world.topic(robot, "lossy", Delivery::LOSSY);
    world.subscribe_open(operator, "lossy", Delivery::LOSSY);
    for _ in 0..1000 {
        world.publish(robot, lossy, &[0; 1000]).expect("the oldest give way");
    }
    let during = world.peer(robot).stats();
    let stats = of(&during, "lossy");
    assert!(stats.queued > 0 && stats.queued_bytes == 1000 * stats.queued, "{stats:?}");
    let session = &during.connection.publish;
    assert!(session.in_flight > 0 && session.in_flight_bytes == 1000 * session.in_flight, "{session:?}");
    world.run_for(SECOND);
    let stats = of(&world.peer(robot).stats(), "lossy");
    assert_eq!((stats.queued, stats.queued_bytes, stats.sent + stats.replaced), (0, 0, 1000), "{stats:?}");
    assert!(stats.replaced > 100 && stats.refused == 0, "{stats:?}");
    assert_eq!(of(&world.peer(operator).stats(), "lossy").received, stats.sent);

    // What the network loses was sent, and has no other cause.
    world.network = Network { loss: 0.1, ..world.network };
    for _ in 0..200 {
        world.publish(robot, lossy, &[0; 1000]).expect("accepted");
        world.run_for(Duration::from_millis(20));
    }
    world.network = Network::default();
    world.run_for(5 * SECOND);
    let (sent, received) = (world.peer(robot).stats(), world.peer(operator).stats());
    let (sent, received) = (of(&sent, "lossy"), of(&received, "lossy"));
    let crossed = sent.sent - stats.sent;
    assert_eq!((crossed + sent.replaced - stats.replaced, sent.queued, sent.refused), (200, 0, 0), "{sent:?}");
    let arrived = received.received - stats.sent;
    assert!(arrived < crossed && arrived > crossed / 2, "{arrived} of {crossed}");
    assert_eq!((received.unmatched, received.too_short, received.interruptions), (0, 0, 0), "{received:?}");

    let reliable = world.topic(robot, "reliable", Delivery::RELIABLE);
    world.run_for(SECOND);
    let accepted = (0..6000).filter(|_| world.publish(robot, reliable, &[0; 100]).is_ok()).count();
    assert!(world.publish(robot, reliable, &vec![0; 1 << 20]).is_err());
    let stats = of(&world.peer(robot).stats(), "reliable");
    assert_eq!(stats.queue_full, 6000 - accepted as u64);
    assert_eq!((stats.refused, stats.too_large), (stats.queue_full + 1, 1));
    let closing = stats.queued;
    world.close(robot);
    world.run_for(SECOND);
    let stats = world.peer(robot).stats();
    assert_eq!(of(&stats, "reliable").queued, closing, "never sent");
    assert!(!stats.connection.publish.up && !of(&stats, "reliable").publishing);
    assert_eq!(stats.connection.last_error, None, "to close it is no error");
}

#[test]
fn the_last_error_says_what_the_sfu_said() {
    let mut world = World::new(63);
    let node = world.connect(world.config());
    let refusal = r#"{"errorCode":"backend_error","errorDescription":"out of channels today"}"#;
    let mut refusals = 3;
    world.script(move |request| {
        if request.call != "datachannels/new" || refusals == 0 {
            return Fate::Pass;
        }
        refusals -= 1;
        Fate::Answer(503, refusal.into())
    });
    let began = world.now();
    world.topic(node, "odom", Delivery::LOSSY);
    world.run_for(5 * SECOND);
    let stats = world.peer(node).stats();
    let session = &stats.connection.publish;
    assert_eq!((session.requests, session.requests_failed, session.requests_retried), (6, 3, 3));
    let error = stats.connection.last_error.as_ref().expect("there was one");
    assert!(error.text.contains("503") && error.text.contains("out of channels today"), "{error:?}");
    assert!(error.at > began && error.at < began + SECOND, "{:?} after the first call", error.at - began);
    let odom = of(&stats, "odom");
    assert!(odom.publishing, "it came up after all");
    assert!(odom.last_error.is_some_and(|error| error.text.contains("out of channels today")));
}

#[test]
fn a_refused_connection_shows_why_and_no_secret() {
    let mut world = World::new(64);
    let node = world.add(Config::new("http://sfu.test/v1", "app", "hunter2").expect("a good config"));
    world.run_until(10 * SECOND, |world| world.peer(node).ended().is_some());
    let stats = world.peer(node).stats();
    let error = stats.connection.last_error.as_ref().expect("refused");
    assert!(error.text.contains("401") && error.text.contains("FARWIRE_APP_SECRET"), "{error:?}");
    assert!(!format!("{stats:?}").contains("hunter2"));
    assert!(!stats.connection.publish.up && stats.connection.publish.round_trip.is_none());
}

#[test]
fn a_lost_contact_is_an_error_and_a_closed_channel_an_interruption() {
    let mut world = World::new(65);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    world.topic(robot, "t", Delivery::RELIABLE);
    world.subscribe_open(operator, "t", Delivery::RELIABLE);
    world.close(robot);
    world.run_for(SECOND);
    let stats = of(&world.peer(operator).stats(), "t");
    assert_eq!((stats.interruptions, stats.subscribed), (1, false));
    world.cut_off(operator);
    world.run_for(10 * SECOND);
    let stats = world.peer(operator).stats();
    let error = stats.connection.last_error.as_ref().expect("it ended").text.clone();
    assert!(error.contains("no contact"), "{error}");
    assert!(!stats.connection.subscribe.up && !stats.connection.publish.up);
}

#[test]
fn strays_are_counted_apart() {
    let mut world = World::new(66);
    let node = world.connect(world.config());
    let before = world.peer(node).stats().connection.subscribe;
    let (now, from) = (world.now(), "192.0.2.9:9".parse().expect("an address"));
    for datagram in [&b"hello"[..], b"", &[0; 40], &[22; 100]] {
        assert!(
            !world.peer(node).handle_datagram(now, TransportId::new(1).expect("the second"), from, datagram),
            "{datagram:?}"
        );
    }
    let after = world.peer(node).stats().connection;
    assert_eq!((after.subscribe.strays, after.publish.strays), (4, 0));
    assert_eq!(after.subscribe.datagrams_received, before.datagrams_received);
}

#[test]
fn they_serialise_by_topic() {
    let mut world = World::new(67);
    let node = world.connect(world.config());
    let topic = world.topic(node, "arm/joint states", Delivery::LOSSY);
    world.publish(node, topic, b"hello").expect("accepted");
    world.run_for(SECOND);
    let stats = world.peer(node).stats();
    let json = serde_json::to_value(&stats).expect("plain data");
    assert_eq!(json["topics"]["arm/joint states"]["sent_bytes"], 5, "{json}");
    assert_eq!(json["connection"]["publish"]["round_trip"], 0.002, "{json}");
    assert_eq!(json["connection"]["last_error"], serde_json::Value::Null);
    assert_eq!(stats, stats.clone());
}
