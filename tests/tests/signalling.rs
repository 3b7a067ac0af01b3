//! How a connection deals with the API: what it asks, how often, and what it makes of every answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use farwire_core::signalling::{Failure, Method};
use farwire_core::{Config, ConnectionEvent, Delivery, EndReason, Event};
use farwire_tests::{Fate, HttpLog, World};

const SECOND: Duration = Duration::from_secs(1);

/// Connects with this script and says how it ended, after what time.
fn fails_with(script: impl FnMut(&HttpLog) -> Fate + Send + 'static) -> (String, Duration) {
    let mut world = World::new(1);
    world.script(script);
    let config = world.config().connect_timeout(3 * SECOND);
    failure(&mut world, &config)
}

fn failure(world: &mut World, config: &Config) -> (String, Duration) {
    let node = world.add(config);
    world.run_until(20 * SECOND, |world| world.peer(node).ended().is_some());
    let after = world.elapsed();
    let events = world.events(node);
    match &events[..] {
        [Event::Connection(ConnectionEvent::Ended { reason })] => (reason.to_string(), after),
        events => panic!("expected an end and nothing else: {events:?}"),
    }
}

#[test]
fn both_sessions_open_at_once_and_once() {
    let mut world = World::new(2);
    world.connect(world.config());
    let calls: Vec<&str> = world.http.iter().map(|log| log.call.as_str()).collect();
    assert_eq!(calls, ["new", "new", "datachannels/establish", "datachannels/establish"]);
    assert_eq!(world.http[0].at, world.http[1].at, "in parallel");
}

#[test]
fn a_topic_is_allocated_once_however_often_it_is_opened() {
    let mut world = World::new(3);
    let node = world.connect(world.config());
    let ids: Vec<_> = (0..10).map(|_| world.topic(node, "t", Delivery::LOSSY)).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let topic = ids[0];
    world.publish(node, topic, b"queued while the channel opens").expect("accepted");
    world.run_for(SECOND);
    world.topic(node, "t", Delivery::LOSSY);
    world.run_for(SECOND);
    let allocations: Vec<_> = world.http.iter().filter(|log| log.call == "datachannels/new").collect();
    assert_eq!(allocations.len(), 1);
    assert_eq!(
        allocations[0].body,
        r#"{"dataChannels":[{"location":"local","dataChannelName":"pub_t","ordered":false,"maxRetransmits":0}]}"#
    );
}

#[test]
fn the_subscriber_mirrors_the_delivery_and_asks_the_sfu_to_wait() {
    let mut world = World::new(4);
    let node = world.connect(world.config());
    world.subscribe_open(node, "t", Delivery::RELIABLE);
    let session = world.peer(node).session_id().expect("connected").to_string();
    let bodies: Vec<_> =
        world.http.iter().filter(|log| log.call == "datachannels/new").map(|log| log.body.clone()).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(
        bodies[1],
        format!(
            r#"{{"dataChannels":[{{"location":"remote","sessionId":"{session}","dataChannelName":"pub_t","ordered":true,"waitForAck":true}}]}}"#
        )
    );
}

#[test]
fn one_delivery_for_a_topic() {
    let mut world = World::new(5);
    let node = world.connect(world.config());
    world.topic(node, "t", Delivery::LOSSY);
    let now = world.now();
    let name = farwire_core::Topic::new("t").expect("a good topic");
    let error = world.peer(node).subscribe(now, &name, Delivery::RELIABLE).expect_err("a conflict");
    assert!(error.to_string().contains("\"t\"") && error.to_string().contains("reliable"), "{error}");
}

