//! A robot on a broker's bridge, without its connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::camera::Cameras;
use super::change::Change;
use super::drive::{Drive, Dropped};
use super::executor::{Deed, Executor, RunId};
use super::guard::{Activity, Guard};
use super::limits::is_zero;
use super::map::MapError;
use super::options::RobotOptions;
use super::pace::Pace;
use super::stats::Stream;
use super::telemetry::{Report, telemetry};
use crate::lcm::geometry_msgs::{Twist, TwistStamped};
use crate::wire::teleop::{Command, DriveCounts, Odom, OdomKind, Order, Ordered, VideoStats, cmd_ack, to_json};
use crate::{OperatorLost, StampRefusal, TopicStats};

/// Changes that wait to be told; the oldest give way.
const MAX_CHANGES: usize = 64;

/// What waits to be published or done; reports on top of that are left out, and counted.
const MAX_OUTPUTS: usize = 256;

/// A loop that was away for longer is told of it.
const AWAY: Duration = Duration::from_millis(500);

/// How long a loop that was told to move may take to come round and be told to stand.
const OVERDUE_AFTER: Duration = Duration::from_millis(100);

/// What time it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// By the monotonic clock.
    pub at: Instant,
    /// Since 1970, by the clock that operators stamp by; `None`: not known, and the robot stands.
    pub robot_time: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Publish this text on [`STATE_RELIABLE_BACK`](crate::broker::STATE_RELIABLE_BACK).
    State(String),
    /// Publish this text on [`MAP_UNRELIABLE`](crate::broker::MAP_UNRELIABLE).
    Map(String),
    /// Tell the actuators to stop, and then [`Robot::done`]. The drive stands already, and the operator has been told so.
    Stop(RunId),
    /// Run a command, and then say [`Robot::done`]. There is one at a time, beside a [`Output::Stop`].
    Run(RunId, Command),
    /// What runs counts for nothing any more, and should be left off.
    Abort(RunId),
}

/// What the robot's loop is to do now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The velocity to drive with until the next step: zero whenever the robot may not move.
    pub velocity: Twist,
    /// The same, for a robot with navigation of its own: `None` while the operator does not drive, so that a plan lives on. One
    /// zero comes when driving ends, for whatever reason.
    pub drive: Option<Twist>,
    /// Why it moves or stands. A plan of the robot's own must not move it either unless this is [`Activity::Driving`],
    /// [`Activity::Standing`] or [`Activity::Stale`].
    pub activity: Activity,
    /// Since the step before; zero at the first.
    pub elapsed: Duration,
    /// What is different since then.
    pub changes: Vec<Change>,
}

/// A robot, as its operator sees it: what may move it, what it was asked to do, and what it reports.
///
/// Time, messages and results come in as arguments; after each call [`Robot::poll`] says what is to be done.
#[derive(Debug)]
pub struct Robot {
    options: RobotOptions,
    guard: Guard,
    drive: Drive,
    executor: Executor,
    stream: Stream,
    cameras: Cameras,
    report: Report,
    drive_counts: Option<DriveCounts>,
    video: Option<VideoStats>,
    telemetry: Pace,
    maps: Pace,
    poses: Pace,
    changes: VecDeque<Change>,
    outputs: VecDeque<Output>,
    /// When the loop came last.
    stepped: Option<Instant>,
    /// It was told to move then.
    is_moving: bool,
    /// Since when it is to be told to stand, and whether it was found to be overdue.
    stands_since: Option<(Instant, bool)>,
    refused: u64,
    is_obeying: bool,
    /// Somebody may watch who does not operate.
    is_watched: bool,
    counts: Counts,
}

/// What was left out, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Drive commands that were not obeyed.
    pub dropped: Dropped,
    /// Maps that were too large, or none.
    pub maps: u64,
    /// Reports that found no place because nothing was published for long.
    pub reports: u64,
}

