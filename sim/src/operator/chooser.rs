//! To whom the robot is handed over.

use super::pilot::Key;

/// Viewers that can be chosen, by the digits of a keyboard.
const MAX_CHOICES: usize = 9;

/// Characters of an id that people tell it by.
const SHORT: usize = 6;

/// What a person has said so far of handing the robot over: a key to begin, and a digit for the viewer. Any other key means to
/// nobody.
#[derive(Debug, Default)]
pub struct Chooser {
    among: Vec<String>,
}

impl Chooser {
    /// Takes a key press, while these watch. Answers to whom the robot is to be handed over, if that was said by it.
    pub fn press(&mut self, key: Key, viewers: &[String]) -> Option<String> {
        let among = std::mem::take(&mut self.among);
        match key {
            Key::HandOver => self.among = viewers.iter().take(MAX_CHOICES).cloned().collect(),
            Key::Choose(number) => {
                return usize::from(number).checked_sub(1).and_then(|place| among.get(place)).cloned();
            }
            _ => {}
        }
        None
    }

    /// The question that is open, if one is.
    pub fn question(&self) -> Option<String> {
        let choices: Vec<String> =
            (1..).zip(&self.among).map(|(number, id)| format!("{number} {}", short(id))).collect();
        (!choices.is_empty()).then(|| format!("hand over to: {}; any other key: to nobody", choices.join(", ")))
    }
}

/// The beginning of an id, by which people tell it from others.
pub fn short(id: &str) -> String {
    id.chars().take(SHORT).map(|character| if character.is_control() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_hand_over_and_one_does_not() {
        let viewers = ["aaaaaaaa".to_owned(), "bbbbbbbb".to_owned()];
        let mut chooser = Chooser::default();
        assert_eq!(chooser.press(Key::Choose(1), &viewers), None, "nobody asked");
        assert_eq!(chooser.press(Key::HandOver, &viewers), None);
        assert!(chooser.question().expect("a question").contains("1 aaaaaa, 2 bbbbbb;"));
        // The list that was shown counts, whoever came since.
        assert_eq!(chooser.press(Key::Choose(2), &viewers[1..]), Some(viewers[1].clone()));
        assert_eq!((chooser.question(), chooser.press(Key::Choose(2), &viewers)), (None, None));
        for other in [Key::Forward, Key::Estop, Key::Choose(0), Key::Choose(3)] {
            chooser.press(Key::HandOver, &viewers);
            assert_eq!(chooser.press(other, &viewers), None);
            assert_eq!((chooser.question(), chooser.press(Key::Choose(1), &viewers)), (None, None));
        }
        chooser.press(Key::HandOver, &[]);
        assert_eq!(chooser.question(), None);
        assert_eq!(short("a\u{1b}[2J-longer"), "a?[2J-");
    }
}
