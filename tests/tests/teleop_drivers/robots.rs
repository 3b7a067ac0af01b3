//! A robot's loop on either driver, and an operator who says each word itself.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use farwire_blocking::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire_blocking::lcm::std_msgs::{Header, Time};
use farwire_blocking::teleop::{Activity, Change, Command, Grid, Limits, RobotSetup, Step};
use farwire_blocking::{Delivery, RecvError, RobotConfig};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::servers::Servers;

/// A robot's step, whichever driver it waits with.
pub(crate) type Steps = Box<dyn FnMut() -> Result<Step, RecvError> + Send>;

pub(crate) fn robot_on_threads(config: RobotConfig, setup: RobotSetup) -> Steps {
    let connection = farwire_blocking::connect(config).expect("the robot registers");
    let mut robot = farwire_blocking::Robot::start(&connection, setup).expect("a robot");
    Box::new(move || robot.step())
}

pub(crate) fn robot_on_tokio(config: RobotConfig, setup: RobotSetup) -> Steps {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = runtime.block_on(farwire_tokio::connect(config)).expect("the robot registers");
    let mut robot = farwire_tokio::Robot::start(&connection, setup).expect("a robot");
    Box::new(move || runtime.block_on(robot.step()))
}

fn mapping_on_threads(config: RobotConfig, setup: RobotSetup, slow: Arc<Slow>) -> Steps {
    let connection = farwire_blocking::connect(config).expect("the robot registers");
    let mut robot = farwire_blocking::Robot::start(&connection, setup).expect("a robot");
    Box::new(move || {
        robot.map(|| slow.grid()).expect("a map");
        robot.step()
    })
}

fn mapping_on_tokio(config: RobotConfig, setup: RobotSetup, slow: Arc<Slow>) -> Steps {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = runtime.block_on(farwire_tokio::connect(config)).expect("the robot registers");
    let mut robot = farwire_tokio::Robot::start(&connection, setup).expect("a robot");
    Box::new(move || {
        robot.map(|| slow.grid()).expect("a map");
        runtime.block_on(robot.step())
    })
}

/// A robot's loop on a thread, and its operator.
struct Driven {
    servers: Servers,
    /// The loop is kept from coming round.
    is_stuck: Arc<AtomicBool>,
    steps: mpsc::Receiver<Result<Step, RecvError>>,
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    operator: farwire_blocking::Connection,
    commands: farwire_blocking::Publisher<TwistStamped>,
    orders: farwire_blocking::Publisher,
    reports: farwire_blocking::Subscription,
    /// What the robot said since it was last asked for an answer.
    heard: Vec<Value>,
}

impl Driven {
    fn new(name: &str, robot: impl FnOnce(RobotConfig, RobotSetup) -> Steps, setup: RobotSetup) -> Driven {
        let servers = Servers::new(name);
        let mut next = robot(servers.robot(), setup);
        let (is_stuck, is_over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (told, steps) = mpsc::channel();
        let thread = std::thread::spawn({
            let (is_stuck, is_over) = (Arc::clone(&is_stuck), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    while is_stuck.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    let step = next();
                    let is_last = step.is_err();
                    if told.send(step).is_err() || is_last {
                        return;
                    }
                }
            }
        });
        let operator = farwire_blocking::connect(servers.operator()).expect("the operator joins");
        Driven {
            commands: operator.publisher_of("cmd_unreliable").expect("a channel"),
            orders: operator.publisher_with("state_reliable", Delivery::RELIABLE).expect("a channel"),
            reports: operator.subscribe_with("state_reliable_back", Delivery::RELIABLE).expect("a channel"),
            heard: Vec::new(),
            thread: Some(thread),
            servers,
            is_stuck,
            steps,
            is_over,
            operator,
        }
    }

