//! farwire's operator tells the broker that it is there, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::{ConnectionEvent, Delivery, Event, OperatorLost};
use farwire_tests::{Fate, Node, World};

const SECOND: Duration = Duration::from_secs(1);

/// A robot and its operator, who sees it.
fn pair(seed: u64) -> (World, Node, Node) {
    let mut world = World::new(seed);
    world.open_broker();
    let (key, token) = (world.robot_key("rover"), world.operator_token());
    let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
    let operator = world.connect(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
    (world, robot, operator)
}

fn beats(world: &World) -> usize {
    world.http.iter().filter(|log| log.call == "op-heartbeat").count()
}

fn connection_events(world: &mut World, node: Node) -> Vec<ConnectionEvent> {
    let all = world.events(node).into_iter();
    all.filter_map(|event| if let Event::Connection(event) = event { Some(event) } else { None }).collect()
}

#[test]
fn it_does_so_every_five_seconds_and_stays() {
    let (mut world, robot, operator) = pair(1);
    world.run_for(60 * SECOND);
    assert!((11..=12).contains(&beats(&world)), "{}", beats(&world));
    assert!(world.peer(robot).is_operated() && world.peer(operator).has_robot());
    assert_eq!(world.broker_stats().operators, 1);
    let after = beats(&world);
    world.close(operator);
    world.run_for(30 * SECOND);
    assert_eq!(beats(&world), after, "who has left makes none");
}

#[test]
fn a_broker_that_does_not_know_the_call_is_asked_no_more_and_all_goes_on() {
    for (status, body, most) in [
        (404, r#"{"errorCode":"not_found","errorDescription":"there is no such call"}"#, 1),
        (404, r#"{"detail":"Not Found"}"#, 5),
        (405, r#"{"detail":"Method Not Allowed"}"#, 5),
        (404, "<html>", 5),
    ] {
        let (mut world, robot, operator) = pair(2);
        connection_events(&mut world, operator);
        world.script(move |log| match log.call == "op-heartbeat" {
            true => Fate::Answer(status, body.to_owned()),
            false => Fate::Pass,
        });
        world.run_for(120 * SECOND);
        assert_eq!(beats(&world), most, "{status} {body}");
        assert!(world.peer(robot).is_operated() && world.peer(operator).has_robot(), "{status} {body}");
        assert_eq!(connection_events(&mut world, operator), [], "{status} {body}");
    }
}

#[test]
fn an_operator_that_does_not_reach_the_broker_is_put_out_and_the_robot_stands() {
    let (mut world, robot, operator) = pair(3);
    world.run_for(7 * SECOND);
    let is_cut = Arc::new(AtomicBool::new(true));
    let script = Arc::clone(&is_cut);
    world.script(move |log| match log.node == operator && script.load(Ordering::Relaxed) {
        true => Fate::Lost,
        false => Fate::Pass,
    });
    // Its connection to the SFU lives all the while.
    world.run_for(15 * SECOND);
    assert!(world.peer(robot).is_operated());
    assert!(world.run_until(8 * SECOND, |world| !world.peer(robot).is_operated()));
    assert_eq!(world.peer(robot).operator_lost(), Some(OperatorLost::Left));
    let failing = connection_events(&mut world, operator);
    let failing = failing.iter().filter(|event| matches!(event, ConnectionEvent::HeartbeatFailing { .. })).count();
    assert_eq!(failing, 1, "a streak is told once");
    is_cut.store(false, Ordering::Relaxed);
    assert!(world.run_until(30 * SECOND, |world| world.peer(robot).is_operated()), "it is back by itself");
}

#[test]
fn one_that_the_broker_has_put_out_joins_again() {
    let (mut world, robot, operator) = pair(4);
    connection_events(&mut world, operator);
    let mut left = 1;
    world.script(move |log| match log.call == "op-heartbeat" && left > 0 {
        true => {
            left -= 1;
            Fate::Answer(403, r#"{"errorCode":"not_joined","errorDescription":"no longer"}"#.to_owned())
        }
        false => Fate::Pass,
    });
    world.run_for(6 * SECOND);
    assert!(world.run_until(10 * SECOND, |world| world.peer(operator).has_robot() && world.peer(robot).is_operated()));
    let events = connection_events(&mut world, operator);
    assert!(events.iter().any(|event| matches!(event, ConnectionEvent::Reconnecting { .. })), "{events:?}");
}

#[test]
fn what_a_proxy_says_once_ends_nothing() {
    let (mut world, robot, operator) = pair(5);
    let mut answers = [401, 403, 410, 500, 502].into_iter();
    world.script(move |log| match (log.call == "op-heartbeat").then(|| answers.next()).flatten() {
        Some(status) => Fate::Answer(status, r#"{"detail":"no"}"#.to_owned()),
        None => Fate::Pass,
    });
    world.run_for(60 * SECOND);
    assert!(world.peer(robot).is_operated() && world.peer(operator).has_robot());
    assert_eq!(world.peer(operator).stats().connection.losses, 0);
}

#[test]
fn the_robots_heartbeats_say_how_fast_commands_come_and_how_far_the_sfu_is() {
    let (mut world, _, operator) = pair(6);
    let cmd = world.topic(operator, "cmd_unreliable", Delivery::LOSSY);
    for _ in 0..100 {
        world.publish(operator, cmd, b"go").expect("sent");
        world.run_for(SECOND / 20);
    }
    let beat = world.http.iter().rfind(|log| log.call == "heartbeat").expect("a heartbeat");
    let last: serde_json::Value = serde_json::from_str(&beat.body).expect("JSON");
    let figure = |name: &str| last[name].as_f64().unwrap_or_else(|| panic!("no {name} in {last}"));
    assert!((19.0..=21.0).contains(&figure("command_rate_hz")), "{last}");
    assert!((2.0..10.0).contains(&figure("rtt_ms")), "{last}");
}
