//! Drive commands that are lost are counted from the operator's hand to the robot, in virtual time.

use std::collections::BTreeSet;
use std::time::Duration;

use farwire_core::broker::{CMD_UNRELIABLE, DriveCounts, OperatorConfig, RobotConfig, STATE_RELIABLE_BACK};
use farwire_core::lcm::Message as _;
use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::teleop::{Limits, LinkStats, Loss, Now, Operator, Output, Robot, RobotOptions, Say};
use farwire_core::{Delivery, SubscriptionId, TopicId};
use farwire_tests::{Network, Node, World};
use serde_json::Value;

/// Nothing but a drive command with this name of a frame makes such a long datagram.
const FRAME: usize = 400;

const HZ: f64 = 20.0;

/// A robot and an operator with their kits.
struct Scene {
    world: World,
    robot: Node,
    operator: Node,
    token: String,
    kit: Robot,
    hands: Operator,
    commands: TopicId,
    arrivals: SubscriptionId,
    reports: (TopicId, SubscriptionId),
    number: i32,
    /// Whether the operator numbers its commands.
    is_numbered: bool,
    /// The latest telemetry.
    told: Value,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let mut world = World::new(seed);
        world.open_broker();
        let (key, token) = (world.robot_key("rover"), world.operator_token());
        let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
        let operator = world.connect(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
        let arrivals = world.subscribe_open(robot, CMD_UNRELIABLE, Delivery::LOSSY);
        let reports = world.topic(robot, STATE_RELIABLE_BACK, Delivery::RELIABLE);
        let kit = Robot::new(RobotOptions::new(Limits::planar(1.0, 1.0)).telemetry_hz(3.0), world.now());
        let hands = Operator::new(world.now(), Duration::from_secs_f64(world.unix()), HZ);
        Scene {
            commands: world.topic(operator, CMD_UNRELIABLE, Delivery::LOSSY),
            reports: (reports, world.subscribe_open(operator, STATE_RELIABLE_BACK, Delivery::RELIABLE)),
            arrivals,
            world,
            robot,
            operator,
            token,
            kit,
            hands,
            number: 0,
            is_numbered: true,
            told: Value::Null,
        }
    }

    /// Both are there for so many commands.
    fn drive(&mut self, commands: u32) {
        for _ in 0..commands {
            self.world.run_for(Duration::from_secs_f64(1.0 / HZ));
            self.hands.handle_timeout(self.world.now());
            while let Some(say) = self.hands.poll() {
                if let Say::Drive(twist) = say {
                    self.say(twist);
                }
            }
            self.report();
        }
    }

    fn say(&mut self, twist: Twist) {
        self.number = Operator::number_after(self.number);
        let seq = if self.is_numbered { self.number } else { 0 };
        let stamp = Time::from_unix(Duration::from_secs_f64(self.world.unix())).expect("before 2038");
        let command = TwistStamped { header: Header { seq, stamp, frame_id: "x".repeat(FRAME) }, twist };
        self.world.publish(self.operator, self.commands, &command.to_bytes().expect("encodes")).expect("sent");
    }

    fn report(&mut self) {
        let now = Now { at: self.world.now(), robot_time: Some(Duration::from_secs_f64(self.world.unix())) };
        let robot = self.world.peer(self.robot);
        let (operator, counts) = (robot.is_operated().then_some(()).ok_or(None), robot.drive_counts());
        self.kit.handle_operator(now, operator);
        self.kit.handle_drive_counts(counts);
        self.kit.handle_timeout(now);
        while let Some(output) = self.kit.poll() {
            if let Output::State(text) = output {
                self.world.publish(self.robot, self.reports.0, text.as_bytes()).expect("sent");
            }
        }
        for payload in self.world.messages(self.operator, self.reports.1) {
            self.hands.handle_state(None, &payload.bytes);
            let message: Value = serde_json::from_slice(&payload.bytes).expect("JSON");
            if message["type"] == "robot_telemetry" {
                self.told = message;
            }
        }
    }

    fn link(&self) -> LinkStats {
        self.hands.link(None)
    }

    /// The numbers of the commands that came since the last time.
    fn came(&mut self) -> BTreeSet<u64> {
        let came = self.world.messages(self.robot, self.arrivals);
        let commands = came.iter().map(|payload| TwistStamped::decode(&payload.bytes).expect("a command"));
        commands.map(|command| command.header.seq.try_into().expect("a number")).collect()
    }

    /// Datagrams with drive commands that the network lost, by its own count.
    fn lost(&self) -> u64 {
        self.world.lost.iter().filter(|length| **length > FRAME).count() as u64
    }

    fn counted(&mut self) -> Option<DriveCounts> {
        self.world.peer(self.robot).drive_counts()
    }