    /// Says this velocity until the robot's loop is told something like that.
    fn drive_until(&self, x: f64, is_it: impl Fn(&Step) -> bool) -> Step {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "the robot is not told so");
            if let Some(stamp) = self.operator.stamp().and_then(Time::from_unix) {
                let twist = Twist { linear: Vector3 { x, ..Vector3::default() }, ..Twist::default() };
                self.commands
                    .publish(&TwistStamped { header: Header { stamp, ..Header::default() }, twist })
                    .expect("it is taken");
            }
            if let Some(step) = self.look(Duration::from_millis(20), &is_it) {
                return step;
            }
        }
    }

    fn look(&self, time: Duration, is_it: impl Fn(&Step) -> bool) -> Option<Step> {
        let begun = Instant::now();
        while let Ok(step) = self.steps.recv_timeout(time.saturating_sub(begun.elapsed())) {
            let step = step.expect("it goes on");
            if is_it(&step) {
                return Some(step);
            }
        }
        None
    }

    fn until(&self, is_it: impl Fn(&Step) -> bool) -> Step {
        self.look(PATIENCE, is_it).expect("the robot is told so")
    }

    fn say(&self, message: &Value) {
        self.orders.publish_text(&message.to_string()).expect("it is taken");
    }

    /// How the robot answers; what it said before is heard.
    fn answer(&mut self, nonce: u64) -> bool {
        self.heard.clear();
        loop {
            let message = match self.reports.recv_timeout(PATIENCE) {
                Ok(message) => serde_json::from_slice::<Value>(&message).expect("JSON"),
                Err(error) if error.is_passing() && error != RecvError::Timeout => continue,
                Err(error) => panic!("no answer to {nonce}: {error}"),
            };
            if message["type"] == "cmd_ack" && message["nonce"] == nonce {
                return message["ok"] == true;
            }
            self.heard.push(message);
        }
    }

    fn end(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.steps);
        self.thread.take().expect("it runs").join().expect("no panic");
        drop((self.operator, self.commands, self.orders, self.reports));
        self.servers.assert_empty();
    }
}

pub(crate) fn moves(step: &Step) -> bool {
    step.velocity != Twist::default()
}

fn drives_within_limits_and_stands(name: &str, robot: fn(RobotConfig, RobotSetup) -> Steps) {
    let driven = Driven::new(name, robot, RobotSetup::new(Limits::planar(0.8, 1.5)));
    let step = driven.drive_until(9.0, moves);
    assert_eq!((step.velocity.linear.x, step.activity), (0.8, Activity::Driving));
    // Nobody says anything any more.
    let step = driven.until(|step| !moves(step));
    assert_eq!((step.activity, step.drive), (Activity::Stale, Some(Twist::default())));
    driven.end();
}

fn stops_though_its_loop_is_stuck(name: &str, robot: fn(RobotConfig, RobotSetup) -> Steps) {
    let stopped = Arc::<AtomicU32>::default();
    let (overdue, overdues) = mpsc::channel();
    let setup = RobotSetup::new(Limits::planar(0.8, 1.5))
        .on_estop({
            let stopped = Arc::clone(&stopped);
            move || stopped.fetch_add(1, Ordering::Relaxed) == 0
        })
        .on_overdue(move || {
            // At the end of a test nobody listens.
            let _ = overdue.send(());
        });
    let mut driven = Driven::new(name, robot, setup);
    driven.drive_until(0.5, moves);
    driven.is_stuck.store(true, Ordering::Relaxed);
    // Nobody says anything, and the loop does not hear so.
    overdues.recv_timeout(PATIENCE).expect("its motors are stopped behind its back");
    driven.say(&json!({"type": "estop", "nonce": 1}));
    assert!(driven.answer(1), "the actuators have stopped");
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
    let is_told = |said: &Value| said["type"] == "robot_telemetry" && said["state"]["estopped"] == true;
    assert!(driven.heard.iter().any(is_told), "before the answer: {:?}", driven.heard);
    driven.is_stuck.store(false, Ordering::Relaxed);
    assert!(overdues.try_recv().is_err(), "once each time");
    let step = driven.drive_until(0.5, |step| step.changes.contains(&Change::EstopEngaged));
    assert_eq!((moves(&step), step.activity), (false, Activity::Estopped));
    // Actuators that fail are told, and stay stopped.
    driven.say(&json!({"type": "estop", "nonce": 2}));
    assert!(!driven.answer(2));
    driven.say(&json!({"type": "estop_clear", "nonce": 3}));
    assert!(driven.answer(3));
    driven.drive_until(0.5, moves);
    driven.end();
}

/// Keeps a map from being made for as long as that is wanted.
#[derive(Default)]
struct Slow {
    is_wanted: AtomicBool,
    is_making: AtomicBool,
}

impl Slow {
    fn grid(&self) -> Grid {
        while self.is_wanted.load(Ordering::Relaxed) {
            self.is_making.store(true, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(1));
        }
        Grid { width: 1, height: 1, resolution: 0.5, origin: [0.0; 2], cells: vec![0] }
    }
}

