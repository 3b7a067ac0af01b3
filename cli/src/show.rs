//! Messages as `farwire sub` prints them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farwire::lcm::fingerprint_of;
use serde::Serialize;

use crate::message_type::MessageType;

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

/// A message for people, as JSON if it is one of the type, and otherwise as what it looks like.
pub(crate) fn typed_human(kind: MessageType, message: &[u8]) -> String {
    let length = message.len();
    match fingerprint_of(message) {
        Some(fingerprint) if fingerprint == kind.fingerprint => match kind.to_json(message) {
            Ok(json) => without_controls(&json),
            Err(error) => format!("[{length} bytes, not to be decoded] {error}"),
        },
        Some(fingerprint) => format!("[{length} bytes of type {fingerprint:016x}]"),
        None => human(message),
    }
}

/// A message for scripts: `type` and `message` if it is one of the type, `type` and `error` if it only begins like one,
/// `fingerprint` if it is of another type, and [`json`] if it is too short for any.
pub(crate) fn typed_json(kind: MessageType, seq: u64, message: &[u8]) -> String {
    let (length, name) = (message.len(), kind.name);
    let start = format!(r#"{{"seq":{seq},"length":{length}"#);
    match fingerprint_of(message) {
        Some(fingerprint) if fingerprint == kind.fingerprint => match kind.to_json(message) {
            Ok(json) => format!(r#"{start},"type":"{name}","message":{json}}}"#),
            Err(error) => {
                let error = serde_json::Value::from(error.to_string());
                format!(r#"{start},"type":"{name}","error":{error}}}"#)
            }
        },
        Some(fingerprint) => format!(r#"{start},"fingerprint":"{fingerprint:016x}"}}"#),
        None => serde_json::to_string(&json(seq, message)).unwrap_or_default(),
    }
}

/// JSON with those control characters escaped that it may hold as they are.
fn without_controls(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character.is_control() {
            true => safe.extend(format!("\\u{:04x}", u32::from(character)).chars()),
            false => safe.push(character),
        }
    }
    safe
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
    fn typed_messages_are_shown_by_their_fields() {
        let kind = MessageType::parse("std_msgs.Float64").expect("a type");
        let message = kind.encode_json(r#"{"data": 1.5}"#).expect("a message");
        assert_eq!(typed_human(kind, &message), r#"{"data":1.5}"#);
        let json = r#"{"seq":3,"length":16,"type":"std_msgs.Float64","message":{"data":1.5}}"#;
        assert_eq!(typed_json(kind, 3, &message), json);

        assert!(
            typed_human(kind, &message[..9]).starts_with("[9 bytes, not to be decoded] std_msgs.Float64, field data")
        );
        assert!(typed_json(kind, 4, &message[..9]).contains(r#","type":"std_msgs.Float64","error":"std_msgs.Fl"#));

        assert_eq!(typed_human(kind, b"\0\0\0\0\0\0\x01\x02..."), "[11 bytes of type 0000000000000102]");
        let other = r#"{"seq":5,"length":9,"fingerprint":"3030303030303030"}"#;
        assert_eq!(typed_json(kind, 5, b"000000000"), other);
        assert_eq!(typed_human(kind, b"hi"), "hi");
        let text = MessageType::parse("std_msgs.String").expect("a type");
        let escape = text.encode_json(r#"{"data": "\u009b2J\u001b[2J"}"#).expect("a message");
        assert_eq!(typed_human(text, &escape), r#"{"data":"\u009b2J\u001b[2J"}"#);
        assert_eq!(typed_json(kind, 6, b"hi"), r#"{"seq":6,"length":2,"text":"hi"}"#);
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
