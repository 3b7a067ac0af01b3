//! An operator's program hands its robot over by one call, in virtual time.

use std::time::Duration;

use farwire_core::broker::{BrokerError, Errand, ErrandDone, OperatorConfig, RobotConfig, Roster};
use farwire_core::{ConnectionEvent, Delivery, EndReason, Event, SubscriptionId, TopicId};
use farwire_tests::{Fate, Node, World};

const SECOND: Duration = Duration::from_secs(1);

/// What both say all the time.
const OF_OPERATOR: &[u8] = b"operator";
const OF_VIEWER: &[u8] = b"viewer";

/// A robot that is operated and watched. Both use one token, so that nothing but their own rules keeps them apart.
struct Scene {
    world: World,
    robot: Node,
    config: OperatorConfig,
    operator: Node,
    viewer: Node,
    commands: SubscriptionId,
    publishers: [(Node, TopicId); 2],
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let mut world = World::new(seed);
        world.network.delay = Duration::from_millis(20);
        world.open_broker();
        let (key, token) = (world.robot_key("rover"), world.operator_token());
        let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
        let config = OperatorConfig::new("http://broker.test", &token).expect("a good config");
        let operator = world.connect(&config);
        let viewer = world.connect(config.clone().view(true));
        let commands = world.subscribe_open(robot, "cmd_unreliable", Delivery::LOSSY);
        let publishers = [operator, viewer].map(|node| (node, world.topic(node, "cmd_unreliable", Delivery::LOSSY)));
        let mut scene = Scene { world, robot, config, operator, viewer, commands, publishers };
        assert!(scene.world.peer(viewer).watches() && !scene.world.peer(operator).watches());
        assert_eq!(scene.drive(2 * SECOND, |_| false), (true, false));
        scene
    }

    /// Lets both say what they say every 20 ms, until `done`. Answers whom the robot heard.
    fn drive(&mut self, limit: Duration, mut done: impl FnMut(&mut World) -> bool) -> (bool, bool) {
        let (publishers, until) = (self.publishers, self.world.now() + limit);
        while self.world.now() < until && !done(&mut self.world) {
            for ((node, topic), says) in publishers.into_iter().zip([OF_OPERATOR, OF_VIEWER]) {
                let _ = self.world.publish(node, topic, says);
            }
            self.world.run_for(Duration::from_millis(20));
        }
        let heard = self.world.messages(self.robot, self.commands);
        let heard = |says: &[u8]| heard.iter().any(|message| message.bytes[..] == *says);
        (heard(OF_OPERATOR), heard(OF_VIEWER))
    }

    /// Both drive on until the broker has done something for somebody, or has not.
    fn errand(&mut self, of: Node, errand: Errand) -> (Result<ErrandDone, BrokerError>, (bool, bool)) {
        let now = self.world.now();
        let id = match self.world.peer(of).errand(now, errand) {
            Ok(id) => id,
            Err(error) => return (Err(error), (false, false)),
        };
        let mut outcome = None;
        let heard = self.drive(40 * SECOND, |world| {
            outcome = world.peer(of).take_errand(id);
            outcome.is_some()
        });
        (outcome.expect("the broker answers, or the call times out"), heard)
    }

    fn roster(&mut self, of: Node) -> Roster {
        match self.errand(of, Errand::Roster).0 {
            Ok(ErrandDone::Roster(roster)) => roster,
            other => panic!("{other:?}"),
        }
    }

    fn calls(&self, call: &str) -> usize {
        self.world.http.iter().filter(|log| log.call == call).count()
    }
}

fn hand_over(to: Option<&str>) -> Errand {
    Errand::HandOver { to: to.map(str::to_owned) }
}

fn is_handed_over(end: Option<&EndReason>) -> bool {
    matches!(end, Some(EndReason::Unavailable(why)) if why.code() == "handed_over")
}

