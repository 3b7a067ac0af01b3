//! From what a joystick's device says to how far its stick is, and whether its enable button is held.
//!
//! As ROS's `teleop_twist_joy` has it: nothing moves unless a button is held, and the left stick drives and turns.

/// A stick that is nearer to its middle counts as there.
const DEAD_ZONE: f64 = 0.1;

/// Kinds and codes of Linux's `input-event-codes.h`.
pub(super) mod codes {
    pub(in super::super) const EV_KEY: u16 = 0x01;
    pub(in super::super) const EV_ABS: u16 = 0x03;
    pub(in super::super) const ABS_X: u16 = 0x00;
    pub(in super::super) const ABS_Y: u16 = 0x01;
    /// The first two buttons of a joystick.
    pub(in super::super) const BTN_TRIGGER: u16 = 0x120;
    pub(in super::super) const BTN_THUMB: u16 = 0x121;
    /// The right button and the left shoulder of a gamepad.
    pub(in super::super) const BTN_EAST: u16 = 0x131;
    pub(in super::super) const BTN_TL: u16 = 0x136;
}

/// One event of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) kind: u16,
    pub(super) code: u16,
    pub(super) value: i32,
}

/// From where to where an axis goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i32,
    pub(super) most: i32,
}

impl Range {
    /// From -1 to 1, with the middle as wide as the dead zone. An axis without a range has none but the middle.
    fn position(self, value: i32) -> f64 {
        let (least, most) = (f64::from(self.least), f64::from(self.most));
        if least >= most {
            return 0.0;
        }
        let position = ((f64::from(value) - least) / (most - least) * 2.0 - 1.0).clamp(-1.0, 1.0);
        let beyond = (position.abs() - DEAD_ZONE).max(0.0) / (1.0 - DEAD_ZONE);
        beyond.copysign(position)
    }
}

/// Which buttons and axes of a device mean what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Only while it is held the robot moves.
    pub(super) enable: u16,
    pub(super) estop: u16,
    pub(super) x: Range,
    pub(super) y: Range,
    /// For people.
    pub(super) buttons: &'static str,
}

impl Layout {
    /// The layout of a device with these buttons and axes; `None`: it is none to drive with.
    pub(super) fn of(has_button: impl Fn(u16) -> bool, axis: impl Fn(u16) -> Option<Range>) -> Option<Layout> {
        let (x, y) = (axis(codes::ABS_X)?, axis(codes::ABS_Y)?);
        let known = [
            (codes::BTN_TL, codes::BTN_EAST, "hold LB (L1) to drive, B (circle) is the e-stop"),
            (codes::BTN_TRIGGER, codes::BTN_THUMB, "hold the trigger (button 1) to drive, button 2 is the e-stop"),
        ];
        let fits = known.into_iter().find(|(enable, estop, _)| has_button(*enable) && has_button(*estop));
        fits.map(|(enable, estop, buttons)| Layout { enable, estop, x, y, buttons })
    }
}

/// The enable button.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Enable {
    #[default]
    Released,
    Held,
    /// It is held since before an emergency stop, and counts only when it was released.
    Spent,
}

/// A joystick in somebody's hands.
#[derive(Debug, Default)]
pub(super) struct Pad {
    layout: Option<Layout>,
    name: String,
    /// Why it is not there, if it is not.
    trouble: Option<String>,
    enable: Enable,
    linear: f64,
    angular: f64,
    /// The emergency stop was pressed, and nobody has asked since.
    is_estop_pressed: bool,
}

impl Pad {
    /// It is there. What was held before counts for nothing, and its stick is in the middle until it says otherwise.
    pub(super) fn found(&mut self, name: &str, layout: Layout) {
        let name: String = name.chars().filter(|character| !character.is_control()).take(40).collect();
        *self = Pad { layout: Some(layout), name, is_estop_pressed: self.is_estop_pressed, ..Pad::default() };
    }

    /// It is gone, and drives nothing.
    pub(super) fn lost(&mut self, why: &str) {
        *self = Pad {
            name: std::mem::take(&mut self.name),
            trouble: Some(why.to_owned()),
            is_estop_pressed: self.is_estop_pressed,
            ..Pad::default()
        };
    }

