//! A robot on its connection: what came goes into core's state machine, and what that says is done.
//!
//! Two come round here, whoever is due: the robot's own loop, and the driver's worker, which sees to it that the emergency stop
//! is heard and telemetry goes out while that loop is busy.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use farwire_core::broker::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
use farwire_core::client::Inbox;
use farwire_core::lcm::Message as _;
use farwire_core::lcm::geometry_msgs::TwistStamped;
use farwire_core::teleop::{Command, Counts, Grid, MapError, Now, Output, Report, RunId, Step};
use farwire_core::{
    ConnectionEvent, Container, Delivery, Events, Held, Mailbox, Raw, RecvError, SubscribeOptions, Topic, TopicError,
    WhenFull,
};

use super::job::{Job, Work};
use super::setup::{Handler, Overdue, RobotSetup, Stop, Task};
use crate::connection::Connection;
use crate::platform::{Driver, InboxOf};
use crate::publisher::Publisher;
use crate::subscription::Subscription;

/// Messages of a kind that one turn takes; the next one takes the rest.
const BURST: usize = 256;

/// Drive commands that wait for a turn; the oldest give way.
const COMMANDS: usize = 64;

/// The worker comes round so often at least: who is there is to be known, and whether the loop is overdue.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A robot on its connection. It keeps that open.
pub struct Robot<D: Driver> {
    connection: Connection<D>,
    commands: Subscription<D, TwistStamped>,
    orders: Subscription<D, Raw>,
    events: Subscription<D, Events>,
    state: Publisher<D, Raw>,
    map: Publisher<D, Raw>,
    handlers: HashMap<String, Handler>,
    stop: Option<Stop>,
    overdue: Option<Overdue>,
    period: Duration,
    /// Runs a job where it may block.
    spawn: Box<dyn Fn(Job<D>) + Send + Sync>,
    inside: Mutex<Inside>,
    /// The robot's loop is to come round at once.
    is_news: AtomicBool,
    is_closed: AtomicBool,
    /// Nothing more will come.
    is_ended: AtomicBool,
}

struct Inside {
    machine: farwire_core::teleop::Robot,
    /// What runs, and whether it counts still. There is at most one command, beside a stop.
    running: Vec<(RunId, Arc<AtomicBool>)>,
    /// Why nothing more will come.
    ended: Option<RecvError>,
    /// Reports that were not taken because the network was slower.
    unsent: u64,
}

impl<D: Driver> Robot<D> {
    /// A robot on this connection, whose jobs are run by `spawn`.
    ///
    /// # Errors
    /// When the connection has ended, or is none of a robot's: it has the topics with another delivery.
    pub fn new(
        connection: &Connection<D>,
        setup: RobotSetup,
        spawn: impl Fn(Job<D>) + Send + Sync + 'static,
    ) -> Result<Arc<Robot<D>>, TopicError> {
        let RobotSetup { options, handlers, stop, overdue, period } = setup;
        let fresh = SubscribeOptions::from(Delivery::LOSSY)
            .container(Container::queue(COMMANDS, WhenFull::DropOldest))
            .stale_after(options.stale_after_time());
        let inside = Inside {
            machine: farwire_core::teleop::Robot::new(options, Instant::now()),
            running: Vec::new(),
            ended: None,
            unsent: 0,
        };
        Ok(Arc::new(Robot {
            // Events first: who is there from here on is told.
            events: connection.events()?,
            orders: connection.subscribe(STATE_RELIABLE, SubscribeOptions::from(Delivery::RELIABLE))?,
            commands: connection.subscribe(CMD_UNRELIABLE, fresh)?,
            state: connection.publisher(STATE_RELIABLE_BACK, Delivery::RELIABLE)?,
            map: connection.publisher(MAP_UNRELIABLE, Delivery::LOSSY)?,
            connection: connection.clone(),
            handlers,
            stop,
            overdue,
            period,
            spawn: Box::new(spawn),
            inside: Mutex::new(inside),
            is_news: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
        }))
    }

    /// The connection.
    pub fn connection(&self) -> &Connection<D> {
        &self.connection
    }

    /// Where the robot's loop waits for drive commands.
    pub fn commands(&self) -> &InboxOf<D, TwistStamped> {
        self.commands.mailbox()
    }

    /// Where the worker waits for orders.
    pub fn orders(&self) -> &InboxOf<D, Raw> {
        self.orders.mailbox()
    }

