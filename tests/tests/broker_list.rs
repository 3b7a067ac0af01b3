//! What operators are told of robots, and how refusals look.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_tests::Teleop;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn list(world: &mut Teleop, token: &str) -> Vec<Value> {
    let (status, answer) = world.operator(token, Method::GET, "", &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer.as_array().expect("a bare array").clone()
}

fn beat_with(world: &mut Teleop, key: &str, session: &str, body: &Value) -> Value {
    let (status, answer) = world.robot(key, Method::POST, &format!("/{session}/heartbeat"), body);
    assert_eq!((status, &answer["ack"]), (200, &json!(true)));
    answer
}

#[test]
fn the_list_has_the_hosted_brokers_fields_and_only_robots_that_are_there() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    world.robot_key("asleep");
    let key = world.robot_key("r");
    assert_eq!(list(&mut world, &token), Vec::<Value>::new());
    let (_, session) = world.register(&key);
    let listed = list(&mut world, &token);
    assert_eq!(listed.len(), 1);
    let robot = listed[0].as_object().expect("an object");
    for (field, value) in [
        ("session_id", json!(session)),
        ("robot_id", json!("r")),
        ("robot_name", json!("Robbie")),
        ("state", json!("idle")),
        ("transport", json!("webrtc")),
        ("operator_id", Value::Null),
        ("rtt_ms", Value::Null),
        ("packet_loss_pct", Value::Null),
    ] {
        assert_eq!(robot.get(field), Some(&value), "{field}");
    }
    let created = robot["created_at"].as_str().expect("a time");
    assert!(created.starts_with("2027-01-15T08:00:0") && created.ends_with('Z'), "{created}");

    let (_, operator) = world.join(&token, &session);
    let listed = list(&mut world, &token);
    assert_eq!((&listed[0]["state"], &listed[0]["operator_id"]), (&json!("active"), &json!(operator)));
    assert_eq!(listed[0]["created_at"], created, "of the session");
    // It outlives the broker, which then waits for the SFU's word.
    world.script(|_| farwire_tests::Fate::Lost);
    world.restart();
    let listed = list(&mut world, &token);
    let state = (&listed[0]["state"], &listed[0]["unverified"], listed[0]["created_at"].as_str());
    assert_eq!(state, (&json!("disconnected"), &json!(true), Some(created)));
    world.script(|_| farwire_tests::Fate::Pass);
    // Its session on the SFU counts as a sign of life once, and then it is silent for too long.
    world.run_for(60 * SECOND);
    assert_eq!(list(&mut world, &token), Vec::<Value>::new(), "silent for too long");
}

#[test]
fn what_a_heartbeat_says_of_a_robot_is_listed_until_the_next_one() {
    let mut world = Teleop::new();
    let (token, other) = (world.operator_token(&[]), world.operator_token(&["another"]));
    let key = world.robot_key("r");
    let (_, session) = world.register(&key);
    let status = |world: &mut Teleop, token: &str| {
        world.operator(token, Method::GET, &format!("/{session}/status"), &Value::Null)
    };
    let figures = json!({
        "rtt_ms": 12.5, "packet_loss_pct": 0.5, "video_bitrate_kbps": 2500, "command_rate_hz": 50, "safety_state": "ok",
    });
    beat_with(&mut world, &key, &session, &figures);
    let listed = list(&mut world, &token);
    for (field, value) in figures.as_object().expect("an object") {
        assert_eq!(listed[0][field].as_f64(), value.as_f64(), "{field}");
    }
    assert_eq!(listed[0]["safety_state"], "ok");
    let (code, one) = status(&mut world, &token);
    assert_eq!((code, &one["rtt_ms"], &one["session_id"]), (200, &json!(12.5), &json!(session)));
    assert_eq!(status(&mut world, &other).0, 404, "as if there were no such robot");
    // What cannot be is left out, and the heartbeat counts.
    for body in [
        json!({"rtt_ms": "fast", "packet_loss_pct": 400, "safety_state": "x".repeat(1000)}),
        json!([1, 2]),
        Value::Null,
    ] {
        beat_with(&mut world, &key, &session, &body);
        let (_, one) = status(&mut world, &token);
        assert_eq!(
            (&one["rtt_ms"], &one["packet_loss_pct"], one.get("safety_state")),
            (&Value::Null, &Value::Null, None)
        );
    }
}

#[test]
fn refusals_are_read_by_both_kinds_of_client() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (status, answer) = world.operator(&token, Method::POST, "/nobody/join", &json!({"sdp_offer": "v=0"}));
    assert_eq!((status, &answer["errorCode"]), (404, &json!("session_not_found")));
    let detail = answer["detail"].as_str().expect("a text");
    assert!(!detail.is_empty() && answer["errorDescription"] == detail, "{answer}");
}
