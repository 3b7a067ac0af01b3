//! Captive portals and proxies that answer in a server's place, in virtual time: what is no answer of the API is no refusal.

use std::time::Duration;

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::signalling::Failure;
use farwire_core::{ConnectionEvent, Delivery, EndReason, Event};
use farwire_tests::{Fate, Node, World};

const SECOND: Duration = Duration::from_secs(1);

/// What stands between a client and its server, and a word of what a person is to read of it.
fn faces() -> Vec<(Fate, &'static str)> {
    let page = "<!DOCTYPE html><html><title>Welcome aboard</title></html>";
    let mut faces: Vec<_> = [200, 401, 403, 404, 407, 410, 502, 511]
        .into_iter()
        .map(|status| (Fate::Answer(status, page.to_owned()), "HTML"))
        .collect();
    for status in [200, 204, 404] {
        faces.push((Fate::Answer(status, String::new()), "without a body"));
    }
    for body in [r#"{"status":"login required"}"#, "{}", r#"{"sessionId":"#, "[]"] {
        faces.push((Fate::Answer(200, body.to_owned()), "JSON"));
    }
    let redirect = Failure::Redirected { status: 302, to: "http://portal.example/…".to_owned() };
    faces.push((Fate::Failed(redirect), "302 to http://portal.example/…: is there a captive portal"));
    faces.push((Fate::Failed(Failure::TooLarge), "longer than"));
    faces.push((Fate::Failed(Failure::Tls("by no authority".to_owned())), "by no authority"));
    faces.push((Fate::Failed(Failure::Broken("it broke off".to_owned())), "broke off"));
    faces
}

fn stand_between(world: &mut World, fate: &Fate) {
    let fate = fate.clone();
    world.script(move |_| fate.clone());
}

fn step_aside(world: &mut World) {
    world.script(|_| Fate::Pass);
}

fn has_ended(world: &mut World, node: Node) -> Option<EndReason> {
    world.peer(node).ended().cloned()
}

fn told(world: &mut World, node: Node) -> String {
    format!("{:?}", world.events(node).iter().map(text).collect::<Vec<_>>())
}

