//! What a broker refuses, and what can be learnt from that.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use farwire_core::signalling::Method;
use farwire_tests::{Fate, Teleop};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// Every call of a robot and of an operator on a session.
fn robot_calls(session: &str) -> Vec<(Method, String)> {
    vec![
        (Method::POST, String::new()),
        (Method::POST, format!("/{session}/heartbeat")),
        (Method::POST, format!("/{session}/renegotiate-robot")),
        (Method::DELETE, format!("/{session}")),
        (Method::GET, "/turn-credentials".to_owned()),
    ]
}

fn operator_calls(session: &str) -> Vec<(Method, String)> {
    vec![
        (Method::GET, String::new()),
        (Method::POST, format!("/{session}/join")),
        (Method::POST, format!("/{session}/bridge-datachannel")),
        (Method::POST, format!("/{session}/renegotiate-answer")),
        (Method::POST, format!("/{session}/leave")),
    ]
}

#[test]
fn wrong_cut_off_and_foreign_keys_are_all_told_the_same_and_revoked_ones_why() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (revoked_key, revoked_token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, session) = world.register(&key);
    world.revoke(&revoked_key);
    world.revoke(&revoked_token);
    let mut told = Vec::new();
    let lookalike = key.replace("robot", "operator");
    let of_robots = ["", " ", "x", &key[..key.len() - 1], &format!("{key}x"), &key.to_uppercase(), &token];
    for (method, path) in robot_calls(&session) {
        for wrong in of_robots {
            world.run_for(2 * SECOND);
            world.heartbeat(&key, &session);
            let id = world.ask(Some(wrong), None, method.clone(), &path, b"{}");
            let (status, answer) = world.wait(id);
            assert_eq!(status, 401, "{method} {path} with {wrong:?}");
            told.push(answer.to_string());
        }
        // Only its holder can show it, so nobody else learns that it was good.
        let id = world.ask(Some(&revoked_key), None, method.clone(), &path, b"{}");
        let (status, answer) = world.wait(id);
        assert_eq!((status, &answer["errorCode"]), (401, &json!("key_revoked")), "{method} {path}");
        assert!(answer["errorDescription"].as_str().is_some_and(|text| text.contains("was revoked")), "{answer}");
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:#?}");
    let mut told = Vec::new();
    let of_operators = ["", "x", &token[..token.len() - 1], &key, &lookalike].map(|it| format!("Bearer {it}"));
    for (method, path) in operator_calls(&session) {
        for wrong in of_operators.iter().map(String::as_str).chain([token.as_str(), "Basic eDp4", ""]) {
            world.run_for(2 * SECOND);
            world.heartbeat(&key, &session);
            let id = world.ask(None, Some(wrong), method.clone(), &path, b"{}");
            let (status, answer) = world.wait(id);
            assert_eq!(status, 401, "{method} {path} with {wrong:?}");
            told.push(answer.to_string());
        }
        let id = world.ask(None, Some(&format!("Bearer {revoked_token}")), method.clone(), &path, b"{}");
        let (status, answer) = world.wait(id);
        assert_eq!((status, &answer["errorCode"]), (401, &json!("key_revoked")), "{method} {path}");
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:#?}");
    let all = told.concat();
    assert!(!all.contains(&key) && !all.contains(&token));
    assert_eq!(world.heartbeat(&key, &session), None, "nobody was disturbed");
}

#[test]
fn somebody_elses_robot_looks_like_none() {
    let mut world = Teleop::new();
    let (key, other_key) = (world.robot_key("r"), world.robot_key("other"));
    let other_token = world.operator_token(&["other"]);
    let (_, session) = world.register(&key);
    let nowhere = "0".repeat(session.len());
    let offer = world.net.offering(false).1;
    for (method, path) in robot_calls("SESSION").into_iter().filter(|(_, path)| path.contains("SESSION")) {
        let there = world.robot(&other_key, method.clone(), &path.replace("SESSION", &session), &json!({}));
        let not_there = world.robot(&other_key, method.clone(), &path.replace("SESSION", &nowhere), &json!({}));
        assert_eq!((there.0, &there), (404, &not_there), "{method} {path}");
    }
    for (method, path) in operator_calls("SESSION").into_iter().filter(|(_, path)| path.contains("SESSION")) {
        for body in [json!({}), json!({"role": "operator", "sdp_offer": offer, "takeover": true})] {
            let there = world.operator(&other_token, method.clone(), &path.replace("SESSION", &session), &body);
            let not_there = world.operator(&other_token, method.clone(), &path.replace("SESSION", &nowhere), &body);
            assert_eq!((there.0, &there), (404, &not_there), "{method} {path}");
        }
    }
    // Nor can a robot pass for another one.
    let body = json!({"robot_id": "r", "robot_name": "x", "sdp_offer": offer});
    let impostor = world.robot(&other_key, Method::POST, "", &body);
    assert_eq!((impostor.0, &impostor.1["errorCode"]), (403, &json!("forbidden")));
    assert_eq!(world.heartbeat(&key, &session), None);
}

#[test]
fn ten_thousand_wrong_keys_change_nothing_for_others() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let revoked = world.robot_key("gone");
    world.revoke(&revoked);
    let (_, session) = world.register(&key);
    let heartbeat = format!("/{session}/heartbeat");
    let begun = Instant::now();
    let mut statuses = [0u32; 2];
    for n in 0..10_000 {
        let id = world.ask(Some(&format!("farwire_robot_{n:043}")), None, Method::POST, &heartbeat, b"{}");
        match world.answer(id).expect("at once").0 {
            401 => statuses[0] += 1,
            429 => statuses[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert!(begun.elapsed() < 20 * SECOND, "{:?} for 10,000", begun.elapsed());
    assert_eq!(statuses, [20, 9_980]);
    // Behind the same address, those with good keys are served, and one whose key was revoked can hear so.
    assert_eq!(world.heartbeat(&key, &session), None);
    assert_eq!(world.operator(&token, Method::GET, "", &Value::Null).0, 200);
    for _ in 0..5 {
        assert_eq!(world.robot(&revoked, Method::POST, &heartbeat, &json!({})).0, 401);
    }
    // Another address has its own guesses.
    world.source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let id = world.ask(Some("x"), None, Method::POST, &heartbeat, b"{}");
    assert_eq!(world.wait(id).0, 401);
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, session) = world.register(&key);
    let live = session.clone();
    let long = "x".repeat(64 * 1024 + 1);
    let secret = "ice-pwd-s3cret";
    let deep = "[".repeat(100_000);
    for (body, says) in [
        (String::new(), "no JSON"),
        ("{".to_owned(), "no JSON"),
        (deep, "another type"),
        ("\u{0}".to_owned(), "no JSON"),
        ("{}".to_owned(), "missing"),
        (json!({"robot_name": 7, "sdp_offer": secret}).to_string(), "another type"),
        (json!({"robot_name": "r", "sdp_offer": [secret]}).to_string(), "another type"),
        (json!({"robot_name": "r", "sdp_offer": ""}).to_string(), "sdp_offer"),
        (json!({"robot_name": "r", "sdp_offer": long}).to_string(), "sdp_offer"),
        (json!({"robot_name": "r".repeat(257), "sdp_offer": "v=0"}).to_string(), "robot_name"),
        (json!({"robot_name": "r", "robot_type": "r".repeat(257), "sdp_offer": "v=0"}).to_string(), "robot_type"),
        (json!({"robot_name": "r", "sdp_offer": format!("v=0\r\na=ice-pwd:{secret}\r\n")}).to_string(), "sdp_offer"),
    ] {
        let id = world.ask(Some(&key), None, Method::POST, "", body.as_bytes());
        let (status, answer) = world.wait(id);
        let description = answer["errorDescription"].as_str().unwrap_or_default();
        // What the SFU says of an offer is no fault of the body.
        let expected = if body.contains("v=0\\r\\n") { 400 } else { 422 };
        assert!(
            status == expected && answer["detail"] == description && description.contains(says),
            "{body:.60}: {status} {answer}"
        );
        assert!(!description.contains(secret), "{answer}");
        // Even one that came as far as the SFU took nothing from the session that is there.
        assert_eq!(world.heartbeat(&key, &live), None, "{body:.60}");
    }
    let (_, session) = (session, world.register(&key).1);
    let offer = world.net.offering(false).1;
    for (body, status) in [
        (json!({"role": 7, "sdp_offer": offer}), 422),
        (json!({"role": "viewer", "sdp_offer": ""}), 422),
        (json!({"role": "operator"}), 422),
        (json!({"role": "operator", "sdp_offer": "v=0\r\n"}), 400),
        (json!({"role": "operator", "sdp_offer": offer, "takeover": "yes"}), 422),
    ] {
        let (got, answer) = world.operator(&token, Method::POST, &format!("/{session}/join"), &body);
        assert_eq!(got, status, "{answer}");
    }
    let unjoined = world.operator(&token, Method::POST, &format!("/{session}/bridge-datachannel"), &json!({}));
    assert_eq!((unjoined.0, &unjoined.1["errorCode"]), (403, &json!("not_joined")));
    for (method, path) in [(Method::PUT, ""), (Method::GET, "/x"), (Method::POST, "/x/y/z"), (Method::DELETE, "/x/y")] {
        let id = world.ask(Some(&key), None, method.clone(), path, b"");
        assert_eq!(world.wait(id).0, 404, "{method} {path}");
    }
    world.run_for(SECOND);
    assert_eq!(world.broker.stats().sfu_sessions, 1, "only the robot's is left");
}

#[test]
fn an_offer_that_is_replayed_takes_nothing_over() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (node, offer) = world.net.offering(false);
    let body = json!({"robot_name": "r", "sdp_offer": offer});
    let (status, first) = world.robot(&key, Method::POST, "", &body);
    assert_eq!(status, 201);
    let (status, second) = world.robot(&key, Method::POST, "", &body);
    assert_eq!(status, 201);
    assert_ne!(first["session_id"], second["session_id"]);
    assert_ne!(first["sdp_answer"], second["sdp_answer"], "with credentials of its own");
    // What the first one was told is of no use any more.
    let first_id = first["session_id"].as_str().expect("an id");
    assert_eq!(world.robot(&key, Method::POST, &format!("/{first_id}/heartbeat"), &json!({})).0, 404);
    world.net.accept(node, second["sdp_answer"].as_str().expect("SDP"));
    world.run_for(SECOND);
    assert!(world.net.clients[node].is_connected);
    let second_id = second["session_id"].as_str().expect("an id").to_owned();
    world.join(&token, &second_id);
    let bridges: Vec<_> = (0..2).map(|_| world.bridge(&token, &second_id)).collect();
    assert_eq!(bridges[0], bridges[1]);
}

#[test]
fn a_revoked_key_ends_its_robot_and_a_revoked_token_its_operator() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (robot, session) = world.register(&key);
    let (operator, _) = world.join(&token, &session);
    world.bridge(&token, &session);
    assert!(world.heartbeat(&key, &session).is_some());
    world.revoke(&token);
    assert_eq!(world.heartbeat(&key, &session), None, "at once");
    world.run_for(SECOND);
    assert!(world.net.clients[operator].is_connected);
    assert_eq!(world.net.sfu.stats().sessions, 1, "its session is closed");
    let next = world.operator_token(&[]);
    world.join(&next, &session);
    world.revoke(&key);
    let beat = world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!(beat.0, 401);
    world.run_for(SECOND);
    assert_eq!((world.net.sfu.stats().sessions, world.broker.stats().robots), (0, 0));
    assert!(world.net.clients[robot].is_connected, "it was, once");
    // Not even a restart brings it back.
    world.restart();
    assert_eq!(world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({})).0, 401);
}

