//! Whether the robot may move, and how fast: what it was told, and every reason to stand instead.

use std::time::Duration;

use super::change::Change;
use crate::Velocity;

/// What the robot goes by. It starts without an operator, and stands.
#[derive(Debug, Default)]
pub struct Guard {
    is_operated: bool,
    is_estopped: bool,
    command: Command,
    /// Driving was told of, and standing has not been since.
    is_driving_told: bool,
    /// Something took the command away, and standing has not been told of since.
    is_stopping: bool,
    /// Why the commands that come are not obeyed, since the last one that was.
    refusal: Option<String>,
}

/// The latest command.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Command {
    /// None since somebody came, or since the emergency stop was released.
    #[default]
    None,
    Fresh(Velocity),
    Stale,
}

/// Why the robot moves or stands, the strongest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The emergency stop is engaged.
    Estopped,
    /// Nobody operates it.
    NoOperator,
    /// Commands come, and none is obeyed.
    Refusing,
    /// No command came for too long.
    Stale,
    /// It moves.
    Driving,
    /// It was told to stand, or nothing yet.
    Standing,
}

impl Guard {
    /// A command came. It counts until the next one, unless something takes it away.
    pub fn command(&mut self, velocity: Velocity) -> Option<Change> {
        if !self.is_operated || self.is_estopped {
            return None;
        }
        self.command = Command::Fresh(velocity);
        self.refusal = None;
        let drives = !velocity.is_zero() && (!self.is_driving_told || self.is_stopping);
        drives.then(|| {
            (self.is_driving_told, self.is_stopping) = (true, false);
            Change::Driving
        })
    }

    /// No command came for too long.
    pub fn stale(&mut self, after: Duration) -> Option<Change> {
        if !matches!(self.command, Command::Fresh(_)) {
            return None;
        }
        self.command = Command::Stale;
        self.is_stopping = true;
        Some(Change::Stale { after_ms: after.as_millis() })
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
        is_news.then(|| {
            self.is_stopping = true;
            Change::OperatorLost { why: why.to_owned() }
        })
    }

    /// Whatever was commanded counts no more, whoever is there.
    pub fn forget(&mut self) {
        self.command = Command::None;
    }

    /// The emergency stop; it outlasts whoever engaged it.
    pub fn estop(&mut self, engaged: bool) -> Option<Change> {
        self.forget();
        let is_news = std::mem::replace(&mut self.is_estopped, engaged) != engaged;
        is_news.then(|| {
            self.is_stopping |= engaged;
            if engaged { Change::EstopEngaged } else { Change::EstopReleased }
        })
    }

    /// The robot stands; answers whether it was stopped and that is to be told.
    pub fn stands(&mut self) -> bool {
        if self.is_stopping {
            self.is_driving_told = false;
        }
        std::mem::take(&mut self.is_stopping)
    }

    /// How fast the robot should be.
    pub fn target(&self) -> Velocity {
        match self.command {
            Command::Fresh(velocity) if self.is_operated && !self.is_estopped => velocity,
            _ => Velocity::ZERO,
        }
    }

    /// Whether the emergency stop is engaged.
    pub fn is_estopped(&self) -> bool {
        self.is_estopped
    }

