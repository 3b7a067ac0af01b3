//! From keys to a velocity.

use std::time::{Duration, Instant};

use crate::Velocity;

/// How long a key press counts. A terminal tells no release; while a key is held, its repeats keep it up.
pub const HOLD: Duration = Duration::from_millis(250);

/// What all of the speed scale is, in m/s and rad/s.
pub const FULL: Velocity = Velocity { linear: 1.0, angular: 2.0 };

/// Steps of the speed scale.
const STEPS: u8 = 10;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Drives forward for as long as it is held.
    Forward,
    /// Drives back.
    Back,
    /// Turns left.
    Left,
    /// Turns right.
    Right,
    /// Engages the emergency stop.
    Estop,
    /// Releases the emergency stop.
    Release,
    /// Makes the speed scale larger by a tenth.
    Faster,
    /// Makes the speed scale smaller by a tenth.
    Slower,
    /// Begins to hand the robot over.
    HandOver,
    /// Chooses to whom, counted from 1.
    Choose(u8),
    /// Begins to drive a robot that was handed over.
    Accept,
    /// Leaves.
    Quit,
}

/// What this end may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seat {
    /// It drives.
    #[default]
    Driving,
    /// It only watches.
    Watching,
    /// The robot was handed over to it, and stands until a person says to drive.
    Offered,
}

/// What a key asks for beyond a velocity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// Engage the emergency stop, or release it.
    Estop {
        /// Which of both.
        engaged: bool,
    },
    /// Say that the key does nothing, since this end only watches.
    OnlyWatching,
    /// Leave the robot.
    Quit,
}

/// The hands at the keyboard.
#[derive(Debug)]
pub struct Pilot {
    seat: Seat,
    full: Velocity,
    linear: Held,
    angular: Held,
    scale: u8,
    is_estopped: bool,
}

/// The key of one axis that was pressed last.
#[derive(Debug, Default)]
struct Held {
    sign: f64,
    until: Option<Instant>,
}

impl Held {
    fn press(&mut self, sign: f64, now: Instant) {
        (self.sign, self.until) = (sign, now.checked_add(HOLD));
    }

    fn value(&self, now: Instant) -> f64 {
        if self.until.is_some_and(|until| now < until) { self.sign } else { 0.0 }
    }
}

impl Default for Pilot {
    fn default() -> Pilot {
        Pilot::new()
    }
}

impl Pilot {
    /// Hands off the keyboard, at half of the speed scale.
    pub fn new() -> Pilot {
        Pilot {
            seat: Seat::Driving,
            full: FULL,
            linear: Held::default(),
            angular: Held::default(),
            scale: STEPS / 2,
            is_estopped: false,
        }
    }

    /// With another velocity at all of the speed scale.
    pub fn with_full(self, full: Velocity) -> Pilot {
        Pilot { full, ..self }
    }

    /// Whether nothing reaches the robot. When that ends, the robot was handed over, and stands until [`Key::Accept`]: a key that
    /// is held by chance drives nothing off.
    pub fn watch(&mut self, watches: bool) {
        match (self.seat, watches) {
            (Seat::Watching, false) => self.seat = Seat::Offered,
            (Seat::Driving | Seat::Offered, true) => self.let_go(Seat::Watching),
            _ => {}
        }
    }

    /// What this end may do.
    pub fn seat(&self) -> Seat {
        self.seat
    }

    fn let_go(&mut self, seat: Seat) {
        *self = Pilot { seat, scale: self.scale, ..Pilot::new().with_full(self.full) };
    }

    /// Takes a key press, and says what it asks for beyond a velocity.
    pub fn press(&mut self, key: Key, now: Instant) -> Option<Deed> {
        match (self.seat, key) {
            (_, Key::Quit) => return Some(Deed::Quit),
            (Seat::Watching, _) => return Some(Deed::OnlyWatching),
            (Seat::Offered, Key::Accept) => {
                // An emergency stop that was pressed before stands.
                let is_estopped = self.is_estopped;
                self.let_go(Seat::Driving);
                self.is_estopped = is_estopped;
                return None;
            }
            // To stop is always right.
            (Seat::Offered, Key::Estop) | (Seat::Driving, _) => {}
            (Seat::Offered, _) => return None,
        }
        match key {
            Key::Forward => self.linear.press(1.0, now),
            Key::Back => self.linear.press(-1.0, now),
            Key::Left => self.angular.press(1.0, now),
            Key::Right => self.angular.press(-1.0, now),
            Key::Faster => self.scale = (self.scale + 1).min(STEPS),
            Key::Slower => self.scale = (self.scale - 1).max(1),
            Key::Estop => return Some(self.estop(true)),
            // Also when it was somebody else who engaged it.
            Key::Release => return Some(self.estop(false)),
            Key::HandOver | Key::Choose(_) | Key::Accept | Key::Quit => {}
        }
        None
    }

    /// The emergency stop was engaged by something else than a key.
    pub fn engage_estop(&mut self) {
        self.estop(true);
    }

    fn estop(&mut self, engaged: bool) -> Deed {
        // A key that is still held must not drive the robot off once it is released.
        (self.linear, self.angular) = (Held::default(), Held::default());
        self.is_estopped = engaged;
        Deed::Estop { engaged }
    }

    /// The velocity that is asked for.
    pub fn target(&self, now: Instant) -> Velocity {
        self.scaled(self.linear.value(now), self.angular.value(now))
    }

