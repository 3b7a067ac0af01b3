use serde_json::json;

use super::*;
use crate::lcm::geometry_msgs::Vector3;
use crate::teleop::{Limits, Now, Output, Robot, RobotOptions};

const UNIX: Duration = Duration::from_secs(1_800_000_000);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn forward() -> Twist {
    Twist { linear: Vector3 { x: 0.5, ..Vector3::default() }, ..Twist::default() }
}

/// An operator, a robot, and the time.
struct Pair {
    operator: Operator,
    robot: Robot,
    start: Instant,
    at: Duration,
}

impl Pair {
    fn new() -> Pair {
        let start = Instant::now();
        let robot = Robot::new(RobotOptions::new(Limits::planar(0.8, 1.5)).command("nav_goal"), start);
        let mut pair = Pair { operator: Operator::new(start, UNIX, 20.0), robot, start, at: Duration::ZERO };
        pair.robot.handle_operator(pair.robot_now(), Ok(()));
        pair
    }

    fn now(&self) -> Instant {
        self.start + self.at
    }

    fn robot_now(&self) -> Now {
        Now { at: self.now(), robot_time: Some(UNIX + self.at) }
    }

    /// What the operator says; its orders reach the robot, and answers come back.
    fn exchange(&mut self) -> Vec<Say> {
        let mut said = Vec::new();
        while let Some(say) = self.operator.poll() {
            if let Say::State(text) = &say {
                self.robot.handle_message(self.robot_now(), text.as_bytes());
            }
            said.push(say);
        }
        while let Some(output) = self.robot.poll() {
            match output {
                Output::State(text) => self.operator.handle_state(None, text.as_bytes()),
                Output::Map(text) => self.operator.handle_map(text.as_bytes()),
                Output::Run(run, _) => self.robot.done(self.robot_now(), run, true),
                _ => {}
            }
        }
        said
    }

    fn heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.operator.hear_next()).filter(|heard| !matches!(heard, Heard::Telemetry(_))).collect()
    }
}

#[test]
fn whoever_watches_says_no_velocity_and_keeps_none_for_later() {
    let start = Instant::now();
    let mut operator = Operator::new(start, Duration::ZERO, 20.0);
    let forward = Twist { linear: Vector3 { x: 1.0, ..Vector3::default() }, ..Twist::default() };
    let drives = |operator: &mut Operator, now| {
        operator.handle_timeout(now);
        let mut said = std::iter::from_fn(|| operator.poll()).peekable();
        let has_said = said.peek().is_some();
        (has_said, said.any(|say| matches!(say, Say::Drive(twist) if twist != Twist::default())))
    };
    operator.drive(start, forward.clone(), Duration::from_secs(600));
    assert_eq!(drives(&mut operator, start), (true, true));
    operator.watch(true);
    operator.drive(start, forward.clone(), Duration::from_secs(600));
    let second = |n| start + Duration::from_secs(n);
    assert_eq!(drives(&mut operator, second(1)), (false, false));
    // The robot is handed over to it: it is told to stand until somebody drives.
    operator.watch(false);
    assert_eq!(drives(&mut operator, second(2)), (true, false));
    operator.drive(second(2), forward, Duration::from_secs(600));
    assert_eq!(drives(&mut operator, second(3)), (true, true));
    // An emergency stop is kept, and said then.
    operator.watch(true);
    operator.estop(second(4));
    let _ = drives(&mut operator, second(4));
    operator.watch(false);
    operator.handle_timeout(second(5));
    let said: Vec<Say> = std::iter::from_fn(|| operator.poll()).collect();
    assert!(said.iter().any(|say| matches!(say, Say::State(text) if text.contains("estop"))), "{said:?}");
}

#[test]
fn a_velocity_is_said_at_a_fixed_rate_and_counts_for_a_while() {
    let mut pair = Pair::new();
    pair.operator.drive(pair.now(), forward(), ms(250));
    let mut said = Vec::new();
    for _ in 0..100 {
        pair.operator.handle_timeout(pair.now());
        said.extend(pair.exchange());
        pair.at += ms(10);
    }
    let moves = said.iter().filter(|say| **say == Say::Drive(forward())).count();
    let stands = said.iter().filter(|say| **say == Say::Drive(Twist::default())).count();
    assert_eq!((moves, stands, said.len()), (5, 15, 20));
}