    /// Takes an event. `true`: the emergency stop was pressed by it.
    pub(super) fn take(&mut self, raw: Raw) -> bool {
        let Some(layout) = self.layout else { return false };
        match (raw.kind, raw.code) {
            // Up and left are where the axes are least.
            (codes::EV_ABS, codes::ABS_Y) => self.linear = -layout.y.position(raw.value),
            (codes::EV_ABS, codes::ABS_X) => self.angular = -layout.x.position(raw.value),
            (codes::EV_KEY, code) if code == layout.estop && raw.value == 1 => {
                self.is_estop_pressed = true;
                self.spend();
                return true;
            }
            (codes::EV_KEY, code) if code == layout.enable => match raw.value {
                0 => self.enable = Enable::Released,
                1 if self.enable == Enable::Released => self.enable = Enable::Held,
                // It repeats.
                _ => {}
            },
            _ => {}
        }
        false
    }

    /// The enable button has to be released and pressed again before anything moves.
    pub(super) fn spend(&mut self) {
        if self.enable == Enable::Held {
            self.enable = Enable::Spent;
        }
    }

    /// How far the stick is, forward and to the left, from -1 to 1; `None`: the enable button is not held.
    pub(super) fn stick(&self) -> Option<[f64; 2]> {
        (self.layout.is_some() && self.enable == Enable::Held).then_some([self.linear, self.angular])
    }

    /// Whether the emergency stop was pressed since the last time.
    pub(super) fn take_estop(&mut self) -> bool {
        std::mem::take(&mut self.is_estop_pressed)
    }