#[test]
fn a_robot_goes_on_with_another_key_of_its_own() {
    let mut world = Teleop::new();
    let (old, new) = (world.robot_key("r"), world.robot_key("r"));
    let (_, session) = world.register(&old);
    assert_eq!(world.heartbeat(&new, &session), None);
    world.revoke(&old);
    assert_eq!(world.heartbeat(&new, &session), None);
}

#[test]
fn there_are_no_more_robots_than_there_may_be() {
    let mut world = Teleop::with(Teleop::config().ends_sessions().max_robots(2));
    let keys = ["a", "b", "c"].map(|robot| world.robot_key(robot));
    world.register(&keys[0]);
    world.register(&keys[1]);
    let body = json!({"robot_name": "c", "sdp_offer": world.net.offering(false).1});
    assert_eq!(world.robot(&keys[2], Method::POST, "", &body).0, 503);
    world.register(&keys[0]);
}

#[test]
fn however_often_an_operator_joins_the_sfu_is_not_flooded() {
    let mut world = Teleop::with(Teleop::config().ends_sessions().max_robots(2));
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, session) = world.register(&key);
    world.script(|asked| if asked.session == "new" { Fate::Lost } else { Fate::Pass });
    let body = json!({"role": "operator", "sdp_offer": "v=0"});
    let ids: Vec<_> =
        (0..100).map(|_| world.ask_operator(&token, Method::POST, &format!("/{session}/join"), &body)).collect();
    let mut statuses: Vec<u16> = ids.into_iter().filter_map(|id| Some(world.answer(id)?.0)).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [409, 503]);
    assert!(world.broker.stats().sfu_sessions <= 6);
}

