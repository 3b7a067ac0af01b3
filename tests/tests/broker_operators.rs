//! How operators come to a robot, stay and go at a broker.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_tests::Teleop;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A robot, its key and its session.
fn robot(world: &mut Teleop) -> (String, String) {
    let key = world.robot_key("r");
    let (_, session) = world.register(&key);
    (key, session)
}

/// Lets so many seconds pass, in which the robot makes its heartbeats.
fn pass(world: &mut Teleop, key: &str, session: &str, seconds: u64) {
    for _ in 0..seconds {
        world.run_for(SECOND);
        world.heartbeat(key, session);
    }
}

/// What an operator's heartbeat is answered with.
fn beat(world: &mut Teleop, token: &str, session: &str, body: &Value) -> (u16, Value) {
    world.operator(token, Method::POST, &format!("/{session}/op-heartbeat"), body)
}

#[test]
fn an_operator_that_makes_heartbeats_ends_with_them_though_its_connection_lives() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, session) = robot(&mut world);
    world.join(&token, &session);
    world.bridge(&token, &session);
    for _ in 0..12 {
        assert_eq!(beat(&mut world, &token, &session, &json!({})), (200, json!({"ack": true})));
        pass(&mut world, &key, &session, 5);
    }
    assert!(world.heartbeat(&key, &session).is_some());
    // The last one is 5 s old.
    pass(&mut world, &key, &session, 14);
    assert!(world.heartbeat(&key, &session).is_some());
    world.run_for(SECOND);
    let (_, answer) = world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!((&answer["cmd_channel_subscriber_id"], &answer["operator_ended"]), (&Value::Null, &json!("left")));
    assert_eq!(world.broker.stats().operators, 0);
    let (status, answer) = beat(&mut world, &token, &session, &json!({}));
    assert_eq!((status, &answer["errorCode"]), (403, &json!("not_joined")));
}

#[test]
fn an_operator_that_never_makes_any_stays_while_the_sfu_has_its_channels() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, session) = robot(&mut world);
    world.join(&token, &session);
    world.bridge(&token, &session);
    pass(&mut world, &key, &session, 120);
    assert!(world.heartbeat(&key, &session).is_some());
}

#[test]
fn heartbeats_are_the_bound_operators_alone() {
    let mut world = Teleop::new();
    let (token, other, foreign) =
        (world.operator_token(&[]), world.operator_token(&[]), world.operator_token(&["another"]));
    let (key, session) = robot(&mut world);
    assert_eq!(beat(&mut world, &token, &session, &json!({})).0, 403, "nobody has joined");
    let (_, former) = world.join(&token, &session);
    let (_, id) = world.join(&token, &session);
    assert_eq!(beat(&mut world, &token, &session, &json!({"operator_id": id})).0, 200);
    assert_eq!(beat(&mut world, &token, &session, &json!({"operator_id": former})).0, 403);
    assert_eq!(beat(&mut world, &other, &session, &json!({})).0, 403);
    assert_eq!(beat(&mut world, &foreign, &session, &json!({})).0, 404, "as if there were no such robot");
    let path = format!("/{session}/op-heartbeat");
    assert_eq!(world.robot(&key, Method::POST, &path, &json!({})).0, 401);
    // Those of others keep nobody.
    for _ in 0..25 {
        beat(&mut world, &other, &session, &json!({}));
        pass(&mut world, &key, &session, 1);
    }
    assert_eq!(world.broker.stats().operators, 0);
}

#[test]
fn a_restarted_broker_knows_who_makes_heartbeats() {
    let mut world = Teleop::new();
    let tokens = [world.operator_token(&[]), world.operator_token(&[])];
    let (key, session) = robot(&mut world);
    for (token, beats, is_there) in [(&tokens[0], true, false), (&tokens[1], false, true)] {
        world.join(token, &session);
        world.bridge(token, &session);
        if beats {
            assert_eq!(beat(&mut world, token, &session, &json!({})).0, 200);
        }
        world.restart();
        world.run_for(SECOND);
        pass(&mut world, &key, &session, 18);
        assert_eq!(world.broker.stats().operators, 1);
        pass(&mut world, &key, &session, 3);
        assert_eq!(world.broker.stats().operators == 1, is_there, "{beats}");
    }
}

#[test]
fn an_operator_leaves_for_any_reason_and_comes_back_without_a_takeover() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, session) = robot(&mut world);
    for reason in [json!("user_initiated"), json!("pagehide"), json!("x".repeat(10_000)), json!({"a": 1}), Value::Null]
    {
        // Joining once more as the same user is no takeover either.
        for _ in 0..2 {
            world.join(&token, &session);
            world.bridge(&token, &session);
        }
        pass(&mut world, &key, &session, 2);
        let path = format!("/{session}/leave");
        let left = world.operator(&token, Method::POST, &path, &json!({"role": "operator", "reason": reason}));
        assert_eq!(left, (200, json!({"session_id": session, "state": "idle"})), "{reason}");
        assert_eq!((world.broker.stats().operators, world.broker.stats().takeovers), (0, 0), "{reason}");
        let (_, answer) = world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
        assert_eq!(answer["operator_ended"], "left", "{reason}");
        world.run_for(SECOND);
    }
}