#[test]
fn hopeless_answers_end_it_at_once_with_a_clear_error() {
    let refusal =
        |status, code: &str| Fate::Answer(status, format!(r#"{{"errorCode":"{code}","errorDescription":"d"}}"#));
    for (fate, expected) in [
        (refusal(401, "unauthorized"), "FARWIRE_APP_SECRET"),
        (refusal(404, "not_found"), "FARWIRE_APP_ID"),
        (Fate::Answer(200, "<html>hello</html>".into()), "check the URL"),
        (Fate::Answer(200, "{}".into()), "check the URL"),
        (Fate::Answer(200, r#"{"sessionId":"../../etc"}"#.into()), "check the URL"),
        (Fate::Failed(Failure::TooLarge), "longer than"),
    ] {
        let answer = fate.clone();
        let (text, after) = fails_with(move |_| answer.clone());
        assert!(text.contains(expected) && text.contains("http://sfu.test/v1/apps/app"), "{fate:?}: {text}");
        assert!(after < SECOND, "{fate:?} after {after:?}");
    }
}

#[test]
fn a_wrong_secret_or_app_at_a_real_sfu() {
    let mut world = World::new(6);
    let (text, _) = failure(&mut world, &Config::new("http://sfu.test/v1", "app", "wrong").expect("good"));
    assert!(text.contains("401") && text.contains("FARWIRE_APP_SECRET") && !text.contains("wrong"), "{text}");
    let (text, _) = failure(&mut world, &Config::new("http://sfu.test/v1", "other", "secret").expect("good"));
    assert!(text.contains("404") && text.contains("FARWIRE_APP_ID"), "{text}");
    assert_eq!(world.sfu.stats().sessions, 0);
}

#[test]
fn trouble_that_may_pass_is_tried_again_a_few_times() {
    for (fate, expected) in [
        (Fate::Answer(500, "oops".into()), "500"),
        (Fate::Answer(429, String::new()), "429"),
        (Fate::Answer(503, r#"{"errorCode":"temporarily_unavailable_error"}"#.into()), "temporarily_unavailable_error"),
        (Fate::Failed(Failure::Connect("connection refused".into())), "connection refused"),
    ] {
        let tries = Arc::new(AtomicU32::new(0));
        let (answer, count) = (fate.clone(), tries.clone());
        let (text, after) = fails_with(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            answer.clone()
        });
        assert!(text.contains(expected), "{fate:?}: {text}");
        let tries = tries.load(Ordering::Relaxed);
        // Two sessions, five tries each.
        assert!((5..=10).contains(&tries) && after < 2 * SECOND, "{tries} tries in {after:?}");
    }
}

#[test]
fn silence_ends_at_the_deadline() {
    let (text, after) = fails_with(|_| Fate::Lost);
    assert!(text.contains("no answer within"), "{text}");
    assert!((3 * SECOND..4 * SECOND).contains(&after), "{after:?}");
    // The API answers, but UDP is blocked.
    let mut world = World::new(7);
    world.network.loss = 1.0;
    let config = world.config().connect_timeout(3 * SECOND);
    let (text, after) = failure(&mut world, &config);
    assert!(text.contains("UDP") && after < 4 * SECOND, "{text} after {after:?}");
    // What it had made on the SFU is gone soon after.
    world.run_for(31 * SECOND);
    assert_eq!(world.sfu.stats().sessions, 0);
}

#[test]
fn an_sfu_that_stumbles_while_connecting_is_no_obstacle() {
    for lost in ["new", "datachannels/establish"] {
        for fate in [Fate::Answer(500, String::new()), Fate::AnswerLost, Fate::Failed(Failure::Broken("reset".into()))]
        {
            let mut world = World::new(8);
            let (mut first, broken) = (true, fate.clone());
            world.script(move |log| match log.call == lost && std::mem::take(&mut first) {
                true => broken.clone(),
                false => Fate::Pass,
            });
            let node = world.connect(world.config());
            assert!(world.peer(node).ended().is_none(), "{lost} {fate:?}");
        }
    }
}

#[test]
fn a_lost_answer_is_looked_up_before_asking_again() {
    let mut world = World::new(9);
    let node = world.connect(world.config());
    let mut first = true;
    world.script(move |log| match log.call == "datachannels/new" && std::mem::take(&mut first) {
        true => Fate::AnswerLost,
        false => Fate::Pass,
    });
    let topic = world.topic(node, "t", Delivery::RELIABLE);
    world.publish(node, topic, b"patience").expect("accepted");
    world.run_for(20 * SECOND);
    let calls: Vec<_> = world.http[4..].iter().map(|log| (log.method.clone(), log.call.as_str())).collect();
    assert_eq!(calls, [(Method::POST, "datachannels/new"), (Method::GET, "")]);
    assert!(world.peer(node).is_flushed(), "the channel that was looked up is in use");
}

#[test]
fn one_bad_topic_does_not_hold_up_the_others() {
    let mut world = World::new(10);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    let topic = world.topic(robot, "good", Delivery::RELIABLE);
    world.run_for(SECOND);
    let _nobody = world.subscribe(operator, "nobody", Delivery::RELIABLE);
    let good = world.subscribe_open(operator, "good", Delivery::RELIABLE);
    world.publish(robot, topic, b"!").expect("accepted");
    world.run_for(SECOND);
    assert_eq!(world.messages(operator, good).len(), 1);
    let troubles: Vec<_> = world
        .events(operator)
        .into_iter()
        .filter_map(|event| match event {
            Event::Trouble { topic, error, retrying: true, .. } => Some(format!("{topic}: {error}")),
            _ => None,
        })
        .collect();
    assert_eq!(troubles.len(), 1, "told once: {troubles:?}");
    assert!(troubles[0].contains("nobody") && troubles[0].contains("not_found_track_error"), "{troubles:?}");
}

#[test]
fn calls_of_one_session_never_overlap_and_stay_below_the_rate() {
    let mut world = World::new(11);
    world.network.delay = Duration::from_micros(200);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    // Topics come one by one, faster than the API may be called.
    for n in 0..300 {
        world.topic(robot, &format!("t{n}"), Delivery::LOSSY);
        world.subscribe(operator, &format!("t{n}"), Delivery::LOSSY);
        world.run_for(Duration::from_millis(3));
    }
    world.run_for(10 * SECOND);
    assert!(world.http.iter().all(|log| !log.overlaps), "two calls on one session at the same time");
    let sessions: std::collections::HashSet<_> = world.http.iter().filter_map(|log| log.session.clone()).collect();
    for session in sessions {
        let times: Vec<_> =
            world.http.iter().filter(|log| log.session.as_ref() == Some(&session)).map(|log| log.at).collect();
        for (i, first) in times.iter().enumerate() {
            let within = times[i..].iter().take_while(|at| **at - *first < SECOND).count();
            assert!(within <= 50, "{within} requests within a second");
        }
    }
}

#[test]
fn a_session_that_is_gone_ends_the_connection() {
    let mut world = World::new(12);
    let node = world.connect(world.config().reconnect(false));
    world.script(|_| Fate::Answer(410, r#"{"errorCode":"session_error","errorDescription":"gone"}"#.into()));
    world.topic(node, "t", Delivery::LOSSY);
    world.run_for(SECOND);
    assert!(matches!(world.peer(node).ended(), Some(EndReason::Api(error)) if error.is_session_gone()));
}

#[test]
fn a_topic_that_is_refused_for_good_says_so_when_published_to() {
    let mut world = World::new(13);
    let node = world.connect(world.config());
    world.script(|_| Fate::Answer(406, r#"{"errorCode":"invalid_params","errorDescription":"not this one"}"#.into()));
    let topic = world.topic(node, "t", Delivery::LOSSY);
    world.run_for(SECOND);
    let error = world.publish(node, topic, b"x").expect_err("refused").to_string();
    assert!(error.contains("\"t\"") && error.contains("not this one"), "{error}");
}

#[test]
fn hostile_answers_to_an_allocation_neither_panic_nor_stick() {
    for body in [
        r#"{"dataChannels":[]}"#,
        r#"{"dataChannels":[{"dataChannelName":"pub_t","id":100}]}"#,
        r#"{"dataChannels":[{"dataChannelName":"pub_t"}]}"#,
        r#"{"dataChannels":[{"dataChannelName":"other","id":3}]}"#,
        r#"{"dataChannels":[{"dataChannelName":"pub_t","id":70000}]}"#,
        r#"{"dataChannels":[{"dataChannelName":"pub_t","id":65535}]}"#,
        r#"{"dataChannels":[{"dataChannelName":"pub_t","errorCode":"repeated_local_track_error"}]}"#,
        r#"{"dataChannels":[{"errorCode":"backend_error"}]}"#,
    ] {
        let mut world = World::new(14);
        let node = world.connect(world.config());
        let answer = body.to_owned();
        let mut first = true;
        world.script(move |log| match log.call == "datachannels/new" && std::mem::take(&mut first) {
            true => Fate::Answer(200, answer.clone()),
            false => Fate::Pass,
        });
        let topic = world.topic(node, "t", Delivery::RELIABLE);
        world.run_for(5 * SECOND);
        let _either_way = world.publish(node, topic, b"x");
        world.run_for(5 * SECOND);
        assert!(world.peer(node).ended().is_none(), "{body}");
    }
}

#[test]
fn closing_what_nobody_wants_has_tries_and_pauses_of_its_own() {
    let mut world = World::new(15);
    let robot = world.connect(world.config());
    let operator = world.connect_to(robot);
    for name in ["a", "b", "c"] {
        world.topic(robot, name, Delivery::LOSSY);
    }
    let [a, b] = ["a", "b"].map(|name| world.subscribe_open(operator, name, Delivery::LOSSY));
    let busy = r#"{"errorCode":"temporarily_unavailable_error","errorDescription":"busy"}"#;
    world.script(move |log| match &*log.call {
        "datachannels/close" => Fate::Answer(503, busy.to_owned()),
        _ => Fate::Pass,
    });
    let closings = |world: &World| -> Vec<Duration> {
        world.http.iter().filter(|log| log.call == "datachannels/close").map(|log| log.at).collect()
    };
    world.peer(operator).unsubscribe(a);
    world.run_for(10 * SECOND);
    let so_far = closings(&world).len();
    assert!((5..10).contains(&so_far), "{so_far} tries in 10 s");

    // What is wanted does not wait for that, however long the next pause is.
    let asked = world.elapsed();
    world.subscribe_open(operator, "c", Delivery::LOSSY);
    assert!(world.elapsed() - asked < SECOND, "{:?}", world.elapsed() - asked);

    world.run_for(60 * SECOND);
    let tries = closings(&world);
    assert_eq!(tries.len(), 10, "{tries:?}");
    let pauses: Vec<Duration> = tries.windows(2).map(|two| two[1] - two[0]).collect();
    let longest = pauses.iter().max().expect("several");
    assert!((4 * SECOND..=8 * SECOND + Duration::from_millis(10)).contains(longest), "{pauses:?}");

    // The next one begins anew.
    world.peer(operator).unsubscribe(b);
    world.run_for(60 * SECOND);
    assert_eq!(closings(&world).len(), 20);
    assert_eq!(world.peer(operator).stats().connection.subscribe.requests_retried, 18);
    assert!(world.peer(operator).ended().is_none());
}
