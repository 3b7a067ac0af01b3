//! Clocks that differ and are set, stamps that come late or in the wrong order, and the emergency stop, in virtual time.

use std::time::Duration;

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::lcm::Message as _;
use farwire_core::lcm::geometry_msgs::TwistStamped;
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::{
    ConnectionEvent, Delivery, RecvError, StampRefusal, SubscribeOptions, Topic, TopicId, TopicStats, WallClock,
};
use farwire_tests::{Node, SharedInbox, World};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// How often the operator commands.
const EVERY: Duration = Duration::from_millis(50);

/// A robot with a mailbox for commands that have to be fresh, and an operator.
struct Drive {
    world: World,
    robot: Node,
    operator: Node,
    commands: SharedInbox,
    orders: SharedInbox,
    events: SharedInbox<ConnectionEvent>,
    cmd: TopicId,
    state: TopicId,
    /// By how much the robot's clock is ahead of the world's.
    skew: f64,
}

impl Drive {
    fn new(seed: u64, skew: f64) -> Drive {
        Drive::with(seed, skew, |_| {})
    }

    fn with(seed: u64, skew: f64, arrange: impl FnOnce(&mut World)) -> Drive {
        let mut world = World::new(seed);
        arrange(&mut world);
        world.open_broker();
        let key = world.robot_key("rover");
        let token = world.operator_token();
        let robot = world.add_client(RobotConfig::new("http://broker.test", &key).expect("a good config"));
        let operator = world.add(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
        let (cmd, state) = ("cmd_unreliable", "state_reliable");
        let options = SubscribeOptions::from(Delivery::LOSSY).stale_after(Duration::from_millis(300));
        let topic = Topic::new(cmd).expect("a topic");
        let commands = world.act(robot, |client, now| client.subscribe(now, &topic, options, None));
        let commands = commands.expect("a topic").1;
        let (topic, options) = (Topic::new(state).expect("a topic"), SubscribeOptions::from(Delivery::RELIABLE));
        let orders = world.act(robot, |client, now| client.subscribe(now, &topic, options, None));
        let orders = orders.expect("a topic").1;
        let events = world.act(robot, |client, _| client.subscribe_events()).expect("room").1;
        let cmd = world.topic(operator, cmd, Delivery::LOSSY);
        let state = world.topic(operator, state, Delivery::RELIABLE);
        let mut drive = Drive { world, robot, operator, commands, orders, events, cmd, state, skew };
        drive.set_robot_clock(skew);
        assert!(drive.world.run_until(10 * SECOND, |world| world.peer(operator).is_up()));
        drive.pass(SECOND);
        drive
    }

    /// The robot's system clock is ahead of the world's by so much from now on.
    fn set_robot_clock(&mut self, skew: f64) {
        self.skew = skew;
        let clock = WallClock::new(self.world.now(), Duration::from_secs_f64(self.world.unix() + skew));
        self.world.act(self.robot, |client, _| client.set_clock(clock));
    }

    /// Time passes, and drivers read their clocks.
    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        while self.world.now() < until {
            self.world.run_for(EVERY.min(until - self.world.now()));
            let now = self.world.now();
            if self.world.act(self.robot, |client, _| client.is_clock_due(now)) {
                self.set_robot_clock(self.skew);
            }
            let clock = self.world.clock();
            if self.world.peer(self.operator).is_clock_due(now) {
                self.world.peer(self.operator).set_clock(clock);
            }
        }
    }

    /// What the robot's system clock shows.
    fn robot_time(&self) -> f64 {
        self.world.unix() + self.skew
    }

    fn publish(&mut self, stamp: f64, velocity: f64) {
        self.world.publish(self.operator, self.cmd, &stamped(stamp, velocity)).expect("it is a topic");
    }

    /// A command as farwire's operator makes it.
    fn command(&mut self) {
        let now = self.world.now();
        let stamp = self.world.peer(self.operator).stamp(now).expect("the robot's clock is known");
        self.publish(stamp.as_secs_f64(), 1.0);
    }

    fn order(&mut self, json: &str) {
        self.world.publish(self.operator, self.state, json.as_bytes()).expect("it is a topic");
    }

    /// How long the robot is without a command that it obeys, at the longest, while the operator commands for so long.
    fn drive(&mut self, time: Duration) -> Duration {
        let until = self.world.now() + time;
        let (mut last, mut longest) = (self.world.now(), Duration::ZERO);
        while self.world.now() < until {
            self.command();
            self.pass(EVERY);
            if !self.obeyed().is_empty() {
                last = self.world.now();
            }
            longest = longest.max(self.world.now() - last);
        }
        longest
    }

    /// Velocities that the robot was given since the last look.
    fn obeyed(&self) -> Vec<f64> {
        let take = || self.commands.with(|mailbox| mailbox.take(self.world.now()));
        std::iter::from_fn(take)
            .filter_map(|taken| match taken {
                Ok(message) => Some(TwistStamped::decode(&message).expect("a command").twist.linear.x),
                Err(RecvError::Stale) => None,
                Err(error) => panic!("{error}"),
            })
            .collect()
    }

