//! The SFU's side of the API, and what it does when it is asked too much.

// A method is named at every call, as a constant.
#![allow(clippy::needless_pass_by_value)]

use std::time::Duration;

use farwire_core::Delivery;
use farwire_core::link::{Link, Role};
use farwire_core::signalling::{Method, RequestId};
use farwire_sfu::{Incoming, Output, Sfu};
use farwire_tests::{Network, World};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// Makes a request of a world's SFU; `None` while it waits.
fn ask(world: &mut World, method: Method, path: &str, body: &str) -> Option<(u16, Value)> {
    let now = world.now();
    ask_with(&mut world.sfu, now, method, path, body, "Bearer secret")
}

fn ask_with(
    sfu: &mut Sfu,
    now: std::time::Instant,
    method: Method,
    path: &str,
    body: &str,
    token: &str,
) -> Option<(u16, Value)> {
    let path = format!("/v1/apps/app{path}");
    let request = Incoming { method: &method, path: &path, authorization: Some(token), body: body.as_bytes() };
    // Far from the ids that a world gives.
    let id = RequestId(u64::MAX);
    sfu.handle_request(now, id, request);
    loop {
        match sfu.poll(now) {
            Output::Response(of, response) if of == id => {
                let body = serde_json::from_slice(&response.body).expect("every answer is JSON");
                return Some((response.status, body));
            }
            Output::WaitUntil(_) => return None,
            _ => {}
        }
    }
}

fn new_session(world: &mut World) -> String {
    let (status, body) = ask(world, Method::POST, "/sessions/new", "").expect("at once");
    assert_eq!(status, 201);
    body["sessionId"].as_str().expect("an id").to_owned()
}

fn offer(world: &World) -> String {
    let mut client =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, world.now());
    json!({
        "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
        "sessionDescription": {"type": "offer", "sdp": client.offer()},
    })
    .to_string()
}

#[test]
fn the_answer_has_what_foreign_clients_insist_on() {
    let mut world = World::new(1);
    let id = new_session(&mut world);
    let body = offer(&world);
    let path = format!("/sessions/{id}/datachannels/establish");
    let (status, answer) = ask(&mut world, Method::POST, &path, &body).expect("at once");
    assert_eq!((status, &answer["requiresImmediateRenegotiation"]), (200, &json!(false)));
    assert_eq!(answer["dataChannel"]["dataChannelName"], "server-events");
    assert_eq!(answer["sessionDescription"]["type"], "answer");
    let sdp = answer["sessionDescription"]["sdp"].as_str().expect("an SDP");
    for line in ["a=setup:passive", "a=mid:", "a=sctp-port:", "a=group:BUNDLE", "a=max-message-size:262144"] {
        assert!(sdp.contains(line), "no {line} in\n{sdp}");
    }
    assert!(sdp.contains("10.0.0.1 3478 typ host"), "no candidate in\n{sdp}");
    let (status, answer) = ask(&mut world, Method::POST, &path, &body).expect("at once");
    assert_eq!((status, &answer["errorCode"]), (400, &json!("decoding_error")), "established twice");
}