impl Robot {
    /// A robot that stands and has no operator.
    pub fn new(options: RobotOptions, now: Instant) -> Robot {
        Robot {
            guard: Guard::new(options.stale_after),
            drive: Drive::new(options.limits, options.stale_after),
            executor: Executor::default(),
            stream: Stream::default(),
            cameras: Cameras::new(options.cameras.clone()),
            report: Report::default(),
            drive_counts: None,
            video: None,
            telemetry: Pace::new(now, options.telemetry_hz),
            maps: Pace::new(now, options.map_hz),
            poses: Pace::new(now, options.odom_hz),
            changes: VecDeque::new(),
            outputs: VecDeque::new(),
            stepped: None,
            is_moving: false,
            stands_since: None,
            refused: 0,
            is_obeying: false,
            is_watched: false,
            counts: Counts::default(),
            options,
        }
    }

    /// Takes a drive command, which its subscription found to be fresh. What is too old by its stamp all the same, or not newer
    /// than one before, is none.
    pub fn handle_drive(&mut self, now: Now, command: &TwistStamped, bytes: usize) {
        self.look(now);
        let Some(robot_time) = now.robot_time else { return };
        let stamp = &command.header.stamp;
        let field = |value: i32| u32::try_from(value).unwrap_or_default();
        let stamp = Duration::from_secs(field(stamp.sec).into()) + Duration::from_nanos(field(stamp.nsec).into());
        let latency = robot_time.as_secs_f64() - stamp.as_secs_f64();
        let taken = self.drive.take(&command.twist, stamp, robot_time);
        self.counts.dropped = self.drive.dropped;
        let Some((velocity, good_for)) = taken else { return };
        if self.guard.is_operated() {
            self.stream.add(now.at, latency, bytes);
        }
        self.is_obeying = true;
        let change = self.guard.command(now.at, velocity, good_for);
        self.tell(change);
    }

    /// The subscription to drive commands says that none is fresh any more.
    pub fn handle_stale(&mut self) {
        let change = self.guard.stale();
        self.tell(change);
    }

    /// Takes what the topic of drive commands counts: if commands were refused for their stamps and none was obeyed since the
    /// last time, that is told.
    pub fn handle_refusals(&mut self, stats: &TopicStats) {
        let refused = stats.stale + stats.ahead + stats.disordered + stats.unstamped;
        self.note_refusals(refused, stats.last_refusal);
    }

    /// Takes how many drive commands came and how many did not, as [`Peer::drive_counts`](crate::Peer::drive_counts) says, for
    /// telemetry to tell.
    pub fn handle_drive_counts(&mut self, counts: Option<DriveCounts>) {
        self.drive_counts = counts;
    }

    fn note_refusals(&mut self, refused: u64, last: Option<StampRefusal>) {
        let is_obeying = std::mem::take(&mut self.is_obeying);
        let is_more = std::mem::replace(&mut self.refused, refused) < refused;
        if let Some(why) = last.filter(|_| is_more && !is_obeying) {
            let change = self.guard.refused(&why.to_string());
            self.tell(change);
        }
    }

    /// Takes a message of [`STATE_RELIABLE`](crate::broker::STATE_RELIABLE).
    pub fn handle_message(&mut self, now: Now, message: &[u8]) {
        self.look(now);
        let Some(Ordered { order, nonce }) = Ordered::parse(message) else { return };
        match order {
            Order::Estop => self.estop(now, nonce),
            Order::EstopClear => self.executor.estop_clear(now.at, nonce),
            // Who is there now, the connection knows; this may be of the one before.
            Order::OperatorLost => self.forget_operator(),
            Order::Command(command) => self.command(now, Some(command), nonce),
            Order::Malformed(_) => self.command(now, None, nonce),
            Order::Other(name, fields) => {
                // Unknown kinds are ignored.
                if self.options.commands.contains(&name) {
                    self.command(now, Some(Command::Own { name, fields }), nonce);
                }
            }
            Order::CameraSelect(names) => {
                let is_news = self.cameras.choose(&names);
                let cameras = self.cameras.chosen().to_vec();
                self.tell(is_news.then_some(Change::CamerasSelected { cameras }));
            }
            Order::VideoStats(stats) => self.video = Some(stats),
        }
        self.settle(now);
    }

    /// Messages of [`STATE_RELIABLE`](crate::broker::STATE_RELIABLE) were lost. The emergency stop may have been among them, so that
    /// it counts as engaged.
    pub fn handle_lost_messages(&mut self, now: Now) {
        self.look(now);
        self.estop(now, None);
        self.settle(now);
    }

