//! Those who watch a robot beside its operator.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_tests::{Ids, Node, Teleop};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A robot, its key, its session and its connection.
fn robot(world: &mut Teleop) -> (String, String, Node) {
    let key = world.robot_key("r");
    let (node, session) = world.register(&key);
    (key, session, node)
}

/// Somebody who has joined to watch.
struct Viewer {
    node: Node,
    id: String,
    token: String,
    session: String,
}

impl Viewer {
    fn join(world: &mut Teleop, token: &str, session: &str) -> Viewer {
        let (node, id) = world.join_with(token, session, &json!({"role": "viewer"}));
        Viewer { node, id, token: token.to_owned(), session: session.to_owned() }
    }

    fn ask(&self, world: &mut Teleop, call: &str) -> (u16, Value) {
        let body = json!({"role": "viewer", "operator_id": self.id});
        world.operator(&self.token, Method::POST, &format!("/{}/{call}", self.session), &body)
    }

    /// Bridges it and opens its ends: the ids of `state_reliable_back` and `map_unreliable`.
    fn bridge(&self, world: &mut Teleop) -> [u16; 2] {
        let (status, answer) = self.ask(world, "bridge-datachannel");
        assert_eq!(status, 200, "{answer}");
        assert_eq!((&answer["cmd_channel_id"], &answer["state_channel_id"]), (&Value::Null, &Value::Null));
        let ids = ["state_back_channel_id", "map_channel_id"].map(|name| id(&answer, name).expect("an id"));
        world.net.open_end(self.node, ids[0], false);
        world.net.open_end(self.node, ids[1], true);
        world.run_for(SECOND / 20);
        ids
    }
}

fn id(answer: &Value, name: &str) -> Option<u16> {
    answer[name].as_u64().map(|id| u16::try_from(id).expect("a stream id"))
}

/// What a heartbeat says of the channels: cmd, state, back, map.
fn beat(world: &mut Teleop, key: &str, session: &str) -> [Option<u16>; 4] {
    let (status, answer) = world.robot(key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
    assert_eq!(status, 200, "{answer}");
    [
        "cmd_channel_subscriber_id",
        "state_channel_subscriber_id",
        "state_back_channel_publisher_id",
        "map_channel_publisher_id",
    ]
    .map(|name| id(&answer, name))
}

fn operator(world: &mut Teleop, token: &str, session: &str) -> (Node, Ids) {
    let (node, _) = world.join(token, session);
    let ids = world.bridge(token, session);
    world.open_ends(node, ids);
    (node, ids)
}

/// Lets the robot say something, which so many hear.
fn says(world: &mut Teleop, (robot, back): (Node, u16), hear: &[(Node, u16)]) {
    world.net.send(robot, back, false, b"{}");
    world.run_for(SECOND / 10);
    for (node, id) in hear {
        assert_eq!(world.net.received(*node), [(*id, false, b"{}".to_vec())], "{node}");
    }
}

#[test]
fn viewers_see_the_robot_beside_its_operator_and_move_nothing() {
    let mut world = Teleop::new();
    let (token, other) = (world.operator_token(&[]), world.operator_token(&[]));
    let (key, session, robot) = robot(&mut world);
    let (driver, own) = operator(&mut world, &token, &session);
    let ids = world.heartbeat(&key, &session).expect("bridged");
    world.open_ends(robot, ids);
    // One with a token of its own, one with the operator's.
    let viewers = [Viewer::join(&mut world, &other, &session), Viewer::join(&mut world, &token, &session)];
    let seen = [viewers[0].bridge(&mut world), viewers[1].bridge(&mut world)];
    assert_eq!(world.heartbeat(&key, &session), Some(ids), "the robot hears nothing of them");
    assert_eq!(world.bridge(&token, &session), own, "the operator is the operator");
    let stats = world.broker.stats();
    assert_eq!((stats.operators, stats.viewers, stats.bridges, stats.takeovers), (1, 2, 1, 0));
    let hear = [(driver, own[2]), (viewers[0].node, seen[0][0]), (viewers[1].node, seen[1][0])];
    says(&mut world, (robot, ids[2]), &hear);
    // Whatever they send, on what they have and on what they have not, the robot hears the operator alone.
    for viewer in &viewers {
        for id in (3..40).filter(|id| ![seen[0], seen[1]].concat().contains(id)) {
            world.net.open_end(viewer.node, id, id.is_multiple_of(2));
        }
        world.run_for(SECOND / 10);
        for id in 3..40 {
            world.net.send(viewer.node, id, true, b"go");
        }
        world.run_for(SECOND / 10);
        world.net.open_in_band(viewer.node, "cmd_unreliable");
    }
    world.run_for(SECOND);
    assert_eq!(world.net.received(robot), []);
    world.net.send(driver, own[0], true, b"go");
    world.run_for(SECOND / 10);
    assert_eq!(world.net.received(robot), [(ids[0], true, b"go".to_vec())]);
    // They leave as they came.
    for viewer in &viewers {
        assert_eq!(viewer.ask(&mut world, "leave").0, 200);
    }
    world.run_for(SECOND);
    assert_eq!(world.heartbeat(&key, &session), Some(ids));
    assert_eq!((world.broker.stats().viewers, world.net.sfu.stats().sessions), (0, 2));
}

#[test]
fn viewers_need_no_operator_and_keep_their_channels_as_operators_come_and_go() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, session, robot) = robot(&mut world);
    let viewer = Viewer::join(&mut world, &token, &session);
    assert_eq!(beat(&mut world, &key, &session), [None; 4], "joined is not bridged");
    let seen = viewer.bridge(&mut world);
    let [cmd, state, back, map] = beat(&mut world, &key, &session);
    assert_eq!((cmd, state), (None, None));
    let (back, map) = (back.expect("an id"), map.expect("an id"));
    world.net.open_end(robot, back, false);
    world.net.open_end(robot, map, true);
    world.run_for(SECOND / 20);
    says(&mut world, (robot, back), &[(viewer.node, seen[0])]);
    for _ in 0..2 {
        let (driver, own) = operator(&mut world, &token, &session);
        let ids = beat(&mut world, &key, &session);
        assert_eq!((ids[2], ids[3]), (Some(back), Some(map)), "what it publishes stays");
        world.net.open_end(robot, ids[0].expect("an id"), true);
        world.run_for(SECOND / 20);
        says(&mut world, (robot, back), &[(driver, own[2]), (viewer.node, seen[0])]);
        world.net.send(driver, own[0], true, b"go");
        world.run_for(SECOND / 10);
        assert_eq!(world.net.received(robot), [(ids[0].expect("an id"), true, b"go".to_vec())]);
        world.operator(&token, Method::POST, &format!("/{session}/leave"), &json!({"role": "operator"}));
        assert_eq!(beat(&mut world, &key, &session), [None, None, Some(back), Some(map)], "it stops");
        world.run_for(SECOND);
        says(&mut world, (robot, back), &[(viewer.node, seen[0])]);
        assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().subscriptions), (2, 2));
    }
    viewer.ask(&mut world, "leave");
    assert_eq!(beat(&mut world, &key, &session), [None; 4]);
    world.run_for(SECOND);
    assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().sessions), (0, 1));
}

