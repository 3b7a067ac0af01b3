//! A broker whose SFU fails it.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_tests::{Asked, Fate, Teleop};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn bridge_call(session: &str) -> String {
    format!("/{session}/bridge-datachannel")
}

/// A robot and an operator that has joined.
fn joined() -> (Teleop, String, String, String) {
    let mut world = Teleop::new();
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let (_, session) = world.register(&key);
    world.join(&token, &session);
    (world, key, token, session)
}

/// Passes everything but the nth call that `is_it`.
fn except(nth: usize, fate: Fate, is_it: impl Fn(&Asked) -> bool + 'static) -> impl FnMut(&Asked) -> Fate {
    let mut seen = 0;
    move |asked| {
        seen += usize::from(is_it(asked));
        if is_it(asked) && seen == nth { fate.clone() } else { Fate::Pass }
    }
}

#[test]
fn an_answer_that_is_lost_leaves_no_channel_behind() {
    for nth in 1..=4 {
        let (mut world, key, token, session) = joined();
        world.script(except(nth, Fate::AnswerLost, |asked| asked.call == "datachannels/new"));
        let id = world.ask_operator(&token, Method::POST, &bridge_call(&session), &json!({}));
        for _ in 0..11 {
            world.run_for(SECOND);
            assert_eq!(world.heartbeat(&key, &session), None, "no part of a bridge is told");
        }
        let (status, answer) = world.wait(id);
        assert_eq!(status, 503, "{nth}: {answer}");
        world.run_for(SECOND);
        assert_eq!(world.net.sfu.stats().publications, 0, "{nth}");
        world.bridge(&token, &session);
        assert!(world.heartbeat(&key, &session).is_some());
        assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().subscriptions), (4, 4));
    }
}

/// Closes the nth channel at one end of a bridge, at the SFU and not by the broker.
fn close_at_sfu(world: &mut Teleop, at_robot: bool, nth: usize) {
    let record = world.kept.values().next().expect("kept");
    let operator = record.operator.as_ref().expect("an operator");
    let bridge = operator.bridge.expect("a bridge");
    let (session, ids) = match at_robot {
        true => (&record.sfu_session, bridge.robot),
        false => (&operator.sfu_session, bridge.operator),
    };
    let (path, body) = (format!("/{session}/datachannels/close"), json!({"dataChannels": [{"id": ids[nth]}]}));
    let (status, answer) = world.net.call(Method::PUT, &path, &body);
    assert_eq!((status, answer["dataChannels"][0].get("errorCode")), (200, None), "{answer}");
}

#[test]
fn a_bridge_that_lost_a_channel_on_the_sfu_is_ended_as_a_whole() {
    for (at_robot, nth) in [true, false].into_iter().flat_map(|at_robot| (0..4).map(move |nth| (at_robot, nth))) {
        let (mut world, key, token, session) = joined();
        world.bridge(&token, &session);
        let before = world.heartbeat(&key, &session).expect("bridged");
        close_at_sfu(&mut world, at_robot, nth);
        world.run_for(6 * SECOND);
        assert_eq!(world.heartbeat(&key, &session), None, "{nth}");
        let (status, answer) = world.operator(&token, Method::POST, &bridge_call(&session), &json!({}));
        assert_eq!((status, answer["errorCode"].as_str()), (403, Some("not_joined")), "{nth}");
        let (stats, sfu) = (world.broker.stats(), world.net.sfu.stats());
        assert_eq!((stats.operators, stats.bridges, stats.bridges_broken), (0, 0, 1), "{nth}");
        assert_eq!((sfu.sessions, sfu.publications, sfu.subscriptions), (1, 0, 0), "{nth}");
        // The robot goes on with the next one.
        world.join(&token, &session);
        world.bridge(&token, &session);
        let next = world.heartbeat(&key, &session).expect("bridged");
        assert!(next.iter().all(|id| !before.contains(id)));
        world.run_for(20 * SECOND);
        assert_eq!(world.heartbeat(&key, &session), Some(next), "{nth}");
    }
}

#[test]
fn a_restarted_broker_notices_what_a_bridge_lost_meanwhile() {
    let (mut world, key, token, session) = joined();
    world.bridge(&token, &session);
    assert!(world.heartbeat(&key, &session).is_some());
    close_at_sfu(&mut world, false, 2);
    world.restart();
    world.run_for(SECOND);
    assert_eq!((world.heartbeat(&key, &session), world.broker.stats().operators), (None, 0));
}

#[test]
fn a_bridge_outlasts_an_sfu_that_says_nothing_of_channels() {
    for silent in ["{}", "[]", r#"{"dataChannels": []}"#, r#"{"dataChannels": [{"id": 0}, {"id": -1}, 7]}"#] {
        let (mut world, key, token, session) = joined();
        world.script(move |asked| match asked.call.is_empty() && asked.method == Method::GET {
            true => Fate::Answer(200, silent.into()),
            false => Fate::Pass,
        });
        world.bridge(&token, &session);
        let ids = world.heartbeat(&key, &session).expect("bridged");
        world.run_for(20 * SECOND);
        assert_eq!(world.heartbeat(&key, &session), Some(ids), "{silent}");
    }
}

