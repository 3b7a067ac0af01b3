//! An operator on its connection: what came goes into core's state machine, and what that says is published.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use farwire_core::broker::{
    BrokerError, CMD_UNRELIABLE, Errand, ErrandDone, ErrandId, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK,
};
use farwire_core::client::Inbox;
use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::teleop::{Command, Heard, LinkStats, Operator as Machine, Say};
use farwire_core::{Accepted, Container, Delivery, Held, Mailbox, Raw, RecvError, SubscribeOptions, TopicError};

use crate::connection::Connection;
use crate::platform::{ClientOf, Driver, InboxOf};
use crate::publisher::Publisher;
use crate::subscription::Subscription;
use crate::system::unix_time;

/// Messages of a kind that one turn takes; the next one takes the rest.
const BURST: usize = 256;

/// Maps and poses that wait to be heard; the oldest give way.
const MAPS: usize = 32;

/// An operator on its connection. It keeps that open.
pub struct Operator<D: Driver> {
    connection: Connection<D>,
    commands: Publisher<D, TwistStamped>,
    orders: Publisher<D, Raw>,
    reports: Subscription<D, Raw>,
    maps: Subscription<D, Raw>,
    inside: Mutex<Inside>,
    /// Something was heard that was not taken, or nothing more will come.
    has_heard: AtomicBool,
    is_closed: AtomicBool,
}

struct Inside {
    machine: Machine,
    seq: i32,
    sent: u64,
    /// Velocities that nobody could get.
    dropped: u64,
    ended: Option<RecvError>,
}

impl<D: Driver> Operator<D> {
    /// An operator on this connection, that says its velocity so many times a second.
    ///
    /// # Errors
    /// When the connection has ended, or is none of an operator's: it has the topics with another delivery.
    pub fn new(connection: &Connection<D>, hz: f64) -> Result<Arc<Operator<D>>, TopicError> {
        let machine = Machine::new(Instant::now(), unix_time(), hz);
        let maps = SubscribeOptions::from(Delivery::LOSSY).container(Container::ring(MAPS));
        Ok(Arc::new(Operator {
            reports: connection.subscribe(STATE_RELIABLE_BACK, SubscribeOptions::from(Delivery::RELIABLE))?,
            maps: connection.subscribe(MAP_UNRELIABLE, maps)?,
            commands: connection.publisher(CMD_UNRELIABLE, Delivery::LOSSY)?,
            orders: connection.publisher(STATE_RELIABLE, Delivery::RELIABLE)?,
            connection: connection.clone(),
            inside: Mutex::new(Inside { machine, seq: 0, sent: 0, dropped: 0, ended: None }),
            has_heard: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        }))
    }

    /// The connection.
    pub fn connection(&self) -> &Connection<D> {
        &self.connection
    }

    /// Where the worker waits.
    pub fn reports(&self) -> &InboxOf<D, Raw> {
        self.reports.mailbox()
    }

    /// Where whoever listens waits.
    pub fn maps(&self) -> &InboxOf<D, Raw> {
        self.maps.mailbox()
    }

    /// Whether the worker has something to do.
    pub fn has_reports<T: Held>(&self, reports: &Mailbox<T>) -> bool {
        self.is_closed() || reports.has_news()
    }

    /// Whether there is something to take by [`heard`](Operator::heard).
    pub fn may_have_heard<T: Held>(&self, maps: &Mailbox<T>) -> bool {
        self.has_heard.load(Ordering::Acquire) || maps.has_news()
    }

