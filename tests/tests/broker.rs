//! Robots and operators at a broker: what its API promises them.

use std::time::Duration;

use farwire_broker::RobotId;
use farwire_core::http::Method;
use farwire_tests::{Ids, Node, Teleop};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A robot that is registered, and its key.
fn robot(world: &mut Teleop) -> (String, Node, String) {
    let key = world.robot_key("r");
    let (node, session) = world.register(&key);
    (key, node, session)
}

/// Passes a message from end to end.
fn passes(world: &mut Teleop, (from, out): (Node, u16), (to, into): (Node, u16), bytes: &[u8]) {
    world.net.send(from, out, true, bytes);
    world.run_for(SECOND / 10);
    assert_eq!(world.net.received(to), [(into, true, bytes.to_vec())]);
}

/// Every channel carries, one way.
fn drives(world: &mut Teleop, (robot, robot_ids): (Node, Ids), (operator, operator_ids): (Node, Ids)) {
    world.open_ends(robot, robot_ids);
    world.open_ends(operator, operator_ids);
    for place in 0..4 {
        let ends = ((robot, robot_ids[place]), (operator, operator_ids[place]));
        let (from, to) = if place < 2 { (ends.1, ends.0) } else { ends };
        passes(world, from, to, &[place as u8; 20]);
    }
}

#[test]
fn an_operator_joins_drives_leaves_and_comes_back() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, robot, session) = robot(&mut world);
    assert_eq!(world.heartbeat(&key, &session), None);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (operator, _) = world.join(&token, &session);
        assert_eq!(world.heartbeat(&key, &session), None, "joined is not bridged");
        let own = world.bridge(&token, &session);
        let ids = world.heartbeat(&key, &session).expect("bridged");
        assert!(ids.iter().all(|id| !seen.contains(id)), "{ids:?} again after {seen:?}");
        seen.extend(ids);
        drives(&mut world, (robot, ids), (operator, own));
        assert_eq!(world.bridge(&token, &session), own, "asked twice, built once");
        let left = world.operator(&token, Method::Post, &format!("/{session}/leave"), &json!({"role": "operator"}));
        assert_eq!(left, (200, json!({})));
        assert_eq!(world.heartbeat(&key, &session), None);
        world.run_for(SECOND);
        assert_eq!((world.broker.stats().sfu_sessions, world.net.sfu.stats().sessions), (1, 1));
        assert_eq!(world.net.sfu.stats().publications, 0);
    }
}

#[test]
fn a_robot_that_stops_takes_everything_with_it() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, _, session) = robot(&mut world);
    world.join(&token, &session);
    world.bridge(&token, &session);
    assert_eq!(world.robot(&key, Method::Delete, &format!("/{session}"), &Value::Null), (200, json!({})));
    world.run_for(SECOND);
    assert_eq!((world.broker.stats().sfu_sessions, world.net.sfu.stats().sessions), (0, 0));
    assert!(world.kept.is_empty() && world.broker.is_settled());
    let beat = world.robot(&key, Method::Post, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!((beat.0, &beat.1["errorCode"]), (404, &json!("session_not_found")));
}

#[test]
fn the_same_token_replaces_itself_and_another_has_to_say_takeover() {
    let mut world = Teleop::new();
    let (one, other) = (world.operator_token(&[]), world.operator_token(&["r"]));
    let (key, _, session) = robot(&mut world);
    let (_, first) = world.join(&one, &session);
    world.bridge(&one, &session);
    let before = world.heartbeat(&key, &session).expect("bridged");

    let (_, second) = world.join(&one, &session);
    assert_ne!(first, second);
    let late = world.operator(&one, Method::Post, &format!("/{session}/leave"), &json!({"operator_id": first}));
    assert_eq!(late.0, 200);
    world.bridge(&one, &session);
    // The robot hears that the former one is gone before it hears of the next.
    assert_eq!(world.heartbeat(&key, &session), None);
    let after = world.heartbeat(&key, &session).expect("bridged");
    assert!(before.iter().all(|id| !after.contains(id)));

    let (_, offer) = world.net.offering(false);
    let body = json!({"role": "operator", "sdp_offer": offer});
    let refused = world.operator(&other, Method::Post, &format!("/{session}/join"), &body);
    assert_eq!((refused.0, &refused.1["errorCode"]), (409, &json!("operator_present")));
    assert!(world.heartbeat(&key, &session).is_some(), "the present one is not concerned");

    world.join_with(&other, &session, &json!({"takeover": true}));
    world.bridge(&other, &session);
    for call in ["bridge-datachannel", "leave"] {
        let late = world.operator(&one, Method::Post, &format!("/{session}/{call}"), &json!({}));
        assert_eq!(late.0, if call == "leave" { 200 } else { 409 }, "{call}: {}", late.1);
    }
    assert_eq!(world.heartbeat(&key, &session), None);
    assert!(world.heartbeat(&key, &session).is_some());
    world.run_for(SECOND);
    assert_eq!(world.net.sfu.stats().sessions, 2, "a robot and its operator");
}

