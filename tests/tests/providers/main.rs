//! Providers that core does not know: whoever writes one touches nothing of it.

mod lines;
mod memory;
mod over;

use std::time::Duration;

use farwire_core::{ConnectionEvent, Delivery, Dial, EndReason, Event, Topic};
use farwire_tests::{Node, World};

use crate::lines::{Lines, Switchboard};
use crate::memory::{End, Meeting, Memory};
use crate::over::Over;

const SECOND: Duration = Duration::from_secs(1);

/// Adds two peers, and runs until both are connected.
fn connect(world: &mut World, dials: [Dial; 2]) -> [Node; 2] {
    let nodes = dials.map(|dial| world.add(dial));
    wait_until_up(world, nodes);
    nodes
}

fn wait_until_up(world: &mut World, nodes: [Node; 2]) {
    let is_up = |world: &mut World| nodes.iter().all(|node| world.peer(*node).is_up());
    assert!(world.run_until(20 * SECOND, is_up), "{:?} {:?}", world.events(nodes[0]), world.events(nodes[1]));
    world.run_for(SECOND);
}

/// Both ends publish and subscribe; one loses the other by `lose`, and all goes on as it was.
fn converse(world: &mut World, nodes: [Node; 2], lose: impl FnOnce(&mut World)) {
    let [a, b] = nodes;
    let there = world.subscribe(b, "odom", Delivery::RELIABLE);
    let back = world.subscribe(a, "cmd", Delivery::LOSSY);
    let (odom, cmd) = (world.topic(a, "odom", Delivery::RELIABLE), world.topic(b, "cmd", Delivery::LOSSY));
    world.run_for(SECOND);
    let cross = |world: &mut World| {
        for n in 0..10 {
            world.publish(a, odom, &[n; 100]).expect("accepted");
            world.publish(b, cmd, &[n]).expect("accepted");
            world.run_for(Duration::from_millis(20));
        }
        world.run_for(SECOND);
        (world.messages(b, there).len(), world.messages(a, back).len())
    };
    assert_eq!(cross(world), (10, 10));
    let losses = |world: &mut World| nodes.map(|node| world.peer(node).stats().connection.losses);
    assert_eq!(losses(world), [0, 0]);
    lose(world);
    let notice = world.run_until(20 * SECOND, |world| losses(world).iter().all(|losses| *losses > 0));
    assert!(notice, "{:?}: {:?} {:?}", losses(world), world.events(a), world.events(b));
    wait_until_up(world, nodes);
    assert_eq!(cross(world), (10, 10), "as before");
    let interruptions = |world: &mut World, node, topic| {
        let topic = Topic::new(topic).expect("a name");
        world.peer(node).topic_stats(&topic).map(|topic| topic.interruptions)
    };
    assert_eq!(interruptions(world, b, "odom"), Some(1), "who received is told once");
}

#[test]
fn a_provider_in_memory() {
    let mut world = World::new(1201);
    let meeting = Meeting::default();
    let end = |end| Dial::new(Memory { meeting: meeting.clone(), end });
    assert_eq!(end(End::Calls), end(End::Calls));
    assert_ne!(end(End::Calls), end(End::IsCalled));
    let nodes = connect(&mut world, [end(End::Calls), end(End::IsCalled)]);
    converse(&mut world, nodes, |world| {
        world.cut_off(nodes[0]);
        world.run_for(30 * SECOND);
        world.plug_in(nodes[0]);
    });
}

#[test]
fn a_provider_with_signalling_of_its_own_over_lines() {
    let mut world = World::new(1202);
    world.open_line_server(Switchboard::default());
    let dial = || Dial::new(Lines { url: "tcp://switchboard.test:7".to_owned(), room: "lab".to_owned() });
    let nodes = connect(&mut world, [dial(), dial()]);
    assert_eq!(world.open_streams(), 2);
    converse(&mut world, nodes, |world| world.cut_streams(nodes[1]));
    assert_eq!(world.open_streams(), 2, "those of before are closed");
    for node in nodes {
        world.close(node);
    }
    world.run_for(SECOND);
    assert_eq!(world.open_streams(), 0);
}

#[test]
fn a_server_of_lines_that_is_not_there_ends_a_first_attempt() {
    let mut world = World::new(1203);
    let node = world.add(Dial::new(Lines { url: "tcp://nobody.test:7".to_owned(), room: "lab".to_owned() }));
    world.run_for(SECOND);
    let events = world.events(node);
    let [Event::Connection(ConnectionEvent::Ended { reason: EndReason::Api(error) })] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(error.is_retryable() && error.to_string().starts_with("tcp://nobody.test:7: cannot connect"), "{error}");
}

#[test]
fn what_is_over_does_not_come_up() {
    let mut world = World::new(1204);
    let node = world.add(Dial::new(Over));
    world.run_for(SECOND);
    assert!(!world.peer(node).is_up());
    let events = world.events(node);
    let [Event::Connection(ConnectionEvent::Ended { reason: EndReason::Unavailable(why) })] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(why.code(), "shut");
}
