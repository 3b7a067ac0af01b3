//! An operator hands its robot over to somebody who watches it.

use std::time::Duration;

use farwire_core::signalling::{Method, RequestId};
use farwire_tests::{Node, Teleop};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A robot that is operated, and a viewer that sees it, with a token of its own.
struct Scene {
    world: Teleop,
    key: String,
    session: String,
    tokens: [String; 2],
    operator: String,
    viewer: (Node, String),
}

impl Scene {
    fn new() -> Scene {
        let mut world = Teleop::new();
        let tokens = [world.operator_token(&[]), world.operator_token(&[])];
        let key = world.robot_key("r");
        let (_, session) = world.register(&key);
        let (_, operator) = world.join(&tokens[0], &session);
        world.bridge(&tokens[0], &session);
        let viewer = world.join_with(&tokens[1], &session, &json!({"role": "viewer"}));
        let mut scene = Scene { world, key, session, tokens, operator, viewer };
        let (status, answer) = scene.viewer_asks("bridge-datachannel");
        assert_eq!((status, &answer["cmd_channel_id"]), (200, &Value::Null), "{answer}");
        assert!(scene.beat().0.is_some());
        scene
    }

    fn hand_over(&mut self, body: &Value) -> RequestId {
        let path = format!("/{}/hand-over", self.session);
        self.world.ask_operator(&self.tokens[0], Method::POST, &path, body)
    }

    fn viewer_asks(&mut self, call: &str) -> (u16, Value) {
        let (path, body) = (format!("/{}/{call}", self.session), json!({"operator_id": self.viewer.1}));
        self.world.operator(&self.tokens[1], Method::POST, &path, &body)
    }

    /// A robot's heartbeat: the ids of what the operator sends, and of what the robot sends.
    fn beat(&mut self) -> (Option<[u64; 2]>, Option<[u64; 2]>, Value) {
        let path = format!("/{}/heartbeat", self.session);
        let (status, answer) = self.world.robot(&self.key, Method::POST, &path, &json!({}));
        assert_eq!(status, 200, "{answer}");
        let both = |one: &str, other: &str| Some([answer[one].as_u64()?, answer[other].as_u64()?]);
        let inbound = both("cmd_channel_subscriber_id", "state_channel_subscriber_id");
        (inbound, both("state_back_channel_publisher_id", "map_channel_publisher_id"), answer.clone())
    }
}

#[test]
fn the_viewer_takes_the_robot_when_it_hears_of_it_and_the_robot_stops_in_between() {
    for to_named in [true, false] {
        let mut scene = Scene::new();
        let (before, outbound, _) = scene.beat();
        let to = if to_named { json!({"to": scene.viewer.1, "operator_id": scene.operator}) } else { json!({}) };
        let asked = scene.hand_over(&to);
        // Until then the operator drives.
        for _ in 0..5 {
            scene.world.run_for(SECOND);
            assert_eq!(scene.beat().0, before);
        }
        assert_eq!(scene.world.answer(asked), None);
        assert_eq!(scene.viewer_asks("op-heartbeat"), (200, json!({"ack": true, "role": "operator"})));
        let (status, bridge) = scene.viewer_asks("bridge-datachannel");
        assert_eq!(status, 200, "{bridge}");
        for name in ["cmd_channel_id", "state_channel_id", "state_back_channel_id", "map_channel_id"] {
            assert!(bridge[name].is_u64(), "{name}: {bridge}");
        }
        assert_eq!(scene.world.wait(asked), (200, json!({"ack": true})));
        let (inbound, still, answer) = scene.beat();
        assert_eq!((inbound, &answer["operator_ended"]), (None, &json!("taken_over")), "it stops first");
        assert_eq!((&answer["operator_coming"], still), (&json!(true), outbound), "and may ask again at once");
        let (after, outbound_after, _) = scene.beat();
        let after = after.expect("the next one's");
        assert!(before.expect("bridged").iter().all(|id| !after.contains(id)));
        assert_eq!(outbound_after, outbound, "what the robot publishes was never closed");
        let stats = scene.world.broker.stats();
        assert_eq!((stats.operators, stats.viewers, stats.bridges, stats.handed_over), (1, 0, 1, 1));
        // The former is nobody any more, and the new one is an operator like any other.
        let path = format!("/{}/op-heartbeat", scene.session);
        assert_eq!(scene.world.operator(&scene.tokens[0], Method::POST, &path, &json!({})).0, 403);
        assert_eq!(scene.viewer_asks("op-heartbeat"), (200, json!({"ack": true})));
        scene.world.run_for(SECOND);
        assert_eq!((scene.world.net.sfu.stats().sessions, scene.world.net.sfu.stats().publications), (2, 4));
        // The next broker goes on with it.
        scene.world.restart();
        scene.world.run_for(SECOND);
        assert_eq!(scene.beat().0, Some(after));
        assert_eq!(scene.viewer_asks("leave").0, 200);
        assert_eq!(scene.beat().0, None);
    }
}

