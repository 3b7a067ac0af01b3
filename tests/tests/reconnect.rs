//! A connection to an SFU that is lost and reconnected, in virtual time.

use std::time::Duration;

use farwire_core::{Accepted, ConnectionEvent, Delivery, EndReason, Event, Topic};
use farwire_tests::{Fate, World};

const SECOND: Duration = Duration::from_secs(1);

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("a topic")
}

#[test]
fn topics_and_subscriptions_outlive_an_outage_and_nothing_old_is_delivered() {
    for delivery in [Delivery::RELIABLE, Delivery::LOSSY] {
        let mut world = World::new(1);
        let node = world.connect(world.config());
        let publication = world.topic(node, "t", delivery);
        let subscription = world.subscribe_open(node, "t", delivery);
        world.publish(node, publication, b"before").expect("sent");
        world.run_for(SECOND);
        assert_eq!(world.messages(node, subscription).len(), 1);
        let session = world.peer(node).session_id().cloned();

        world.take_down();
        // Before the loss is known, messages go to the transport, and then wait for it.
        for _ in 0..1000 {
            let _ = world.publish(node, publication, b"old");
        }
        world.run_for(20 * SECOND);
        assert!(!world.peer(node).is_up() && world.peer(node).ended().is_none());
        assert_eq!(world.publish(node, publication, b"old"), Ok(Accepted::Dropped));
        let events = world.events(node);
        let is_lost = |event: &Event| {
            matches!(event, Event::Connection(ConnectionEvent::Reconnecting { reason: EndReason::Transport(_) }))
        };
        assert_eq!(events.iter().filter(|event| is_lost(event)).count(), 1, "{events:?}");
        assert!(events.iter().any(|event| matches!(event, Event::Interrupted(id) if *id == subscription)));

        world.bring_up();
        assert!(world.run_until(10 * SECOND, |world| world.peer(node).is_up()));
        world.run_for(SECOND);
        world.publish(node, publication, b"new").expect("taken");
        world.run_for(SECOND);
        let got = world.messages(node, subscription);
        assert_eq!(got.iter().map(|message| &message.bytes[..]).collect::<Vec<_>>(), [b"new"]);
        assert_ne!(world.peer(node).session_id().cloned(), session);
        let stats = world.peer(node).stats();
        assert_eq!(stats.connection.losses, 1);
        let of_topic = &stats.topics[&topic("t")];
        assert_eq!((of_topic.received, of_topic.queued, of_topic.interruptions), (2, 0, 1));
        assert_eq!(of_topic.sent + of_topic.unheard + of_topic.replaced, 1003);
        assert!(stats.connection.publish.up && stats.connection.publish.sent >= 2);
    }
}

#[test]
fn a_lost_network_is_noticed_and_bridged_as_well() {
    let mut world = World::new(2);
    let node = world.connect(world.config());
    let publication = world.topic(node, "t", Delivery::LOSSY);
    let subscription = world.subscribe_open(node, "t", Delivery::LOSSY);
    world.cut_off(node);
    assert!(world.run_until(10 * SECOND, |world| !world.peer(node).is_up()));
    world.run_for(120 * SECOND);
    world.plug_in(node);
    assert!(world.run_until(20 * SECOND, |world| world.peer(node).is_up()));
    world.run_for(SECOND);
    world.publish(node, publication, b"new").expect("taken");
    world.run_for(SECOND);
    assert_eq!(world.messages(node, subscription).len(), 1);
    world.run_for(60 * SECOND);
    assert_eq!(world.sfu.stats().sessions, 2, "the old ones are gone");
}

#[test]
fn a_session_that_is_gone_is_replaced() {
    let mut world = World::new(3);
    let node = world.connect(world.config());
    let session = world.peer(node).session_id().expect("connected").to_string();
    world.script(move |log| match log.session.as_deref() == Some(&session) {
        true => Fate::Answer(410, r#"{"errorCode":"session_error","errorDescription":"gone"}"#.into()),
        false => Fate::Pass,
    });
    let publication = world.topic(node, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(node, "t", Delivery::RELIABLE);
    world.publish(node, publication, b"x").expect("taken");
    world.run_for(SECOND);
    assert_eq!(world.messages(node, subscription).len(), 1);
}

#[test]
fn an_outage_is_not_made_worse_and_does_not_end_the_connection() {
    let mut world = World::new(4);
    let node = world.connect(world.config());
    let before = world.http.len();
    world.take_down();
    world.run_for(3600 * SECOND);
    assert!(world.peer(node).ended().is_none());
    let told = world.events(node);
    let is_failure = |event: &&Event| {
        matches!(event, Event::Connection(ConnectionEvent::ReconnectFailed { reason: EndReason::Api(_) }))
    };
    let failures = told.iter().filter(is_failure).count();
    assert_eq!(failures, 1, "{told:?}");
    let requests = world.http.len() - before;
    assert!(requests < 3600 * 8, "{requests} in an hour");
    world.bring_up();
    assert!(world.run_until(15 * SECOND, |world| world.peer(node).is_up()), "it is still quick to come back");
}

#[test]
fn a_refusal_ends_it_only_when_it_is_repeated() {
    for (refusals, ends) in [(4, false), (20, true)] {
        let mut world = World::new(5);
        let node = world.connect(world.config());
        let mut left = 2 * refusals;
        world.script(move |log| {
            let is_refused = log.call == "new" && log.session.is_none() && left > 0;
            left -= u32::from(is_refused);
            match is_refused {
                true => Fate::Answer(401, r#"{"errorCode":"unauthorized","errorDescription":"no"}"#.into()),
                false => Fate::Pass,
            }
        });
        let now = world.now();
        world.sfu.close(now);
        world.run_for(60 * SECOND);
        assert_eq!(world.peer(node).ended().is_some(), ends, "{:?}", world.peer(node).ended());
        assert_eq!(world.peer(node).is_up(), !ends);
    }
}

#[test]
fn closing_while_it_is_dialed_again_ends_it() {
    let mut world = World::new(6);
    let node = world.connect(world.config());
    world.take_down();
    world.run_for(10 * SECOND);
    world.close(node);
    world.run_for(SECOND);
    assert_eq!(world.peer(node).ended(), Some(&EndReason::Closed));
    assert!(matches!(
        world.events(node).last(),
        Some(Event::Connection(ConnectionEvent::Ended { reason: EndReason::Closed }))
    ));
    let before = world.http.len();
    world.bring_up();
    world.run_for(60 * SECOND);
    assert_eq!(world.http.len(), before);
}

#[test]
fn a_first_connection_that_fails_is_not_tried_for_ever() {
    let mut world = World::new(7);
    world.take_down();
    let node = world.add(world.config());
    assert!(world.run_until(30 * SECOND, |world| world.peer(node).ended().is_some()));
}