#[test]
fn an_operator_may_ask_again_when_the_sfu_was_not_ready() {
    let (mut world, _, token, session) = joined();
    let not_yet = r#"{"errorCode":"session_error","errorDescription":"not connected"}"#;
    world.script(except(1, Fate::Answer(425, not_yet.into()), |asked| asked.call == "datachannels/new"));
    let (status, answer) = world.operator(&token, Method::POST, &bridge_call(&session), &json!({}));
    assert_eq!(status, 425, "{answer}");
    world.bridge(&token, &session);
}

#[test]
fn an_id_that_the_robot_has_had_is_not_given_to_it_again() {
    let (mut world, key, token, session) = joined();
    world.bridge(&token, &session);
    let ids = world.heartbeat(&key, &session).expect("bridged");
    world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({}));
    world.join(&token, &session);
    let item = |name: &str, id: u16| json!({"location": "local", "dataChannelName": name, "id": id});
    let again = json!({"dataChannels": [item("state_reliable_back", ids[2]), item("map_unreliable", 900)]});
    world.script(except(1, Fate::Answer(200, again.to_string()), |asked| asked.call == "datachannels/new"));
    let (status, answer) = world.operator(&token, Method::POST, &bridge_call(&session), &json!({}));
    assert_eq!(status, 503, "{answer}");
    // Whatever it was, the next try is a new one.
    world.run_for(2 * SECOND);
    world.bridge(&token, &session);
    assert_eq!(world.heartbeat(&key, &session), None, "the former operator's end comes first");
    let next = world.heartbeat(&key, &session).expect("bridged");
    assert!(next.iter().all(|id| !ids.contains(id)));
}

#[test]
fn two_channels_with_one_id_are_no_bridge() {
    let (mut world, key, token, session) = joined();
    let item = |name: &str| json!({"location": "local", "dataChannelName": name, "id": 900});
    let both = json!({"dataChannels": [item("state_reliable_back"), item("map_unreliable")]});
    world.script(except(1, Fate::Answer(200, both.to_string()), |asked| asked.call == "datachannels/new"));
    let (status, answer) = world.operator(&token, Method::POST, &bridge_call(&session), &json!({}));
    assert_eq!((status, world.heartbeat(&key, &session)), (503, None), "{answer}");
    world.run_for(2 * SECOND);
    world.bridge(&token, &session);
    assert!(world.heartbeat(&key, &session).is_some());
}

#[test]
fn closing_is_tried_again() {
    let (mut world, key, token, session) = joined();
    world.bridge(&token, &session);
    let busy = r#"{"errorCode":"backend_error","errorDescription":"busy"}"#;
    world.script(except(1, Fate::Answer(500, busy.into()), |asked| asked.call == "datachannels/close"));
    world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({}));
    world.run_for(2 * SECOND);
    assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().sessions), (0, 1));
    assert_eq!(world.heartbeat(&key, &session), None);
}

#[test]
fn an_sfu_that_is_away_for_minutes_is_tidied_up_in_the_end() {
    let (mut world, key, token, session) = joined();
    world.bridge(&token, &session);
    world.script(|_| Fate::Failed(farwire_core::signalling::Failure::Connect("no route".into())));
    world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({}));
    for _ in 0..300 {
        world.run_for(SECOND);
        assert_eq!(world.heartbeat(&key, &session), None, "the robot is not concerned");
    }
    assert_eq!((world.net.sfu.stats().publications, world.unclosed.len()), (4, 1));
    world.script(|_| Fate::Pass);
    for _ in 0..30 {
        world.run_for(SECOND);
        world.heartbeat(&key, &session);
    }
    assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().sessions, world.unclosed.len()), (0, 1, 0));
    world.join(&token, &session);
    world.bridge(&token, &session);
}

