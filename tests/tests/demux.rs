//! Messages of several types on one topic, each to the subscriptions that are for it.

use std::time::Duration;

use farwire_core::demux::MessageType;
use farwire_core::lcm::geometry_msgs::{Accel, Twist, TwistStamped};
use farwire_core::lcm::sensor_msgs::Joy;
use farwire_core::lcm::{Message, std_msgs};
use farwire_core::peer::MAX_SUBSCRIPTIONS;
use farwire_core::{Delivery, SubscriptionId, Topic, TopicError};
use farwire_tests::{Node, World, busy_channel};

const SECOND: Duration = Duration::from_secs(1);

fn subscribe<M: Message>(world: &mut World, node: Node) -> Result<SubscriptionId, TopicError> {
    let (now, topic) = (world.now(), Topic::new("cmd").expect("a good topic"));
    world.peer(node).subscribe_typed(now, &topic, Delivery::RELIABLE, MessageType::of::<M>())
}

fn lengths(world: &mut World, node: Node, subscription: SubscriptionId) -> Vec<usize> {
    world.messages(node, subscription).iter().map(|message| message.bytes.len()).collect()
}

#[test]
fn each_type_goes_to_its_subscribers_and_everything_to_raw_ones() {
    let mut world = World::new(40);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "cmd", Delivery::RELIABLE);
    let twists = [(); 2].map(|()| subscribe::<Twist>(&mut world, operator).expect("the topic is free"));
    let joys = subscribe::<Joy>(&mut world, operator).expect("another type");
    let all = world.subscribe_open(operator, "cmd", Delivery::RELIABLE);
    let (twist, joy) = (Twist::default().to_bytes().expect("fine"), Joy::default().to_bytes().expect("fine"));
    for bytes in [&twist[..], &joy, b"hello", &joy, b""] {
        world.publish(robot, topic, bytes).expect("accepted");
    }
    world.run_for(SECOND);
    for subscription in twists {
        assert_eq!(lengths(&mut world, operator, subscription), [twist.len()]);
    }
    assert_eq!(lengths(&mut world, operator, joys), [joy.len(); 2]);
    assert_eq!(lengths(&mut world, operator, all), [twist.len(), joy.len(), 5, joy.len(), 0]);
}

#[test]
fn what_nobody_wants_is_counted_by_cause() {
    let mut world = World::new(41);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "cmd", Delivery::RELIABLE);
    let twists = subscribe::<Twist>(&mut world, operator).expect("the topic is free");
    world.run_for(SECOND);
    let joy = Joy::default().to_bytes().expect("fine");
    for bytes in [&joy[..], b"1234567", &joy, b"", b"12345678"] {
        world.publish(robot, topic, bytes).expect("accepted");
    }
    world.run_for(SECOND);
    assert_eq!(lengths(&mut world, operator, twists), [0; 0]);
    world.peer(operator).note_undecodable(twists);
    let stats = world.peer(operator).topic_stats(&Topic::new("cmd").expect("a good topic")).expect("it is known");
    assert_eq!((stats.received, stats.unmatched, stats.too_short, stats.undecodable), (5, 3, 2, 1));
}

#[test]
fn types_that_cannot_be_told_apart_are_refused() {
    let mut world = World::new(42);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let twists = subscribe::<Twist>(&mut world, operator).expect("the topic is free");
    let error = subscribe::<Accel>(&mut world, operator).expect_err("it looks like Twist").to_string();
    assert!(error.starts_with(r#"topic "cmd": geometry_msgs.Accel and geometry_msgs.Twist have the same"#), "{error}");
    subscribe::<std_msgs::Bool>(&mut world, operator).expect("another type");
    world.peer(operator).unsubscribe(twists);
    subscribe::<Accel>(&mut world, operator).expect("no Twist any more");
}

#[test]
fn a_connection_has_a_limit_of_subscriptions() {
    let mut world = World::new(43);
    let robot = world.connect(world.config());
    let (now, topic) = (world.now(), Topic::new("cmd").expect("a good topic"));
    let all: Vec<_> = (0..MAX_SUBSCRIPTIONS).map(|_| world.subscribe(robot, "cmd", Delivery::RELIABLE)).collect();
    let peer = world.peer(robot);
    let other = Topic::new("other").expect("a good topic");
    let error = peer.subscribe(now, &other, Delivery::RELIABLE).expect_err("one too many");
    assert_eq!(
        error.to_string(),
        r#"topic "other": this connection already has 1024 subscriptions, which is the limit"#
    );
    assert_eq!(peer.topic_stats(&other), None, "what was refused leaves no topic");
    peer.unsubscribe(all[0]);
    peer.subscribe(now, &topic, Delivery::RELIABLE).expect("there is room again");
}

#[test]
fn routing_allocates_nothing() {
    let (demux, bytes) = (busy_channel::demux(), busy_channel::twist_stamped());
    assert_eq!(bytes.len(), 77);
    let mut found = Vec::with_capacity(16);
    let used = allocation_counter::measure(|| {
        found.extend(demux.receivers(busy_channel::CHANNEL, &bytes).into_iter().flatten());
        assert!(demux.receivers(busy_channel::CHANNEL, b"short").is_err());
        assert!(demux.receivers(busy_channel::CHANNEL + 1, &bytes).is_err());
    });
    assert_eq!(found, [0, 8]);
    assert_eq!(used.count_total, 0);
    assert!(TwistStamped::decode(&bytes).is_ok());
}
