//! A robot moves only while somebody operates it, commands are fresh and no emergency stop is engaged; when in doubt it stands.
//! One property for every composition: the robot of the README, and the one of `farwire robot`.

use std::time::{Duration, Instant};

use farwire_core::OperatorLost;
use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::teleop::{Limits, Now, Output, Robot, RobotOptions, RunId, Step};
use farwire_sim::robot::{Body, LIMITS};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// The robot's time at the start.
const UNIX: Duration = Duration::from_secs(1_800_000_000);

/// How long a command counts.
const STALE_AFTER: Duration = Duration::from_millis(300);

/// Both together are more than the simulated base needs to slow down from its fastest.
const BRAKES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(600));

/// Something that happens to a robot.
#[derive(Debug, Clone)]
enum Happening {
    Wait(u64),
    /// A command of so many milliseconds ago, or ahead; it may come late and out of order.
    Drive {
        x: f64,
        turn: f64,
        ago_ms: i64,
    },
    Estop {
        nonce: u8,
    },
    EstopClear {
        nonce: u8,
    },
    OperatorCame,
    OperatorLost,
    /// The word of it, which may come before or after.
    OperatorLostWord,
    Stale,
    Clock {
        is_known: bool,
    },
    Command {
        kind: usize,
        nonce: u8,
    },
    /// The oldest of what runs is done.
    Done {
        ok: bool,
    },
    Bytes(Vec<u8>),
}

const KINDS: [&str; 9] =
    ["light", "sport_cmd", "set_mode", "nav_goal", "nav_cancel", "camera_select", "video_stats", "ping", "horn"];

fn speed() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -2.0..2.0, 2 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e300)]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..120_u64).prop_map(Happening::Wait),
        6 => (speed(), speed(), -100..500_i64).prop_map(|(x, turn, ago_ms)| Happening::Drive { x, turn, ago_ms }),
        4 => (speed(), speed(), 0..40_i64).prop_map(|(x, turn, ago_ms)| Happening::Drive { x, turn, ago_ms }),
        1 => (0..4_u8).prop_map(|nonce| Happening::Estop { nonce }),
        2 => (0..9_u8).prop_map(|nonce| Happening::EstopClear { nonce }),
        3 => Just(Happening::OperatorCame),
        1 => Just(Happening::OperatorLost),
        1 => Just(Happening::OperatorLostWord),
        1 => Just(Happening::Stale),
        1 => any::<bool>().prop_map(|is_known| Happening::Clock { is_known }),
        2 => (0..KINDS.len(), 0..4_u8).prop_map(|(kind, nonce)| Happening::Command { kind, nonce }),
        3 => any::<bool>().prop_map(|ok| Happening::Done { ok }),
        1 => vec(any::<u8>(), 0..64).prop_map(Happening::Bytes),
        1 => "[\\[{]{0,3}\"type\":\"(estop|e|ping)\".{0,20}".prop_map(|text| Happening::Bytes(text.into_bytes())),
    ]
}

/// What drives as its robot says.
trait Base {
    fn options() -> RobotOptions;
    fn drive(&mut self, step: &Step);
    /// Whether it moves now.
    fn moves(&self) -> bool;
    /// Up to so long it moves on when it is told to stand; an emergency stop stops it at once.
    const SLOWS_DOWN: Duration;
}

/// The robot of the README: its motors do what they are told.
#[derive(Default)]
struct Motors(Twist);

impl Base for Motors {
    fn options() -> RobotOptions {
        RobotOptions::new(Limits::planar(0.8, 1.5)).command("light").actuators()
    }

    fn drive(&mut self, step: &Step) {
        self.0 = step.velocity.clone();
    }

    fn moves(&self) -> bool {
        self.0 != Twist::default()
    }

    const SLOWS_DOWN: Duration = Duration::ZERO;
}