#[test]
fn there_are_as_many_as_may_be_and_none_puts_another_out() {
    let mut world = Teleop::with(Teleop::config().ends_sessions().max_viewers(2));
    let token = world.operator_token(&[]);
    let (key, session, _) = robot(&mut world);
    let viewers = [Viewer::join(&mut world, &token, &session), Viewer::join(&mut world, &token, &session)];
    let body = json!({"role": "viewer", "sdp_offer": world.net.offering(false).1, "takeover": true});
    let refused = world.operator(&token, Method::POST, &format!("/{session}/join"), &body);
    assert_eq!((refused.0, &refused.1["errorCode"]), (429, &json!("too_many_viewers")));
    // Nor do they take an operator's place.
    operator(&mut world, &token, &session);
    assert!(world.heartbeat(&key, &session).is_some());
    let (_, listed) = world.operator(&token, Method::GET, "", &Value::Null);
    assert_eq!(listed[0]["viewers"], json!([viewers[0].id, viewers[1].id]));
    viewers[0].ask(&mut world, "leave");
    Viewer::join(&mut world, &token, &session);
    // Joining and leaving all the time is bounded as well.
    world.script(
        |asked| if asked.method == Method::DELETE { farwire_tests::Fate::Lost } else { farwire_tests::Fate::Pass },
    );
    viewers[1].ask(&mut world, "leave");
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let body = json!({"role": "viewer", "sdp_offer": world.net.offering(false).1});
        let (status, answer) = world.operator(&token, Method::POST, &format!("/{session}/join"), &body);
        statuses.push(status);
        let of = json!({"role": "viewer", "operator_id": answer["operator_id"]});
        world.operator(&token, Method::POST, &format!("/{session}/leave"), &of);
    }
    assert!(statuses.contains(&429) && statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert!(world.broker.stats().sfu_sessions <= 2 + 4, "{:?}", world.broker.stats());
    assert!(world.heartbeat(&key, &session).is_some());
}

