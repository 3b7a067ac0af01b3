//! Whether a robot may move, and how fast: what it was told, and every reason to stand instead.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::change::Change;
use super::limits::is_zero;
use crate::lcm::geometry_msgs::Twist;

/// What a robot goes by. It starts without an operator and without a clock, and stands.
#[derive(Debug)]
pub struct Guard {
    stale_after: Duration,
    is_operated: bool,
    is_estopped: bool,
    has_clock: bool,
    command: Command,
    /// Driving was told of, and nothing has stopped it since.
    is_driving_told: bool,
    /// Why the commands that come are not obeyed, since the last one that was.
    refusal: Option<String>,
}

/// The latest command.
#[derive(Debug, Clone, Default, PartialEq)]
enum Command {
    /// None since somebody came, or since the emergency stop was released.
    #[default]
    None,
    Fresh(Twist, Instant),
    Stale,
}

/// Why a robot moves or stands, the strongest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activity {
    /// The emergency stop is engaged.
    Estopped,
    /// Nobody operates it.
    NoOperator,
    /// It does not know the time, and cannot tell how old commands are.
    NoClock,
    /// Commands come, and none is obeyed.
    Refusing,
    /// No command came for too long.
    Stale,
    /// It is told to move.
    Driving,
    /// It was told to stand, or nothing yet.
    Standing,
}

impl Guard {
    /// One that takes a command for so long at most.
    pub fn new(stale_after: Duration) -> Guard {
        Guard {
            stale_after,
            is_operated: false,
            is_estopped: false,
            has_clock: false,
            command: Command::None,
            is_driving_told: false,
            refusal: None,
        }
    }

    /// A command came. It counts until the next one, and no longer than it is good for, unless something takes it away.
    pub fn command(&mut self, now: Instant, velocity: Twist, good_for: Duration) -> Option<Change> {
        // Beyond the clock's range it is not good at all.
        let until = now.checked_add(good_for.min(self.stale_after))?;
        if !self.may_obey() {
            return None;
        }
        let drives = !is_zero(&velocity);
        self.command = Command::Fresh(velocity, until);
        self.refusal = None;
        let is_news = drives && !self.is_driving_told;
        self.is_driving_told |= drives;
        is_news.then_some(Change::Driving)
    }

    /// Notes the time, by which the latest command may have grown stale.
    pub fn look(&mut self, now: Instant) -> Option<Change> {
        let is_over = matches!(&self.command, Command::Fresh(_, until) if *until <= now);
        if is_over { self.stale() } else { None }
    }

