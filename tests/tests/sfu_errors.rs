//! What is refused, and how; what has to wait, and how long.

use std::time::Duration;

use farwire_core::link::{Link, Role};
use farwire_core::signalling::Method;
use farwire_tests::Foreigners;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn codes(answer: &Value) -> Vec<Option<&str>> {
    answer["dataChannels"].as_array().expect("items").iter().map(|item| item["errorCode"].as_str()).collect()
}

fn local(names: &[&str]) -> Value {
    let entry = |name: &&str| json!({"location": "local", "dataChannelName": name});
    json!({"dataChannels": names.iter().map(entry).collect::<Vec<_>>()})
}

/// A session that has the SFU's answer but no transport yet.
fn connecting(world: &mut Foreigners) -> String {
    let (_, answer) = world.call(Method::POST, "/new", &Value::Null);
    let session = answer["sessionId"].as_str().expect("an id").to_owned();
    let mut link =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, world.now());
    let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}, "sessionDescription": {"type": "offer", "sdp": link.offer()}});
    assert_eq!(world.call(Method::POST, &format!("/{session}/datachannels/establish"), &body).0, 200);
    session
}

#[test]
fn what_is_there_already_is_not_made_twice() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    world.connect_by_offer(false);
    let new = format!("/{}/datachannels/new", world.clients[0].session);
    let (_, answer) = world.call(Method::POST, &new, &local(&["a", "a", "b"]));
    assert_eq!(codes(&answer), [None, Some("repeated_local_track_error"), None], "twice in one request");
    let (_, answer) = world.call(Method::POST, &new, &local(&["b", "c"]));
    assert_eq!(codes(&answer), [Some("repeated_local_track_error"), None], "twice in two requests");
    let subscribe = format!("/{}/datachannels/new", world.clients[1].session);
    let entry = world.remote(0, "a");
    let (_, answer) = world.call(Method::POST, &subscribe, &json!({"dataChannels": [entry, entry]}));
    assert_eq!(codes(&answer), [None, Some("repeated_local_track_error")]);
    let first = &answer["dataChannels"][0];
    let (_, closed) = world.call(
        Method::PUT,
        &format!("/{}/datachannels/close", world.clients[1].session),
        &json!({"dataChannels": [{"id": first["id"]}, {"id": first["id"]}, {"id": 0}, {"id": 100}]}),
    );
    let unknown = Some("close_track_error");
    assert_eq!(codes(&closed), [None, unknown, unknown, unknown]);
    let ids: Vec<_> = closed["dataChannels"].as_array().expect("items").iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&first["id"], &first["id"], &json!(0), &json!(100)], "matched by id");
    let (_, answer) = world.call(Method::POST, &subscribe, &json!({"dataChannels": [entry]}));
    assert_eq!(codes(&answer), [None], "closed, it can be made again");
    assert!(answer["dataChannels"][0]["id"].as_u64() > first["id"].as_u64());
}

#[test]
fn requests_and_entries_are_bounded() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    let new = format!("/{}/datachannels/new", world.clients[0].session);
    let invalid = (406, "invalid_params".to_owned());
    let names: Vec<String> = (0..2049).map(|i| i.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for action in ["new", "update", "close"] {
        let method = if action == "new" { Method::POST } else { Method::PUT };
        let path = format!("/{}/datachannels/{action}", world.clients[0].session);
        assert_eq!(world.refusal(method.clone(), &path, &local(&names[..513])), invalid, "{action}");
        assert_eq!(world.refusal(method.clone(), &path, &json!({"dataChannels": []})), invalid, "{action}");
        assert_eq!(world.refusal(method.clone(), &path, &json!({"dataChannels": {}})), (400, "decoding_error".into()));
    }
    let (_, answer) = world.call(Method::POST, &new, &local(&[&"y".repeat(256), "ü"]));
    assert_eq!(codes(&answer), [None, None]);
    // As many channels as a session may have, and one more.
    for batch in names[..2045].chunks(512) {
        let (_, answer) = world.call(Method::POST, &new, &local(batch));
        assert!(codes(&answer).iter().all(Option::is_none));
        world.run_for(SECOND);
    }
    let (_, answer) = world.call(Method::POST, &new, &local(&["last", "one more"]));
    assert_eq!(codes(&answer), [None, Some("temporarily_unavailable_error")]);
    for number in ["70000", "-1", "\"5\"", "1.5"] {
        let body =
            format!(r#"{{"dataChannels":[{{"location":"local","dataChannelName":"n","maxRetransmits":{number}}}]}}"#);
        let id = world.ask_raw(Method::POST, &new, &body);
        let (_, status, answer) = world.answers.remove(&id).expect("at once");
        assert_eq!((status, &answer["errorCode"]), (400, &json!("decoding_error")), "{number}");
    }
}

#[test]
fn an_array_is_no_object_in_any_body() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    let session = world.clients[0].session.clone();
    let unreadable = (400, "decoding_error".to_owned());
    let description = json!({"sessionDescription": ["offer", "v=0"]});
    let channel = json!({"dataChannel": ["remote", null, "server-events"]});
    for (method, path, bodies) in [
        (Method::POST, "/new".to_owned(), vec![json!([]), description.clone()]),
        (Method::POST, format!("/{session}/datachannels/establish"), vec![json!([]), channel, description.clone()]),
        (Method::PUT, format!("/{session}/renegotiate"), vec![json!([]), description]),
        (
            Method::POST,
            format!("/{session}/datachannels/new"),
            vec![json!([]), json!([[]]), json!({"dataChannels": [[]]})],
        ),
        (Method::PUT, format!("/{session}/datachannels/update"), vec![json!([]), json!({"dataChannels": [[]]})]),
        (Method::PUT, format!("/{session}/datachannels/close"), vec![json!([]), json!({"dataChannels": [[]]})]),
    ] {
        for body in bodies {
            assert_eq!(world.refusal(method.clone(), &path, &body), unreadable, "{path} {body}");
        }
    }
}

