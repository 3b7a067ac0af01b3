use serde_json::{Value, json};

use super::*;
use crate::lcm::geometry_msgs::Vector3;
use crate::lcm::std_msgs::{Header, Time};
use crate::teleop::{Grid, Limits};
use crate::wire::teleop::OPERATOR_LOST;

/// The robot's time at the start of a test.
const UNIX: Duration = Duration::from_secs(1_800_000_000);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Rig {
    robot: Robot,
    start: Instant,
    at: Duration,
}

impl Rig {
    fn new(options: RobotOptions) -> Rig {
        let start = Instant::now();
        Rig { robot: Robot::new(options, start), start, at: Duration::ZERO }
    }

    /// With an operator, driving, and nothing left to publish.
    fn driving() -> Rig {
        let mut rig = Rig::new(options());
        rig.robot.handle_operator(rig.now(), Ok(()));
        rig.forward();
        assert_eq!(rig.speed(), 0.5);
        rig.outputs();
        rig
    }

    fn now(&self) -> Now {
        Now { at: self.start + self.at, robot_time: Some(UNIX + self.at) }
    }

    fn forward(&mut self) {
        self.drive(0.5, self.at);
    }

    fn drive(&mut self, x: f64, stamped: Duration) {
        let command = TwistStamped {
            header: Header { stamp: Time::from_unix(UNIX + stamped).expect("before 2038"), ..Header::default() },
            twist: Twist { linear: Vector3 { x, ..Vector3::default() }, ..Twist::default() },
        };
        self.robot.handle_drive(self.now(), &command, 77);
    }

    fn say(&mut self, message: &Value) -> Vec<Output> {
        self.robot.handle_message(self.now(), message.to_string().as_bytes());
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.robot.poll()).collect()
    }

    fn step(&mut self) -> Step {
        self.robot.step(self.now())
    }

    fn speed(&mut self) -> f64 {
        self.step().velocity.linear.x
    }
}

fn options() -> RobotOptions {
    RobotOptions::new(Limits::planar(0.8, 1.5)).command("light").command("horn").actuators()
}

fn ack(nonce: u64, ok: bool) -> Output {
    Output::State(json!({"type": "cmd_ack", "nonce": nonce, "ok": ok}).to_string()).in_order()
}

impl Output {
    /// With the fields as a robot writes them.
    fn in_order(self) -> Output {
        let Output::State(text) = self else { return self };
        let read: Value = serde_json::from_str(&text).expect("JSON");
        Output::State(cmd_ack(&read["nonce"], read["ok"] == true))
    }
}

fn is_estopped_report(output: &Output) -> bool {
    let Output::State(text) = output else { return false };
    let read: Value = serde_json::from_str(text).expect("JSON");
    read["type"] == "robot_telemetry" && read["state"]["estopped"] == true
}

#[test]
fn it_drives_within_its_limits_while_commands_are_fresh() {
    let mut rig = Rig::driving();
    rig.at = ms(100);
    rig.drive(9.0, ms(90));
    assert_eq!(rig.speed(), 0.8);
    rig.at = ms(389);
    assert_eq!(rig.speed(), 0.8);
    rig.at = ms(390);
    let step = rig.step();
    assert_eq!((step.velocity.linear.x, step.activity), (0.0, Activity::Stale));
    assert_eq!((step.changes, step.drive), (vec![Change::Stale { after_ms: 300 }], Some(Twist::default())));
    assert_eq!(rig.step().drive, None, "the one zero was passed on");
    // What comes late, twice, or is none, moves nothing.
    for (x, stamped) in [(0.5, ms(80)), (0.5, ms(90)), (f64::NAN, ms(389))] {
        rig.drive(x, stamped);
        assert_eq!(rig.speed(), 0.0);
    }
    assert_eq!(rig.robot.counts().dropped, Dropped { not_finite: 1, late: 2 });
}

#[test]
fn an_emergency_stop_is_published_before_the_actuators_answer() {
    let mut rig = Rig::driving();
    let told = rig.say(&json!({"type": "estop", "nonce": 1}));
    let [report, Output::Stop(run)] = &told[..] else { panic!("{told:?}") };
    assert!(is_estopped_report(report), "{told:?}");
    rig.forward();
    assert_eq!((rig.speed(), rig.robot.is_estopped()), (0.0, true));
    // It is released only when the actuators have done what they were told.
    assert_eq!(rig.say(&json!({"type": "estop_clear", "nonce": 2})), []);
    rig.at += ms(10);
    rig.forward();
    assert_eq!(rig.speed(), 0.0);
    rig.robot.done(rig.now(), *run, true);
    let told = rig.outputs();
    assert_eq!((told[0].clone(), told.last()), (ack(1, true), Some(&ack(2, true))));
    assert_eq!(rig.speed(), 0.0, "released is not told to drive");
    rig.drive(0.5, rig.at);
    assert_eq!(rig.speed(), 0.0, "stamped before it was released");
    rig.at += ms(10);
    rig.forward();
    assert_eq!(rig.speed(), 0.5);
}