/// The robot of `farwire robot`.
impl Base for Body {
    fn options() -> RobotOptions {
        RobotOptions::new(Limits::planar(LIMITS.linear, LIMITS.angular))
    }

    fn drive(&mut self, step: &Step) {
        self.step(step);
    }

    fn moves(&self) -> bool {
        !self.velocity().is_zero()
    }

    const SLOWS_DOWN: Duration = BRAKES.1;
}

/// What an onlooker knows of a robot, in its own way: why it may move, if it may.
#[derive(Default)]
struct Onlooker {
    is_operated: bool,
    is_latched: bool,
    is_clock_known: bool,
    /// Until when the newest command that could count does.
    fresh_until: Option<Duration>,
    /// Since when it has had to stand.
    stands_since: Option<Duration>,
}

impl Onlooker {
    fn may_move(&self, at: Duration) -> bool {
        let is_fresh = self.fresh_until.is_some_and(|until| at < until);
        self.is_operated && !self.is_latched && self.is_clock_known && is_fresh
    }
}

struct Rig<B> {
    robot: Robot,
    base: B,
    onlooker: Onlooker,
    start: Instant,
    at: Duration,
    runs: Vec<RunId>,
}

impl<B: Base> Rig<B> {
    fn new(base: B) -> Rig<B> {
        let start = Instant::now();
        let onlooker = Onlooker { is_clock_known: true, stands_since: Some(Duration::ZERO), ..Onlooker::default() };
        Rig { robot: Robot::new(B::options(), start), base, onlooker, start, at: Duration::ZERO, runs: Vec::new() }
    }

    fn now(&self) -> Now {
        let robot_time = self.onlooker.is_clock_known.then_some(UNIX + self.at);
        Now { at: self.start + self.at, robot_time }
    }