#[test]
fn a_robot_that_registers_again_replaces_its_session() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, _, first) = robot(&mut world);
    world.join(&token, &first);
    let (_, second) = world.register(&key);
    world.run_for(SECOND);
    assert_eq!(world.net.sfu.stats().sessions, 1);
    assert_eq!(world.robot(&key, Method::Post, &format!("/{first}/heartbeat"), &json!({})).0, 404);
    assert_eq!(world.heartbeat(&key, &second), None);
    let lost = world.operator(&token, Method::Post, &format!("/{first}/bridge-datachannel"), &json!({}));
    assert_eq!(lost.0, 404);
    // Two at once: the later one counts.
    let bodies: Vec<Value> =
        (0..2).map(|_| json!({"robot_name": "R", "sdp_offer": world.net.offering(false).1})).collect();
    world.script(|_| farwire_tests::Fate::Lost);
    let early = world.ask_robot(&key, Method::Post, "", &bodies[0]);
    world.script(|_| farwire_tests::Fate::Pass);
    let late = world.ask_robot(&key, Method::Post, "", &bodies[1]);
    assert_eq!((world.wait(early).0, world.wait(late).0), (409, 201));
}

#[test]
fn the_silent_are_reaped() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, _, session) = robot(&mut world);
    let beat = |world: &mut Teleop, seconds: u64| {
        for _ in 0..seconds {
            world.run_for(SECOND);
            world.heartbeat(&key, &session);
        }
    };
    // One that joins and does nothing.
    world.join(&token, &session);
    beat(&mut world, 31);
    assert_eq!(world.broker.stats().operators, 0);
    // One that vanishes from the network.
    let (operator, _) = world.join(&token, &session);
    world.bridge(&token, &session);
    beat(&mut world, 5);
    assert!(world.heartbeat(&key, &session).is_some());
    world.net.clients[operator].is_cut_off = true;
    beat(&mut world, 40);
    assert_eq!(world.heartbeat(&key, &session), None);
    // One that closes its connection and says nothing to the broker.
    let (operator, _) = world.join(&token, &session);
    world.bridge(&token, &session);
    assert!(world.heartbeat(&key, &session).is_some());
    world.net.hang_up(operator);
    beat(&mut world, 6);
    assert_eq!(world.heartbeat(&key, &session), None);
    // The robot itself.
    world.run_for(31 * SECOND);
    assert_eq!(world.broker.stats().robots, 0);
    world.run_for(SECOND);
    assert_eq!((world.broker.stats().sfu_sessions, world.net.sfu.stats().sessions), (0, 0));
}

#[test]
fn a_robot_without_a_connection_is_told_though_its_heartbeats_go_on() {
    let mut world = Teleop::new();
    let (key, node, session) = robot(&mut world);
    world.net.hang_up(node);
    world.run_for(6 * SECOND);
    assert_eq!(world.robot(&key, Method::Post, &format!("/{session}/heartbeat"), &json!({})).0, 404);
}

#[test]
fn operators_see_their_robots_and_no_others() {
    let mut world = Teleop::new();
    let (all, one) = (world.operator_token(&[]), world.operator_token(&["r", "nobody"]));
    world.robot_key("asleep");
    let (_, _, session) = robot(&mut world);
    let list = |world: &mut Teleop, token: &str| {
        let (status, answer) = world.operator(token, Method::Get, "", &Value::Null);
        assert_eq!((status, &answer["truncated"]), (200, &json!(false)));
        let robots = answer["sessions"].as_array().expect("a list").clone();
        robots.into_iter().map(|robot| (robot["robot_id"].clone(), robot["state"].clone(), robot)).collect::<Vec<_>>()
    };
    let seen = list(&mut world, &all);
    let states: Vec<_> = seen.iter().map(|(id, state, _)| (id.as_str(), state.as_str())).collect();
    assert_eq!(states, [(Some("asleep"), Some("offline")), (Some("r"), Some("available"))]);
    assert_eq!((&seen[1].2["session_id"], &seen[1].2["robot_name"]), (&json!(session), &json!("Robbie")));
    world.join(&all, &session);
    let seen = list(&mut world, &one);
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].1, &seen[0].2["operated_by_you"]), (&json!("operated"), &json!(false)));
    assert_eq!(list(&mut world, &all)[1].2["operated_by_you"], true);
}