#[test]
fn an_emergency_stop_counts_without_an_operator_and_outlasts_every_one() {
    let mut rig = Rig::new(RobotOptions::new(Limits::planar(0.8, 1.5)));
    rig.say(&json!({"type": "estop", "nonce": {"any": []}}));
    for operator in [Ok(()), Err(Some(OperatorLost::Left)), Ok(())] {
        rig.robot.handle_operator(rig.now(), operator);
        rig.at += ms(10);
        rig.forward();
        assert_eq!(rig.speed(), 0.0);
    }
    rig.say(&json!({"type": "estop", "engaged": false}));
    rig.forward();
    assert!(rig.robot.is_estopped() && rig.speed() == 0.0);
    assert_eq!(rig.say(&json!({"type": "estop_clear", "nonce": 3})).pop(), Some(ack(3, true)));
    rig.at += ms(10);
    rig.forward();
    assert_eq!(rig.speed(), 0.5);
}

#[test]
fn commands_are_run_answered_and_refused() {
    let mut rig = Rig::driving();
    let told = rig.say(&json!({"type": "light", "brightness": 5, "nonce": 1}));
    let [Output::Run(run, Command::Light { brightness: 1.0 })] = &told[..] else { panic!("{told:?}") };
    assert_eq!(rig.say(&json!({"type": "horn", "loud": true, "nonce": 2})), [], "one at a time");
    rig.robot.done(rig.now(), *run, true);
    let told = rig.outputs();
    let [acknowledged, Output::Run(_, Command::Own { name, fields })] = &told[..] else { panic!("{told:?}") };
    assert_eq!((acknowledged, name.as_str(), &fields["loud"]), (&ack(1, true), "horn", &json!(true)));
    for (message, nonce) in [
        (json!({"type": "light", "brightness": "x", "nonce": 3}), 3),
        (json!({"type": "set_mode", "mode": "high", "nonce": 4}), 4),
    ] {
        assert_eq!(rig.say(&message), [ack(nonce, false)]);
    }
    assert_eq!(rig.say(&json!({"type": "unheard_of", "nonce": 5})), []);
    // While the emergency stop is engaged nothing else is run.
    rig.say(&json!({"type": "estop"}));
    assert_eq!(rig.say(&json!({"type": "light", "brightness": 1, "nonce": 6})), [ack(6, false)]);
}

#[test]
fn an_operator_that_is_lost_takes_what_it_asked_for_along() {
    let mut rig = Rig::driving();
    let told = rig.say(&json!({"type": "light", "brightness": 1, "nonce": 1}));
    let [Output::Run(run, _)] = &told[..] else { panic!("{told:?}") };
    rig.say(&json!({"type": "light", "brightness": 0, "nonce": 2}));
    // Another one took over before anybody has looked who is there.
    rig.robot.handle_message(rig.now(), OPERATOR_LOST.as_bytes());
    assert_eq!(rig.outputs(), [Output::Abort(*run)]);
    assert_eq!(rig.speed(), 0.0);
    rig.robot.done(rig.now(), *run, true);
    assert_eq!(rig.outputs(), []);
    rig.robot.handle_operator(rig.now(), Err(Some(OperatorLost::TakenOver)));
    let changes = rig.step().changes;
    assert_eq!(changes, [Change::OperatorLost { why: "another operator took over".to_owned() }]);
    assert_eq!(rig.say(&json!({"type": "light", "brightness": 1, "nonce": 3})), [ack(3, false)], "of nobody");
}

#[test]
fn without_a_clock_it_stands() {
    let mut rig = Rig::driving();
    let unknown = Now { robot_time: None, ..rig.now() };
    assert_eq!(rig.robot.step(unknown).activity, Activity::NoClock);
    rig.robot.handle_drive(unknown, &TwistStamped::default(), 77);
    assert_eq!(rig.robot.step(unknown).velocity, Twist::default());
}

#[test]
fn refusals_are_told_while_nothing_is_obeyed() {
    let mut rig = Rig::driving();
    let why = Some(StampRefusal::Ahead { by_ms: 70 });
    rig.robot.note_refusals(3, why);
    assert_eq!(rig.step().activity, Activity::Driving, "others are obeyed");
    rig.robot.note_refusals(5, why);
    let step = rig.step();
    assert!(matches!(&step.changes[..], [Change::Refusing { why }] if why.contains("70 ms ahead")), "{step:?}");
    rig.robot.note_refusals(9, why);
    assert_eq!(rig.step().changes, []);
}