#[test]
fn the_viewer_drives_on_without_dialing_and_the_robot_stands_for_no_longer_than_one_heartbeat() {
    for is_named in [true, false] {
        let mut scene = Scene::new(1);
        let (operator, viewer) = (scene.operator, scene.viewer);
        let roster = scene.roster(operator);
        assert_eq!((roster.operator.clone(), roster.viewers.len()), (roster.you.clone(), 1));
        let seen = scene.roster(viewer);
        assert_eq!((&seen.operator, &seen.you), (&roster.operator, &roster.viewers.first().cloned()));
        scene.world.events(viewer);

        let (now, to) = (scene.world.now(), roster.viewers[0].clone());
        let errand = hand_over(is_named.then_some(to.as_str()));
        let id = scene.world.peer(operator).errand(now, errand).expect("it operates");
        let (mut outcome, mut last, mut first) = (None, scene.world.now(), None);
        let (robot, commands) = (scene.robot, scene.commands);
        scene.drive(5 * SECOND, |world| {
            outcome = outcome.take().or_else(|| world.peer(operator).take_errand(id));
            for message in world.messages(robot, commands) {
                match &message.bytes[..] {
                    OF_OPERATOR => {
                        assert!(first.is_none(), "one after the other");
                        last = world.now();
                    }
                    _ => first = first.or(Some(world.now())),
                }
            }
            first.is_some()
        });
        let stood = first.expect("the viewer drives") - last;
        assert!(stood <= SECOND, "{stood:?}");
        assert_eq!(outcome, Some(Ok(ErrandDone::HandedOver)));
        let events = scene.world.events(viewer);
        let is_told = |event: &Event| matches!(event, Event::Connection(ConnectionEvent::HandedOver));
        assert_eq!(events.iter().filter(|event| is_told(event)).count(), 1, "{events:?}");
        assert!(!scene.world.peer(viewer).watches() && scene.world.peer(viewer).has_robot());
        assert_eq!(scene.world.peer(viewer).stats().connection.losses, 0);
        assert!(is_handed_over(scene.world.peer(operator).ended()), "{:?}", scene.world.peer(operator).ended());

        // It does not come back, although its token could have the robot for the asking.
        assert_eq!(scene.drive(30 * SECOND, |_| false), (false, true));
        assert_eq!((scene.world.broker_stats().operators, scene.world.broker_stats().takeovers), (1, 0));
        assert_eq!(scene.calls("hand-over"), 1);

        // Back again, to the one that watches now.
        let config = scene.config.clone().view(true);
        let former = scene.world.connect(config);
        scene.publishers[0] = (former, scene.world.topic(former, "cmd_unreliable", Delivery::LOSSY));
        assert_eq!(scene.errand(viewer, hand_over(None)).0, Ok(ErrandDone::HandedOver));
        scene.drive(2 * SECOND, |_| false);
        assert_eq!(scene.drive(SECOND, |_| false), (true, false));
        assert!(is_handed_over(scene.world.peer(viewer).ended()));
    }
}