    /// The velocity of a stick, from -1 to 1 on both axes, as the keys have theirs: none unless this end drives and no emergency
    /// stop is engaged.
    pub fn scaled(&self, linear: f64, angular: f64) -> Velocity {
        if self.is_estopped || self.seat != Seat::Driving {
            return Velocity::ZERO;
        }
        let scale = f64::from(self.scale) / f64::from(STEPS);
        Velocity { linear: linear * self.full.linear * scale, angular: angular * self.full.angular * scale }
    }

    /// Whether the emergency stop was pressed and not released since.
    pub fn is_estopped(&self) -> bool {
        self.is_estopped
    }

    /// The speed scale in percent.
    pub fn percent(&self) -> u32 {
        u32::from(self.scale) * 100 / u32::from(STEPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn velocity(linear: f64, angular: f64) -> Velocity {
        Velocity { linear, angular }
    }

    #[test]
    fn a_press_counts_for_a_while_and_repeats_keep_it_up() {
        let start = Instant::now();
        let mut pilot = Pilot::new();
        assert_eq!(pilot.target(start), Velocity::ZERO);
        pilot.press(Key::Forward, start);
        assert_eq!(pilot.target(start), velocity(0.5, 0.0));
        assert_eq!(pilot.target(start + HOLD - Duration::from_millis(1)), velocity(0.5, 0.0));
        assert_eq!(pilot.target(start + HOLD), Velocity::ZERO);
        pilot.press(Key::Forward, start + HOLD / 2);
        assert_eq!(pilot.target(start + HOLD), velocity(0.5, 0.0));
        pilot.press(Key::Right, start + HOLD);
        assert_eq!(pilot.target(start + HOLD), velocity(0.5, -1.0));
        assert_eq!(pilot.target(start + HOLD * 3 / 2), velocity(0.0, -1.0));
        pilot.press(Key::Back, start + HOLD * 3);
        assert_eq!(pilot.target(start + HOLD * 3), velocity(-0.5, 0.0));
    }

    #[test]
    fn the_scale_has_ends() {
        let start = Instant::now();
        let mut pilot = Pilot::new();
        for _ in 0..20 {
            pilot.press(Key::Faster, start);
        }
        pilot.press(Key::Left, start);
        assert_eq!((pilot.percent(), pilot.target(start)), (100, velocity(0.0, FULL.angular)));
        for _ in 0..20 {
            pilot.press(Key::Slower, start);
        }
        assert_eq!(pilot.percent(), 10);
        // Never so slow that a key does nothing.
        assert!(pilot.target(start).angular > 0.0);
    }

    #[test]
    fn whoever_watches_presses_for_nothing_and_a_robot_that_is_handed_over_stands_until_a_person_says_so() {
        let start = Instant::now();
        let mut pilot = Pilot::new();
        pilot.press(Key::Forward, start);
        pilot.watch(true);
        for key in [Key::Forward, Key::Left, Key::Estop, Key::Release, Key::Faster, Key::HandOver, Key::Accept] {
            assert_eq!(pilot.press(key, start), Some(Deed::OnlyWatching));
        }
        assert!(pilot.target(start).is_zero() && pilot.scaled(1.0, 1.0).is_zero() && !pilot.is_estopped());
        pilot.watch(false);
        assert_eq!(pilot.seat(), Seat::Offered);
        // A key that is held all the time.
        assert_eq!(pilot.press(Key::Forward, start), None);
        assert!(pilot.target(start).is_zero() && pilot.scaled(1.0, 1.0).is_zero());
        assert_eq!(pilot.press(Key::Estop, start), Some(Deed::Estop { engaged: true }));
        assert_eq!(pilot.press(Key::Accept, start), None);
        pilot.press(Key::Forward, start);
        assert!(pilot.is_estopped() && pilot.target(start).is_zero());
        pilot.watch(true);
        pilot.watch(false);
        assert_eq!(pilot.press(Key::Accept, start), None);
        pilot.watch(false);
        assert!(pilot.seat() == Seat::Driving && pilot.target(start).is_zero() && !pilot.is_estopped());
        pilot.press(Key::Forward, start);
        assert_eq!(pilot.target(start), velocity(0.5, 0.0));
        // The connection was lost, and it watches again.
        pilot.watch(true);
        assert!(pilot.target(start).is_zero());
        assert_eq!(pilot.press(Key::Quit, start), Some(Deed::Quit));
    }

    #[test]
    fn a_robots_own_limits_may_be_all_of_the_scale() {
        let pilot = Pilot::new().with_full(velocity(0.4, 3.0));
        assert_eq!(pilot.scaled(1.0, -1.0), velocity(0.2, -1.5));
    }

    #[test]
    fn the_emergency_stop_is_latched() {
        let start = Instant::now();
        let mut pilot = Pilot::new();
        pilot.press(Key::Forward, start);
        assert_eq!(pilot.press(Key::Estop, start), Some(Deed::Estop { engaged: true }));
        pilot.press(Key::Forward, start);
        assert!(pilot.is_estopped() && pilot.target(start).is_zero());
        // Once more is sent once more: the first may have been lost with its connection.
        assert_eq!(pilot.press(Key::Estop, start), Some(Deed::Estop { engaged: true }));
        assert_eq!(pilot.press(Key::Release, start), Some(Deed::Estop { engaged: false }));
        assert!(!pilot.is_estopped() && pilot.target(start).is_zero());
        pilot.press(Key::Forward, start);
        assert!(!pilot.target(start).is_zero());
        assert_eq!(pilot.press(Key::Quit, start), Some(Deed::Quit));
    }
}