#[test]
fn an_sfu_that_refuses_is_not_repeated_to_the_robot() {
    for (fate, status) in [
        (Fate::Answer(401, r#"{"errorCode":"unauthorized","errorDescription":"no"}"#.into()), 502),
        (Fate::Answer(200, "<html>".into()), 502),
        (Fate::Answer(503, "{}".into()), 503),
        (Fate::Lost, 503),
    ] {
        let mut world = Teleop::new();
        let key = world.robot_key("r");
        world.script(move |_| fate.clone());
        let body = json!({"robot_name": "r", "sdp_offer": "v=0"});
        let id = world.ask_robot(&key, Method::POST, "", &body);
        let (got, answer) = (0..10)
            .find_map(|_| {
                world.run_for(5 * SECOND);
                world.answer(id)
            })
            .expect("an answer within 50 s");
        assert_eq!(got, status, "{answer}");
        let text = answer.to_string();
        assert!(!text.contains("sfu.test") && !text.contains("secret") && !text.contains("/apps/"), "{text}");
        world.script(|_| Fate::Pass);
        world.run_for(30 * SECOND);
        assert_eq!(world.broker.stats().sfu_sessions, 0);
    }
}

#[test]
fn calls_on_one_session_follow_one_another() {
    let (mut world, key, token, session) = joined();
    world.bridge(&token, &session);
    world.heartbeat(&key, &session);
    let robot = world.kept.values().next().expect("kept").sfu_session.clone();
    let opened = world.asked.iter().filter(|asked| asked.session == robot && asked.call == "datachannels/new").count();
    assert_eq!(opened, 2, "one request for what it publishes, one for what it subscribes to");
}

#[test]
fn a_broker_that_is_killed_while_it_bridges_leaves_no_half_of_a_bridge() {
    for nth in 1..=4 {
        let (mut world, key, token, session) = joined();
        world.script(except(nth, Fate::AnswerLost, |asked| asked.call == "datachannels/new"));
        world.ask_operator(&token, Method::POST, &bridge_call(&session), &json!({}));
        assert!(world.net.sfu.stats().publications > 0);
        world.restart();
        world.run_for(SECOND);
        assert_eq!((world.heartbeat(&key, &session), world.net.sfu.stats().subscriptions), (None, 0), "{nth}");
        world.bridge(&token, &session);
        assert!(world.heartbeat(&key, &session).is_some());
        assert_eq!(world.net.sfu.stats().subscriptions, 4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the SFU does and the others want: in the end nothing is open that nobody has.
    #[test]
    fn nothing_is_left_behind(steps in prop::collection::vec((0u8..13, 0u8..8), 1..25)) {
        let mut world = Teleop::new();
        let (key, tokens) = (world.robot_key("r"), [world.operator_token(&[]), world.operator_token(&["r"])]);
        let mut session = world.register(&key).1;
        let mut outstanding = Vec::new();
        for (step, trouble) in steps {
            let fate = match trouble {
                0 => Fate::AnswerLost,
                1 => Fate::Lost,
                2 => Fate::Answer(500, "{}".into()),
                3 => Fate::Answer(200, "{}".into()),
                _ => Fate::Pass,
            };
            // An SFU that says that it has ended a session, and has not, cannot be helped.
            let may_lie = trouble != 3;
            world.script(except(1 + usize::from(trouble), fate, move |asked| may_lie || asked.method != Method::DELETE));
            let token = &tokens[usize::from(step) % 2];
            match step {
                0 | 1 => {
                    let body = json!({"sdp_offer": world.net.offering(false).1, "takeover": trouble % 2 == 0});
                    outstanding.push(world.ask_operator(token, Method::POST, &format!("/{session}/join"), &body));
                }
                2 | 3 => outstanding.push(world.ask_operator(token, Method::POST, &bridge_call(&session), &json!({}))),
                4 => outstanding.push(world.ask_operator(token, Method::POST, &format!("/{session}/leave"), &json!({}))),
                5 => {
                    let (_, offer) = world.net.offering(false);
                    let id = world.ask_robot(&key, Method::POST, "", &json!({"robot_name": "r", "sdp_offer": offer}));
                    world.run_for(SECOND);
                    match world.answer(id) {
                        Some((201, answer)) => session = answer["session_id"].as_str().expect("an id").to_owned(),
                        Some(_) => {}
                        None => outstanding.push(id),
                    }
                }
                6 => {
                    // What waits is not answered by the next broker; a listener tells its clients.
                    world.restart();
                    outstanding.clear();
                }
                7 => world.run_for(SECOND * u32::from(trouble)),
                8 => {
                    let body = json!({"role": "viewer", "sdp_offer": world.net.offering(false).1});
                    outstanding.push(world.ask_operator(token, Method::POST, &format!("/{session}/join"), &body));
                }
                9 => {
                    let body = json!({"role": "viewer"});
                    outstanding.push(world.ask_operator(token, Method::POST, &bridge_call(&session), &body));
                }
                10 => {
                    let path = format!("/{session}/hand-over");
                    outstanding.push(world.ask_operator(token, Method::POST, &path, &json!({})));
                }
                11 => {
                    let path = format!("/{session}/leave");
                    outstanding.push(world.ask_operator(token, Method::POST, &path, &json!({"role": "viewer"})));
                }
                _ => outstanding.push(world.ask_robot(&key, Method::POST, &format!("/{session}/heartbeat"), &json!({}))),
            }
        }
        world.script(|_| Fate::Pass);
        world.robot(&key, Method::DELETE, &format!("/{session}"), &Value::Null);
        world.run_for(60 * SECOND);
        for id in outstanding {
            prop_assert!(world.answer(id).is_some(), "a request without an answer");
        }
        let stats = world.broker.stats();
        prop_assert_eq!((stats.robots, stats.operators, stats.viewers, stats.sfu_sessions), (0, 0, 0, 0));
        prop_assert_eq!(world.net.sfu.stats().sessions, 0);
        prop_assert!(world.kept.is_empty() && world.unclosed.is_empty() && world.broker.is_settled());
    }
}
