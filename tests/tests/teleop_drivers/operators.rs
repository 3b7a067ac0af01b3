//! An operator on either driver, and a robot on the other one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use farwire_blocking::lcm::geometry_msgs::{Twist, Vector3};
use farwire_blocking::teleop::{Activity, Asked, Command, Heard, Limits, LinkStats, RobotSetup, Step};
use farwire_blocking::{OperatorConfig, RobotConfig};

use crate::PATIENCE;
use crate::robots::{Steps, moves, robot_on_threads, robot_on_tokio};
use crate::servers::Servers;

/// An operator, whichever driver it waits with.
trait Hands {
    fn drive(&self, velocity: Twist);
    fn estop(&self);
    fn estop_clear(&self) -> u64;
    fn ask(&self, command: Command) -> u64;
    fn heard(&mut self) -> Heard;
    fn link(&self) -> LinkStats;
    fn leave(self: Box<Self>);
}

/// For longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

struct OnThreads(farwire_blocking::Operator, farwire_blocking::Connection);

impl Hands for OnThreads {
    fn drive(&self, velocity: Twist) {
        self.0.drive(velocity, LONG);
    }

    fn estop(&self) {
        self.0.estop();
    }

    fn estop_clear(&self) -> u64 {
        self.0.estop_clear()
    }

    fn ask(&self, command: Command) -> u64 {
        self.0.ask(command)
    }

    fn heard(&mut self) -> Heard {
        self.0.heard(PATIENCE).expect("the robot says something")
    }

    fn link(&self) -> LinkStats {
        self.0.link()
    }

    fn leave(self: Box<Self>) {
        self.0.leave(&self.1, PATIENCE);
    }
}

struct OnTokio(farwire_tokio::Operator, farwire_tokio::Connection, tokio::runtime::Runtime);

impl Hands for OnTokio {
    fn drive(&self, velocity: Twist) {
        self.0.drive(velocity, LONG);
    }

    fn estop(&self) {
        self.0.estop();
    }

    fn estop_clear(&self) -> u64 {
        self.0.estop_clear()
    }

    fn ask(&self, command: Command) -> u64 {
        self.0.ask(command)
    }

    fn heard(&mut self) -> Heard {
        let heard = async { tokio::time::timeout(PATIENCE, self.0.heard()).await };
        self.2.block_on(heard).expect("in time").expect("the robot says something")
    }

    fn link(&self) -> LinkStats {
        self.0.link()
    }

    fn leave(self: Box<Self>) {
        let OnTokio(operator, connection, runtime) = *self;
        runtime.block_on(operator.leave(&connection));
    }
}

fn operator_on_threads(config: OperatorConfig) -> Box<dyn Hands> {
    let connection = farwire_blocking::connect(config).expect("the operator joins");
    Box::new(OnThreads(farwire_blocking::Operator::start(&connection, 20.0).expect("an operator"), connection))
}

fn operator_on_tokio(config: OperatorConfig) -> Box<dyn Hands> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = runtime.block_on(farwire_tokio::connect(config)).expect("the operator joins");
    let operator = farwire_tokio::Operator::start(&connection, 20.0).expect("an operator");
    Box::new(OnTokio(operator, connection, runtime))
}

/// Hears on until the robot answers this, and says how.
fn answer(hands: &mut dyn Hands, is_it: impl Fn(u64, &Asked) -> bool) -> bool {
    loop {
        match hands.heard() {
            Heard::Acknowledged { nonce, asked, ok } if is_it(nonce, &asked) => return ok,
            _ => {}
        }
    }
}

fn obeys_an_operator(
    name: &str,
    robot: fn(RobotConfig, RobotSetup) -> Steps,
    operator: fn(OperatorConfig) -> Box<dyn Hands>,
) {
    let servers = Servers::new(name);
    let setup = RobotSetup::new(Limits::planar(0.8, 1.5)).on("light", |_| true);
    let mut next = robot(servers.robot(), setup);
    let (is_over, (told, steps)) = (Arc::<AtomicBool>::default(), mpsc::channel());
    let thread = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            while !is_over.load(Ordering::Relaxed) && told.send(next().expect("it goes on")).is_ok() {}
        }
    });
    let until = |is_it: fn(&Step) -> bool| {
        let begun = Instant::now();
        while !is_it(&steps.recv_timeout(PATIENCE).expect("the loop comes round")) {
            assert!(begun.elapsed() < PATIENCE, "the robot is not told so");
        }
    };
    let mut hands = operator(servers.operator());
    let forward = Twist { linear: Vector3 { x: 9.0, ..Vector3::default() }, ..Twist::default() };
    hands.drive(forward.clone());
    until(|step| step.velocity.linear.x == 0.8);
    let light = hands.ask(Command::Light { brightness: 1.0 });
    assert!(answer(&mut *hands, |nonce, _| nonce == light));
    let gripper = hands.ask(Command::Gripper { closed: true });
    assert!(!answer(&mut *hands, |nonce, _| nonce == gripper));
    hands.estop();
    until(|step| step.activity == Activity::Estopped);
    assert!(answer(&mut *hands, |_, asked| *asked == Asked::Estop));
    let clear = hands.estop_clear();
    assert!(answer(&mut *hands, |nonce, _| nonce == clear));
    // Released is not told to drive.
    until(|step| step.activity == Activity::Standing);
    hands.drive(forward);
    until(|step| step.velocity.linear.x == 0.8);
    // What it reports says how the commands come.
    loop {
        match hands.heard() {
            Heard::Telemetry(telemetry) if telemetry.cmd.is_some() => break,
            _ => {}
        }
    }
    let link = hands.link();
    assert!(link.round_trip.is_some() && link.there_ms.is_some() && link.back_ms.is_some(), "{link:?}");
    hands.leave();
    until(|step| !moves(step));
    is_over.store(true, Ordering::Relaxed);
    drop(steps);
    thread.join().expect("no panic");
    servers.assert_empty();
}

#[test]
fn a_robot_on_tokio_obeys_an_operator_on_threads() {
    obeys_an_operator("operator-threads", robot_on_tokio, operator_on_threads);
}

#[test]
fn a_robot_on_threads_obeys_an_operator_on_tokio() {
    obeys_an_operator("operator-tokio", robot_on_threads, operator_on_tokio);
}
