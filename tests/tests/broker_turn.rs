//! Credentials for TURN servers, which Cloudflare mints for the broker: here in virtual time, with Cloudflare's answers by hand.

use std::time::Duration;

use farwire_broker::{CloudflareTurn, IceServer};
use farwire_core::signalling::{Failure, Method, RequestId, Response};
use farwire_tests::Teleop;
use serde_json::{Value, json};

const TOKEN: &str = "turn-api-s3cret";

const LIFETIME: Duration = Duration::from_secs(600);

fn teleop() -> Teleop {
    let turn = CloudflareTurn::new("key-1", TOKEN).expect("a key").lifetime(LIFETIME);
    Teleop::with(Teleop::config().ends_sessions().cloudflare_turn(turn))
}

fn ask(world: &mut Teleop, key: &str) -> RequestId {
    world.ask_robot(key, Method::GET, "/turn-credentials", &Value::Null)
}

fn minted(user: &str) -> Result<Response, Failure> {
    let body = json!({"iceServers": [
        {"urls": ["stun:stun.cloudflare.com:3478"]},
        {"urls": ["turn:turn.cloudflare.com:3478?transport=udp"], "username": user, "credential": "c"},
    ]});
    Ok(Response { status: 201, body: body.to_string().into_bytes() })
}

fn user(answer: Option<(u16, Value)>) -> Option<String> {
    let (status, answer) = answer.expect("an answer");
    assert_eq!(status, 200, "{answer}");
    answer["ice_servers"][1]["username"].as_str().map(str::to_owned)
}

/// Nothing but STUN.
fn without(answer: Option<(u16, Value)>) {
    let answer = answer.expect("an answer");
    assert_eq!(answer, (200, json!({"ice_servers": [{"urls": ["stun:stun.cloudflare.com:3478"]}]})));
}