#[test]
fn an_emergency_stop_is_said_until_it_is_confirmed() {
    let mut operator = Operator::new(Instant::now(), UNIX, 0.1);
    let start = Instant::now();
    operator.drive(start, forward(), ms(10_000));
    operator.estop(start);
    assert_eq!(operator.velocity(start), Twist::default());
    assert_eq!(operator.poll(), Some(Say::Drive(Twist::default())), "on the way that waits for nothing");
    let mut said = 0;
    for step in 0..30 {
        operator.handle_timeout(start + ms(100) * step);
        said += std::iter::from_fn(|| operator.poll()).filter(|say| matches!(say, Say::State(_))).count();
    }
    assert_eq!(said, 6, "every half second of three");
    operator.handle_state(None, br#"{"type":"robot_telemetry","state":{"estopped":true}}"#);
    operator.handle_timeout(start + ms(60_000));
    assert!(!std::iter::from_fn(|| operator.poll()).any(|say| matches!(say, Say::State(_))));
    // Nothing that was wanted before drives it off once it is released.
    operator.estop_clear(start);
    assert_eq!((operator.velocity(start), operator.is_estopped()), (Twist::default(), false));
}

#[test]
fn what_is_asked_is_answered_or_given_up() {
    let mut pair = Pair::new();
    let goal = pair.operator.go_to(pair.now(), 1.0, 2.0);
    let far = pair.operator.go_to(pair.now(), 1e6, 0.0);
    let light = pair.operator.ask(pair.now(), Command::Light { brightness: 1.0 });
    pair.exchange();
    pair.exchange();
    let asked = |x, y| Asked::Command(Command::NavGoal { x, y });
    let acknowledged = |nonce, asked, ok| Heard::Acknowledged { nonce, asked, ok };
    let mut heard = pair.heard();
    heard.sort_by_key(|heard| match heard {
        Heard::Acknowledged { nonce, .. } => *nonce,
        _ => 0,
    });
    assert_eq!(
        heard,
        [
            acknowledged(goal, asked(1.0, 2.0), true),
            acknowledged(far, asked(1e6, 0.0), false),
            acknowledged(light, Asked::Command(Command::Light { brightness: 1.0 }), false),
        ]
    );
    // The robot is gone.
    let nonce = pair.operator.ask(pair.now(), Command::NavCancel);
    pair.at += orders::PATIENCE;
    pair.operator.handle_timeout(pair.now());
    assert_eq!(pair.heard(), [Heard::Unanswered { nonce, asked: Asked::Command(Command::NavCancel) }]);
}

#[test]
fn what_a_robot_reports_is_read_as_far_as_it_goes() {
    let mut pair = Pair::new();
    let dimos = json!({"type": "robot_telemetry", "cmd": null, "soc": 81.5, "robot_ts": 1.5, "state":
        {"posture": "stand", "rage": false, "obstacle_avoidance": true, "light": 0.5, "estopped": true}});
    pair.operator.handle_state(Some(1.6), dimos.to_string().as_bytes());
    let Some(Heard::Telemetry(read)) = pair.operator.hear_next() else { panic!("telemetry") };
    assert_eq!((read.soc, read.is_estopped, read.cmd, read.robot_ts), (Some(81.5), Some(true), None, Some(1.5)));
    assert_eq!(read.state["posture"], "stand");
    let grid = Grid { width: 1, height: 1, resolution: 0.5, origin: [0.0; 2], cells: vec![0] };
    assert!(pair.robot.is_map_due(pair.robot_now().at));
    pair.robot.publish_map(grid.to_json(1.5)).expect("a map");
    pair.robot.publish_odom(pair.robot_now(), 1.0, 2.0, 0.5);
    pair.exchange();
    let heard = pair.heard();
    assert!(matches!(&heard[..], [Heard::Map(map), Heard::Odom(odom)] if *map == grid && odom.yaw == 0.5), "{heard:?}");
    for hostile in
        ["", "[]", "{", r#"{"type":"robot_telemetry","state":7,"cmd":[1],"soc":"x"}"#, r#"{"type":"cmd_ack"}"#]
    {
        pair.operator.handle_state(None, hostile.as_bytes());
        pair.operator.handle_map(hostile.as_bytes());
    }
    assert_eq!(pair.heard(), []);
    for _ in 0..10_000 {
        pair.operator.handle_state(None, dimos.to_string().as_bytes());
        pair.operator.ask(pair.now(), Command::NavCancel);
    }
    assert!(pair.operator.heard.len() <= MAX_HEARD && pair.operator.says.len() <= MAX_SAYS);
}
