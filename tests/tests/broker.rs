//! Robots and operators at a broker: what its API promises them.

use std::time::Duration;

use farwire_broker::RobotId;
use farwire_core::signalling::Method;
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
        let left = world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({"role": "operator"}));
        assert_eq!(left, (200, json!({"session_id": session, "state": "idle"})));
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
    assert_eq!(world.robot(&key, Method::DELETE, &format!("/{session}"), &Value::Null), (204, Value::Null));
    world.run_for(SECOND);
    assert_eq!((world.broker.stats().sfu_sessions, world.net.sfu.stats().sessions), (0, 0));
    assert!(world.kept.is_empty() && world.broker.is_settled());
    let beat = world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
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
    let late = world.operator(&one, Method::POST, &format!("/{session}/leave"), &json!({"operator_id": first}));
    assert_eq!(late.0, 200);
    world.bridge(&one, &session);
    // The robot hears that the former one is gone before it hears of the next.
    assert_eq!(world.heartbeat(&key, &session), None);
    let after = world.heartbeat(&key, &session).expect("bridged");
    assert!(before.iter().all(|id| !after.contains(id)));

    let (_, offer) = world.net.offering(false);
    let body = json!({"role": "operator", "sdp_offer": offer});
    let refused = world.operator(&other, Method::POST, &format!("/{session}/join"), &body);
    assert_eq!((refused.0, &refused.1["errorCode"]), (409, &json!("operator_present")));
    assert!(world.heartbeat(&key, &session).is_some(), "the present one is not concerned");

    world.join_with(&other, &session, &json!({"takeover": true}));
    world.bridge(&other, &session);
    for call in ["bridge-datachannel", "leave"] {
        let late = world.operator(&one, Method::POST, &format!("/{session}/{call}"), &json!({}));
        assert_eq!(late.0, if call == "leave" { 200 } else { 403 }, "{call}: {}", late.1);
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
    assert_eq!(world.robot(&key, Method::POST, &format!("/{first}/heartbeat"), &json!({})).0, 404);
    assert_eq!(world.heartbeat(&key, &second), None);
    let lost = world.operator(&token, Method::POST, &format!("/{first}/bridge-datachannel"), &json!({}));
    assert_eq!(lost.0, 404);
    // Two at once: the later one counts.
    let bodies: Vec<Value> =
        (0..2).map(|_| json!({"robot_name": "R", "sdp_offer": world.net.offering(false).1})).collect();
    world.script(|_| farwire_tests::Fate::Lost);
    let early = world.ask_robot(&key, Method::POST, "", &bodies[0]);
    world.script(|_| farwire_tests::Fate::Pass);
    let late = world.ask_robot(&key, Method::POST, "", &bodies[1]);
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
    assert_eq!(world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({})).0, 404);
}

#[test]
fn operators_see_their_robots_and_no_others() {
    let mut world = Teleop::new();
    let (all, one) = (world.operator_token(&[]), world.operator_token(&["r", "nobody"]));
    world.robot_key("asleep");
    let (_, _, session) = robot(&mut world);
    let list = |world: &mut Teleop, token: &str| {
        let (status, answer) = world.operator(token, Method::GET, "?offline=true", &Value::Null);
        assert_eq!(status, 200);
        let robots = answer.as_array().expect("a list").clone();
        robots.into_iter().map(|robot| (robot["robot_id"].clone(), robot["state"].clone(), robot)).collect::<Vec<_>>()
    };
    let seen = list(&mut world, &all);
    let states: Vec<_> = seen.iter().map(|(id, state, _)| (id.as_str(), state.as_str())).collect();
    assert_eq!(states, [(Some("asleep"), Some("disconnected")), (Some("r"), Some("idle"))]);
    assert_eq!((&seen[1].2["session_id"], &seen[1].2["robot_name"]), (&json!(session), &json!("Robbie")));
    world.join(&all, &session);
    let seen = list(&mut world, &one);
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].1, &seen[0].2["operated_by_you"]), (&json!("active"), &json!(false)));
    assert_eq!(list(&mut world, &all)[1].2["operated_by_you"], true);
}

