//! Messages as `farwire sub` prints them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// How many bytes of a binary message are shown.
const HEAD: usize = 24;

/// One message as a JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Json<'a> {
    /// Counts what this command received, from 1.
    seq: u64,
    length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// A message for scripts: `text` when it is UTF-8, `base64` otherwise.
pub(crate) fn json(seq: u64, message: &[u8]) -> Json<'_> {
    let text = std::str::from_utf8(message).ok();
    let base64 = text.is_none().then(|| STANDARD.encode(message));
    Json { seq, length: message.len(), text, base64 }
}

/// A message for people, on one line: text as it is, anything else as its length and first bytes.
pub(crate) fn human(message: &[u8]) -> String {
    match std::str::from_utf8(message) {
        Ok(text) if is_printable(text) => text.to_owned(),
        _ => hex_head(message),
    }
}

/// Whether text can go to a terminal: control characters there move cursors and worse.
fn is_printable(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() || matches!(character, '\t' | '\n'))
}

fn hex_head(message: &[u8]) -> String {
    let plural = if message.len() == 1 { "" } else { "s" };
    let mut line = format!("[{} byte{plural}]", message.len());
    for byte in message.iter().take(HEAD) {
        let _ = write!(line, " {byte:02x}");
    }
    if message.len() > HEAD {
        line.push_str(" …");
    }
    line
}

/// A word as a shell reads it back.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,=".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_text_or_hex() {
        assert_eq!(human("grüß dich".as_bytes()), "grüß dich");
        assert_eq!(human(b""), "");
        assert_eq!(human(b"\x00"), "[1 byte] 00");
        assert_eq!(human(b"\x1b[2J"), "[4 bytes] 1b 5b 32 4a");
        assert_eq!(human(&[0xff; 25]), format!("[25 bytes]{} …", " ff".repeat(24)));
    }

    #[test]
    fn scripts_see_text_or_base64() {
        let of = |seq, message| serde_json::to_string(&json(seq, message)).expect("plain data");
        assert_eq!(of(1, b"hi"), r#"{"seq":1,"length":2,"text":"hi"}"#);
        assert_eq!(of(2, b""), r#"{"seq":2,"length":0,"text":""}"#);
        assert_eq!(of(3, b"\xff\x00"), r#"{"seq":3,"length":2,"base64":"/wA="}"#);
    }

    #[test]
    fn shells_read_words_back() {
        assert_eq!(shell_word("cmd/vel"), "cmd/vel");
        assert_eq!(shell_word("cmd vel"), "'cmd vel'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("größe"), "'größe'");
    }
}