#[test]
fn bad_requests_get_their_documented_errors() {
    let mut world = World::new(2);
    let node = world.connect(world.config());
    world.topic(node, "t", Delivery::LOSSY);
    world.run_for(SECOND);
    let id = world.peer(node).session_id().expect("connected").to_string();
    let fresh = new_session(&mut world);
    let new = format!("/sessions/{id}/datachannels/new");
    let local = |name: &str| json!({"dataChannels": [{"location": "local", "dataChannelName": name}]}).to_string();
    let establish = format!("/sessions/{fresh}/datachannels/establish");
    let no_sdp = r#"{"dataChannel":{"location":"remote","dataChannelName":"server-events"},"sessionDescription":{"type":"offer","sdp":"v=0 nonsense"}}"#;
    let mixed = json!({"dataChannels": [{"location": "local", "dataChannelName": "a"},
        {"location": "remote", "sessionId": id, "dataChannelName": "pub_t"}]});
    for (method, path, body, status, code) in [
        (Method::POST, "/sessions/nobody/datachannels/new", &*local("a"), 410, "session_error"),
        (Method::GET, "/sessions/nobody", "", 410, "session_error"),
        (Method::POST, &*new, "", 400, "decoding_error"),
        (Method::POST, &new, "{}", 400, "decoding_error"),
        (Method::POST, &new, r#"{"dataChannels":[{"location":"sideways"}]}"#, 400, "decoding_error"),
        (Method::POST, &new, r#"{"dataChannels":[]}"#, 406, "invalid_params"),
        (Method::POST, &new, r#"{"dataChannels":[{"dataChannelName":"a"}]}"#, 406, "invalid_params"),
        (Method::POST, &new, &*mixed.to_string(), 406, "invalid_params"),
        (Method::POST, &format!("/sessions/{fresh}/datachannels/new"), &*local("a"), 425, "session_error"),
        (Method::POST, &establish, no_sdp, 400, "decoding_error"),
        (Method::DELETE, &*format!("/sessions/{fresh}"), "", 404, "not_found"),
    ] {
        let (got, answer) = ask(&mut world, method.clone(), path, body).expect("at once");
        assert_eq!((got, answer["errorCode"].as_str()), (status, Some(code)), "{method} {path} {body}: {answer}");
        assert!(answer["errorDescription"].as_str().is_some_and(|text| text.len() > 10), "{answer}");
    }
    let now = world.now();
    let refused = ask_with(&mut world.sfu, now, Method::POST, "/sessions/new", "", "Bearer guess").expect("at once");
    assert_eq!((refused.0, &refused.1["errorCode"]), (401, &json!("unauthorized")));
}

#[test]
fn each_item_of_a_batch_has_its_own_outcome() {
    let mut world = World::new(3);
    let node = world.connect(world.config());
    world.topic(node, "t", Delivery::LOSSY);
    world.run_for(SECOND);
    let id = world.peer(node).session_id().expect("connected").to_string();
    let body = json!({"dataChannels": [
        {"location": "local", "dataChannelName": "pub_t"},
        {"location": "local", "dataChannelName": "fine", "ordered": false, "maxPacketLifeTime": 50},
    ]});
    let path = format!("/sessions/{id}/datachannels/new");
    let (status, answer) = ask(&mut world, Method::POST, &path, &body.to_string()).expect("at once");
    let items = answer["dataChannels"].as_array().expect("a list");
    let codes: Vec<_> = items.iter().map(|item| item["errorCode"].as_str()).collect();
    assert_eq!((status, codes), (200, vec![Some("repeated_local_track_error"), None]));
    let opened = items[1]["id"].as_u64().expect("a stream id");
    assert!(opened > 1 && opened != 100);
    world.run_for(SECOND);
    let (_, state) = ask(&mut world, Method::GET, &format!("/sessions/{id}"), "").expect("at once");
    let names: Vec<_> =
        state["dataChannels"].as_array().expect("a list").iter().map(|c| &c["dataChannelName"]).collect();
    assert_eq!(names, ["pub_t", "fine"]);
    assert_eq!(state["dataChannels"][1]["status"], "active");
    assert_eq!(state["tracks"], json!([]));
    let body = json!({"dataChannels": [{"id": opened}, {"id": 4711}]}).to_string();
    let path = format!("/sessions/{id}/datachannels/close");
    let (_, answer) = ask(&mut world, Method::PUT, &path, &body).expect("at once");
    assert_eq!(answer["dataChannels"][0]["errorCode"], Value::Null);
    assert_eq!(answer["dataChannels"][1]["errorCode"], "close_track_error");
}

#[test]
fn a_call_waits_five_seconds_for_the_transport() {
    let mut world = World::new(4);
    let id = new_session(&mut world);
    let body = offer(&world);
    ask(&mut world, Method::POST, &format!("/sessions/{id}/datachannels/establish"), &body).expect("at once");
    let (start, body) = (world.now(), r#"{"dataChannels":[{"location":"local","dataChannelName":"a"}]}"#);
    assert!(ask(&mut world, Method::POST, &format!("/sessions/{id}/datachannels/new"), body).is_none());
    let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
    let response = |sfu: &mut Sfu, now| {
        sfu.handle_timeout(now);
        loop {
            match sfu.poll(now) {
                Output::Response(_, response) => return Some(response.status),
                Output::WaitUntil(_) => return None,
                _ => {}
            }
        }
    };
    assert_eq!(response(&mut world.sfu, at(4.9)), None);
    assert_eq!(response(&mut world.sfu, at(5.0)), Some(425));
    assert_eq!(world.sfu.stats().sessions, 1);
    for tenth in 50..310 {
        response(&mut world.sfu, at(f64::from(tenth) / 10.0));
    }
    assert_eq!(world.sfu.stats().sessions, 0, "a session that never connects is removed");
}

#[test]
fn sessions_are_bounded() {
    let mut world = World::with(5, farwire_sfu::Config::new("app", "secret").max_sessions(10));
    for _ in 0..10 {
        new_session(&mut world);
    }
    let (status, answer) = ask(&mut world, Method::POST, "/sessions/new", "").expect("at once");
    assert_eq!((status, &answer["errorCode"]), (503, &json!("temporarily_unavailable_error")));
    world.run_for(31 * SECOND);
    assert_eq!(world.sfu.stats().sessions, 0);
    new_session(&mut world);
}

#[test]
fn a_stalled_reliable_subscriber_is_closed_and_the_others_get_everything() {
    let mut world = World::new(6);
    let robot = world.connect(world.config());
    let (good, stalled) = (world.connect_to(robot), world.connect_to(robot));
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    let received = world.subscribe_open(good, "t", Delivery::RELIABLE);
    world.subscribe_open(stalled, "t", Delivery::RELIABLE);
    world.events(stalled);
    world.cut_off(stalled);
    // Beyond what waits for one subscriber, within the time before a lost contact is noticed.
    for _ in 0..70 {
        for _ in 0..5 {
            world.publish(robot, topic, &[0; 60_000]).expect("accepted");
        }
        let flushed = world.run_until(SECOND, |world| world.peer(robot).is_flushed());
        assert!(flushed, "the publisher was held up");
    }
    world.run_for(SECOND);
    assert_eq!(world.messages(good, received).len(), 350);
    let stats = world.sfu.stats();
    assert_eq!((stats.overflowed, stats.replaced), (1, 0), "closed, not thinned");
}

#[test]
fn a_publisher_is_held_back_for_its_only_reliable_subscriber() {
    let mut world = World::new(9);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    let subscription = world.subscribe_open(operator, "t", Delivery::RELIABLE);
    // The subscriber's path carries a fraction of what the publisher's does.
    world.set_network(operator, Network { delay: Duration::from_millis(40), ..Network::default() });
    let (mut published, mut received) = (0, 0);
    for _ in 0..1000 {
        while world.publish(robot, topic, &[0; 8000]).is_ok() {
            published += 1;
        }
        world.run_for(Duration::from_millis(10));
        received += world.messages(operator, subscription).len();
    }
    world.run_until(120 * SECOND, |world| {
        received += world.messages(operator, subscription).len();
        received == published
    });
    let stats = world.sfu.stats();
    assert!(published * 8000 > 20 << 20, "more than a queue holds: {published}");
    assert_eq!((received, stats.overflowed), (published, 0));
}

#[test]
fn a_slow_lossy_subscriber_loses_its_own_oldest_messages_counted() {
    let mut world = World::new(7);
    let robot = world.connect(world.config());
    let (good, stalled) = (world.connect_to(robot), world.connect_to(robot));
    let topic = world.topic(robot, "t", Delivery::LOSSY);
    let received = world.subscribe_open(good, "t", Delivery::LOSSY);
    world.subscribe_open(stalled, "t", Delivery::LOSSY);
    world.cut_off(stalled);
    for _ in 0..500 {
        world.publish(robot, topic, &[0; 1000]).expect("accepted");
        world.run_for(Duration::from_millis(2));
    }
    assert_eq!(world.messages(good, received).len(), 500);
    let stats = world.sfu.stats();
    assert!(stats.replaced > 100 && stats.overflowed == 0, "{stats:?}");
}

#[test]
fn a_subscriber_that_never_acknowledges_gets_nothing_and_is_closed_after_30_s() {
    let mut world = World::new(8);
    let robot = world.connect(world.config());
    let topic = world.topic(robot, "t", Delivery::RELIABLE);
    world.run_for(SECOND);
    let id = world.peer(robot).session_id().expect("connected").to_string();
    // Asked for behind the client's back, so that it does not acknowledge.
    let body = json!({"dataChannels": [
        {"location": "remote", "sessionId": id, "dataChannelName": "pub_t", "waitForAck": true}]});
    let path = format!("/sessions/{id}/datachannels/new");
    let (_, answer) = ask(&mut world, Method::POST, &path, &body.to_string()).expect("at once");
    assert!(answer["dataChannels"][0]["id"].is_u64(), "{answer}");
    world.publish(robot, topic, b"x").expect("accepted");
    world.run_for(29 * SECOND);
    let channels = |world: &mut World| {
        let (_, state) = ask(world, Method::GET, &format!("/sessions/{id}"), "").expect("at once");
        state["dataChannels"].as_array().expect("a list").len()
    };
    assert_eq!((channels(&mut world), world.sfu.stats().received, world.sfu.stats().forwarded), (2, 1, 0));
    world.run_for(2 * SECOND);
    assert_eq!(channels(&mut world), 1);
}