#[test]
fn one_robot_does_not_use_up_the_room_of_all() {
    let mut world = Teleop::new();
    let (key, other) = (world.robot_key("r"), world.robot_key("other"));
    world.script(|asked| if asked.session == "new" { Fate::Lost } else { Fate::Pass });
    let body = json!({"robot_name": "r", "sdp_offer": "v=0"});
    let ids: Vec<_> = (0..1_000).map(|_| world.ask_robot(&key, Method::POST, "", &body)).collect();
    let mut statuses: Vec<u16> = ids.into_iter().filter_map(|id| Some(world.answer(id)?.0)).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!((statuses, world.broker.stats().sfu_sessions), (vec![409, 429], 16));
    world.script(|_| Fate::Pass);
    world.register(&other);
}

/// Bytes that are sometimes nearly what the API takes.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let nearly = [
        r#"{"sdp_offer":"v=0"}"#,
        r#"{"role":"operator","sdp_offer":"v=0","takeover":true}"#,
        r#"{"robot_id":"r","robot_name":null,"sdp_offer":"\u0000"}"#,
        r#"{"operator_id":"x"}"#,
        r#"{"sessionId":"s"}"#,
        r#"{"sessionDescription":{"type":"answer","sdp":"v=0"}}"#,
        r#"{"dataChannels":[{"dataChannelName":"map_unreliable","id":65535},{"dataChannelName":"cmd_unreliable","id":1}]}"#,
        r#"{"dataChannels":[{"errorCode":"x"},{}]}"#,
        r#"{"errorCode":"session_error"}"#,
    ];
    prop_oneof![
        3 => prop::sample::select(nearly.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes from either side, every request has one answer and the broker its bounds.
    #[test]
    fn nothing_that_comes_in_breaks_it(
        requests in prop::collection::vec((0usize..6, ".{0,12}", body(), 0u8..3), 1..40),
        answers in prop::collection::vec((prop::sample::select(vec![200u16, 201, 400, 404, 410, 425, 500, 99]), body()), 1..8),
    ) {
        let mut world = Teleop::new();
        let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
        let (_, session) = world.register(&key);
        let mut at = 0;
        world.script(move |_| {
            at += 1;
            let (status, body) = &answers[at % answers.len()];
            Fate::Answer(*status, String::from_utf8_lossy(body).into_owned())
        });
        let mut ids = Vec::new();
        for (call, text, body, who) in requests {
            let path = match call {
                0 => String::new(),
                1 => format!("/{text}"),
                2 => format!("/{session}/{text}"),
                3 => format!("/{session}/join"),
                4 => format!("/{session}/bridge-datachannel"),
                _ => format!("/{session}/heartbeat"),
            };
            let (robot, operator) = match who {
                0 => (Some(key.as_str()), None),
                1 => (None, Some(format!("Bearer {token}"))),
                _ => (Some(text.as_str()), Some(text.clone())),
            };
            ids.push(world.ask(robot, operator.as_deref(), Method::POST, &path, &body));
            prop_assert!(world.broker.stats().robots <= 1 && world.broker.stats().sfu_sessions <= 80);
        }
        world.run_for(60 * SECOND);
        for id in ids {
            prop_assert!(world.answer(id).is_some(), "a request without an answer");
        }
    }
}