    fn happen(&mut self, happening: &Happening) {
        let now = self.now();
        match happening {
            Happening::Wait(ms) => self.at += Duration::from_millis(*ms),
            Happening::Drive { x, turn, ago_ms } => {
                let stamp = (UNIX + self.at).as_micros() as i64 - ago_ms * 1000;
                let stamp = Time::from_unix(Duration::from_micros(stamp as u64)).expect("before 2038");
                let twist = Twist {
                    linear: Vector3 { x: *x, ..Vector3::default() },
                    angular: Vector3 { z: *turn, ..Vector3::default() },
                };
                let command = TwistStamped { header: Header { stamp, ..Header::default() }, twist };
                self.robot.handle_drive(now, &command, 77);
                // Whether it counts is the robot's to say; longer than this it never does.
                let age = Duration::from_millis((*ago_ms).max(0) as u64);
                if let Some(left) = STALE_AFTER.checked_sub(age)
                    && self.onlooker.is_operated
                    && !self.onlooker.is_latched
                    && self.onlooker.is_clock_known
                {
                    let until = self.at + left;
                    self.onlooker.fresh_until = Some(self.onlooker.fresh_until.map_or(until, |old| old.max(until)));
                }
            }
            Happening::Estop { nonce } => {
                self.say(&json!({"type": "estop", "nonce": nonce}).to_string());
                self.onlooker.is_latched = true;
                self.onlooker.fresh_until = None;
            }
            Happening::EstopClear { nonce } => self.say(&json!({"type": "estop_clear", "nonce": nonce}).to_string()),
            Happening::OperatorCame => {
                self.robot.handle_operator(now, Ok(()));
                self.onlooker.is_operated = true;
            }
            Happening::OperatorLost => {
                self.robot.handle_operator(now, Err(Some(OperatorLost::Left)));
                self.onlooker.is_operated = false;
                self.onlooker.fresh_until = None;
            }
            Happening::OperatorLostWord => {
                self.say(r#"{"type": "operator_lost"}"#);
                self.onlooker.fresh_until = None;
            }
            Happening::Stale => {
                self.robot.handle_stale();
                self.onlooker.fresh_until = None;
            }
            Happening::Clock { is_known } => {
                self.onlooker.is_clock_known = *is_known;
                self.robot.handle_timeout(self.now());
                if !is_known {
                    self.onlooker.fresh_until = None;
                }
            }
            Happening::Command { kind, nonce } => {
                let kind = KINDS[*kind];
                let message =
                    json!({"type": kind, "nonce": nonce, "brightness": 1e300, "x": nonce, "y": 1, "name": "x"});
                self.say(&message.to_string());
            }
            Happening::Done { ok } => {
                if !self.runs.is_empty() {
                    let run = self.runs.remove(0);
                    self.robot.done(now, run, *ok);
                }
            }
            Happening::Bytes(bytes) => {
                self.robot.handle_message(now, bytes);
                // It may have been a stop, and is never a release.
                self.onlooker.is_latched |= self.robot.is_estopped();
            }
        }
        self.settle();
    }

    fn say(&mut self, message: &str) {
        self.robot.handle_message(self.now(), message.as_bytes());
    }

    fn settle(&mut self) {
        while let Some(output) = self.robot.poll() {
            match output {
                Output::Stop(run) | Output::Run(run, _) => self.runs.push(run),
                // Only its own answer says that an emergency stop is released, and only the word for it does that.
                _ => {}
            }
        }
    }

    /// One round of the robot's loop.
    fn round(&mut self, after: &Happening) {
        let was_latched = self.onlooker.is_latched;
        if was_latched && !self.robot.is_estopped() {
            // A release, or the actuators' answer that a release waited for, and nothing else.
            let is_release = matches!(after, Happening::EstopClear { .. } | Happening::Done { .. });
            assert!(is_release, "released by {after:?}");
            self.onlooker.is_latched = false;
            self.onlooker.fresh_until = None;
        }
        let may_move = self.onlooker.may_move(self.at);
        self.onlooker.stands_since = match may_move {
            true => None,
            false => Some(self.onlooker.stands_since.unwrap_or(self.at)),
        };
        let step = self.robot.step(self.now());
        self.base.drive(&step);
        let is_told_to_move = step.velocity != Twist::default();
        assert!(!is_told_to_move || may_move, "told to move by {step:?} after {after:?}");
        let stood_for = self.onlooker.stands_since.map(|since| self.at.saturating_sub(since));
        let must_stand = self.onlooker.is_latched || stood_for.is_some_and(|stood| stood >= B::SLOWS_DOWN + BRAKES.0);
        assert!(!must_stand || !self.base.moves(), "it moves after {after:?}");
        for value in [step.velocity.linear.x, step.velocity.angular.z] {
            assert!(value.abs() <= 2.0, "{step:?}");
        }
    }

    fn run(mut self, happenings: &[Happening]) -> bool {
        let mut moved = false;
        for happening in happenings {
            self.happen(happening);
            self.round(happening);
            moved |= self.base.moves();
        }
        // Whatever was so before, a robot that hears nothing more stands, and goes on standing.
        for _ in 0..50 {
            let wait = Happening::Wait(20);
            self.happen(&wait);
            self.round(&wait);
        }
        assert!(!self.base.moves());
        moved
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_robot_of_the_readme_moves_only_when_it_may(happenings in vec(happening(), 0..80)) {
        Rig::new(Motors::default()).run(&happenings);
    }

    #[test]
    fn the_robot_of_the_command_moves_only_when_it_may(happenings in vec(happening(), 0..80)) {
        Rig::new(Body::new()).run(&happenings);
    }
}

/// What the property says would be worth nothing of robots that never move.
#[test]
fn both_move_when_they_may() {
    let drive = |ago_ms| Happening::Drive { x: 0.5, turn: 0.0, ago_ms };
    let happenings = [Happening::OperatorCame, drive(10), Happening::Wait(50), drive(10), Happening::Wait(50)];
    assert!(Rig::new(Motors::default()).run(&happenings));
    assert!(Rig::new(Body::new()).run(&happenings));
}