    /// For the person who holds it.
    pub(super) fn line(&self) -> String {
        let name = &self.name;
        match (&self.layout, &self.trouble, self.enable) {
            (Some(layout), _, Enable::Released) => format!("{name}: {}", layout.buttons),
            (Some(_), _, Enable::Held) => format!("{name}: ENABLED, the stick drives"),
            (Some(_), _, Enable::Spent) => format!("{name}: release the enable button, and hold it again"),
            (None, why, _) => format!(
                "*** {name} is GONE and drives nothing, its e-stop neither: {} ***",
                why.as_deref().unwrap_or("it was not there yet")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANGE: Range = Range { least: -32768, most: 32767 };

    fn layout() -> Layout {
        Layout::of(|_| true, |_| Some(RANGE)).expect("it has all")
    }

    fn pad() -> Pad {
        let mut pad = Pad::default();
        pad.found("pad", layout());
        pad
    }

    fn key(code: u16, value: i32) -> Raw {
        Raw { kind: codes::EV_KEY, code, value }
    }

    fn axis(code: u16, value: i32) -> Raw {
        Raw { kind: codes::EV_ABS, code, value }
    }

    #[test]
    fn nothing_moves_without_the_enable_button() {
        let mut pad = pad();
        pad.take(axis(codes::ABS_Y, -32768));
        pad.take(axis(codes::ABS_X, -32768));
        assert_eq!(pad.stick(), None);
        pad.take(key(codes::BTN_TL, 1));
        assert_eq!(pad.stick(), Some([1.0, 1.0]));
        pad.take(axis(codes::ABS_Y, 32767));
        assert_eq!(pad.stick(), Some([-1.0, 1.0]));
        pad.take(key(codes::BTN_TL, 0));
        assert_eq!(pad.stick(), None);
        // A repetition is no press.
        pad.take(key(codes::BTN_TL, 2));
        assert_eq!(pad.stick(), None);
    }

    #[test]
    fn after_an_emergency_stop_the_button_is_to_be_pressed_anew() {
        let mut pad = pad();
        pad.take(key(codes::BTN_TL, 1));
        assert!(
            pad.take(key(codes::BTN_EAST, 1))
                && !pad.take(key(codes::BTN_EAST, 2))
                && !pad.take(key(codes::BTN_EAST, 0))
        );
        assert!(pad.take_estop() && !pad.take_estop(), "told once");
        assert_eq!(pad.stick(), None);
        for value in [2, 1] {
            pad.take(key(codes::BTN_TL, value));
            assert_eq!(pad.stick(), None, "it was not released");
        }
        assert!(pad.line().contains("release the enable button"));
        pad.take(key(codes::BTN_TL, 0));
        pad.take(key(codes::BTN_TL, 1));
        assert!(pad.stick().is_some() && pad.line().contains("ENABLED"));
    }

    #[test]
    fn one_that_is_unplugged_drives_nothing_and_comes_back_with_nothing_held() {
        let mut pad = pad();
        pad.take(key(codes::BTN_TL, 1));
        pad.take(axis(codes::ABS_Y, -32768));
        pad.lost("it was unplugged");
        assert_eq!(pad.stick(), None);
        assert!(pad.line().contains("pad is GONE") && pad.line().contains("it was unplugged"), "{}", pad.line());
        // What its device still says counts for nothing.
        assert!(!pad.take(key(codes::BTN_TL, 1)) && !pad.take(key(codes::BTN_EAST, 1)));
        assert_eq!((pad.stick(), pad.take_estop()), (None, false));
        pad.found("pad", layout());
        assert_eq!(pad.stick(), None);
        pad.take(key(codes::BTN_TL, 1));
        assert_eq!(pad.stick(), Some([0.0, 0.0]), "its stick has not said where it is");
        // An emergency stop that nobody has asked for yet is not lost with it.
        pad.take(key(codes::BTN_EAST, 1));
        pad.lost("again");
        assert!(pad.take_estop());
    }

    #[test]
    fn a_device_without_a_stick_or_buttons_is_none_to_drive_with() {
        let both = |_| Some(RANGE);
        assert_eq!(Layout::of(|_| true, |code| (code == codes::ABS_X).then_some(RANGE)), None);
        assert_eq!(Layout::of(|_| false, both), None);
        assert_eq!(Layout::of(|code| code == codes::BTN_TL, both), None, "it has no emergency stop");
        let joystick = Layout::of(|code| [codes::BTN_TRIGGER, codes::BTN_THUMB].contains(&code), both);
        assert_eq!(joystick.map(|layout| layout.enable), Some(codes::BTN_TRIGGER));
    }

    proptest! {
        #[test]
        fn whatever_a_device_says_only_a_held_button_drives_and_within_the_stick(
            least in any::<i32>(), most in any::<i32>(),
            events in prop::collection::vec(
                (prop::sample::select(vec![0u16, 1, 3, 4]), prop::sample::select(vec![0u16, 1, 0x120, 0x121, 0x131, 0x136]), prop_oneof![0..3i32, any::<i32>()]),
                0..200,
            ),
        ) {
            let mut pad = Pad::default();
            pad.found("p", Layout::of(|_| true, |_| Some(Range { least, most })).expect("it has all"));
            // What the rules say of the button, told in another way: pressed since the last release and emergency stop.
            let mut presses = Vec::new();
            for (kind, code, value) in events {
                let is_estop = pad.take(Raw { kind, code, value });
                prop_assert_eq!(is_estop, (kind, code, value) == (1, 0x131, 1));
                match (kind, code, value) {
                    (1, 0x131, 1) => presses.push('e'),
                    (1, 0x136, 0) => presses.clear(),
                    (1, 0x136, 1) => presses.push('p'),
                    _ => {}
                }
                let pressed = presses.iter().position(|press| *press == 'p');
                let is_held = pressed.is_some_and(|at| !presses[at..].contains(&'e'));
                prop_assert_eq!(pad.stick().is_some(), is_held);
                for position in pad.stick().into_iter().flatten() {
                    prop_assert!((-1.0..=1.0).contains(&position), "{position}");
                }
            }
        }

        #[test]
        fn a_stick_is_still_in_its_middle_steady_beyond_and_full_at_its_ends(value in -32768..=32767i32) {
            let here = RANGE.position(value);
            let share = f64::from(value) / 32767.5;
            prop_assert_eq!(here == 0.0, share.abs() < DEAD_ZONE || here.abs() < 1e-4);
            prop_assert!(RANGE.position(value.saturating_add(1)) >= here);
            prop_assert_eq!((RANGE.position(-32768), RANGE.position(32767)), (-1.0, 1.0));
        }
    }
}