#[test]
fn one_value_that_cannot_be_used_refuses_the_request() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    let session = world.clients[0].session.clone();
    let good = json!({"location": "local", "dataChannelName": "good"});
    let mut subscription = world.remote(0, "good");
    subscription["canReply"] = true.into();
    for (action, fields) in [
        ("new", json!({"location": "local"})),
        ("new", json!({"location": "local", "dataChannelName": ""})),
        ("new", json!({"location": "local", "dataChannelName": "x".repeat(257)})),
        ("new", json!({"location": "local", "dataChannelName": "server-events"})),
        ("new", json!({"location": "local", "dataChannelName": "a", "maxRetransmits": 0, "maxPacketLifeTime": 9})),
        ("new", json!({"location": "remote", "sessionId": session, "dataChannelName": "good"})),
        ("new", json!({"dataChannelName": "a"})),
        ("update", json!({"location": "remote", "dataChannelName": "good", "canReply": true})),
        ("update", json!({"location": "local", "dataChannelName": "good", "canReply": true})),
        ("close", json!({})),
    ] {
        let (method, first) = match action {
            "new" => (Method::POST, &good),
            "update" => (Method::PUT, &subscription),
            _ => (Method::PUT, &json!({"id": 2})),
        };
        let path = format!("/{session}/datachannels/{action}");
        let body = json!({"dataChannels": [first, fields]});
        assert_eq!(world.refusal(method.clone(), &path, &body), (406, "invalid_params".into()), "{action} {fields}");
        assert_eq!(world.channels(0), Vec::<Value>::new(), "nothing of it is done");
    }
    let lonely = json!({"dataChannels": [{"location": "remote", "dataChannelName": "good"}]});
    let refused = world.refusal(Method::POST, &format!("/{session}/datachannels/new"), &lonely);
    assert_eq!(refused, (406, "invalid_params".into()), "no sessionId");
}

#[test]
fn calls_that_come_too_fast_wait_their_turn_and_too_many_are_refused() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    world.run_for(2 * SECOND);
    let path = format!("/{}/datachannels/new", world.clients[0].session);
    let names: Vec<String> = (0..80).map(|i| format!("c{i}")).collect();
    let asked: Vec<_> = names.iter().map(|name| world.ask(Method::POST, &path, &local(&[name]))).collect();
    let status = |world: &Foreigners, i: usize| world.answers.get(&asked[i]).map(|(_, status, _)| *status);
    let count = |world: &Foreigners, of| (0..80).filter(|i| status(world, *i) == Some(of)).count();
    assert_eq!((count(&world, 200), count(&world, 429)), (50, 14), "50 at once, and 16 wait");
    let (_, _, refused) = &world.answers[&asked[79]];
    assert_eq!(refused["errorCode"], "retryable_transient_error");
    // Another session is not concerned.
    world.connect_by_offer(false);
    world.publish(1, "mine");
    world.run_for(Duration::from_millis(330));
    assert_eq!((count(&world, 200), count(&world, 429)), (66, 14), "16 more in a third of a second");
    let ids: Vec<u64> = (0..66).filter_map(|i| world.answers[&asked[i]].2["dataChannels"][0]["id"].as_u64()).collect();
    assert!(ids.len() == 66 && ids.is_sorted(), "in their order: {ids:?}");
    // A client that waits for each answer is slowed down, never refused.
    for _ in 0..200 {
        let asked = world.ask(Method::GET, &format!("/{}", world.clients[0].session), &Value::Null);
        while !world.answers.contains_key(&asked) {
            world.run_for(Duration::from_millis(1));
        }
        assert_eq!(world.answers[&asked].1, 200);
    }
}