#[test]
fn a_hand_over_that_is_refused_leaves_the_operator_driving() {
    let mut scene = Scene::new(2);
    let (operator, viewer) = (scene.operator, scene.viewer);
    let own = scene.roster(operator).you.expect("a name");
    let long = "x".repeat(10_000);
    for to in ["nobody", own.as_str(), long.as_str()] {
        let (outcome, heard) = scene.errand(operator, hand_over(Some(to)));
        assert_eq!(outcome, Err(BrokerError::NoViewer));
        assert!(!heard.1, "the robot heard the viewer");
    }
    // Two watch, and nobody is named.
    let config = scene.config.clone().view(true);
    let other = scene.world.connect(config);
    assert_eq!(scene.errand(operator, hand_over(None)).0, Err(BrokerError::NoViewer));
    scene.world.close(other);
    scene.drive(SECOND, |_| false);
    // A broker that does not know the call, one that fails, and one that cannot be read.
    for (status, body, is_expected) in [
        (404, r#"{"detail":"Not Found"}"#, (|error| *error == BrokerError::Unsupported) as fn(&BrokerError) -> bool),
        (405, r#"{"detail":"Method Not Allowed"}"#, |error| *error == BrokerError::Unsupported),
        (422, r#"{"detail":"no"}"#, |error| matches!(error, BrokerError::Refused(_))),
        (500, "oops", |error| matches!(error, BrokerError::Unknown(_))),
        (200, "[]", |error| matches!(error, BrokerError::Unknown(_))),
    ] {
        scene.world.script(move |log| match log.call == "hand-over" {
            true => Fate::Answer(status, body.to_owned()),
            false => Fate::Pass,
        });
        let error = scene.errand(operator, hand_over(None)).0.expect_err("refused");
        assert!(is_expected(&error), "{status}: {error:?}");
        assert_eq!(scene.drive(SECOND, |_| false), (true, false));
    }
    scene.world.script(|_| Fate::Pass);
    // A viewer that does not get to know of it.
    scene.world.cut_off(viewer);
    let (outcome, heard) = scene.errand(operator, hand_over(None));
    assert!(matches!(outcome, Err(BrokerError::NotTaken | BrokerError::NoViewer)), "{outcome:?}");
    assert_eq!(heard, (true, false));
    assert_eq!(scene.drive(SECOND, |_| false), (true, false));
    assert_eq!(scene.world.peer(operator).stats().connection.losses, 0);
    assert!(scene.world.peer(operator).ended().is_none() && scene.world.peer(scene.robot).is_operated());
}

#[test]
fn only_who_drives_hands_over() {
    let mut scene = Scene::new(3);
    let (viewer, robot) = (scene.viewer, scene.robot);
    for of in [viewer, robot] {
        assert_eq!(scene.errand(of, hand_over(None)).0, Err(BrokerError::NotOperator));
    }
    assert_eq!(scene.calls("hand-over"), 0, "the broker is not even asked");
    assert_eq!(scene.drive(SECOND, |_| false), (true, false));
    scene.world.close(viewer);
    scene.drive(SECOND, |_| false);
    assert_eq!(scene.errand(viewer, Errand::Roster).0, Err(BrokerError::NotConnected));
}

#[test]
fn an_operator_whose_answer_is_lost_does_not_take_the_robot_back() {
    for fate in [Fate::AnswerLost, Fate::Answer(502, "bad gateway".to_owned())] {
        let mut scene = Scene::new(4);
        let (operator, viewer) = (scene.operator, scene.viewer);
        let token = scene.config.token.reveal().to_owned();
        let session = scene.world.peer(operator).session_id().expect("joined").to_string();
        let is_proxys = fate != Fate::AnswerLost;
        scene.world.script(move |log| if log.call == "hand-over" { fate.clone() } else { Fate::Pass });
        let now = scene.world.now();
        let id = scene.world.peer(operator).errand(now, hand_over(None)).expect("it operates");
        if is_proxys {
            // The proxy passed it on before it failed.
            scene.world.ask_broker(&token, &session, "hand-over", "{}");
        }
        scene.drive(10 * SECOND, |_| false);
        let outcome = scene.world.peer(operator).take_errand(id);
        assert!(
            matches!(outcome, Some(Err(BrokerError::Unknown(_) | BrokerError::NotConnected))),
            "{is_proxys}: {outcome:?}"
        );
        assert!(is_handed_over(scene.world.peer(operator).ended()), "{:?}", scene.world.peer(operator).ended());
        assert_eq!(scene.drive(30 * SECOND, |_| false), (false, true));
        assert!(!scene.world.peer(viewer).watches());
        assert_eq!(scene.calls("join"), 2, "nobody joined again");
    }
}

#[test]
fn errands_are_bounded_and_end_with_the_connection() {
    let mut scene = Scene::new(5);
    let (operator, now) = (scene.operator, scene.world.now());
    let peer = scene.world.peer(operator);
    let ids: Vec<_> = (0..8).map(|_| peer.errand(now, Errand::Roster).expect("there is room")).collect();
    assert_eq!(peer.errand(now, Errand::Roster), Err(BrokerError::Busy));
    peer.forget_errand(ids[0]);
    let another = peer.errand(now, hand_over(None)).expect("there is room again");
    // One call answers all who want to know.
    scene.world.run_for(Duration::from_millis(200));
    assert_eq!(scene.calls("status"), 1);
    for id in &ids[1..] {
        assert!(matches!(scene.world.peer(operator).take_errand(*id), Some(Ok(ErrandDone::Roster(_)))));
        assert_eq!(scene.world.peer(operator).take_errand(*id), None, "once");
    }
    // Of two hand-overs the later one counts.
    let later = scene.world.peer(operator).errand(now, hand_over(Some("nobody"))).expect("there is room");
    scene.world.run_for(Duration::from_millis(200));
    assert_eq!(scene.world.peer(operator).take_errand(another), Some(Err(BrokerError::Superseded)));
    assert_eq!(scene.world.peer(operator).take_errand(later), Some(Err(BrokerError::NoViewer)));

    let asked = scene.world.peer(operator).errand(now, Errand::Roster).expect("there is room");
    scene.world.close(operator);
    scene.world.run_for(SECOND);
    assert_eq!(scene.world.peer(operator).take_errand(asked), Some(Err(BrokerError::NotConnected)));
}
