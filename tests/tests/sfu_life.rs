//! How long sessions live, with and without their clients.

use std::net::SocketAddr;
use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_core::{Delivery, Topic};
use farwire_tests::{Foreigners, World};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A publisher and a subscriber of `t`, and its ids at both.
fn pair() -> (Foreigners, u16, u16) {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    world.connect_by_answer();
    let (out, into) = (world.publish(0, "t"), world.subscribe(1, 0, "t", &json!({})));
    (world, out, into)
}

#[test]
fn a_client_that_is_back_within_30_s_goes_on_where_it_was() {
    let (mut world, out, into) = pair();
    world.clients[1].is_cut_off = true;
    world.run_for(SECOND);
    world.send(0, out, false, b"meanwhile");
    world.run_for(20 * SECOND);
    assert_eq!(world.channels(1)[0]["status"], "inactive");
    assert_eq!(world.channels(0)[0]["status"], "active", "the other's is not concerned");
    world.run_for(8 * SECOND);
    world.clients[1].is_cut_off = false;
    world.run_for(20 * SECOND);
    assert_eq!(world.channels(1)[0]["status"], "active");
    world.send(0, out, false, b"again");
    world.run_for(SECOND);
    let expected = [(into, false, b"meanwhile".to_vec()), (into, false, b"again".to_vec())];
    assert_eq!(world.received(1), expected, "a reliable channel loses nothing");
}

#[test]
fn a_client_may_come_back_from_another_address() {
    let (mut world, out, into) = pair();
    for (i, silence) in [0, 10].into_iter().enumerate() {
        world.clients[1].is_cut_off = true;
        world.run_for(silence * SECOND);
        world.clients[1].is_cut_off = false;
        world.move_to(1, SocketAddr::from(([192, 168, 7, 7], 4000 + i as u16)));
        world.run_for(15 * SECOND);
        world.send(0, out, false, b"found");
        world.run_for(2 * SECOND);
        assert_eq!(world.received(1), [(into, false, b"found".to_vec())], "after {silence} s");
    }
}

#[test]
fn a_client_that_vanishes_is_gone_within_35_s_and_its_subscribers_are_told() {
    let (mut world, _, into) = pair();
    let session = world.clients[0].session.clone();
    world.clients[0].is_cut_off = true;
    world.run_for(25 * SECOND);
    assert_eq!((world.sfu.stats().sessions, world.channels(1).len()), (2, 1));
    world.run_for(10 * SECOND);
    assert_eq!(world.sfu.stats().sessions, 1);
    assert_eq!((world.channels(1), &world.clients[1].closed), (vec![], &vec![into]));
    let gone = (410, "session_error".to_owned());
    assert_eq!(world.refusal(Method::GET, &format!("/{session}"), &Value::Null), gone);
}

#[test]
fn an_idle_client_that_checks_its_connection_stays() {
    let (mut world, out, into) = pair();
    world.run_for(600 * SECOND);
    world.send(0, out, false, b"still");
    world.run_for(SECOND);
    assert_eq!(world.received(1), [(into, false, b"still".to_vec())]);
}

#[test]
fn garbage_from_a_client_s_address_does_not_keep_its_session_alive() {
    let (mut world, ..) = pair();
    let address = SocketAddr::from(([10, 0, 1, 1], 1000));
    world.clients[0].is_cut_off = true;
    for i in 0..400 {
        let kinds: [&[u8]; 4] = [&[22; 60], &[0x80; 60], &[0, 1, 0, 0, 33, 18, 164, 66], &[255; 60]];
        let now = world.now();
        world.sfu.handle_datagram(now, address, kinds[i % 4]);
        world.run_for(Duration::from_millis(100));
    }
    assert_eq!(world.sfu.stats().sessions, 1);
}

#[test]
fn sessions_that_never_connect_leave_nothing_behind() {
    let mut world = Foreigners::with(farwire_sfu::Config::new("app", "secret").max_sessions(100));
    for _ in 0..10 {
        for _ in 0..100 {
            let (status, answer) = world.call(Method::POST, "/new", &Value::Null);
            assert_eq!(status, 201);
            let path = format!("/{}/datachannels/establish", answer["sessionId"].as_str().expect("an id"));
            world.call(
                Method::POST,
                &path,
                &json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}}),
            );
        }
        assert_eq!(world.refusal(Method::POST, "/new", &Value::Null).0, 503);
        world.run_for(31 * SECOND);
        assert_eq!(world.sfu.stats().sessions, 0);
    }
}

#[test]
fn a_flood_of_garbage_changes_nothing() {
    let (mut world, out, into) = pair();
    let (before, now) = (world.sfu.stats(), world.now());
    let mut random = fastrand::Rng::with_seed(1);
    for i in 0..20_000u32 {
        let address = SocketAddr::from((i.to_be_bytes(), 5));
        let mut datagram: Vec<u8> = (0..random.usize(0..100)).map(|_| random.u8(..)).collect();
        if let Some(first) = datagram.first_mut() {
            // All that WebRTC tells apart by the first byte.
            *first = *random.choice([0, 1, 20, 22, 23, 63, 64, 128, 191, 255].iter()).expect("some");
        }
        assert!(!world.sfu.handle_datagram(now, address, &datagram));
        assert!(matches!(world.sfu.poll(now), farwire_sfu::Output::WaitUntil(_)), "garbage is not answered");
    }
    let after = world.sfu.stats();
    assert_eq!((after.stray - before.stray, after.sessions), (20_000, 2));
    world.send(0, out, false, b"unharmed");
    world.run_for(SECOND);
    assert_eq!(world.received(1), [(into, false, b"unharmed".to_vec())]);
}

#[test]
fn what_a_publisher_that_has_left_published_reliably_still_arrives() {
    let mut world = World::new(9);
    let config = world.config();
    let publisher = world.connect(&config);
    let subscriber = world.connect_to(publisher);
    let log = world.topic(publisher, "log", Delivery::RELIABLE);
    let lines = world.subscribe_open(subscriber, "log", Delivery::RELIABLE);
    // Meanwhile all of it waits in the SFU.
    world.cut_off(subscriber);
    for n in 0..300u32 {
        world.publish(publisher, log, &n.to_be_bytes()).expect("sent");
    }
    assert!(world.run_until(Duration::from_secs(5), |world| world.peer(publisher).is_flushed()));
    world.close(publisher);
    world.run_for(Duration::from_secs(1));
    world.plug_in(subscriber);
    world.run_for(Duration::from_secs(5));
    let received: Vec<u32> = world
        .messages(subscriber, lines)
        .iter()
        .map(|message| u32::from_be_bytes(message.bytes[..].try_into().expect("a number")))
        .collect();
    assert_eq!(received, (0..300).collect::<Vec<u32>>());
    let stats = world.sfu.stats();
    assert_eq!((stats.abandoned, stats.queued, stats.publications), (0, 0, 0));
    assert_eq!(
        world.peer(subscriber).topic_stats(&Topic::new("log").expect("a topic")).expect("known").interruptions,
        1
    );
}
