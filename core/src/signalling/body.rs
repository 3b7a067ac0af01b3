//! What a body is that is no answer of the API.

use std::fmt;

/// How many bytes of a body are looked at.
const LOOKED_AT: usize = 512;

/// What a body is, by its first bytes: whoever answers in a server's place may call it anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind {
    /// There is none.
    Empty,
    /// A page for a browser, as proxies and captive portals answer, or XML.
    Html,
    /// A JSON object or list of another form.
    Json,
    /// Other text.
    Text,
    /// Anything else.
    Binary,
}

impl BodyKind {
    /// Looks at the first 512 bytes.
    pub fn of(body: &[u8]) -> BodyKind {
        let mut head = body.get(..LOOKED_AT).unwrap_or(body);
        // What other programs write may begin with a byte order mark.
        head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        match head {
            [] if body.is_empty() => BodyKind::Empty,
            [b'<', b'!' | b'?' | b'/' | b'a'..=b'z' | b'A'..=b'Z', ..] => BodyKind::Html,
            [b'{' | b'[', ..] => BodyKind::Json,
            _ if head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) => BodyKind::Binary,
            // A character that is cut off at the end is still one.
            _ if std::str::from_utf8(head).is_err_and(|error| error.error_len().is_some()) => BodyKind::Binary,
            _ => BodyKind::Text,
        }
    }
}

/// A body that is no answer of the API. What it says is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Body {
    /// What it is.
    pub kind: BodyKind,
    /// Its length, in bytes.
    pub len: usize,
}

impl Body {
    /// Looks at a body.
    pub fn of(body: &[u8]) -> Body {
        Body { kind: BodyKind::of(body), len: body.len() }
    }
}

/// To stand after the status.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BodyKind::Empty => return f.write_str("without a body"),
            BodyKind::Html => "an HTML page",
            BodyKind::Json => "JSON",
            BodyKind::Text => "text",
            BodyKind::Binary => "binary data",
        };
        write!(f, "with a body that is no answer of this API: {kind} of {} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_known_by_its_first_bytes() {
        for (body, kind) in [
            (&b""[..], BodyKind::Empty),
            (b"\r\n  <!doctype html>", BodyKind::Html),
            (b"\xef\xbb\xbf<HTML>", BodyKind::Html),
            (b"<?xml version=\"1.0\"?>", BodyKind::Html),
            (b" [1]", BodyKind::Json),
            (b"{", BodyKind::Json),
            (b"upstream connect error", BodyKind::Text),
            (b"< 3", BodyKind::Text),
            (b" ", BodyKind::Text),
            (b"\x1f\x8b\x08", BodyKind::Binary),
            (b"\xff\xfe\xfd", BodyKind::Binary),
        ] {
            assert_eq!(BodyKind::of(body), kind, "{body:?}");
        }
        let long = "ä".repeat(LOOKED_AT);
        assert_eq!(BodyKind::of(format!("a{long}").as_bytes()), BodyKind::Text, "cut inside a character");
    }
}