fn hears_the_stop_while_a_map_is_made(name: &str, robot: fn(RobotConfig, RobotSetup, Arc<Slow>) -> Steps) {
    let slow = Arc::<Slow>::default();
    let robot = |config, setup| robot(config, setup, Arc::clone(&slow));
    let mut driven = Driven::new(name, robot, RobotSetup::new(Limits::planar(0.8, 1.5)));
    driven.drive_until(0.5, moves);
    slow.is_wanted.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    while !slow.is_making.load(Ordering::Relaxed) {
        assert!(begun.elapsed() < PATIENCE, "no map is made");
        std::thread::sleep(Duration::from_millis(1));
    }
    driven.say(&json!({"type": "estop", "nonce": 1}));
    assert!(driven.answer(1));
    slow.is_wanted.store(false, Ordering::Relaxed);
    driven.until(|step| step.activity == Activity::Estopped);
    driven.end();
}

fn runs_commands_beside_its_loop(name: &str, robot: fn(RobotConfig, RobotSetup) -> Steps) {
    let (begun, begins) = mpsc::channel();
    let setup = RobotSetup::new(Limits::planar(0.8, 1.5))
        .on("light", |task| matches!(task.command, Command::Light { brightness } if brightness == 1.0))
        .on("horn", |_| panic!("it is broken"))
        .on("dance", move |task| {
            begun.send(()).expect("the test waits");
            while !task.is_aborted() {
                std::thread::sleep(Duration::from_millis(5));
            }
            true
        });
    let mut driven = Driven::new(name, robot, setup);
    driven.drive_until(0.5, moves);
    for (message, ok) in [
        (json!({"type": "light", "brightness": 7}), true),
        (json!({"type": "light", "brightness": "7"}), false),
        (json!({"type": "horn"}), false),
        (json!({"type": "gripper", "closed": true}), false),
        (json!({"type": "light", "enabled": true}), true),
    ]
    .into_iter()
    .zip(1_u64..)
    .map(|((mut message, ok), nonce)| {
        message["nonce"] = nonce.into();
        (message, ok)
    }) {
        driven.say(&message);
        assert_eq!(driven.answer(message["nonce"].as_u64().expect("a number")), ok, "{message}");
    }
    // One that takes long keeps nobody waiting, and the emergency stop ends it.
    driven.say(&json!({"type": "dance", "nonce": 10}));
    begins.recv_timeout(PATIENCE).expect("it dances");
    driven.drive_until(0.7, |step| step.velocity.linear.x == 0.7);
    driven.say(&json!({"type": "estop", "nonce": 11}));
    assert!(!driven.answer(10));
    assert!(driven.answer(11));
    driven.end();
}

fn stands_when_its_connection_is_over(name: &str, robot: fn(RobotConfig, RobotSetup) -> Steps) {
    let driven = Driven::new(name, robot, RobotSetup::new(Limits::planar(0.8, 1.5)));
    driven.drive_until(0.5, moves);
    // A robot whose key is revoked is over for good.
    driven.servers.revoke_all();
    let mut last = None;
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it is not over");
        match driven.steps.recv_timeout(PATIENCE).expect("it comes round") {
            Ok(step) => last = Some(step),
            Err(_) => break,
        }
    }
    assert!(last.is_some_and(|step| !moves(&step)), "the last that it was told is to stand");
    driven.end();
}

#[test]
fn a_robot_on_threads_drives_and_stands() {
    drives_within_limits_and_stands("threads-drives", robot_on_threads);
}

#[test]
fn a_robot_on_tokio_drives_and_stands() {
    drives_within_limits_and_stands("tokio-drives", robot_on_tokio);
}

#[test]
fn a_robot_on_threads_stops_though_its_loop_is_stuck() {
    stops_though_its_loop_is_stuck("threads-stuck", robot_on_threads);
}

#[test]
fn a_robot_on_tokio_stops_though_its_loop_is_stuck() {
    stops_though_its_loop_is_stuck("tokio-stuck", robot_on_tokio);
}

#[test]
fn a_robot_on_threads_hears_the_stop_while_a_map_is_made() {
    hears_the_stop_while_a_map_is_made("threads-map", mapping_on_threads);
}

#[test]
fn a_robot_on_tokio_hears_the_stop_while_a_map_is_made() {
    hears_the_stop_while_a_map_is_made("tokio-map", mapping_on_tokio);
}

#[test]
fn a_robot_on_threads_runs_commands_beside_its_loop() {
    runs_commands_beside_its_loop("threads-commands", robot_on_threads);
}

#[test]
fn a_robot_on_tokio_runs_commands_beside_its_loop() {
    runs_commands_beside_its_loop("tokio-commands", robot_on_tokio);
}

#[test]
fn a_robot_on_threads_stands_when_its_connection_is_over() {
    stands_when_its_connection_is_over("threads-over", robot_on_threads);
}

#[test]
fn a_robot_on_tokio_stands_when_its_connection_is_over() {
    stands_when_its_connection_is_over("tokio-over", robot_on_tokio);
}