#[test]
fn a_loop_that_does_not_come_round_is_overdue_once_each_time() {
    let mut rig = Rig::driving();
    for round in 0..2 {
        let stale = rig.at + ms(300);
        for (late, is_overdue) in [(0, false), (99, false), (100, true), (101, false), (5000, false)] {
            rig.at = stale + ms(late);
            assert_eq!(rig.robot.is_overdue(rig.now().at), is_overdue, "round {round}, {late} ms");
        }
        assert_eq!((rig.robot.is_moving(), rig.speed(), rig.robot.is_moving()), (true, 0.0, false));
        rig.at += ms(5000);
        assert!(!rig.robot.is_overdue(rig.now().at), "it was told to stand");
        rig.forward();
        assert_eq!(rig.speed(), 0.5);
    }
    // One that comes round in between has its time anew.
    rig.at += ms(300);
    assert!(!rig.robot.is_overdue(rig.now().at));
    rig.at += ms(90);
    rig.forward();
    assert_eq!(rig.speed(), 0.5);
    rig.at += ms(300);
    assert!(!rig.robot.is_overdue(rig.now().at));
    rig.at += ms(99);
    assert!(!rig.robot.is_overdue(rig.now().at));
}

#[test]
fn lost_messages_may_have_been_the_emergency_stop() {
    let mut rig = Rig::driving();
    rig.robot.handle_lost_messages(rig.now());
    let outputs = rig.outputs();
    assert!(matches!(&outputs[..], [report, Output::Stop(_)] if is_estopped_report(report)), "{outputs:?}");
    assert_eq!((rig.speed(), rig.robot.is_estopped()), (0.0, true));
}

#[test]
fn it_reports_at_its_own_rates_and_only_to_somebody() {
    let mut rig = Rig::new(options());
    let map = || Grid { width: 1, height: 1, resolution: 0.5, origin: [0.0; 2], cells: vec![0] };
    let mut reported = [0, 0];
    for operator in [Err(None), Ok(())] {
        rig.robot.handle_operator(rig.now(), operator);
        for _ in 0..100 {
            rig.robot.handle_timeout(rig.now());
            if rig.robot.is_map_due(rig.now().at) {
                rig.robot.publish_map(map().to_json(1.0)).expect("a map");
            }
            rig.robot.publish_odom(rig.now(), 1.0, 2.0, 0.5);
            rig.robot.publish_odom(rig.now(), f64::NAN, 2.0, 0.5);
            for output in rig.outputs() {
                reported[usize::from(matches!(output, Output::Map(_)))] += 1;
            }
            rig.at += ms(10);
        }
    }
    // Two seconds of telemetry at 3 Hz; of one second, two maps and 15 poses.
    assert_eq!(reported, [6, 17]);
    let large = Grid { width: 2, ..map() };
    assert!(rig.robot.publish_map(large.to_json(1.0)).is_err());
    assert_eq!((rig.robot.counts().maps, rig.outputs().len()), (1, 0));
    // Whoever it was made for may be gone.
    rig.robot.handle_operator(rig.now(), Err(None));
    rig.robot.publish_map(map().to_json(1.0)).expect("a map");
    assert!(!rig.outputs().iter().any(|output| matches!(output, Output::Map(_))));
    // Who only watches is somebody too, and moves nothing.
    rig.robot.handle_watched(true);
    rig.at += ms(1000);
    assert!(rig.robot.is_map_due(rig.now().at));
    rig.robot.publish_map(map().to_json(1.0)).expect("a map");
    rig.robot.publish_odom(rig.now(), 1.0, 2.0, 0.5);
    assert_eq!(rig.outputs().iter().filter(|output| matches!(output, Output::Map(_))).count(), 2);
    assert_eq!(rig.step().activity, Activity::NoOperator);
    rig.robot.handle_watched(false);
    assert!(!rig.robot.is_map_due(rig.now().at + ms(1000)));
}

#[test]
fn nothing_grows_while_nobody_publishes() {
    let mut rig = Rig::driving();
    for nonce in 0..5000_u64 {
        let operator = if nonce % 2 == 0 { Ok(()) } else { Err(None) };
        rig.robot.handle_operator(rig.now(), operator);
        for kind in ["estop", "light", "estop_clear"] {
            let message = json!({"type": kind, "brightness": 1, "nonce": nonce}).to_string();
            rig.robot.handle_message(rig.now(), message.as_bytes());
        }
    }
    assert!(rig.outputs().len() < MAX_OUTPUTS + 8 && rig.robot.counts().reports > 1000);
    assert!(rig.step().changes.len() <= MAX_CHANGES);
}

#[test]
fn a_loop_that_was_away_is_told_so() {
    let mut rig = Rig::driving();
    rig.at += ms(900);
    let step = rig.step();
    assert_eq!((step.elapsed, step.velocity), (ms(900), Twist::default()));
    assert_eq!(step.changes, [Change::Stale { after_ms: 300 }, Change::LoopBlocked { for_ms: 900 }]);
}

#[test]
fn cameras_and_video_are_noted() {
    let mut rig = Rig::new(options().cameras(["front", "rear"]));
    assert_eq!(rig.robot.cameras(), ["front"]);
    rig.say(&json!({"type": "camera_select", "cams": ["rear", "none"], "nonce": 1}));
    assert_eq!(rig.robot.cameras(), ["rear"]);
    assert_eq!(rig.say(&json!({"type": "video_stats", "fps": 30})), []);
    assert_eq!(rig.robot.video_stats().and_then(|video| video.fps), Some(30.0));
}