    fn estop(&mut self, now: Now, nonce: Option<serde_json::Value>) {
        let was_latched = self.guard.is_estopped();
        let change = self.guard.estop(true);
        self.drive.outdate(now.robot_time);
        self.tell(change);
        // The state goes first, so that whoever waits for it does not wait for an actuator.
        self.publish_telemetry(now);
        self.executor.estop(now.at, nonce, was_latched, self.options.has_actuators);
    }

    fn command(&mut self, now: Now, command: Option<Command>, nonce: Option<serde_json::Value>) {
        let may_run = self.guard.is_operated() && !self.guard.is_estopped() && !self.executor.is_stopping();
        let command = command.filter(|command| may_run && self.options.allows(command));
        self.executor.command(now.at, command, nonce);
    }

    /// Somebody operates the robot, or nobody does any more, for this reason; the same again is no news.
    pub fn handle_operator(&mut self, now: Now, operator: Result<(), Option<OperatorLost>>) {
        self.look(now);
        match operator {
            Ok(()) => {
                let change = self.guard.operator_came();
                self.tell(change);
            }
            Err(why) => {
                let why = why.map_or_else(|| "nobody operates this robot".to_owned(), |why| why.to_string());
                let change = self.guard.operator_lost(&why);
                if change.is_some() {
                    self.forget_operator();
                }
                self.tell(change);
            }
        }
        self.settle(now);
    }

    /// Whether what is published on [`MAP_UNRELIABLE`](crate::broker::MAP_UNRELIABLE) reaches anybody: also those who only watch are
    /// shown maps and poses, with an operator or without.
    pub fn handle_watched(&mut self, is_watched: bool) {
        self.is_watched = is_watched;
    }

    /// Nothing that the operator said before counts any more.
    fn forget_operator(&mut self) {
        self.guard.forget();
        self.drive.forget();
        self.executor.operator_lost();
        self.stream.clear();
        self.drive_counts = None;
    }

    /// What was to be run is done, and this came of it. What is not running any more is no matter.
    pub fn done(&mut self, now: Now, run: RunId, ok: bool) {
        self.look(now);
        self.executor.done(run, ok);
        self.settle(now);
    }

    /// Notes the time: telemetry may be due, and the latest command stale.
    pub fn handle_timeout(&mut self, now: Now) {
        self.look(now);
        if self.telemetry.is_due(now.at) {
            self.publish_telemetry(now);
        }
    }

    /// When [`Robot::handle_timeout`] is to be called at the latest.
    pub fn deadline(&self) -> Instant {
        let telemetry = self.telemetry.next();
        self.guard.fresh_until().map_or(telemetry, |stale| stale.min(telemetry))
    }

    /// Whether telemetry will be made at this time, so that what it tells of can be looked at before.
    pub fn is_telemetry_due(&self, now: Instant) -> bool {
        self.telemetry.next() <= now
    }

    /// What the robot's loop is to do now.
    pub fn step(&mut self, now: Now) -> Step {
        self.look(now);
        let elapsed = self.stepped.map_or(Duration::ZERO, |stepped| now.at.saturating_duration_since(stepped));
        (self.stepped, self.stands_since) = (Some(now.at), None);
        if elapsed > AWAY {
            let for_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            self.tell(Some(Change::LoopBlocked { for_ms }));
        }
        let velocity = self.guard.velocity(now.at);
        self.is_moving = !is_zero(&velocity);
        let drive = self.drive.pass(&velocity);
        let changes = self.changes.drain(..).collect();
        Step { drive, velocity, activity: self.guard.activity(now.at), elapsed, changes }
    }

    /// When [`Robot::step`] was called last.
    pub fn stepped(&self) -> Option<Instant> {
        self.stepped
    }

    /// Whether the last step was to move.
    pub fn is_moving(&self) -> bool {
        self.is_moving
    }