    /// Whether the user has let go of it.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Ends the worker. Nothing is said any more, so that the robot stops by itself.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.reports.mailbox().wake();
    }

    /// Takes in what came, and says what is due. Answers when to come round again at the latest; `None`: never.
    pub fn turn(&self) -> Option<Instant> {
        let watches = self.watches();
        let mut inside = self.lock();
        inside.machine.watch(watches);
        self.take_in(&mut inside);
        inside.machine.handle_timeout(Instant::now());
        let deadline = inside.machine.deadline();
        let is_over = inside.ended.is_some() || self.is_closed();
        self.put_out(inside);
        (!is_over).then_some(deadline)
    }

    /// What was heard next, without waiting.
    ///
    /// # Errors
    /// The reason why nothing more will come, after what was heard before.
    pub fn heard(&self) -> Result<Option<Heard>, RecvError> {
        let ended = {
            let mut inside = self.lock();
            self.take_in(&mut inside);
            if let Some(heard) = inside.machine.hear_next() {
                return Ok(Some(heard));
            }
            self.has_heard.store(inside.ended.is_some(), Ordering::Release);
            inside.ended.clone()
        };
        match (self.map_heard(), ended) {
            (None, Some(why)) => Err(why),
            (heard, _) => Ok(heard),
        }
    }

    /// The next map or pose. It is unpacked by whoever hears it, and without the lock: the worker has a velocity to say.
    fn map_heard(&self) -> Option<Heard> {
        (0..MAPS).find_map(|_| {
            let message = self.maps.take_with(Mailbox::take).ok().flatten()?;
            Heard::of_map(&message)
        })
    }

    /// Asks the broker for something, which is not waited for; the engine's [`progress`](crate::Engine::progress) rings when
    /// [`is_errand_done`](Operator::is_errand_done) has what came of it.
    ///
    /// # Errors
    /// As for [`Peer::errand`](farwire_core::Peer::errand).
    pub fn errand(&self, errand: Errand) -> Result<ErrandId, BrokerError> {
        match self.connection.lease().is_closed() {
            true => Err(BrokerError::NotConnected),
            false => self.connection.engine().act(|client, now| client.errand(now, errand)),
        }
    }

    /// Whether something came of it, which is then the `outcome`: an error until then.
    pub fn is_errand_done(
        &self,
        client: &mut ClientOf<D>,
        id: ErrandId,
        outcome: &mut Result<ErrandDone, BrokerError>,
    ) -> bool {
        match client.take_errand(id) {
            Some(done) => *outcome = done,
            None => return self.connection.lease().is_closed(),
        }
        true
    }

    /// Nobody waits for it any more.
    pub fn forget_errand(&self, id: ErrandId) {
        self.connection.engine().lock().client.forget_errand(id);
    }

    /// Does something with the state machine, and says what follows.
    pub fn act<R>(&self, act: impl FnOnce(&mut Machine, Instant) -> R) -> R {
        let watches = self.watches();
        let mut inside = self.lock();
        inside.machine.watch(watches);
        let result = act(&mut inside.machine, Instant::now());
        self.put_out(inside);
        result
    }

    /// Says this velocity from now on, for as long as it counts.
    pub fn drive(&self, velocity: Twist, counts_for: Duration) {
        self.act(|machine, now| machine.drive(now, velocity, counts_for));
    }

    /// Engages the emergency stop.
    pub fn estop(&self) {
        self.act(Machine::estop);
    }

    /// Releases it.
    pub fn estop_clear(&self) -> u64 {
        self.act(Machine::estop_clear)
    }

    /// Asks the robot for something.
    pub fn ask(&self, command: Command) -> u64 {
        self.act(|machine, now| machine.ask(now, command))
    }

    /// Ends the worker, and says each time that the next one is taken that the robot is to stand. Answers how long to wait after
    /// that.
    pub fn last_zeros(&self) -> impl Iterator<Item = Duration> {
        self.close();
        (0..Machine::LAST_ZEROS).map(|_| {
            self.drive_now(&mut self.lock(), Twist::default());
            Machine::LAST_ZERO_EVERY
        })
    }

    /// Whether this end only watches.
    pub fn watches(&self) -> bool {
        self.connection.read(|client| client.peer().watches())
    }

    /// The way to the robot and back.
    pub fn link(&self) -> LinkStats {
        let clock = self.connection.read(|client| client.peer().far_clock(Instant::now()));
        self.lock().machine.link(clock)
    }

    /// Velocities that were sent, and those that nobody could get.
    pub fn counts(&self) -> (u64, u64) {
        let inside = self.lock();
        (inside.sent, inside.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(&self, inside: &mut Inside) {
        let robot_now = self.robot_now();
        for _ in 0..BURST {
            match self.reports.take_with(Mailbox::take) {
                Ok(Some(message)) => inside.machine.handle_state(robot_now, &message),
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(error) => {
                    inside.ended.get_or_insert(error);
                    return;
                }
            }
        }
    }

    /// The robot's time, in seconds since 1970, once it is known.
    fn robot_now(&self) -> Option<f64> {
        let clock = self.connection.read(|client| client.peer().far_clock(Instant::now()))?;
        Some(unix_time().as_secs_f64() + clock.offset)
    }

    fn put_out(&self, mut inside: MutexGuard<'_, Inside>) {
        while let Some(say) = inside.machine.poll() {
            match say {
                _ if self.is_closed() => {}
                Say::Drive(twist) => self.drive_now(&mut inside, twist),
                // An emergency stop that found no way is said again, and what else did is unanswered.
                Say::State(text) => drop(self.orders.publish(false, text.as_bytes())),
                // What is not known here is not said.
                _ => {}
            }
        }
        let has_heard = inside.machine.has_heard() || inside.ended.is_some();
        drop(inside);
        if has_heard && !self.has_heard.swap(true, Ordering::AcqRel) {
            self.maps.mailbox().wake();
        }
    }

    /// A velocity that cannot be stamped would not be obeyed, and is dropped.
    fn drive_now(&self, inside: &mut Inside, twist: Twist) {
        let stamp = self.connection.engine().lock().client.stamp(Instant::now());
        let Some(stamp) = stamp.and_then(Time::from_unix) else {
            inside.dropped += 1;
            return;
        };
        let seq = Machine::number_after(inside.seq);
        let command = TwistStamped { header: Header { seq, stamp, frame_id: String::new() }, twist };
        let published = self.commands.bytes(&command).and_then(|bytes| self.commands.publish(true, &bytes));
        match published {
            Ok(Accepted::Dropped) | Err(_) => inside.dropped += 1,
            Ok(_) => (inside.seq, inside.sent) = (seq, inside.sent + 1),
        }
    }
}

impl<D: Driver> fmt::Debug for Operator<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("connection", &self.connection).finish_non_exhaustive()
    }
}
