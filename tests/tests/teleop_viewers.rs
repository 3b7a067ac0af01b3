//! farwire's operators that only watch, in virtual time.

use std::time::Duration;

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::{Accepted, Delivery, TopicId};
use farwire_tests::{Node, World};

const SECOND: Duration = Duration::from_secs(1);

/// A broker, a robot that tells how it does, and a token.
struct Scene {
    world: World,
    robot: Node,
    telemetry: TopicId,
    config: OperatorConfig,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let mut world = World::new(seed);
        world.open_broker();
        let (key, token) = (world.robot_key("rover"), world.operator_token());
        let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
        let telemetry = world.topic(robot, "state_reliable_back", Delivery::RELIABLE);
        let config = OperatorConfig::new("http://broker.test", &token).expect("a good config");
        Scene { world, robot, telemetry, config }
    }

    /// Lets the robot speak three times a second.
    fn run(&mut self, seconds: u32) {
        for _ in 0..3 * seconds {
            let _ = self.world.publish(self.robot, self.telemetry, b"how it does");
            self.world.run_for(SECOND / 3);
        }
    }
}

#[test]
fn two_viewers_beside_an_operator_see_the_robot_and_move_nothing() {
    let mut scene = Scene::new(1);
    let operator = scene.world.connect(&scene.config);
    let token = scene.world.operator_token();
    let other = OperatorConfig::new("http://broker.test", &token).expect("a good config");
    let viewers = [scene.config.clone().view(true), other.view(true).takeover(true)];
    let viewers = viewers.map(|config| scene.world.connect(config));
    let commands = scene.world.subscribe_open(scene.robot, "cmd_unreliable", Delivery::LOSSY);
    let seen = viewers.map(|viewer| scene.world.subscribe_open(viewer, "state_reliable_back", Delivery::RELIABLE));
    let topics = viewers.map(|viewer| {
        ["cmd_unreliable", "state_reliable"].map(|name| scene.world.topic(viewer, name, Delivery::default()))
    });
    scene.run(20);
    for (viewer, (seen, topics)) in viewers.into_iter().zip(seen.into_iter().zip(topics)) {
        assert!(scene.world.peer(viewer).is_up() && scene.world.peer(viewer).has_robot());
        let heard = scene.world.messages(viewer, seen);
        let heard = heard.iter().filter(|message| &message.bytes[..] == b"how it does").count();
        assert!(heard >= 59, "{heard}");
        for topic in topics {
            assert_eq!(scene.world.publish(viewer, topic, b"go"), Ok(Accepted::Dropped), "it does not reach the robot");
        }
    }
    scene.run(1);
    assert_eq!(scene.world.messages(scene.robot, commands), []);
    assert!(scene.world.peer(scene.robot).is_operated() && scene.world.peer(operator).has_robot());
    let stats = scene.world.broker_stats();
    assert_eq!((stats.operators, stats.viewers, stats.takeovers), (1, 2, 0));
    for viewer in viewers {
        scene.world.close(viewer);
    }
    scene.run(1);
    assert_eq!(scene.world.broker_stats().viewers, 0);
    assert!(scene.world.peer(scene.robot).is_operated(), "whoever only watched takes nobody along");
}

#[test]
fn a_viewer_needs_no_operator_and_does_not_make_the_robot_believe_in_one() {
    let mut scene = Scene::new(2);
    let viewer = scene.world.connect(scene.config.clone().view(true));
    scene.run(30);
    assert!(scene.world.peer(viewer).has_robot());
    assert!(!scene.world.peer(scene.robot).is_operated() && scene.world.peer(scene.robot).operator_lost().is_none());
    // A robot that says nothing is not there for it; the connection stays.
    scene.world.run_for(30 * SECOND);
    assert!(!scene.world.peer(viewer).has_robot() && scene.world.peer(viewer).is_up());
    scene.run(1);
    assert!(scene.world.peer(viewer).has_robot());
    assert_eq!(scene.world.peer(viewer).stats().connection.losses, 0);
    // It comes back by itself, as an operator does.
    scene.world.restart_broker();
    scene.run(20);
    assert!(scene.world.peer(viewer).has_robot());
    assert_eq!(scene.world.broker_stats().viewers, 1);
}

#[test]
fn a_robot_that_is_handed_over_stands_for_no_longer_than_one_heartbeat() {
    let mut scene = Scene::new(3);
    scene.world.network.delay = Duration::from_millis(20);
    let config = scene.config.clone();
    let operator = scene.world.connect(&config);
    let token = scene.world.operator_token();
    let viewer = scene
        .world
        .connect(OperatorConfig::new("http://broker.test", &token).expect("a good config").view(true).reconnect(false));
    scene.run(3);
    let (world, robot) = (&mut scene.world, scene.robot);
    let commands = world.subscribe_open(robot, "cmd_unreliable", Delivery::LOSSY);
    let publishers = [operator, viewer].map(|node| (node, world.topic(node, "cmd_unreliable", Delivery::LOSSY)));
    // Both send all the time; the robot is to hear the one, and then the other.
    let mut next = world.now();
    let mut drive = move |world: &mut World| {
        if world.now() >= next {
            next = world.now() + Duration::from_millis(20);
            for (node, topic) in publishers {
                let _ = world.publish(node, topic, if node == operator { b"operator" } else { b"viewer" });
            }
        }
    };
    world.run_until(2 * SECOND, |world| {
        drive(world);
        false
    });
    let heard = world.messages(robot, commands);
    assert!(heard.len() > 50 && heard.iter().all(|message| &message.bytes[..] == b"operator"), "{}", heard.len());

    let session = world.peer(robot).session_id().expect("registered").to_string();
    world.ask_broker(config.token.reveal(), &session, "hand-over", "{}");
    let (mut last_of_operator, mut first_of_viewer) = (world.now(), None);
    let taken = world.run_until(5 * SECOND, |world| {
        drive(world);
        for message in world.messages(robot, commands) {
            match &message.bytes[..] {
                b"operator" => {
                    assert!(first_of_viewer.is_none(), "one after the other");
                    last_of_operator = world.now();
                }
                b"viewer" => first_of_viewer = first_of_viewer.or(Some(world.now())),
                _ => {}
            }
        }
        first_of_viewer.is_some()
    });
    let asked: Vec<_> = world.http.iter().filter(|log| log.node == viewer).map(|log| (log.at, &log.call)).collect();
    let asked = format!("{asked:?}");
    assert!(taken, "{asked} {:?}", world.peer(viewer).ended());
    let stood = first_of_viewer.expect("it drives") - last_of_operator;
    assert!(stood <= SECOND, "{stood:?}");
    assert!(world.peer(robot).is_operated() && world.peer(viewer).has_robot() && world.peer(viewer).is_up());
    world.run_for(30 * SECOND);
    assert!(world.peer(robot).is_operated(), "it goes on");
    assert!(world.peer(operator).ended().expect("it gave up").to_string().contains("409"));
    assert_eq!((world.broker_stats().operators, world.broker_stats().viewers), (1, 0));
    assert_eq!(world.peer(viewer).stats().connection.losses, 0);
}