#[test]
fn a_viewer_ends_as_an_operator_does() {
    let mut world = Teleop::new();
    let (token, other) = (world.operator_token(&[]), world.operator_token(&[]));
    let (key, session, _) = robot(&mut world);
    let pass = |world: &mut Teleop, seconds: u64| {
        for _ in 0..seconds {
            world.run_for(SECOND);
            beat(world, &key, &session);
        }
    };
    operator(&mut world, &other, &session);
    // One that falls silent, though its connection lives.
    let silent = Viewer::join(&mut world, &token, &session);
    silent.bridge(&mut world);
    assert_eq!(silent.ask(&mut world, "op-heartbeat"), (200, json!({"ack": true})));
    pass(&mut world, 19);
    assert_eq!(world.broker.stats().viewers, 1);
    pass(&mut world, 2);
    assert_eq!((world.broker.stats().viewers, silent.ask(&mut world, "op-heartbeat").0), (0, 403));
    // One that joins and does nothing; one that bridges and never made a heartbeat stays.
    let idle = Viewer::join(&mut world, &token, &session);
    let old = Viewer::join(&mut world, &token, &session);
    old.bridge(&mut world);
    pass(&mut world, 31);
    assert_eq!((world.broker.stats().viewers, idle.ask(&mut world, "bridge-datachannel").0), (1, 403));
    // One whose connection ends.
    world.net.hang_up(old.node);
    pass(&mut world, 6);
    assert_eq!(world.broker.stats().viewers, 0);
    // One whose token is revoked.
    Viewer::join(&mut world, &token, &session).bridge(&mut world);
    world.revoke(&token);
    assert_eq!(world.broker.stats().viewers, 0);
    assert!(world.heartbeat(&key, &session).is_some(), "the operator is another one");
    // And all with their robot.
    Viewer::join(&mut world, &other, &session).bridge(&mut world);
    world.robot(&key, Method::DELETE, &format!("/{session}"), &Value::Null);
    world.run_for(SECOND);
    assert_eq!((world.broker.stats().viewers, world.net.sfu.stats().sessions), (0, 0));
    assert!(world.kept.is_empty() && world.unclosed.is_empty());
}

#[test]
fn a_restarted_broker_closes_those_who_watched_and_keeps_the_operator() {
    let mut world = Teleop::new();
    let token = world.operator_token(&[]);
    let (key, session, robot) = robot(&mut world);
    let viewer = Viewer::join(&mut world, &token, &session);
    viewer.bridge(&mut world);
    let (driver, own) = operator(&mut world, &token, &session);
    let ids = world.heartbeat(&key, &session).expect("bridged");
    world.open_ends(robot, ids);
    world.restart();
    world.run_for(SECOND);
    assert_eq!(world.heartbeat(&key, &session), Some(ids));
    assert_eq!((world.broker.stats().viewers, world.net.sfu.stats().sessions), (0, 2));
    assert!(world.unclosed.is_empty());
    says(&mut world, (robot, ids[2]), &[(driver, own[2])]);
    let again = Viewer::join(&mut world, &token, &session);
    let seen = again.bridge(&mut world);
    says(&mut world, (robot, ids[2]), &[(driver, own[2]), (again.node, seen[0])]);
}

#[test]
fn an_sfu_that_fails_a_viewer_fails_nobody_else() {
    for nth in 1..=2 {
        let mut world = Teleop::new();
        let token = world.operator_token(&[]);
        let (key, session, _) = robot(&mut world);
        let viewer = Viewer::join(&mut world, &token, &session);
        let mut seen = 0;
        world.script(move |asked| {
            seen += usize::from(asked.call == "datachannels/new");
            match asked.call == "datachannels/new" && seen == nth {
                true => farwire_tests::Fate::AnswerLost,
                false => farwire_tests::Fate::Pass,
            }
        });
        let path = format!("/{session}/bridge-datachannel");
        let asked = world.ask_operator(&token, Method::POST, &path, &json!({"role": "viewer"}));
        for _ in 0..12 {
            world.run_for(SECOND);
            beat(&mut world, &key, &session);
        }
        assert_eq!(world.wait(asked).0, 503, "{nth}");
        world.run_for(SECOND);
        assert_eq!(world.net.sfu.stats().publications, 0, "{nth}");
        viewer.bridge(&mut world);
        operator(&mut world, &token, &session);
        assert!(world.heartbeat(&key, &session).is_some(), "{nth}");
        assert_eq!((world.net.sfu.stats().publications, world.net.sfu.stats().subscriptions), (4, 6), "{nth}");
    }
}
