//! A client's address changes in mid-traffic.

use std::net::SocketAddr;
use std::time::Duration;

use farwire_core::{Delivery, Direction, TransportId};
use farwire_tests::{Network, World};

const PERIOD: Duration = Duration::from_millis(20);

/// The transport of a session with an SFU that publishes or subscribes.
fn transport(direction: Direction) -> TransportId {
    TransportId::new(direction as usize).expect("one of two")
}

/// The longest time for which the subscriber hears nothing, and how many messages are missing, of 12 s at 50 Hz in the
/// middle of which one end has another address for the SFU.
fn outage(seed: u64, side: Direction, delivery: Delivery, to: SocketAddr) -> (Duration, usize) {
    let mut world = World::new(seed);
    world.network = Network { delay: Duration::from_millis(20), jitter: Duration::from_millis(2), loss: 0.0 };
    let config = world.config();
    let publisher = world.connect(&config);
    let topic = world.topic(publisher, "t", delivery);
    world.run_for(Duration::from_secs(1));
    let subscriber = world.connect_to(publisher);
    let id = world.subscribe_open(subscriber, "t", delivery);
    let node = if side == Direction::Publish { publisher } else { subscriber };
    let (mut heard, mut longest, mut received) = (world.now(), Duration::ZERO, 0);
    let count = 600;
    for n in 0..count + 100 {
        // At every phase of the checks, by the seed.
        if n == 150 + seed as u32 * 7 {
            world.rebind(node, transport(side), to);
        }
        if n < count {
            world.publish(publisher, topic, &n.to_be_bytes()).expect("taken");
        }
        world.run_for(PERIOD);
        let came = world.messages(subscriber, id).len();
        received += came;
        if came > 0 {
            longest = longest.max(world.now() - heard);
            heard = world.now();
        }
    }
    assert_eq!(world.sfu.stats().sessions, 4, "nobody reconnected: two sessions each");
    (longest, count as usize - received)
}

fn follows(side: Direction, delivery: Delivery) {
    for seed in 0..8 {
        let port = SocketAddr::from(([10, 0, 9, 9], 4000));
        let (longest, missing) = outage(seed, side, delivery, port);
        assert!(longest <= Duration::from_millis(1200), "seed {seed}: {longest:?}");
        match delivery.is_reliable() {
            true => assert_eq!(missing, 0, "seed {seed}"),
            false => assert!(missing <= 60, "seed {seed}: {missing}"),
        }
    }
}

#[test]
fn a_lossy_publisher_is_followed() {
    follows(Direction::Publish, Delivery::LOSSY);
}

#[test]
fn a_reliable_publisher_is_followed() {
    follows(Direction::Publish, Delivery::RELIABLE);
}

#[test]
fn a_lossy_subscriber_is_followed() {
    follows(Direction::Subscribe, Delivery::LOSSY);
}

#[test]
fn a_reliable_subscriber_is_followed() {
    follows(Direction::Subscribe, Delivery::RELIABLE);
}

/// Whoever sees the client's datagrams, but stands in nobody's way, sends them again from elsewhere.
#[test]
fn replayed_checks_move_nothing_and_are_counted() {
    let mut world = World::new(3);
    let config = world.config();
    let publisher = world.connect(&config);
    let topic = world.topic(publisher, "t", Delivery::LOSSY);
    world.run_for(Duration::from_secs(1));
    let subscriber = world.connect_to(publisher);
    let id = world.subscribe_open(subscriber, "t", Delivery::LOSSY);
    world.network.delay = 2 * PERIOD;
    let (mut recorded, mut received, mut checks) = (Vec::new(), 0, 0);
    for n in 0..500u32 {
        world.publish(publisher, topic, &n.to_be_bytes()).expect("taken");
        recorded.extend(
            world.on_the_way(subscriber, transport(Direction::Subscribe)).into_iter().map(|datagram| (n, datagram)),
        );
        world.run_for(PERIOD);
        // Those that have arrived: who overtakes one stands in its way.
        let arrived = recorded.iter().filter(|(at, datagram)| at + 4 < n && farwire_core::link::is_stun(datagram));
        for (port, (_, check)) in arrived.enumerate() {
            let attacker = SocketAddr::from(([10, 0, 66, 66], 1000 + port as u16));
            let now = world.now();
            assert!(!world.sfu.handle_datagram(now, attacker, check), "it is not answered");
            checks += 1;
        }
        received += world.messages(subscriber, id).len();
    }
    world.run_for(5 * PERIOD);
    received += world.messages(subscriber, id).len();
    assert!(checks > 1000 && world.sfu.stats().replayed >= checks, "{checks}");
    assert_eq!(received, 500, "nothing went elsewhere");
}
