//! Bytes as lines.

use farwire_core::signalling::{Failure, MAX_LINE};

/// Makes lines of bytes, and holds the beginning of the next one: at most [`MAX_LINE`] bytes and what is pushed at once.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    bytes: Vec<u8>,
    /// How many of them are of lines that were taken.
    taken: usize,
    /// How many of them hold no line feed.
    searched: usize,
}

impl LineReader {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line without its end, if it is there.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Failure> {
        let Some(length) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return if self.searched - self.taken > MAX_LINE + 1 { Err(Failure::TooLarge) } else { Ok(None) };
        };
        let end = self.searched + length;
        let line = &self.bytes[self.taken..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_LINE {
            return Err(Failure::TooLarge);
        }
        let line = std::str::from_utf8(line)
            .map_err(|_| Failure::Broken("the server sends what is no text: is there something else?".to_owned()))?
            .to_owned();
        (self.taken, self.searched) = (end + 1, end + 1);
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &mut LineReader) -> Vec<String> {
        std::iter::from_fn(|| lines.next().expect("good lines")).collect()
    }

    #[test]
    fn lines_come_out_however_they_come_in() {
        let text = "one\r\ntwo\n\nthr\u{e9}e\nrest";
        for size in 1..=text.len() {
            let mut lines = LineReader::default();
            let mut got = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.push(piece);
                got.extend(all(&mut lines));
            }
            assert_eq!(got, ["one", "two", "", "thr\u{e9}e"], "{size}");
        }
    }

    #[test]
    fn a_line_has_a_longest_length() {
        for end in ["\n", "\r\n"] {
            let mut lines = LineReader::default();
            lines.push(&vec![b'x'; MAX_LINE]);
            assert_eq!(lines.next(), Ok(None));
            lines.push(end.as_bytes());
            assert_eq!(lines.next().map(|line| line.map(|line| line.len())), Ok(Some(MAX_LINE)));
        }
        let mut lines = LineReader::default();
        lines.push(&vec![b'x'; MAX_LINE + 1]);
        lines.push(b"\n");
        assert_eq!(lines.next(), Err(Failure::TooLarge));
        let mut endless = LineReader::default();
        endless.push(&vec![b'x'; MAX_LINE + 2]);
        assert_eq!(endless.next(), Err(Failure::TooLarge));
    }

    #[test]
    fn what_is_no_text_is_no_line() {
        let mut lines = LineReader::default();
        lines.push(b"good\n\xff\xfe\n");
        assert_eq!(lines.next(), Ok(Some("good".to_owned())));
        assert!(matches!(lines.next(), Err(Failure::Broken(_))));
    }
}
