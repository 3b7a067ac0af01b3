//! The broker tells robots, operators and viewers their sessions on the SFU. Whoever knows them all gets nowhere by that: what an
//! SFU's API does needs the app's secret, which only the broker has.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_sfu::Incoming;
use farwire_tests::Teleop;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// What the SFU says to a request.
fn ask_sfu(world: &mut Teleop, method: &Method, path: &str, authorization: Option<&str>, body: &Value) -> (u16, Value) {
    let (path, body) = (format!("/v1/apps/app/sessions/{path}"), body.to_string());
    let id = world.net.ask_as_it_is(Incoming { method, path: &path, authorization, body: body.as_bytes() });
    world.run_for(6 * SECOND);
    let (_, status, answer) = world.net.answers.remove(&id).expect("an answer");
    (status, answer)
}

#[test]
fn a_viewer_that_knows_every_session_on_the_sfu_opens_and_closes_nothing() {
    let mut world = Teleop::new();
    let (key, token, other) = (world.robot_key("r"), world.operator_token(&[]), world.operator_token(&[]));
    let (robot, session) = world.register(&key);
    let (operator, _) = world.join(&token, &session);
    let own = world.bridge(&token, &session);
    let ids = world.heartbeat(&key, &session).expect("bridged");
    world.open_ends(robot, ids);
    world.open_ends(operator, own);
    let (_, offer) = world.net.offering(false);
    let body = json!({"role": "viewer", "sdp_offer": offer});
    let (status, joined) = world.operator(&other, Method::POST, &format!("/{session}/join"), &body);
    assert_eq!(status, 200, "{joined}");
    let of = |name: &str| joined[name].as_str().expect("an id").to_owned();
    let (mine, robots) = (of("cf_session_id"), of("robot_cf_session_id"));
    let command = json!({"dataChannels": [{"location": "local", "dataChannelName": "cmd_unreliable"}]});
    let subscribe =
        json!({"dataChannels": [{"location": "remote", "sessionId": mine, "dataChannelName": "cmd_unreliable"}]});
    let reply = json!({"dataChannels": [{"location": "remote", "sessionId": robots, "dataChannelName": "map_unreliable",
        "canReply": true}]});
    let close = json!({"dataChannels": ids.map(|id| json!({"id": id}))});
    let (own_token, robots_key) = (format!("Bearer {other}"), format!("Bearer {key}"));
    for authorization in [None, Some("Bearer "), Some(own_token.as_str()), Some(robots_key.as_str())] {
        for (method, path, body) in [
            (Method::POST, format!("{mine}/datachannels/new"), &command),
            (Method::POST, format!("{robots}/datachannels/new"), &subscribe),
            (Method::PUT, format!("{mine}/datachannels/update"), &reply),
            (Method::PUT, format!("{robots}/datachannels/close"), &close),
            (Method::GET, robots.clone(), &Value::Null),
            (Method::POST, "new".to_owned(), &Value::Null),
        ] {
            let (status, answer) = ask_sfu(&mut world, &method, &path, authorization, body);
            assert_eq!((status, &answer["errorCode"]), (401, &json!("unauthorized")), "{method} {path}: {answer}");
            // A heartbeat each time, or the robot would be gone.
            assert_eq!(world.heartbeat(&key, &session), Some(ids), "{method} {path}");
        }
    }
    assert!(world.net.received(robot).is_empty(), "nothing came to it");
    world.net.send(operator, own[0], true, b"go");
    world.run_for(SECOND);
    assert_eq!(world.net.received(robot), [(ids[0], true, b"go".to_vec())], "its operator drives");
}
