//! What the keys of a keyboard mean.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use farwire_sim::operator::Key;

/// What a key press means; `None`: nothing.
pub(super) fn key_of(event: &KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return (event.code == KeyCode::Char('c')).then_some(Key::Quit);
    }
    match event.code {
        KeyCode::Up => Some(Key::Forward),
        KeyCode::Down => Some(Key::Back),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::Enter => Some(Key::Accept),
        KeyCode::Esc => Some(Key::Quit),
        // With caps lock as without; plus and minus with shift as without.
        KeyCode::Char(character) => match character.to_ascii_lowercase() {
            'w' => Some(Key::Forward),
            's' => Some(Key::Back),
            'a' => Some(Key::Left),
            'd' => Some(Key::Right),
            ' ' => Some(Key::Estop),
            'r' => Some(Key::Release),
            '+' | '=' => Some(Key::Faster),
            '-' | '_' => Some(Key::Slower),
            'h' => Some(Key::HandOver),
            'q' => Some(Key::Quit),
            digit @ '1'..='9' => digit.to_digit(10).and_then(|digit| u8::try_from(digit).ok()).map(Key::Choose),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_the_same_in_either_case() {
        let key = |code| key_of(&KeyEvent::new(code, KeyModifiers::NONE));
        for (character, meaning) in [('w', Key::Forward), ('a', Key::Left), ('r', Key::Release), ('q', Key::Quit)] {
            assert_eq!(key(KeyCode::Char(character)), Some(meaning));
            assert_eq!(key(KeyCode::Char(character.to_ascii_uppercase())), Some(meaning));
        }
        assert_eq!(key(KeyCode::Down), Some(Key::Back));
        assert_eq!(key(KeyCode::Char(' ')), Some(Key::Estop));
        assert_eq!(key(KeyCode::Esc), Some(Key::Quit));
        assert_eq!((key(KeyCode::Char('H')), key(KeyCode::Enter)), (Some(Key::HandOver), Some(Key::Accept)));
        assert_eq!((key(KeyCode::Char('9')), key(KeyCode::Char('0'))), (Some(Key::Choose(9)), None));
        for nothing in [KeyCode::Char('x'), KeyCode::Tab, KeyCode::F(1), KeyCode::Backspace] {
            assert_eq!(key(nothing), None);
        }
    }

    #[test]
    fn control_drives_nowhere() {
        let control = |character| key_of(&KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL));
        assert_eq!((control('c'), control('w'), control('s')), (Some(Key::Quit), None, None));
        let release = KeyEvent::new_with_kind(KeyCode::Up, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(key_of(&release), None);
    }
}