    /// Whether the loop has not come round 100 ms after it should have been told to stand, so that it moves still. Answers `true`
    /// once each time; to be asked every 100 ms at least.
    pub fn is_overdue(&mut self, now: Instant) -> bool {
        if !self.is_moving || !is_zero(&self.guard.velocity(now)) {
            self.stands_since = None;
            return false;
        }
        let (since, is_known) = self.stands_since.get_or_insert((now, false));
        let is_overdue = now.saturating_duration_since(*since) >= OVERDUE_AFTER;
        is_overdue && !std::mem::replace(is_known, true)
    }

    /// Sets what telemetry says of the robot, from now on.
    pub fn set_report(&mut self, report: Report) {
        self.report = report;
    }

    /// Whether somebody is there to see a map, and the one before was not a moment ago. Then it is not due again before the next
    /// time. To make one takes milliseconds, in which this state machine may be needed: [`Grid::to_json`](super::Grid::to_json) does so without it.
    pub fn is_map_due(&mut self, now: Instant) -> bool {
        self.is_seen() && self.maps.is_due(now)
    }

    /// Publishes a map that was due, as [`Grid::to_json`](super::Grid::to_json) made it. One that cannot be sent is counted.
    ///
    /// # Errors
    /// That of `map`, which is given back.
    pub fn publish_map(&mut self, map: Result<String, MapError>) -> Result<(), MapError> {
        self.counts.maps += u64::from(map.is_err());
        let json = map?;
        if self.is_seen() {
            self.put(Output::Map(json));
        }
        Ok(())
    }

    /// Publishes where the robot is, in m and rad, unless it was a moment ago. What is no finite number is left out.
    pub fn publish_odom(&mut self, now: Now, x: f64, y: f64, yaw: f64) {
        let is_finite = x.is_finite() && y.is_finite() && yaw.is_finite();
        if is_finite && self.is_seen() && self.poses.is_due(now.at) {
            let ts = now.robot_time.unwrap_or_default().as_secs_f64();
            self.put(Output::Map(to_json(&Odom { kind: OdomKind::Odom, x, y, yaw, ts })));
        }
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the emergency stop is engaged.
    pub fn is_estopped(&self) -> bool {
        self.guard.is_estopped()
    }

    /// Whether something waits to be told by [`Robot::step`].
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The cameras that are to be shown.
    pub fn cameras(&self) -> &[String] {
        self.cameras.chosen()
    }

    /// What the operator's player said of the video at last.
    pub fn video_stats(&self) -> Option<VideoStats> {
        self.video
    }

    /// What was left out so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn is_seen(&self) -> bool {
        self.guard.is_operated() || self.is_watched
    }

    fn look(&mut self, now: Now) {
        self.guard.clock(now.robot_time.is_some());
        let change = self.guard.look(now.at);
        self.tell(change);
    }

    /// Does what the executor says.
    fn settle(&mut self, now: Now) {
        while let Some(deed) = self.executor.poll() {
            match deed {
                Deed::Ack { nonce, ok } => self.put(Output::State(cmd_ack(&nonce, ok))),
                Deed::Stop(run) => self.outputs.push_back(Output::Stop(run)),
                Deed::Run(run, command) => self.outputs.push_back(Output::Run(run, command)),
                Deed::Abort(run) => self.outputs.push_back(Output::Abort(run)),
                Deed::StopFailed => self.tell(Some(Change::EstopFailed)),
                Deed::Release => {
                    let change = self.guard.estop(false);
                    let is_news = change.is_some();
                    self.drive.outdate(now.robot_time);
                    self.tell(change);
                    if is_news {
                        self.publish_telemetry(now);
                    }
                }
            }
        }
    }

    fn publish_telemetry(&mut self, now: Now) {
        let robot_time = now.robot_time.unwrap_or_default();
        let driven = (self.stream.figures(now.at), self.drive_counts);
        let json = telemetry(&self.report, &self.guard, driven, now.at, robot_time);
        self.put(Output::State(json));
    }

    /// What runs and is aborted is never left out; there is little of it.
    fn put(&mut self, output: Output) {
        match self.outputs.len() < MAX_OUTPUTS {
            true => self.outputs.push_back(output),
            false => self.counts.reports += 1,
        }
    }

    fn tell(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}

#[cfg(test)]
mod tests;