#[test]
fn what_nobody_takes_changes_nothing() {
    let mut scene = Scene::new();
    let before = scene.beat().0;
    let path = format!("/{}/hand-over", scene.session);
    let refused = scene.world.operator(&scene.tokens[1], Method::POST, &path, &json!({}));
    assert_eq!((refused.0, &refused.1["errorCode"]), (403, &json!("not_joined")), "only who operates hands over");
    for to in ["nobody", &scene.operator.clone()] {
        let asked = scene.hand_over(&json!({"to": to}));
        let (status, answer) = scene.world.wait(asked);
        assert_eq!((status, &answer["errorCode"]), (404, &json!("no_viewer")));
    }
    // One that does not know of it.
    let asked = scene.hand_over(&json!({}));
    for _ in 0..21 {
        scene.world.run_for(SECOND);
        scene.beat();
    }
    assert_eq!(scene.world.answer(asked).map(|answer| answer.0), Some(409));
    assert_eq!(scene.viewer_asks("op-heartbeat"), (200, json!({"ack": true})));
    assert!(scene.viewer_asks("bridge-datachannel").1["cmd_channel_id"].is_null());
    // One that goes meanwhile, and an operator that does.
    let asked = scene.hand_over(&json!({}));
    scene.viewer_asks("leave");
    assert_eq!(scene.world.wait(asked).0, 404);
    assert_eq!(scene.beat().0, before);
    scene.viewer = scene.world.join_with(&scene.tokens[1].clone(), &scene.session.clone(), &json!({"role": "viewer"}));
    scene.viewer_asks("bridge-datachannel");
    let asked = scene.hand_over(&json!({}));
    let path = format!("/{}/leave", scene.session);
    scene.world.operator(&scene.tokens[0], Method::POST, &path, &json!({}));
    assert_eq!(scene.world.wait(asked).0, 409);
    assert!(scene.viewer_asks("bridge-datachannel").1["cmd_channel_id"].is_null(), "it is not handed over any more");
}

#[test]
fn of_two_requests_the_later_one_counts() {
    let mut scene = Scene::new();
    let (_, second) =
        scene.world.join_with(&scene.tokens[1].clone(), &scene.session.clone(), &json!({"role": "viewer"}));
    let path = format!("/{}/bridge-datachannel", scene.session);
    scene.world.operator(&scene.tokens[1], Method::POST, &path, &json!({"operator_id": second}));
    let unnamed = scene.hand_over(&json!({}));
    assert_eq!(scene.world.wait(unnamed).0, 404, "there are two");
    let first = scene.hand_over(&json!({"to": second}));
    let later = scene.hand_over(&json!({"to": scene.viewer.1}));
    assert_eq!(scene.world.wait(first).0, 409);
    assert!(scene.viewer_asks("bridge-datachannel").1["cmd_channel_id"].is_u64());
    assert_eq!(scene.world.wait(later).0, 200);
}

#[test]
fn an_sfu_that_fails_leaves_the_robot_standing_and_nothing_behind() {
    for nth in 1..=3 {
        let mut scene = Scene::new();
        let asked = scene.hand_over(&json!({}));
        let mut seen = 0;
        scene.world.script(move |asked| {
            seen += usize::from(asked.call.starts_with("datachannels/"));
            match asked.call.starts_with("datachannels/") && seen == nth {
                true => farwire_tests::Fate::AnswerLost,
                false => farwire_tests::Fate::Pass,
            }
        });
        let path = format!("/{}/bridge-datachannel", scene.session);
        let body = json!({"operator_id": scene.viewer.1});
        scene.world.ask_operator(&scene.tokens[1], Method::POST, &path, &body);
        for _ in 0..15 {
            scene.world.run_for(SECOND);
            scene.beat();
        }
        assert_eq!(scene.world.answer(asked).map(|answer| answer.0), Some(200), "{nth}: it was taken");
        scene.world.robot(&scene.key, Method::DELETE, &format!("/{}", scene.session), &Value::Null);
        scene.world.run_for(30 * SECOND);
        assert_eq!((scene.world.net.sfu.stats().sessions, scene.world.broker.stats().sfu_sessions), (0, 0), "{nth}");
        assert!(scene.world.kept.is_empty() && scene.world.unclosed.is_empty(), "{nth}");
    }
}