    /// No command came for too long.
    pub fn stale(&mut self) -> Option<Change> {
        if !matches!(self.command, Command::Fresh(..)) {
            return None;
        }
        (self.command, self.is_driving_told) = (Command::Stale, false);
        Some(Change::Stale { after_ms: u64::try_from(self.stale_after.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Commands came, and none could be obeyed. Told once until one is.
    pub fn refused(&mut self, why: &str) -> Option<Change> {
        if !self.is_operated || self.refusal.is_some() {
            return None;
        }
        self.refusal = Some(why.to_owned());
        Some(Change::Refusing { why: why.to_owned() })
    }

    /// Why commands that come are not obeyed.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Somebody operates the robot.
    pub fn operator_came(&mut self) -> Option<Change> {
        let is_news = !std::mem::replace(&mut self.is_operated, true);
        if is_news {
            self.refusal = None;
        }
        is_news.then_some(Change::OperatorCame { is_estopped: self.is_estopped })
    }

    /// Nobody does any more.
    pub fn operator_lost(&mut self, why: &str) -> Option<Change> {
        self.forget();
        let is_news = std::mem::replace(&mut self.is_operated, false);
        is_news.then(|| Change::OperatorLost { why: why.to_owned() })
    }

    /// Whether the robot's time is known.
    pub fn clock(&mut self, is_known: bool) {
        self.has_clock = is_known;
        if !is_known {
            self.forget();
        }
    }

    /// Whatever was commanded counts no more, whoever is there.
    pub fn forget(&mut self) {
        (self.command, self.is_driving_told) = (Command::None, false);
    }

    /// The emergency stop; it outlasts whoever engaged it.
    pub fn estop(&mut self, engaged: bool) -> Option<Change> {
        self.forget();
        let is_news = std::mem::replace(&mut self.is_estopped, engaged) != engaged;
        is_news.then_some(if engaged { Change::EstopEngaged } else { Change::EstopReleased })
    }

    /// How fast the robot may be at this time.
    pub fn velocity(&self, now: Instant) -> Twist {
        match &self.command {
            Command::Fresh(velocity, until) if self.may_obey() && now < *until => velocity.clone(),
            _ => Twist::default(),
        }
    }

    /// When the latest command grows stale, unless another comes.
    pub fn fresh_until(&self) -> Option<Instant> {
        match &self.command {
            Command::Fresh(_, until) => Some(*until),
            _ => None,
        }
    }

    /// Whether the emergency stop is engaged.
    pub fn is_estopped(&self) -> bool {
        self.is_estopped
    }

    /// Whether somebody operates the robot.
    pub fn is_operated(&self) -> bool {
        self.is_operated
    }

    fn may_obey(&self) -> bool {
        self.is_operated && !self.is_estopped && self.has_clock
    }

    /// Why it moves or stands.
    pub fn activity(&self, now: Instant) -> Activity {
        match &self.command {
            _ if self.is_estopped => Activity::Estopped,
            _ if !self.is_operated => Activity::NoOperator,
            _ if !self.has_clock => Activity::NoClock,
            _ if self.refusal.is_some() => Activity::Refusing,
            Command::Stale => Activity::Stale,
            Command::Fresh(_, until) if *until <= now => Activity::Stale,
            Command::Fresh(velocity, _) if !is_zero(velocity) => Activity::Driving,
            _ => Activity::Standing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::geometry_msgs::Vector3;

    const LATE: Duration = Duration::from_millis(300);

    fn forward() -> Twist {
        Twist { linear: Vector3 { x: 0.5, ..Vector3::default() }, ..Twist::default() }
    }

    /// A guard, and the time at which all of it happens.
    struct Rig(Guard, Instant);

    impl Rig {
        fn new() -> Rig {
            let mut guard = Guard::new(LATE);
            guard.clock(true);
            Rig(guard, Instant::now())
        }

        /// With an operator, driving.
        fn driving() -> Rig {
            let mut rig = Rig::new();
            assert_eq!(rig.0.operator_came(), Some(Change::OperatorCame { is_estopped: false }));
            assert_eq!(rig.forward(), Some(Change::Driving));
            assert_eq!(rig.seen(), (forward(), Activity::Driving));
            rig
        }

        fn forward(&mut self) -> Option<Change> {
            self.0.command(self.1, forward(), LATE)
        }

        fn zero(&mut self) -> Option<Change> {
            self.0.command(self.1, Twist::default(), LATE)
        }

        fn seen(&self) -> (Twist, Activity) {
            (self.0.velocity(self.1), self.0.activity(self.1))
        }

        fn stands(&self, activity: Activity) {
            assert_eq!(self.seen(), (Twist::default(), activity));
        }
    }

    #[test]
    fn nobody_commands_a_robot_without_an_operator() {
        let mut rig = Rig::new();
        assert_eq!(rig.forward(), None);
        rig.stands(Activity::NoOperator);
        // What came before the operator does not count after.
        rig.0.operator_came();
        rig.stands(Activity::Standing);
        assert_eq!(rig.0.operator_came(), None);
    }

    #[test]
    fn a_stale_command_stops_and_is_told_once() {
        let mut rig = Rig::driving();
        assert_eq!(rig.0.stale(), Some(Change::Stale { after_ms: 300 }));
        rig.stands(Activity::Stale);
        assert_eq!(rig.0.stale(), None);
        // Zero commands are fresh, and no driving.
        assert_eq!(rig.zero(), None);
        rig.stands(Activity::Standing);
        assert_eq!(rig.forward(), Some(Change::Driving));
        assert_eq!(rig.forward(), None);
    }

    #[test]
    fn a_command_grows_stale_by_itself() {
        let mut rig = Rig::driving();
        rig.1 += LATE;
        // Even before anybody has looked.
        rig.stands(Activity::Stale);
        assert_eq!(rig.0.look(rig.1), Some(Change::Stale { after_ms: 300 }));
        assert_eq!((rig.0.look(rig.1), rig.0.fresh_until()), (None, None));
        // One that was on its way for long is good for what is left, and none for longer than any.
        rig.0.command(rig.1, forward(), LATE / 3);
        assert_eq!(rig.0.fresh_until(), Some(rig.1 + LATE / 3));
        rig.0.command(rig.1, forward(), LATE * 9);
        assert_eq!(rig.0.fresh_until(), Some(rig.1 + LATE));
    }

    #[test]
    fn a_robot_that_is_told_to_stand_says_nothing() {
        let mut rig = Rig::driving();
        assert_eq!(rig.zero(), None);
        rig.stands(Activity::Standing);
        assert_eq!(rig.forward(), None);
    }

    #[test]
    fn a_lost_operator_stops_and_the_next_one_begins_anew() {
        let mut rig = Rig::driving();
        assert_eq!(rig.0.operator_lost("it left"), Some(Change::OperatorLost { why: "it left".to_owned() }));
        rig.stands(Activity::NoOperator);
        assert_eq!(rig.0.operator_lost("it left"), None);
        assert_eq!(rig.0.stale(), None);
        rig.0.operator_came();
        rig.stands(Activity::Standing);
        assert_eq!(rig.forward(), Some(Change::Driving));
    }

    #[test]
    fn an_emergency_stop_is_latched_whoever_comes_and_goes() {
        let mut rig = Rig::driving();
        assert_eq!(rig.0.estop(true), Some(Change::EstopEngaged));
        assert_eq!(rig.forward(), None);
        rig.stands(Activity::Estopped);
        assert_eq!(rig.0.estop(true), None);
        rig.0.operator_lost("it left");
        assert_eq!(rig.0.operator_came(), Some(Change::OperatorCame { is_estopped: true }));
        assert_eq!(rig.forward(), None);
        rig.stands(Activity::Estopped);
        assert_eq!(rig.0.estop(false), Some(Change::EstopReleased));
        // Released is not told to drive.
        rig.stands(Activity::Standing);
        assert_eq!(rig.forward(), Some(Change::Driving));
    }

    #[test]
    fn commands_that_are_refused_are_told_once_until_one_is_obeyed() {
        let mut rig = Rig::new();
        assert_eq!(rig.0.refused("too old"), None, "nobody is there");
        rig.0.operator_came();
        assert_eq!(rig.0.refused("too old"), Some(Change::Refusing { why: "too old".to_owned() }));
        assert_eq!(rig.0.refused("too old"), None);
        assert_eq!((rig.seen().1, rig.0.refusal()), (Activity::Refusing, Some("too old")));
        assert_eq!(rig.forward(), Some(Change::Driving));
        assert_eq!((rig.seen().1, rig.0.refusal()), (Activity::Driving, None));
        assert!(rig.0.refused("ahead").is_some());
        rig.0.operator_lost("it left");
        rig.0.operator_came();
        assert_eq!(rig.0.refusal(), None, "the next operator is judged anew");
    }

    #[test]
    fn without_a_clock_it_stands_and_forgetting_keeps_the_operator() {
        let mut rig = Rig::driving();
        rig.0.clock(false);
        rig.stands(Activity::NoClock);
        assert_eq!(rig.forward(), None);
        rig.0.clock(true);
        rig.stands(Activity::Standing);
        rig.forward();
        rig.0.forget();
        rig.stands(Activity::Standing);
        assert!(rig.0.is_operated());
    }
}