    /// The state, for a robot that moves or does not.
    pub fn state(&self, moves: bool) -> State {
        match self.command {
            _ if self.is_estopped => State::Estopped,
            _ if !self.is_operated => State::NoOperator,
            _ if self.refusal.is_some() => State::Refusing,
            Command::Stale => State::Stale,
            _ if moves => State::Driving,
            _ => State::Standing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARD: Velocity = Velocity { linear: 0.5, angular: 0.0 };
    const LATE: Duration = Duration::from_millis(300);

    /// With an operator, driving.
    fn driving() -> Guard {
        let mut guard = Guard::default();
        assert_eq!(guard.operator_came(), Some(Change::OperatorCame { is_estopped: false }));
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
        assert_eq!((guard.target(), guard.state(true)), (FORWARD, State::Driving));
        guard
    }

    #[test]
    fn nobody_commands_a_robot_without_an_operator() {
        let mut guard = Guard::default();
        assert_eq!(guard.command(FORWARD), None);
        assert_eq!((guard.target(), guard.state(false)), (Velocity::ZERO, State::NoOperator));
        // What came before the operator does not count after.
        guard.operator_came();
        assert_eq!((guard.target(), guard.state(false)), (Velocity::ZERO, State::Standing));
        assert_eq!(guard.operator_came(), None);
    }

    #[test]
    fn a_stale_command_stops_and_is_told_once() {
        let mut guard = driving();
        assert_eq!(guard.stale(LATE), Some(Change::Stale { after_ms: 300 }));
        assert_eq!((guard.target(), guard.state(true)), (Velocity::ZERO, State::Stale));
        assert_eq!(guard.stale(LATE), None);
        assert!(guard.stands() && !guard.stands());
        // Zero commands are fresh, and no driving.
        assert_eq!(guard.command(Velocity::ZERO), None);
        assert_eq!(guard.state(false), State::Standing);
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
        assert_eq!(guard.command(FORWARD), None);
    }

    #[test]
    fn a_robot_that_is_told_to_stand_says_nothing() {
        let mut guard = driving();
        guard.command(Velocity::ZERO);
        assert!(!guard.stands());
        assert_eq!(guard.command(FORWARD), None);
    }

    #[test]
    fn a_lost_operator_stops_and_the_next_one_begins_anew() {
        let mut guard = driving();
        assert_eq!(guard.operator_lost("it left"), Some(Change::OperatorLost { why: "it left".to_owned() }));
        assert_eq!((guard.target(), guard.state(true)), (Velocity::ZERO, State::NoOperator));
        assert_eq!(guard.operator_lost("it left"), None);
        assert!(guard.stale(LATE).is_none() && guard.stands());
        guard.operator_came();
        assert_eq!(guard.target(), Velocity::ZERO);
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
    }

    #[test]
    fn driving_that_goes_on_before_it_stood_is_told() {
        let mut guard = driving();
        guard.stale(LATE);
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
        assert_eq!((guard.command(FORWARD), guard.target(), guard.state(true)), (None, FORWARD, State::Driving));
        guard.command(Velocity::ZERO);
        assert!(!guard.stands());
    }

    #[test]
    fn an_emergency_stop_is_latched_whoever_comes_and_goes() {
        let mut guard = driving();
        assert_eq!(guard.estop(true), Some(Change::EstopEngaged));
        assert_eq!((guard.command(FORWARD), guard.target()), (None, Velocity::ZERO));
        assert_eq!(guard.estop(true), None);
        assert!(guard.stands());
        guard.operator_lost("it left");
        assert_eq!(guard.operator_came(), Some(Change::OperatorCame { is_estopped: true }));
        assert_eq!((guard.command(FORWARD), guard.state(false)), (None, State::Estopped));
        assert_eq!(guard.estop(false), Some(Change::EstopReleased));
        // Released is not told to drive.
        assert_eq!((guard.target(), guard.state(false)), (Velocity::ZERO, State::Standing));
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
    }

    #[test]
    fn commands_that_are_refused_are_told_once_until_one_is_obeyed() {
        let mut guard = Guard::default();
        assert_eq!(guard.refused("too old"), None, "nobody is there");
        guard.operator_came();
        assert_eq!(guard.refused("too old"), Some(Change::Refusing { why: "too old".to_owned() }));
        assert_eq!(guard.refused("too old"), None);
        assert_eq!((guard.state(false), guard.refusal()), (State::Refusing, Some("too old")));
        assert_eq!(guard.command(FORWARD), Some(Change::Driving));
        assert_eq!((guard.state(true), guard.refusal()), (State::Driving, None));
        assert!(guard.refused("ahead").is_some());
        guard.operator_lost("it left");
        guard.operator_came();
        assert_eq!(guard.refusal(), None, "the next operator is judged anew");
    }

    #[test]
    fn forgetting_keeps_the_operator() {
        let mut guard = driving();
        guard.forget();
        assert_eq!((guard.target(), guard.state(false)), (Velocity::ZERO, State::Standing));
    }
}
