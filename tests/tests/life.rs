//! How connections end, and what is left of them.

use std::time::Duration;

use farwire_core::{ConnectionEvent, Delivery, EndReason, Event};
use farwire_tests::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn closing_tells_the_sfu_at_once() {
    let mut world = World::new(1);
    let node = world.connect(world.config());
    assert_eq!(world.sfu.stats().sessions, 2);
    world.close(node);
    world.run_for(Duration::from_millis(10));
    assert_eq!(world.sfu.stats().sessions, 0);
    assert!(matches!(
        world.events(node)[..],
        [Event::Connection(ConnectionEvent::Ended { reason: EndReason::Closed })]
    ));
}

#[test]
fn an_sfu_that_stops_tells_its_clients() {
    let mut world = World::new(2);
    let node = world.connect(world.config().reconnect(false));
    let now = world.now();
    world.sfu.close(now);
    world.run_for(Duration::from_millis(10));
    assert!(matches!(world.peer(node).ended(), Some(EndReason::Transport(_))), "{:?}", world.peer(node).ended());
    assert_eq!(world.sfu.stats().sessions, 0);
}

#[test]
fn a_client_that_vanishes_is_noticed_at_both_ends() {
    let mut world = World::new(3);
    let node = world.connect(world.config().reconnect(false));
    world.cut_off(node);
    let noticed = world.run_until(10 * SECOND, |world| world.peer(node).ended().is_some());
    assert!(noticed, "the client did not notice within 10 s");
    world.run_for(35 * SECOND);
    assert_eq!(world.sfu.stats().sessions, 0);
}

#[test]
fn an_idle_connection_stays() {
    let mut world = World::new(4);
    let node = world.connect(world.config());
    world.run_for(600 * SECOND);
    assert!(world.peer(node).ended().is_none());
    assert_eq!(world.sfu.stats().sessions, 2);
}

#[test]
fn a_subscriber_outlives_its_publisher() {
    let mut world = World::new(5);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(operator, "t", Delivery::RELIABLE);
    world.events(operator);
    world.close(robot);
    world.run_for(5 * SECOND);
    let told =
        world.events(operator).iter().any(|event| matches!(event, Event::Interrupted(id) if *id == subscription));
    assert!(told, "no word of the gap");
    // The subscriber stays and goes on asking, without a flood.
    assert!(world.peer(operator).ended().is_none());
    let asked = world.http.iter().filter(|log| log.node == operator && log.call == "datachannels/new").count();
    assert!((2..20).contains(&asked), "{asked} requests");
    assert!(world.publish(robot, topic, b"x").is_err());
    assert!(world.messages(operator, subscription).is_empty());
}

#[test]
fn what_is_called_after_the_end_is_an_error() {
    let mut world = World::new(6);
    let node = world.connect(world.config());
    let topic = world.topic(node, "t", Delivery::LOSSY);
    world.close(node);
    world.run_for(SECOND);
    let text = world.publish(node, topic, b"x").expect_err("closed").to_string();
    assert!(text.contains("\"t\"") && text.contains("closed"), "{text}");
    let now = world.now();
    let name = farwire_core::Topic::new("u").expect("a good topic");
    assert!(world.peer(node).topic(now, &name, Delivery::LOSSY).is_err());
    assert!(world.peer(node).subscribe(now, &name, Delivery::LOSSY).is_err());
}

#[test]
fn garbage_datagrams_harm_nobody() {
    let mut world = World::new(7);
    let node = world.connect(world.config());
    let topic = world.topic(node, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(node, "t", Delivery::RELIABLE);
    let mut random = fastrand::Rng::with_seed(7);
    let now = world.now();
    for n in 0..20_000 {
        let len = random.usize(0..200);
        let mut datagram: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
        // Much of it is to look like STUN, DTLS and RTP.
        if let Some(first) = datagram.first_mut() {
            *first = [0, 1, 22, 23, 63, 128, 255][n % 7];
        }
        let robot = std::net::SocketAddr::from(([10, 0, 0, 2], 1 + (n % 3) as u16));
        world.sfu.handle_datagram(now, robot, &datagram);
        let sfu = std::net::SocketAddr::from(([10, 0, 0, 1], 3478));
        world.peer(node).handle_datagram(
            now,
            farwire_core::TransportId::new(n % 2).expect("one of two"),
            sfu,
            &datagram,
        );
    }
    world.run_for(SECOND);
    world.publish(node, topic, b"still here").expect("accepted");
    world.run_for(5 * SECOND);
    assert_eq!(world.messages(node, subscription).len(), 1);
    assert!(world.sfu.stats().stray > 0);
}