#[test]
fn a_call_does_not_overtake_one_that_is_overdue() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    let path = format!("/{}/datachannels/new", world.clients[0].session);
    let ask = |world: &mut Foreigners, name: &str| world.ask(Method::POST, &path, &local(&[name]));
    let first: Vec<_> = (0..60).map(|i| ask(&mut world, &format!("c{i}"))).collect();
    assert!(!world.answers.contains_key(&first[59]));
    world.skip(2 * SECOND);
    let last = ask(&mut world, "last");
    world.run_for(SECOND);
    let id = |asked| world.answers[asked].2["dataChannels"][0]["id"].as_u64();
    assert!(id(&first[59]).is_some() && id(&first[59]) < id(&last), "{:?} {:?}", id(&first[59]), id(&last));
}

#[test]
fn changes_wait_for_the_transport_together_and_in_their_order() {
    let mut world = Foreigners::new();
    let client = world.add(false);
    let session = world.clients[client].session.clone();
    let new = format!("/{session}/datachannels/new");
    assert_eq!(world.refusal(Method::POST, &new, &local(&["a"])), (425, "session_error".into()), "nothing to wait for");
    let answer = world.answer_offer(client);
    let first = world.ask(Method::POST, &new, &local(&["a", "b"]));
    let second =
        world.ask(Method::PUT, &format!("/{session}/datachannels/close"), &json!({"dataChannels": [{"id": 2}]}));
    let third = world.ask(Method::POST, &new, &local(&["a"]));
    assert!([first, second, third].iter().all(|asked| !world.answers.contains_key(asked)));
    // What brings the transport does not wait for it.
    assert_eq!(world.call(Method::PUT, &format!("/{session}/renegotiate"), &answer).0, 200);
    world.run_for(SECOND);
    let outcome = |asked| codes(&world.answers[asked].2);
    assert_eq!((outcome(&first), outcome(&second), outcome(&third)), (vec![None, None], vec![None], vec![None]));
    let channels = world.channels(client);
    assert_eq!(channels.iter().map(|channel| &channel["dataChannelName"]).collect::<Vec<_>>(), ["b", "a"]);
    assert!(channels.iter().all(|channel| channel["status"] == "active"), "{channels:?}");
}

#[test]
fn waiting_ends_after_five_seconds_or_with_the_session() {
    let mut world = Foreigners::new();
    let session = connecting(&mut world);
    let new = format!("/{session}/datachannels/new");
    let asked: Vec<_> = (0..20).map(|i| world.ask(Method::POST, &new, &local(&[&format!("c{i}")]))).collect();
    let refused: Vec<u16> = asked.iter().filter_map(|asked| Some(world.answers.get(asked)?.1)).collect();
    assert_eq!(refused, [429; 4], "16 wait");
    world.run_for(Duration::from_millis(4_999));
    assert_eq!(world.answers.len(), 4);
    world.run_for(Duration::from_millis(1));
    assert!(asked[..16].iter().all(|asked| world.answers[asked].1 == 425));
    assert_eq!(world.answers[&asked[0]].2["errorCode"], "session_error");
    world.run_for(21 * SECOND);
    let last = world.ask(Method::POST, &new, &local(&["last"]));
    world.run_for(5 * SECOND);
    let (_, status, answer) = &world.answers[&last];
    assert_eq!((*status, &answer["errorCode"]), (410, &json!("session_error")), "the session ended first");
}

#[test]
fn errors_repeat_neither_credentials_nor_sdp() {
    let mut world = Foreigners::new();
    let session = connecting(&mut world);
    let secret = "icepwdicepwdicepwdicepwd";
    let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}, "sessionDescription": {"type": "offer", "sdp": format!("v=0\r\na=ice-pwd:{secret}")}});
    for (method, path) in [
        (Method::POST, format!("/{session}/datachannels/establish")),
        (Method::PUT, format!("/{session}/renegotiate")),
        (Method::POST, format!("/{session}/datachannels/new")),
        (Method::POST, "/new".to_owned()),
    ] {
        let (status, answer) = world.call(method, &path, &body);
        assert!(status >= 400 && !answer.to_string().contains(secret), "{answer}");
    }
}