#[test]
fn ice_servers_are_told_to_both() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let nothing = (200, json!({"ice_servers": []}));
    assert_eq!(world.robot(&key, Method::Get, "/turn-credentials", &Value::Null), nothing);
    assert_eq!(world.operator(&token, Method::Get, "/turn-credentials", &Value::Null), nothing);
    let server = farwire_broker::IceServer::new("turn:turn.test").credentials("me", "s3cret");
    assert!(!format!("{server:?}").contains("s3cret"));
    let mut world = Teleop::with(Teleop::config().ice_server(server));
    let key = world.robot_key("r");
    let (_, told) = world.robot(&key, Method::Get, "/turn-credentials", &Value::Null);
    assert_eq!(told["ice_servers"][0], json!({"urls": ["turn:turn.test"], "username": "me", "credential": "s3cret"}));
}

#[test]
fn a_restarted_broker_goes_on_with_what_the_sfu_still_has() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, robot, session) = robot(&mut world);
    let (operator, _) = world.join(&token, &session);
    let own = world.bridge(&token, &session);
    let ids = world.heartbeat(&key, &session).expect("bridged");
    drives(&mut world, (robot, ids), (operator, own));
    world.restart();
    world.run_for(SECOND);
    assert_eq!(world.heartbeat(&key, &session), Some(ids));
    assert_eq!(world.bridge(&token, &session), own);
    passes(&mut world, (operator, own[0]), (robot, ids[0]), b"still driving");
    // It ends and begins as before, and knows which ids are used up.
    world.operator(&token, Method::Post, &format!("/{session}/leave"), &json!({}));
    assert_eq!(world.heartbeat(&key, &session), None);
    world.join(&token, &session);
    world.bridge(&token, &session);
    let next = world.heartbeat(&key, &session).expect("bridged");
    assert!(next.iter().all(|id| !ids.contains(id)));
    let kept = &world.kept[&RobotId::new("r").expect("an id")];
    assert_eq!(kept.used.len(), 8);
    world.run_for(SECOND);
    assert_eq!((world.broker.stats().sfu_sessions, world.net.sfu.stats().publications), (2, 4));
}

#[test]
fn a_restarted_broker_lets_go_of_what_the_sfu_has_lost() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, robot, session) = robot(&mut world);
    let (operator, _) = world.join(&token, &session);
    world.bridge(&token, &session);
    world.heartbeat(&key, &session);
    world.net.hang_up(operator);
    world.run_for(SECOND / 10);
    world.restart();
    world.run_for(SECOND);
    assert_eq!(world.heartbeat(&key, &session), None);
    world.net.hang_up(robot);
    world.run_for(SECOND / 10);
    // Before the SFU's word a robot is told to wait, which it does not take for the end.
    world.script(|_| farwire_tests::Fate::Lost);
    world.restart();
    let (status, answer) = world.robot(&key, Method::Post, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!(status, 503, "{answer}");
    world.script(|_| farwire_tests::Fate::Pass);
    world.run_for(20 * SECOND);
    assert_eq!(world.robot(&key, Method::Post, &format!("/{session}/heartbeat"), &json!({})).0, 404);
    // And the robot that comes back is welcome.
    let (_, session) = world.register(&key);
    assert_eq!(world.heartbeat(&key, &session), None);
}

#[test]
fn media_is_never_offered_so_there_is_nothing_to_answer() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, _, session) = robot(&mut world);
    let answer = json!({"sdp_answer": "v=0"});
    let robots = world.robot(&key, Method::Post, &format!("/{session}/renegotiate-robot"), &answer);
    let operators = world.operator(&token, Method::Post, &format!("/{session}/renegotiate-answer"), &answer);
    assert_eq!((robots.0, operators.0), (409, 409));
}
