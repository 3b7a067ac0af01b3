//! The simulated robot and its operator through a broker, in virtual time: what `farwire robot` and `farwire drive` carry.

use std::time::Duration;

use farwire_core::broker::{
    CMD_UNRELIABLE, MAP_UNRELIABLE, OperatorConfig, RobotConfig, STATE_RELIABLE, STATE_RELIABLE_BACK,
};
use farwire_core::lcm::Message;
use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::{Delivery, SubscriptionId, TopicId};
use farwire_sim::operator::{Deed, Key, Pilot, Report, Said};
use farwire_sim::robot::{Body, STEP_HZ};
use farwire_sim::{Minimap, Order, Ordered, Velocity};
use farwire_tests::{Node, World};

/// Both ends, stepped as often as the robot steps.
struct Drive {
    world: World,
    robot: Node,
    operator: Node,
    body: Body,
    pilot: Pilot,
    nonce: u64,
    commands: (TopicId, SubscriptionId),
    orders: (TopicId, SubscriptionId),
    reports: (TopicId, SubscriptionId),
    maps: (TopicId, SubscriptionId),
    /// The latest that the operator was told.
    report: Report,
    map: Option<Minimap>,
    acknowledged: Vec<(u64, bool)>,
}

impl Drive {
    fn new(seed: u64) -> Drive {
        let mut world = World::new(seed);
        world.open_broker();
        let (key, token) = (world.robot_key("rover"), world.operator_token());
        let robot = world.connect(RobotConfig::new("http://broker.test", &key).expect("a good config"));
        let operator = world.connect(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
        let mut way = |from, to, name, delivery| {
            let topic = world.topic(from, name, delivery);
            (topic, world.subscribe_open(to, name, delivery))
        };
        let commands = way(operator, robot, CMD_UNRELIABLE, Delivery::LOSSY);
        let orders = way(operator, robot, STATE_RELIABLE, Delivery::RELIABLE);
        let reports = way(robot, operator, STATE_RELIABLE_BACK, Delivery::RELIABLE);
        let maps = way(robot, operator, MAP_UNRELIABLE, Delivery::LOSSY);
        Drive {
            world,
            robot,
            operator,
            body: Body::new(),
            pilot: Pilot::new(),
            nonce: 0,
            commands,
            orders,
            reports,
            maps,
            report: Report::default(),
            map: None,
            acknowledged: Vec::new(),
        }
    }

    /// Presses a key, as a terminal repeats it, for this long.
    fn hold(&mut self, key: Key, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            self.press(key);
            self.step();
        }
    }

    fn press(&mut self, key: Key) {
        let now = self.world.now();
        if let Some(Deed::Estop { engaged }) = self.pilot.press(key, now) {
            self.nonce += 1;
            let order = if engaged { Order::Estop } else { Order::EstopClear };
            let order = order.to_json(self.nonce).expect("an operator says it");
            self.world.publish(self.operator, self.orders.0, order.as_bytes()).expect("it is a topic");
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            self.step();
        }
    }

    fn step(&mut self) {
        self.command();
        self.world.run_for(Duration::from_secs_f64(1.0 / STEP_HZ));
        self.obey();
        self.body.step();
        let robot_ts = self.world.unix();
        let telemetry = self.body.telemetry("rover", robot_ts);
        self.say(self.reports.0, &telemetry);
        let map = self.body.minimap(robot_ts);
        self.say(self.maps.0, &map);
        self.look();
    }

    fn command(&mut self) {
        let Velocity { linear, angular } = self.pilot.target(self.world.now());
        let now = self.world.now();
        let Some(stamp) = self.world.peer(self.operator).stamp(now).and_then(Time::from_unix) else { return };
        let command = TwistStamped {
            header: Header { stamp, ..Header::default() },
            twist: Twist {
                linear: Vector3 { x: linear, ..Vector3::default() },
                angular: Vector3 { z: angular, ..Vector3::default() },
            },
        };
        let bytes = command.to_bytes().expect("it has an encoding");
        self.world.publish(self.operator, self.commands.0, &bytes).expect("it is a topic");
    }

    fn obey(&mut self) {
        let guard = &mut self.body.guard;
        match self.world.peer(self.robot).is_operated() {
            true => guard.operator_came(),
            false => guard.operator_lost("it is gone"),
        };
        let mut answers = Vec::new();
        for message in self.world.messages(self.robot, self.orders.1) {
            let Some(ordered) = Ordered::parse(&message.bytes) else { continue };
            let engaged = match ordered.order {
                Order::Estop => true,
                Order::EstopClear => false,
                _ => continue,
            };
            guard.estop(engaged);
            answers.extend(ordered.answer(true));
        }
        for message in self.world.messages(self.robot, self.commands.1) {
            let command = TwistStamped::decode(&message.bytes).expect("a command");
            guard.command(Velocity { linear: command.twist.linear.x, angular: command.twist.angular.z });
        }
        for answer in answers {
            self.say(self.reports.0, &answer);
        }
    }

    fn say(&mut self, topic: TopicId, json: &str) {
        self.world.publish(self.robot, topic, json.as_bytes()).expect("it is a topic");
    }

    fn look(&mut self) {
        for message in self.world.messages(self.operator, self.reports.1) {
            match serde_json::from_slice(&message.bytes).ok().as_ref().and_then(Said::parse) {
                Some(Said::Telemetry(report)) => self.report = report,
                Some(Said::Acknowledged { nonce, ok }) => self.acknowledged.push((nonce, ok)),
                _ => {}
            }
        }
        for message in self.world.messages(self.operator, self.maps.1) {
            self.map = Minimap::parse(&message.bytes).or(self.map.take());
        }
    }

    fn speed(&self) -> f64 {
        self.report.velocity.expect("telemetry").linear
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_held_key_drives_the_robot_and_the_emergency_stop_stops_it() {
    let mut drive = Drive::new(1);
    drive.wait(SECOND);
    assert_eq!(drive.report.state.as_deref(), Some("standing"));
    drive.hold(Key::Forward, 2 * SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.speed()), (Some("driving"), 0.5));
    let pose = drive.report.pose.expect("telemetry");
    assert!(pose.x > 0.5 && pose.y == 0.0, "{pose:?}");
    let cell = drive.map.as_ref().expect("a map").robot;
    assert!(cell.column > 16 && !drive.map.as_ref().expect("a map").is_occupied(cell.column, cell.row));

    drive.press(Key::Estop);
    drive.hold(Key::Forward, SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.speed()), (Some("estopped"), 0.0));
    drive.press(Key::Release);
    drive.wait(SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.speed()), (Some("standing"), 0.0));
    assert_eq!(drive.acknowledged, [(1, true), (2, true)]);
    drive.hold(Key::Forward, SECOND);
    assert_eq!(drive.report.state.as_deref(), Some("driving"));
}

#[test]
fn a_robot_that_hears_nobody_stands() {
    let mut drive = Drive::new(2);
    drive.hold(Key::Forward, SECOND);
    assert!(drive.body.telemetry("rover", 0.0).contains(r#""mode":"driving""#));
    drive.world.cut_off(drive.operator);
    drive.hold(Key::Forward, 10 * SECOND);
    assert!(drive.body.telemetry("rover", 0.0).contains(r#""mode":"no_operator""#));
    assert!(drive.body.guard.target().is_zero());
}