    fn network(&mut self, loss: f64, jitter: Duration) {
        self.world.network = Network { delay: Duration::from_millis(20), jitter, loss };
    }
}

#[test]
fn what_is_counted_is_what_the_network_lost() {
    for seed in 1..=4 {
        let mut scene = Scene::new(seed);
        // The first that comes is where counting begins, and the last tells what is missing before it.
        scene.drive(20);
        let mut came = scene.came();
        // Twice the time between two, so that they overtake each other.
        scene.network(0.05, Duration::from_millis(100));
        scene.drive(1_960);
        scene.network(0.0, Duration::ZERO);
        scene.drive(20);
        came.extend(scene.came());
        let first = *came.first().expect("some came");
        let lost = (first..=*came.last().expect("some came")).filter(|number| !came.contains(number)).count() as u64;
        let counts = scene.counted().expect("it counts");
        assert_eq!(
            (counts.sent, counts.sent - counts.received),
            (came.last().map_or(0, |last| last - first), lost),
            "seed {seed}"
        );
        // SCTP gives up what comes much too late, and may send once more what it need not.
        let datagrams = scene.lost();
        assert!((100..300).contains(&datagrams), "5 % on either way, and the network lost {datagrams}");
        assert!(
            lost.abs_diff(datagrams) * 10 <= datagrams,
            "seed {seed}: {lost} are missing, and the network lost {datagrams}"
        );
    }
}

#[test]
fn the_operator_reads_what_the_robot_counts_and_the_broker_is_told() {
    let mut scene = Scene::new(7);
    assert_eq!(scene.link().loss, None);
    scene.drive(60);
    scene.network(0.05, Duration::ZERO);
    scene.drive(400);
    let Some(Loss::Counted(counts)) = scene.link().loss else { panic!("{:?}", scene.link()) };
    // Of the ten seconds of the latest telemetries.
    assert!((150..=250).contains(&counts.sent) && counts.received < counts.sent, "{counts:?}");
    assert!((0.02..0.25).contains(&scene.link().loss.map_or(0.0, Loss::share)), "{:?}", scene.link());
    let told = &scene.told["state"]["drive_counts"];
    assert!(told["sent"].as_u64() > Some(200) && told["received"].as_u64() < told["sent"].as_u64(), "{}", scene.told);
    let beats = scene.world.http.iter().filter(|log| log.call == "heartbeat");
    let beats = beats.filter_map(|log| serde_json::from_str::<Value>(&log.body).ok());
    let losses: Vec<f64> = beats.filter_map(|beat| beat["packet_loss_pct"].as_f64()).collect();
    assert!(losses.len() > 10 && losses.iter().all(|loss| (0.0..=100.0).contains(loss)), "{losses:?}");
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    assert!((2.0..25.0).contains(&mean), "{mean} of {losses:?}");
}

#[test]
fn who_gives_no_numbers_is_not_counted_and_the_operator_estimates() {
    let mut scene = Scene::new(8);
    scene.is_numbered = false;
    scene.network(0.05, Duration::ZERO);
    scene.drive(200);
    assert_eq!(scene.counted(), None);
    assert!(scene.told["state"].get("drive_counts").is_none(), "{}", scene.told);
    // Without the commands in the kit there is no rate either.
    assert_eq!(scene.link().loss, None);
    let beat = scene.world.http.iter().rfind(|log| log.call == "heartbeat").expect("a heartbeat");
    assert!(!beat.body.contains("packet_loss_pct"), "{}", beat.body);
}

#[test]
fn another_operator_is_counted_from_the_start() {
    let mut scene = Scene::new(9);
    scene.network(0.2, Duration::ZERO);
    scene.drive(100);
    scene.network(0.0, Duration::ZERO);
    scene.drive(10);
    assert!(scene.counted().is_some_and(|counts| counts.received < counts.sent));
    scene.world.close(scene.operator);
    scene.world.run_for(Duration::from_secs(3));
    assert_eq!(scene.counted(), None, "nobody drives it");
    let config = OperatorConfig::new("http://broker.test", &scene.token).expect("a good config");
    scene.operator = scene.world.connect(config);
    scene.commands = scene.world.topic(scene.operator, CMD_UNRELIABLE, Delivery::LOSSY);
    scene.reports.1 = scene.world.subscribe_open(scene.operator, STATE_RELIABLE_BACK, Delivery::RELIABLE);
    // It goes on with numbers that are no neighbours of the former one's.
    scene.number += 10;
    scene.drive(50);
    let counts = scene.counted().expect("it counts");
    assert_eq!(counts.sent, counts.received, "what the one before lost is no matter");
    assert!((45..50).contains(&counts.sent), "{counts:?}");
}
