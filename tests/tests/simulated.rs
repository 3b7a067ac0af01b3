//! The simulated robot and its operator through a broker, in virtual time: what `farwire robot` and `farwire drive` carry.

use std::time::Duration;

use farwire_core::broker::{
    CMD_UNRELIABLE, MAP_UNRELIABLE, OperatorConfig, RobotConfig, STATE_RELIABLE, STATE_RELIABLE_BACK,
};
use farwire_core::lcm::Message;
use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::teleop::{Activity, Asked, Grid, Heard, Limits, Now, Operator, Output, Robot, RobotOptions, Say};
use farwire_core::{Delivery, SubscriptionId, TopicId};
use farwire_sim::operator::{Deed, HOLD, Key, Pilot, Report};
use farwire_sim::robot::{Body, LIMITS, STEP_HZ};
use farwire_sim::{Minimap, Pose, Velocity};
use farwire_tests::{Node, World};

/// Both ends, stepped as often as the robot steps.
struct Drive {
    world: World,
    robot: Node,
    operator: Node,
    kit: Robot,
    body: Body,
    pilot: Pilot,
    hands: Operator,
    commands: (TopicId, SubscriptionId),
    orders: (TopicId, SubscriptionId),
    reports: (TopicId, SubscriptionId),
    maps: (TopicId, SubscriptionId),
    /// The latest that the operator was told.
    report: Report,
    grid: Option<Grid>,
    pose: Option<Pose>,
    acknowledged: Vec<(Asked, bool)>,
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
        let options = RobotOptions::new(Limits::planar(LIMITS.linear, LIMITS.angular)).telemetry_hz(STEP_HZ);
        // Its rate is that of the steps, so that each says a velocity.
        let hands = Operator::new(world.now(), Duration::from_secs_f64(world.unix()), STEP_HZ);
        Drive {
            kit: Robot::new(options, world.now()),
            world,
            robot,
            operator,
            body: Body::new(),
            pilot: Pilot::new(),
            hands,
            commands,
            orders,
            reports,
            maps,
            report: Report::default(),
            grid: None,
            pose: None,
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
        match self.pilot.press(key, now) {
            Some(Deed::Estop { engaged: true }) => self.hands.estop(now),
            Some(Deed::Estop { engaged: false }) => drop(self.hands.estop_clear(now)),
            _ => {}
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
        let now = self.time();
        self.body.step(&self.kit.step(now));
        self.kit.set_report(self.body.report("rover"));
        self.kit.handle_timeout(now);
        if self.kit.is_map_due(now.at) {
            let stamp = now.robot_time.unwrap_or_default().as_secs_f64();
            self.kit.publish_map(self.body.grid().to_json(stamp)).expect("a map");
        }
        let Pose { x, y, yaw } = self.body.pose();
        self.kit.publish_odom(now, x, y, yaw);
        self.say();
        self.look();
    }

    fn time(&self) -> Now {
        Now { at: self.world.now(), robot_time: Some(Duration::from_secs_f64(self.world.unix())) }
    }

    fn command(&mut self) {
        let now = self.world.now();
        let Velocity { linear, angular } = self.pilot.target(now);
        let twist = Twist {
            linear: Vector3 { x: linear, ..Vector3::default() },
            angular: Vector3 { z: angular, ..Vector3::default() },
        };
        self.hands.drive(now, twist, HOLD);
        self.hands.handle_timeout(now);
        while let Some(say) = self.hands.poll() {
            let (topic, bytes) = match say {
                Say::State(text) => (self.orders.0, text.into_bytes()),
                Say::Drive(twist) => {
                    let Some(stamp) = self.world.peer(self.operator).stamp(now).and_then(Time::from_unix) else {
                        continue;
                    };
                    let command = TwistStamped { header: Header { stamp, ..Header::default() }, twist };
                    (self.commands.0, command.to_bytes().expect("it has an encoding"))
                }
                other => panic!("{other:?}"),
            };
            self.world.publish(self.operator, topic, &bytes).expect("it is a topic");
        }
    }

    fn obey(&mut self) {
        let now = self.time();
        let peer = self.world.peer(self.robot);
        let operator = if peer.is_operated() { Ok(()) } else { Err(peer.operator_lost()) };
        self.kit.handle_operator(now, operator);
        for message in self.world.messages(self.robot, self.orders.1) {
            self.kit.handle_message(now, &message.bytes);
        }
        for message in self.world.messages(self.robot, self.commands.1) {
            let command = TwistStamped::decode(&message.bytes).expect("a command");
            self.kit.handle_drive(now, &command, message.bytes.len());
        }
    }

    fn say(&mut self) {
        while let Some(output) = self.kit.poll() {
            let (topic, text) = match output {
                Output::State(text) => (self.reports.0, text),
                Output::Map(text) => (self.maps.0, text),
                other => panic!("nothing else is registered: {other:?}"),
            };
            self.world.publish(self.robot, topic, text.as_bytes()).expect("it is a topic");
        }
    }

    fn look(&mut self) {
        for message in self.world.messages(self.operator, self.reports.1) {
            self.hands.handle_state(None, &message.bytes);
        }
        for message in self.world.messages(self.operator, self.maps.1) {
            self.hands.handle_map(&message.bytes);
        }
        while let Some(heard) = self.hands.hear_next() {
            match heard {
                Heard::Telemetry(telemetry) => self.report = Report::of(&telemetry),
                Heard::Acknowledged { asked, ok, .. } => self.acknowledged.push((asked, ok)),
                Heard::Map(grid) => self.grid = Some(grid),
                Heard::Odom(odom) => self.pose = Some(Pose { x: odom.x, y: odom.y, yaw: odom.yaw }),
                other => panic!("{other:?}"),
            }
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
    let map = Minimap::of(drive.grid.as_ref().expect("a map"), drive.pose);
    let cell = map.robot.expect("a pose on it");
    assert!(cell.column > 16 && !map.is_occupied(cell.column, cell.row), "{map:?}");

    drive.press(Key::Estop);
    drive.hold(Key::Forward, SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.speed()), (Some("estopped"), 0.0));
    drive.press(Key::Release);
    drive.wait(SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.speed()), (Some("standing"), 0.0));
    assert_eq!(drive.acknowledged, [(Asked::Estop, true), (Asked::EstopClear, true)]);
    drive.hold(Key::Forward, SECOND);
    assert_eq!(drive.report.state.as_deref(), Some("driving"));
}

#[test]
fn a_robot_that_hears_nobody_stands() {
    let mut drive = Drive::new(2);
    drive.hold(Key::Forward, SECOND);
    assert_eq!((drive.report.state.as_deref(), drive.body.velocity().linear), (Some("driving"), 0.5));
    drive.world.cut_off(drive.operator);
    drive.hold(Key::Forward, 10 * SECOND);
    let step = drive.kit.step(drive.time());
    assert_eq!((step.activity, step.velocity), (Activity::NoOperator, Twist::default()));
    assert!(drive.body.velocity().is_zero());
}
