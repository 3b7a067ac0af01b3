//! Decisions drawn from a fuzzer's bytes.

use serde_json::Value;

/// Reads bytes as decisions. Past their end every decision is 0.
pub(super) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(super) fn new(data: &'a [u8]) -> Choices<'a> {
        Choices(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A number below `end`, 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()).checked_rem(end).unwrap_or_default()
    }

    pub(super) fn one_of<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        items.get(self.below(items.len())).cloned()
    }

    /// Bytes after their length; a length past the end takes the rest.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// A text with some of its lines changed.
    pub(super) fn edit(&mut self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for _ in 0..1 + self.below(8) {
            let (how, at) = (self.byte(), self.below(lines.len().max(1)));
            let Some(line) = lines.get(at).cloned() else { break };
            match how % 7 {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, line),
                2 => lines[at] = self.text(),
                3 => lines.insert(at, self.text()),
                4 => {
                    let other = self.below(lines.len());
                    lines.swap(at, other);
                }
                5 => {
                    let key = line.split_inclusive([':', '=']).next().unwrap_or_default().to_owned();
                    lines[at] = key + &self.text();
                }
                _ => lines.truncate(at),
            }
        }
        lines.join("\r\n") + "\r\n"
    }

    /// Changes one value somewhere in an answer.
    pub(super) fn edit_json(&mut self, json: &mut Value) {
        match json {
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                let Some(key) = self.one_of(&keys) else { return };
                match self.byte() % 16 {
                    0 => drop(map.remove(&key)),
                    1 => drop(map.insert(key, Value::Null)),
                    2 => drop(map.insert("errorCode".into(), self.text().into())),
                    _ => self.edit_json(map.entry(key).or_insert(Value::Null)),
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let at = self.below(items.len());
                match self.byte() % 8 {
                    0 => drop(items.remove(at)),
                    1 => items.insert(at, items[at].clone()),
                    2 => items.rotate_left(at),
                    _ => self.edit_json(&mut items[at]),
                }
            }
            Value::String(text) if text.contains('\n') => *text = self.edit(text),
            Value::String(text) => *text = self.text(),
            other => *other = self.short().into(),
        }
    }
}