fn text(event: &Event) -> String {
    match event {
        Event::Connection(ConnectionEvent::ReconnectFailed { reason } | ConnectionEvent::Reconnecting { reason }) => {
            reason.to_string()
        }
        Event::Connection(ConnectionEvent::HeartbeatFailing { reason }) => reason.to_string(),
        Event::Trouble { error, .. } => error.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_connection_to_an_sfu_outlives_a_portal_that_it_reconnects_into() {
    for (fate, word) in faces() {
        let mut world = World::new(1);
        let node = world.connect(world.config());
        stand_between(&mut world, &fate);
        let now = world.now();
        world.sfu.close(now);
        world.run_for(120 * SECOND);
        assert_eq!(has_ended(&mut world, node), None, "{fate:?}");
        assert!(!world.peer(node).is_up());
        let told = told(&mut world, node);
        assert!(told.contains(word), "{fate:?}: {told}");
        step_aside(&mut world);
        assert!(world.run_until(15 * SECOND, |world| world.peer(node).is_up()), "{fate:?}");
    }
}

#[test]
fn a_topic_that_is_asked_for_behind_a_portal_opens_after_it() {
    for (fate, word) in faces() {
        let mut world = World::new(2);
        let node = world.connect(world.config());
        stand_between(&mut world, &fate);
        let publication = world.topic(node, "t", Delivery::RELIABLE);
        let subscription = world.subscribe(node, "t", Delivery::RELIABLE);
        world.run_for(30 * SECOND);
        assert!(world.peer(node).is_up(), "the transport is not touched");
        let told = told(&mut world, node);
        // What breaks off is looked up and told of only by the counters.
        assert!(told.contains(word) || matches!(fate, Fate::Failed(Failure::Broken(_))), "{fate:?}: {told}");
        step_aside(&mut world);
        let mut next = world.now();
        let arrived = world.run_until(15 * SECOND, |world| {
            if world.now() >= next {
                next = world.now() + SECOND / 10;
                world.publish(node, publication, b"x").expect("taken");
            }
            !world.messages(node, subscription).is_empty()
        });
        assert!(arrived, "{fate:?}");
    }
}

#[test]
fn a_first_connection_behind_a_portal_fails_and_says_what_answered() {
    for (fate, word) in faces() {
        let mut world = World::new(3);
        stand_between(&mut world, &fate);
        let node = world.add(world.config());
        assert!(world.run_until(15 * SECOND, |world| world.peer(node).ended().is_some()), "{fate:?}");
        let reason = has_ended(&mut world, node).expect("it has ended");
        assert!(reason.to_string().contains(word), "{fate:?}: {reason}");
    }
}

/// A robot and its operator.
fn pair(seed: u64) -> (World, Node, Node) {
    let mut world = World::new(seed);
    world.open_broker();
    let key = world.robot_key("rover");
    let token = world.operator_token();
    let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
    let operator = world.connect(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
    world.run_for(2 * SECOND);
    world.events(robot);
    (world, robot, operator)
}

#[test]
fn a_robot_keeps_its_session_and_its_operator_while_a_portal_answers_its_heartbeats() {
    for (fate, word) in faces() {
        let (mut world, robot, operator) = pair(4);
        let session = world.peer(robot).session_id().cloned();
        stand_between(&mut world, &fate);
        // The broker gives up on a robot that it does not hear after a time of its own; this is shorter.
        world.run_for(20 * SECOND);
        assert_eq!(has_ended(&mut world, robot), None, "{fate:?}");
        assert!(world.peer(robot).is_up() && world.peer(robot).is_operated(), "{fate:?}");
        let events = world.events(robot);
        let is_failing = |event: &&Event| matches!(event, Event::Connection(ConnectionEvent::HeartbeatFailing { .. }));
        let failing = events.iter().filter(is_failing).count();
        assert_eq!(failing, 1, "{fate:?}: {events:?}");
        assert!(events.iter().any(|event| text(event).contains(word)), "{fate:?}: {events:?}");
        let is_loss = |event: &Event| matches!(event, Event::Connection(ConnectionEvent::OperatorLost { .. }));
        let lost = events.iter().any(is_loss);
        assert!(!lost, "{fate:?}: {events:?}");
        step_aside(&mut world);
        world.run_for(5 * SECOND);
        assert_eq!(world.peer(robot).session_id().cloned(), session, "{fate:?}");
        assert!(world.peer(robot).is_operated() && world.peer(operator).is_up(), "{fate:?}");
    }
}

#[test]
fn a_robot_and_an_operator_come_back_after_a_portal_that_they_reconnect_into() {
    for (fate, _) in faces() {
        let (mut world, robot, operator) = pair(5);
        stand_between(&mut world, &fate);
        world.take_down();
        world.run_for(SECOND);
        world.bring_up();
        world.run_for(90 * SECOND);
        for node in [robot, operator] {
            assert_eq!(has_ended(&mut world, node), None, "{fate:?}");
        }
        step_aside(&mut world);
        let back = world.run_until(60 * SECOND, |world| world.peer(robot).is_up() && world.peer(operator).is_up());
        assert!(back, "{fate:?}");
    }
}

#[test]
fn the_servers_own_refusals_still_end_a_robot() {
    let (mut world, robot, _) = pair(6);
    let body = r#"{"errorCode":"unauthorized","errorDescription":"revoked"}"#;
    stand_between(&mut world, &Fate::Answer(401, body.to_owned()));
    assert!(world.run_until(60 * SECOND, |world| world.peer(robot).ended().is_some()));
    let reason = has_ended(&mut world, robot).expect("it has ended");
    assert!(reason.to_string().contains("revoked"), "{reason}");
}