    /// When the robot's loop is to come round: not before the first time unless it is to at once, and not after the second.
    pub fn due(&self) -> (Instant, Instant) {
        let stepped = self.lock().machine.stepped().unwrap_or_else(Instant::now);
        (stepped + self.period / 4, stepped + self.period)
    }

    /// Whether the robot's loop is to come round at once.
    pub fn is_urgent(&self) -> bool {
        self.is_news.load(Ordering::Acquire)
    }

    /// Whether the worker has something to do.
    pub fn has_orders<T: Held>(&self, orders: &Mailbox<T>) -> bool {
        self.is_closed() || orders.has_news() && !self.is_ended.load(Ordering::Acquire)
    }

    /// Whether the user has let go of it.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Ends the worker. Nothing is published any more.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.orders.mailbox().wake();
    }

    /// Takes in what came, and does what follows. Answers when to come round again at the latest; `None`: never.
    pub fn turn(self: &Arc<Self>) -> Option<Instant> {
        let mut inside = self.lock();
        let now = self.take_in(&mut inside);
        if inside.machine.is_telemetry_due(now.at) {
            if let Some(stats) = self.command_stats() {
                inside.machine.handle_refusals(&stats);
            }
            inside.machine.handle_drive_counts(self.connection.read(|client| client.peer().drive_counts()));
        }
        inside.machine.handle_timeout(now);
        let deadline = inside.machine.deadline().min(now.at + LOOK_EVERY);
        let overdue = inside.machine.is_overdue(now.at).then(|| self.overdue.clone()).flatten();
        // A loop that is stuck when the connection is over is to be stopped still.
        let is_over = self.is_closed() || inside.ended.is_some() && !inside.machine.is_moving();
        self.put_out(inside);
        if let Some(stop) = overdue {
            (self.spawn)(Job::new(Arc::downgrade(self), None, Work::Overdue(stop)));
        }
        (!is_over).then_some(deadline)
    }

    /// A turn of the robot's loop.
    ///
    /// # Errors
    /// The reason why nothing more will come, but not before the robot was told to stand.
    pub fn step(self: &Arc<Self>) -> Result<Step, RecvError> {
        let mut inside = self.lock();
        // What is told of from here on is news again.
        self.is_news.store(false, Ordering::Release);
        let now = self.take_in(&mut inside);
        let was_moving = inside.machine.is_moving();
        let step = inside.machine.step(now);
        let is_moving = was_moving || inside.machine.is_moving();
        let ended = inside.ended.clone();
        self.put_out(inside);
        match ended {
            Some(why) if !is_moving => Err(why),
            _ => Ok(step),
        }
    }

    /// What was to be run is done.
    pub(super) fn done(self: &Arc<Self>, run: RunId, ok: bool) {
        let mut inside = self.lock();
        inside.running.retain(|(running, _)| *running != run);
        let now = self.now();
        inside.machine.done(now, run, ok);
        self.put_out(inside);
    }

    /// Sets what telemetry says of the robot, from now on.
    pub fn report(&self, report: Report) {
        self.lock().machine.set_report(report);
    }

    /// Publishes a map, if one is due.
    ///
    /// # Errors
    /// When it is none that can be sent.
    pub fn map(self: &Arc<Self>, grid: impl FnOnce() -> Grid) -> Result<(), MapError> {
        let now = self.now();
        if !self.lock().machine.is_map_due(now.at) {
            return Ok(());
        }
        // Without the lock: whatever this takes, the emergency stop is heard meanwhile.
        let map = grid().to_json(now.robot_time.unwrap_or_default().as_secs_f64());
        let mut inside = self.lock();
        let published = inside.machine.publish_map(map);
        self.put_out(inside);
        published
    }

    /// Publishes where the robot is, if that is due.
    pub fn odom(self: &Arc<Self>, x: f64, y: f64, yaw: f64) {
        let mut inside = self.lock();
        let now = self.now();
        inside.machine.publish_odom(now, x, y, yaw);
        self.put_out(inside);
    }

    /// Reads something of the state machine.
    pub fn read<R>(&self, read: impl FnOnce(&farwire_core::teleop::Robot) -> R) -> R {
        read(&self.lock().machine)
    }

    /// What was left out so far, and how many reports the network was too slow for.
    pub fn counts(&self) -> (Counts, u64) {
        let inside = self.lock();
        (inside.machine.counts(), inside.unsent)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        let at = Instant::now();
        Now { at, robot_time: self.connection.engine().lock().client.stamp(at) }
    }

    /// Takes in what came.
    fn take_in(&self, inside: &mut Inside) -> Now {
        let now = self.now();
        self.look(inside, now);
        for _ in 0..BURST {
            match self.orders.take_with(Mailbox::take) {
                Ok(Some(message)) => inside.machine.handle_message(now, &message),
                Ok(None) => break,
                Err(RecvError::Lagged(_)) => inside.machine.handle_lost_messages(now),
                Err(error) if error.is_passing() => {}
                Err(error) => return inside.end(now, error),
            }
        }
        let now = self.now();
        for _ in 0..BURST {
            match self.commands.take_with(Mailbox::take) {
                Ok(Some(command)) => inside.machine.handle_drive(now, &command, command.encoded_len()),
                Ok(None) => break,
                Err(RecvError::Stale) => inside.machine.handle_stale(),
                Err(error) if error.is_passing() => {}
                Err(error) => return inside.end(now, error),
            }
        }
        now
    }

    /// Looks at who is there.
    fn look(&self, inside: &mut Inside, now: Now) {
        for _ in 0..BURST {
            match self.events.take_with(Mailbox::take) {
                Ok(Some(ConnectionEvent::OperatorPresent)) => inside.machine.handle_operator(now, Ok(())),
                Ok(Some(ConnectionEvent::OperatorLost { reason })) => {
                    inside.machine.handle_operator(now, Err(Some(reason)));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(error) => {
                    inside.end(now, error);
                    break;
                }
            }
        }
        // Events may be missing; what is so now has the last word.
        let operator = match self.connection.is_open_and(|client| client.peer().is_operated()) {
            true => Ok(()),
            false => Err(self.connection.read(|client| client.peer().operator_lost())),
        };
        inside.machine.handle_operator(now, operator);
        let map = self.connection.read(|client| client.topic_stats(self.map.topic()));
        inside.machine.handle_watched(map.is_some_and(|map| map.publishing));
    }

    fn command_stats(&self) -> Option<farwire_core::TopicStats> {
        let topic = Topic::new(CMD_UNRELIABLE).ok()?;
        self.connection.read(|client| client.topic_stats(&topic))
    }

    /// Publishes what is to be published, and runs what is to be run.
    fn put_out(self: &Arc<Self>, mut inside: MutexGuard<'_, Inside>) {
        let mut jobs = Vec::new();
        while let Some(output) = inside.machine.poll() {
            let published = match output {
                _ if self.is_closed() => continue,
                Output::State(text) => self.state.publish(false, text.as_bytes()),
                Output::Map(text) => self.map.publish(false, text.as_bytes()),
                Output::Stop(run) => {
                    let work = self.stop.clone().map_or(Work::Nothing, Work::Stop);
                    jobs.push(Job::new(Arc::downgrade(self), Some(run), work));
                    continue;
                }
                Output::Run(run, command) => {
                    jobs.push(Job::new(Arc::downgrade(self), Some(run), self.work(&mut inside, run, command)));
                    continue;
                }
                Output::Abort(run) => {
                    for (_, is_aborted) in inside.running.iter().filter(|(running, _)| *running == run) {
                        is_aborted.store(true, Ordering::Relaxed);
                    }
                    continue;
                }
                // What is not known here is not done.
                _ => continue,
            };
            inside.unsent += u64::from(published.is_err());
        }
        let is_news = inside.machine.has_changes();
        // An end is no news any more once it is known.
        self.is_ended.store(inside.ended.is_some(), Ordering::Release);
        drop(inside);
        if is_news && !self.is_news.swap(true, Ordering::AcqRel) {
            self.commands.mailbox().wake();
        }
        for job in jobs {
            (self.spawn)(job);
        }
    }

    fn work(&self, inside: &mut Inside, run: RunId, command: Command) -> Work {
        let Some(handler) = self.handlers.get(command.name()) else { return Work::Nothing };
        let is_aborted = Arc::<AtomicBool>::default();
        inside.running.push((run, Arc::clone(&is_aborted)));
        Work::Command(Arc::clone(handler), Task { command, is_aborted })
    }
}

impl Inside {
    /// Nothing more will come: whatever is so, the robot stands.
    fn end(&mut self, now: Now, why: RecvError) -> Now {
        self.ended.get_or_insert(why);
        self.machine.handle_operator(now, Err(None));
        now
    }
}

impl<D: Driver> fmt::Debug for Robot<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robot").field("connection", &self.connection).finish_non_exhaustive()
    }
}