    /// Whether an emergency stop has come since the last look.
    fn is_stopped(&self) -> bool {
        let take = || self.orders.with(|mailbox| mailbox.take(self.world.now()));
        std::iter::from_fn(take).flatten().filter(|message| message.starts_with(br#"{"type":"estop""#)).count() > 0
    }

    /// By how much the robot was told that its clock was set.
    fn clock_set(&self) -> Vec<i64> {
        let take = || self.events.with(|mailbox| mailbox.take(self.world.now()));
        std::iter::from_fn(take)
            .flatten()
            .filter_map(|event| match event {
                ConnectionEvent::ClockSet { by_ms } => Some(by_ms),
                _ => None,
            })
            .collect()
    }

    fn stats(&mut self) -> TopicStats {
        let topic = Topic::new("cmd_unreliable").expect("a topic");
        self.world.act(self.robot, |client, _| client.topic_stats(&topic)).expect("it is there")
    }
}

fn stamped(unix: f64, velocity: f64) -> Vec<u8> {
    let stamp = Time::from_unix(Duration::from_secs_f64(unix)).expect("before 2038");
    let mut command = TwistStamped { header: Header { stamp, ..Header::default() }, ..TwistStamped::default() };
    command.twist.linear.x = velocity;
    command.to_bytes().expect("encodes")
}

#[test]
fn an_operator_stamps_in_the_robots_time_however_wrong_that_is() {
    for skew in [0.0, 0.02, -0.02, 0.35, 2.0, -2.0, 86_400.0 * 3.0, -86_400.0 * 300.0] {
        let mut drive = Drive::with(1, skew, |world| {
            world.network.delay = Duration::from_millis(15);
            world.network.jitter = Duration::from_millis(10);
        });
        assert!(drive.drive(5 * SECOND) <= 3 * EVERY, "{skew}");
        let stats = drive.stats();
        assert_eq!((stats.ahead, stats.stale, stats.unstamped), (0, 0, 0), "{skew}: {:?}", stats.last_refusal);
        // Nor would a robot have refused them that takes none from its future.
        let (now, robot_time) = (drive.world.now(), drive.robot_time());
        let stamp = drive.world.peer(drive.operator).stamp(now).expect("known").as_secs_f64();
        assert!(stamp <= robot_time && stamp > robot_time - 0.1, "{} s behind", robot_time - stamp);
    }
}

#[test]
fn who_stamps_by_another_clock_than_the_robots_moves_nothing() {
    let mut drive = Drive::new(2, 0.0);
    for (offset, refusal) in [
        (-2.0, "stamped 2.0 s ago"),
        (-0.35, "stamped 3"),
        (0.1, "ahead of this robot's clock"),
        (0.35, "ahead of this robot's clock"),
        (2.0, "ahead of this robot's clock"),
    ] {
        for _ in 0..10 {
            let stamp = drive.robot_time() + offset;
            drive.publish(stamp, 1.0);
            drive.pass(EVERY);
        }
        assert_eq!(drive.obeyed(), [0.0; 0], "{offset}");
        let why = drive.stats().last_refusal.expect("they were refused").to_string();
        assert!(why.contains(refusal), "{offset}: {why}");
    }
    let stats = drive.stats();
    assert_eq!((stats.stale, stats.ahead), (20, 30));
    // A header that nobody stamped says nothing of when it was made.
    drive
        .world
        .publish(drive.operator, drive.cmd, &TwistStamped::default().to_bytes().expect("encodes"))
        .expect("sent");
    drive.pass(EVERY);
    assert_eq!((drive.obeyed(), drive.stats().last_refusal), (vec![], Some(StampRefusal::Unstamped)));
    // What is a little ahead is only as wrong as half a round trip makes it.
    let stamp = drive.robot_time() + 0.03;
    drive.publish(stamp, 0.5);
    drive.pass(EVERY);
    assert_eq!(drive.obeyed(), [0.5]);
}

#[test]
fn a_command_that_something_newer_overtook_moves_nothing() {
    let mut drive = Drive::new(3, 1.0);
    let now = drive.robot_time();
    for (stamp, velocity) in [(now - 0.05, 1.0), (now, 0.0), (now - 0.02, 2.0), (now, 3.0), (now - 0.15, 4.0)] {
        drive.publish(stamp, velocity);
        drive.pass(Duration::from_millis(5));
    }
    assert_eq!(drive.obeyed(), [1.0, 0.0]);
    let stats = drive.stats();
    assert_eq!((stats.disordered, stats.last_refusal), (3, Some(StampRefusal::Disordered { by_ms: 150 })));
}

#[test]
fn a_command_older_than_an_emergency_stop_moves_nothing_even_after_it_was_cleared() {
    let mut drive = Drive::new(4, -1.0);
    drive.command();
    let before = drive.robot_time() - 0.01;
    drive.pass(Duration::from_millis(20));
    drive.order(r#"{"type":"estop","nonce":1}"#);
    drive.pass(Duration::from_millis(20));
    // What waited unread when it came is void as well.
    assert_eq!(drive.obeyed(), [0.0; 0]);
    drive.order(r#"{"type":"estop_clear","nonce":2}"#);
    drive.pass(Duration::from_millis(20));
    drive.publish(before, 2.0);
    drive.pass(Duration::from_millis(20));
    assert_eq!(drive.obeyed(), [0.0; 0]);
    assert_eq!(drive.stats().disordered, 1);
    drive.command();
    drive.pass(Duration::from_millis(20));
    assert_eq!(drive.obeyed(), [1.0]);
}

#[test]
fn an_emergency_stop_is_delivered_however_its_topic_is_subscribed_to() {
    let mut drive = Drive::new(5, 0.0);
    let topic = Topic::new("state_reliable").expect("a topic");
    let options = SubscribeOptions::from(Delivery::RELIABLE).stale_after(SECOND);
    let orders =
        drive.world.act(drive.robot, |client, now| client.subscribe(now, &topic, options, None).expect("a topic").1);
    drive.pass(SECOND);
    while orders.with(|mailbox| mailbox.take(drive.world.now())).is_some() {}
    drive.order(r#"{"type":"estop"}"#);
    drive.pass(Duration::from_millis(50));
    let all = std::iter::from_fn(|| orders.with(|mailbox| mailbox.take(drive.world.now())));
    assert!(all.flatten().any(|message| message.starts_with(br#"{"type":"estop""#)));
}

#[test]
fn a_robot_whose_clock_is_set_goes_on_driving() {
    for step in [0.3, 2.0, 5.0, 3600.0, 86_400.0 * 400.0, -0.3, -2.0, -5.0, -3600.0] {
        let mut drive = Drive::new(6, 0.0);
        assert!(drive.drive(2 * SECOND) <= 3 * EVERY);
        drive.set_robot_clock(step);
        let gap = drive.drive(5 * SECOND);
        assert!(gap <= 3 * EVERY, "{step} s: {gap:?} without a command");
        assert_eq!(drive.clock_set(), [(step * 1e3) as i64]);
        // With the next operator it has the time that its system shows.
        drive.world.close(drive.operator);
        drive.pass(5 * SECOND);
        let token = drive.world.operator_token();
        let operator = drive.world.add(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
        assert!(drive.world.run_until(10 * SECOND, |world| world.peer(operator).is_up()));
        let now = drive.world.now();
        let known = drive.world.peer(operator).far_clock(now);
        let offset = known.expect("it answered").offset;
        assert!((offset - step).abs() < 0.05, "{step}: {offset}");
        drive.operator = operator;
        drive.cmd = drive.world.topic(operator, "cmd_unreliable", Delivery::LOSSY);
        drive.pass(SECOND);
        assert!(drive.drive(2 * SECOND) <= 3 * EVERY, "{step}");
    }
}

#[test]
fn an_operator_whose_own_clock_is_set_goes_on_driving() {
    for step in [2.0, -2.0, 3600.0] {
        let mut drive = Drive::new(7, 0.0);
        assert!(drive.drive(SECOND) <= 3 * EVERY);
        let clock = WallClock::new(drive.world.now(), Duration::from_secs_f64(drive.world.unix() + step));
        drive.world.peer(drive.operator).set_clock(clock);
        assert!(drive.drive(900 * Duration::from_millis(1)) <= 3 * EVERY, "{step}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Over a network that delays, loses and reorders, with clocks apart and one of them set on the way: velocities come in the
    /// order in which they were commanded, none is late, and none is from before an emergency stop.
    #[test]
    fn what_moves_a_robot_is_fresh_and_in_order(
        seed in any::<u64>(),
        skew in -1e5f64..1e5,
        step in -1e4f64..1e4,
        delay in 0u64..60,
        jitter in 0u64..400,
        loss in 0.0f64..0.1,
        stop_at in 10usize..50,
    ) {
        let mut drive = Drive::new(seed, skew);
        drive.world.network.delay = Duration::from_millis(delay);
        drive.world.network.jitter = Duration::from_millis(jitter);
        drive.world.network.loss = loss;
        let (mut made, mut newest, mut stopped) = (Vec::new(), -1.0, None);
        for n in 0..60usize {
            if n == stop_at {
                drive.order(r#"{"type":"estop","nonce":1}"#);
            }
            if n == stop_at / 2 {
                drive.set_robot_clock(skew + step);
            }
            let now = drive.world.now();
            let stamp = drive.world.peer(drive.operator).stamp(now).expect("known").as_secs_f64();
            drive.publish(stamp, n as f64);
            made.push(now);
            for _ in 0..5 {
                drive.pass(Duration::from_millis(10));
                if drive.is_stopped() {
                    stopped = Some(drive.world.now());
                }
                for velocity in drive.obeyed() {
                    prop_assert!(velocity > newest, "{velocity} after {newest}");
                    newest = velocity;
                    let made = made[velocity as usize];
                    // What a step of this test takes comes on top.
                    prop_assert!(drive.world.now() - made <= Duration::from_millis(311));
                    prop_assert!(stopped.is_none_or(|stopped| made >= stopped - Duration::from_millis(10)));
                }
            }
        }
    }
}