#[test]
fn each_key_gets_credentials_of_its_own_and_keeps_them_for_half_their_time() {
    let mut world = teleop();
    let (one, other) = (world.robot_key("one"), world.robot_key("other"));
    let first = ask(&mut world, &one);
    assert!(world.answer(first).is_none(), "Cloudflare is asked first");
    let request = &world.turn[0];
    assert!(request.url.ends_with("/turn/keys/key-1/credentials/generate-ice-servers"), "{request:?}");
    assert_eq!(request.header("authorization"), Some("Bearer turn-api-s3cret"));
    assert_eq!(request.body.as_deref(), Some(r#"{"ttl":600}"#));
    let waits = ask(&mut world, &one);
    assert_eq!(world.turn.len(), 1, "one request for all who wait with a key");
    world.answer_turn(minted("a"));
    assert_eq!((user(world.answer(first)), user(world.answer(waits))), (Some("a".into()), Some("a".into())));
    let again = ask(&mut world, &one);
    assert_eq!(user(world.answer(again)), Some("a".into()));
    let of_other = ask(&mut world, &other);
    world.answer_turn(minted("b"));
    assert_eq!(user(world.answer(of_other)), Some("b".into()));
    world.run_for(LIFETIME / 2 - Duration::from_secs(5));
    let again = ask(&mut world, &one);
    assert_eq!((user(world.answer(again)), world.turn.len()), (Some("a".into()), 0));
    world.run_for(Duration::from_secs(6));
    let anew = ask(&mut world, &one);
    world.answer_turn(minted("c"));
    assert_eq!((user(world.answer(anew)), world.broker.stats().turn_minted), (Some("c".into()), 3));
}

#[test]
fn without_an_answer_there_is_stun_within_two_seconds_and_nobody_else_waits() {
    let mut world = teleop();
    let (one, other) = (world.robot_key("one"), world.robot_key("other"));
    let asked = ask(&mut world, &one);
    world.run_for(Duration::from_millis(1_950));
    assert!(world.answer(asked).is_none());
    world.run_for(Duration::from_millis(100));
    without(world.answer(asked));
    let next = ask(&mut world, &other);
    without(world.answer(next));
    assert_eq!(world.turn.len(), 1, "it is not asked again so soon");
    // What comes late is nobody's.
    world.answer_turn(minted("late"));
    let still = ask(&mut world, &one);
    without(world.answer(still));
    world.run_for(Duration::from_secs(10));
    for (result, says) in [
        (Err(Failure::Connect("refused".into())), "unreachable"),
        (Ok(Response { status: 401, body: TOKEN.as_bytes().to_vec() }), "a wrong token"),
        (Ok(Response { status: 201, body: b"<html>".to_vec() }), "a portal"),
        (Ok(Response { status: 201, body: br#"{"iceServers":[]}"#.to_vec() }), "none"),
    ] {
        let asked = ask(&mut world, &one);
        world.answer_turn(result);
        let answer = world.answer(asked);
        assert!(!format!("{answer:?}").contains(TOKEN), "{says}");
        without(answer);
        world.run_for(Duration::from_secs(11));
    }
    assert_eq!((world.broker.stats().turn_failed, world.broker.stats().turn_minted), (5, 0));
    let back = ask(&mut world, &one);
    world.answer_turn(minted("back"));
    assert_eq!(user(world.answer(back)), Some("back".into()));
}

#[test]
fn joining_and_registering_wait_for_no_credentials_and_tell_those_that_there_are() {
    let mut world = teleop();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, offer) = world.net.offering(true);
    let body = json!({"robot_name": "R", "sdp_offer": offer});
    let (status, registered) = world.robot(&key, Method::POST, "", &body);
    assert_eq!((status, world.turn.len()), (201, 0), "{registered}");
    assert_eq!(registered["ice_servers"], json!([{"urls": ["stun:stun.cloudflare.com:3478"]}]));
    let asked = world.ask_operator(&token, Method::GET, "/turn-credentials", &Value::Null);
    world.answer_turn(minted("me"));
    assert_eq!(user(world.answer(asked)), Some("me".into()));
    let session = registered["session_id"].as_str().expect("an id").to_owned();
    for role in ["operator", "viewer"] {
        let (_, offer) = world.net.offering(false);
        let body = json!({"role": role, "sdp_offer": offer});
        let (status, joined) = world.operator(&token, Method::POST, &format!("/{session}/join"), &body);
        assert_eq!((status, &joined["ice_servers"][1]["username"]), (200, &json!("me")), "{joined}");
        assert_eq!(joined["robot_cf_session_id"], registered["cf_session_id"]);
        assert!(joined["cf_session_id"].is_string() && joined["cf_session_id"] != registered["cf_session_id"]);
    }
}

#[test]
fn what_waits_and_what_is_kept_is_bounded() {
    let turn = CloudflareTurn::new("key-1", TOKEN).expect("a key");
    let config = Teleop::config().cloudflare_turn(turn).ice_server(IceServer::new("stun:own"));
    let mut world = Teleop::with(config);
    let keys: Vec<String> = (0..70).map(|robot| world.robot_key(&format!("r{robot}"))).collect();
    let asked: Vec<_> = keys.iter().map(|key| ask(&mut world, key)).collect();
    assert_eq!(world.turn.len(), 64);
    for id in &asked[64..] {
        assert_eq!(world.answer(*id), Some((200, json!({"ice_servers": [{"urls": ["stun:own"]}]}))));
    }
    // With one key only so many wait.
    let waiting: Vec<_> = (0..5).map(|_| ask(&mut world, &keys[0])).collect();
    let answered = waiting.iter().filter(|id| world.answer(**id).is_some()).count();
    assert_eq!(answered, 2, "four wait, the first included");
    world.revoke(&keys[0]);
    assert_eq!(world.answer(asked[0]).map(|answer| answer.0), Some(401));
    world.run_for(Duration::from_secs(3));
    for id in &asked[1..64] {
        assert_eq!(world.answer(*id).map(|answer| answer.0), Some(200));
    }
}