#[test]
fn ice_servers_are_told_to_both() {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let nothing = (200, json!({"ice_servers": []}));
    assert_eq!(world.robot(&key, Method::GET, "/turn-credentials", &Value::Null), nothing);
    assert_eq!(world.operator(&token, Method::GET, "/turn-credentials", &Value::Null), nothing);
    let server = farwire_broker::IceServer::new("turn:turn.test").credentials("me", "s3cret");
    assert!(!format!("{server:?}").contains("s3cret"));
    let mut world = Teleop::with(Teleop::config().ice_server(server));
    let key = world.robot_key("r");
    let (_, told) = world.robot(&key, Method::GET, "/turn-credentials", &Value::Null);
    assert_eq!(told["ice_servers"][0], json!({"urls": ["turn:turn.test"], "username": "me", "credential": "s3cret"}));
    // Without credentials of its own a server gets some that end, for each key its own.
    let config = Teleop::config().ice_server(farwire_broker::IceServer::new("turn:turn.test"));
    let mut world = Teleop::with(config.turn_secret(farwire_broker::TurnSecret::new("shared-s3cret")));
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, to_robot) = world.robot(&key, Method::GET, "/turn-credentials", &Value::Null);
    let (_, to_operator) = world.operator(&token, Method::GET, "/turn-credentials", &Value::Null);
    let told = [to_robot, to_operator].map(|mut answer| answer["ice_servers"][0].take());
    for server in &told {
        let username = server["username"].as_str().expect("a name");
        assert!(username.starts_with("1800086400:"), "good for a day: {username}");
        assert_eq!(server["credential"].as_str().map(str::len), Some(28), "a SHA-1 in base64");
        assert!(!server.to_string().contains("shared-s3cret"));
    }
    assert_ne!((&told[0]["username"], &told[0]["credential"]), (&told[1]["username"], &told[1]["credential"]));
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
    world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({}));
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
    let (status, answer) = world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!(status, 503, "{answer}");
    world.script(|_| farwire_tests::Fate::Pass);
    world.run_for(20 * SECOND);
    assert_eq!(world.robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({})).0, 404);
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
    let robots = world.robot(&key, Method::POST, &format!("/{session}/renegotiate-robot"), &answer);
    let operators = world.operator(&token, Method::POST, &format!("/{session}/renegotiate-answer"), &answer);
    assert_eq!((robots.0, operators.0), (409, 403), "who has not joined is told so");
    world.join(&token, &session);
    let operators = world.operator(&token, Method::POST, &format!("/{session}/renegotiate-answer"), &answer);
    assert_eq!(operators.0, 409);
}

/// The SFU refuses every offer from now on.
fn refuse_offers(world: &mut Teleop) {
    let no = r#"{"errorCode":"invalid_session_description","errorDescription":"no such thing"}"#;
    world.script(move |asked| match asked.call == "datachannels/establish" {
        true => farwire_tests::Fate::Answer(400, no.into()),
        false => farwire_tests::Fate::Pass,
    });
}

#[test]
fn an_offer_that_is_refused_takes_nothing_from_who_is_there() {
    for with_scripted_sfu in [true, false] {
        let mut world = Teleop::new();
        let token = world.operator_token(&[]);
        let (key, robot, session) = robot(&mut world);
        let (operator, _) = world.join(&token, &session);
        let own = world.bridge(&token, &session);
        let ids = world.heartbeat(&key, &session).expect("bridged");
        drives(&mut world, (robot, ids), (operator, own));
        if with_scripted_sfu {
            refuse_offers(&mut world);
        }
        for offer in ["v=0", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "x"] {
            let again = world.robot(&key, Method::POST, "", &json!({"robot_name": "R", "sdp_offer": offer}));
            assert_eq!(again.0, 400, "{offer:?}: {}", again.1);
            let body = json!({"role": "operator", "sdp_offer": offer, "takeover": true});
            let join = world.operator(&token, Method::POST, &format!("/{session}/join"), &body);
            assert_eq!(join.0, 400, "{offer:?}: {}", join.1);
            assert_eq!(world.heartbeat(&key, &session), Some(ids), "the bridge stands");
            passes(&mut world, (operator, own[0]), (robot, ids[0]), b"still driving");
        }
        // Nor does one on which the SFU never answers.
        world.script(|_| farwire_tests::Fate::Lost);
        let offer = world.net.offering(false).1;
        let asked = [
            world.ask_robot(&key, Method::POST, "", &json!({"robot_name": "R", "sdp_offer": offer})),
            world.ask_operator(&token, Method::POST, &format!("/{session}/join"), &json!({"sdp_offer": offer})),
        ];
        for _ in 0..25 {
            world.run_for(SECOND);
            assert_eq!(world.heartbeat(&key, &session), Some(ids));
        }
        assert_eq!(asked.map(|id| world.answer(id).map(|answer| answer.0)), [Some(503); 2]);
        world.script(|_| farwire_tests::Fate::Pass);
        passes(&mut world, (operator, own[0]), (robot, ids[0]), b"still driving");
        world.run_for(60 * SECOND);
        assert_eq!(world.net.sfu.stats().sessions, world.broker.stats().sfu_sessions, "nothing is left behind");
    }
}

/// Registers a robot as farwire does.
fn register_as(world: &mut Teleop, key: &str, instance: &str, again: bool) -> (u16, Value) {
    let offer = world.net.offering(false).1;
    let body = json!({"robot_name": "R", "sdp_offer": offer, "instance": instance, "again": again});
    world.robot(key, Method::POST, "", &body)
}

fn beat(world: &mut Teleop, key: &str, session: &str) -> (u16, Value) {
    world.robot(key, Method::POST, &format!("/{session}/heartbeat"), &json!({}))
}

