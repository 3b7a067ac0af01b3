//! `farwire demo`: an SFU, a simulated robot and its operator in one process, over real UDP.
//!
//! A subscriber has to know the publisher's session, and robot and operator both publish. So the robot has two
//! connections: it publishes on the first, the operator subscribes from that one and publishes commands on its own,
//! and the robot subscribes to those on the second.

mod lane;
mod operator;
mod report;
mod robot;
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farwire::{Connection, Delivery, RecvError, Subscription};
use farwire_sfu::Server;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::pace::{Pace, parse_seconds};
use crate::settings::{LOCAL_APP_ID, LOCAL_APP_SECRET, Sfu};
use lane::{Lane, Lanes};
use sample::{Kind, Sample};

/// Until every topic works in both directions.
const SETUP: Duration = Duration::from_millis(2_200);
/// For the last messages to arrive.
const DRAIN: Duration = Duration::from_millis(500);
/// How often a thread looks up to see whether it is over.
const TICK: Duration = Duration::from_millis(50);

/// Watch a simulated robot drive through an SFU on this machine; needs nothing else
///
/// Starts an SFU in this process, connects a robot (100 Hz odometry, lossy; 10 Hz state, reliable) and an operator
/// (10 Hz commands, reliable, each acknowledged by the robot), and exits with 0 only if every message arrived.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long the robot drives
    #[arg(long, default_value = "5", value_parser = parse_seconds)]
    seconds: Duration,
    /// Print one JSON object at the end, and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let began = Instant::now();
    let server = Server::spawn(farwire_sfu::Config::new(LOCAL_APP_ID, LOCAL_APP_SECRET))
        .map_err(|error| Failure::failed(format_args!("cannot start an SFU in this process: {error}")))?;
    let demo = Demo::set_up(&Sfu::local(&server.api_root())?, began + SETUP)?;
    let ready = began.elapsed();
    if !args.json {
        report::opening(&server.api_root(), ready)?;
    }
    let drove = demo.drive(args, &interrupt)?;
    let lanes = Arc::clone(&demo.lanes);
    demo.wind_down();
    if args.json {
        report::json(&lanes, ready, drove)?;
    } else {
        report::table(&lanes, drove)?;
    }
    report::verdict(&lanes)
}

/// Everything that is connected and runs.
struct Demo {
    lanes: Arc<Lanes>,
    connections: [Connection; 3],
    threads: Threads,
    robot: robot::Robot,
    operator: operator::Operator,
}

impl Demo {
    /// Connects both sides and waits until the first message has crossed on every topic.
    fn set_up(sfu: &Sfu, deadline: Instant) -> Result<Demo, Failure> {
        let connect = |publisher: Option<&Connection>| {
            let left = deadline.saturating_duration_since(Instant::now());
            sfu.connect_within(left, publisher.map(Connection::session_id).as_deref())
        };
        let robot_out = connect(None)?;
        let operator_both = connect(Some(&robot_out))?;
        let robot_in = connect(Some(&operator_both))?;

        let lanes = Arc::new(Lanes::default());
        let threads = Threads::default();
        let robot = robot::Robot::new(&robot_out, &lanes)?;
        let operator = operator::Operator::new(&operator_both, &lanes)?;
        let demo = Demo { lanes, connections: [robot_out, operator_both, robot_in], threads, robot, operator };
        demo.listen(deadline)
    }

    /// Starts the receiving threads, and calls on every topic until somebody answers.
    fn listen(mut self, deadline: Instant) -> Result<Demo, Failure> {
        let [_, operator_both, robot_in] = &self.connections;
        for lane in self.lanes.iter() {
            let connection = if lane.topic == lane::COMMAND { robot_in } else { operator_both };
            let subscription = connection.subscribe_with(lane.topic, lane.delivery).map_err(Failure::failed)?;
            let robot = (lane.topic == lane::COMMAND).then(|| self.robot.clone());
            let lanes = Arc::clone(&self.lanes);
            let topic = lane.topic;
            self.threads.spawn(move |stop| {
                receive(&subscription, lanes.lane(topic), stop, |sample| {
                    if let Some(robot) = &robot {
                        robot.obey(sample);
                    }
                });
            });
        }
        let mut pace = Pace::new(Instant::now(), 100.0);
        while let Some(deaf) = self.lanes.iter().find(|lane| !lane.heard()) {
            let now = Instant::now();
            if now > deadline {
                return Err(Failure::failed(format_args!(
                    "nothing arrived on {:?} within {} s, with the SFU in this very process: is loopback UDP filtered?",
                    deaf.topic,
                    SETUP.as_secs_f64()
                )));
            }
            self.robot.call();
            self.operator.call();
            crate::pace::sleep_until(pace.next(now));
        }
        Ok(self)
    }

    /// Lets the robot drive, with a live line; how long it did.
    fn drive(&self, args: &Args, interrupt: &Interrupt) -> Result<Duration, Failure> {
        let start = Instant::now();
        let end = start + args.seconds;
        let mut movers = Threads::default();
        let (robot, operator) = (self.robot.clone(), self.operator.clone());
        movers.spawn(move |stop| robot.drive(start, end, stop));
        movers.spawn(move |stop| operator.command(start, end, stop));
        if args.json {
            interrupt.wait_until(end);
        } else {
            report::live(&self.lanes, &self.robot, start, end, interrupt)?;
        }
        movers.join();
        Ok(start.elapsed())
    }

    /// Gives the last messages their time, then closes everything.
    fn wind_down(self) {
        let deadline = Instant::now() + DRAIN;
        for connection in &self.connections {
            connection.flush(deadline.saturating_duration_since(Instant::now()));
        }
        while Instant::now() < deadline && !self.lanes.iter().all(Lane::is_complete) {
            thread::sleep(Duration::from_millis(5));
        }
        self.threads.join();
        for connection in &self.connections {
            connection.close();
        }
    }
}

/// Counts what arrives on a lane until the demo is over.
fn receive(subscription: &Subscription, lane: &Lane, stop: &AtomicBool, also: impl Fn(&Sample)) {
    while !stop.load(Ordering::Relaxed) {
        match subscription.recv_timeout(TICK) {
            Ok(message) => {
                let Some(sample) = Sample::decode(&message) else { continue };
                lane.received(&sample);
                if sample.kind == Kind::Data {
                    also(&sample);
                }
            }
            // What lags or closes is missing in the end, and counted there.
            Err(RecvError::Timeout | RecvError::Lagged(_) | RecvError::Interrupted) => {}
            Err(_) => return,
        }
    }
}

/// Threads that stop together.
#[derive(Default)]
struct Threads {
    stop: Arc<AtomicBool>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    fn spawn(&mut self, run: impl FnOnce(&AtomicBool) + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.handles.push(thread::spawn(move || run(&stop)));
    }

    fn join(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for handle in self.handles.drain(..) {
            // A thread that panicked has said so, and its messages are missing in the table.
            let _ = handle.join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}

/// The delivery in one word.
fn delivery_name(delivery: Delivery) -> &'static str {
    if delivery == Delivery::RELIABLE { "reliable" } else { "lossy" }
}