#[test]
fn of_two_robots_with_one_key_the_later_one_stays_and_both_are_told() {
    let mut world = Teleop::new();
    let key = world.robot_key("r");
    let id = |answer: &Value| answer["session_id"].as_str().expect("an id").to_owned();
    let (status, answer) = register_as(&mut world, &key, "one", false);
    assert_eq!(status, 201);
    let first = id(&answer);
    assert!(beat(&mut world, &key, &first).1.get("warning").is_none());
    // Another one starts: it gets in at once, as one would that was restarted after a crash.
    let (status, answer) = register_as(&mut world, &key, "other", false);
    assert_eq!(status, 201);
    let second = id(&answer);
    assert_eq!(beat(&mut world, &key, &second).0, 200);
    for _ in 0..5 {
        let (status, answer) = beat(&mut world, &key, &first);
        assert_eq!((status, &answer["errorCode"]), (404, &json!("session_displaced")));
        assert!(answer["errorDescription"].as_str().is_some_and(|text| text.contains("another robot")), "{answer}");
    }
    let warned = beat(&mut world, &key, &second).1;
    assert!(warned["warning"].as_str().is_some_and(|text| text.contains("farwire keys create robot")), "{warned}");
    // The first one asks, and does not take.
    for _ in 0..5 {
        let (status, answer) = register_as(&mut world, &key, "one", true);
        assert_eq!((status, &answer["errorCode"]), (409, &json!("robot_present")));
        assert_eq!(beat(&mut world, &key, &second).0, 200, "not even disturbed");
    }
    assert_eq!(world.broker.stats().registrations, 2);
    // What is over is not warned of for ever.
    for _ in 0..70 {
        world.run_for(SECOND);
        beat(&mut world, &key, &second);
    }
    // Its connection was no real one; the SFU gives it up.
    let (status, _) = register_as(&mut world, &key, "one", true);
    assert_eq!(status, 201, "the other one is gone");
}

#[test]
fn a_robot_that_dials_again_is_no_other_one() {
    let mut world = Teleop::new();
    let key = world.robot_key("r");
    let id = |answer: &Value| answer["session_id"].as_str().expect("an id").to_owned();
    let first = id(&register_as(&mut world, &key, "one", false).1);
    let (status, answer) = register_as(&mut world, &key, "one", true);
    assert_eq!(status, 201, "{answer}");
    let second = id(&answer);
    let late = beat(&mut world, &key, &first);
    assert_eq!((late.0, &late.1["errorCode"]), (404, &json!("session_not_found")));
    assert!(beat(&mut world, &key, &second).1.get("warning").is_none());
    // Nor after a restart of the broker, which remembers who it was.
    world.restart();
    world.run_for(SECOND);
    assert_eq!(register_as(&mut world, &key, "one", true).0, 201);
}

#[test]
fn a_robot_hears_why_it_has_no_operator_and_an_operator_why_it_has_no_robot() {
    let mut world = Teleop::new();
    let (one, other, third) = (world.operator_token(&[]), world.operator_token(&[]), world.operator_token(&[]));
    let (key, _, session) = robot(&mut world);
    let why = |world: &mut Teleop| {
        let (status, answer) = beat(world, &key, &session);
        assert_eq!((status, &answer["cmd_channel_subscriber_id"]), (200, &Value::Null));
        answer["operator_ended"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(why(&mut world), "");
    let join = |world: &mut Teleop, token: &str| {
        world.join_with(token, &session, &json!({"takeover": true}));
        world.bridge(token, &session);
    };
    join(&mut world, &one);
    assert!(world.heartbeat(&key, &session).is_some());
    join(&mut world, &other);
    assert_eq!(why(&mut world), "taken_over");
    assert!(world.heartbeat(&key, &session).is_some());
    world.revoke(&other);
    assert_eq!(why(&mut world), "token_revoked");
    let (status, answer) = world.operator(&other, Method::GET, "", &Value::Null);
    assert_eq!((status, &answer["errorCode"]), (401, &json!("key_revoked")));
    join(&mut world, &one);
    assert!(world.heartbeat(&key, &session).is_some());
    world.operator(&one, Method::POST, &format!("/{session}/leave"), &json!({}));
    assert_eq!(why(&mut world), "left");
    world.revoke(&key);
    let told = beat(&mut world, &key, &session);
    assert_eq!((told.0, &told.1["errorCode"]), (401, &json!("key_revoked")));
    let (_, list) = world.operator(&third, Method::GET, "?offline=true", &Value::Null);
    let robot = &list[0];
    assert_eq!((&robot["state"], &robot["ended"]), (&json!("disconnected"), &json!("its key was revoked")));
}

#[test]
fn ids_as_people_have_them_are_ids() {
    let mut world = Teleop::new();
    let name = "owner+lab@example.com:go2";
    let (key, token) = (world.robot_key(name), world.operator_token(&[name]));
    let offer = world.net.offering(false).1;
    let body = json!({"robot_id": name, "robot_name": "R", "sdp_offer": offer});
    assert_eq!(world.robot(&key, Method::POST, "", &body).0, 201);
    let (_, list) = world.operator(&token, Method::GET, "", &Value::Null);
    assert_eq!(list[0]["robot_id"], name);
    world.restart();
    assert!(world.kept.contains_key(&RobotId::new(name).expect("an id")));
}
