//! What servers answer, and what is made of it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Failure, Response, SignallingError};
use crate::link::LinkError;

/// What a provider knows of its server's refusals and nobody else does.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The refusal in an answer's body; `None`: there is none, and a body that is not what was asked for is a stranger's.
    /// An answer of any status may be one.
    pub refusal: fn(body: &[u8]) -> Option<Refusal>,
    /// Whether a refusal with this status and code may go away by itself. 408, 425, 429 and 5xx always may.
    pub is_passing: fn(status: u16, code: &str) -> bool,
    /// What a person can do about an answer with this status that is no success, in a few words without a full stop.
    /// `None` for the code: the answer is not the server's, or has no body. `None` if there is nothing to say.
    pub advice: fn(status: u16, code: Option<&str>) -> Option<&'static str>,
}

impl Dialect {
    /// Of a server of which nothing is known but that it refuses as [`Refusal::parse`] has it.
    pub const PLAIN: Dialect = Dialect { refusal: Refusal::parse, is_passing: |_, _| false, advice: |_, _| None };
}

/// The answer to a call, or why there is none.
#[derive(Debug)]
pub struct Reply {
    place: String,
    dialect: Dialect,
    result: Result<Response, Failure>,
}

impl Reply {
    /// What came back from `place`, a method and a URL.
    pub fn new(place: String, dialect: Dialect, result: Result<Response, Failure>) -> Reply {
        Reply { place, dialect, result }
    }

    /// Reads a JSON object. Any 2xx with the right body is a success.
    ///
    /// # Errors
    /// When there is no answer, the server refuses, or the answer is none of its.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SignallingError> {
        self.read_by(object)
    }

    /// [`Reply::read`] for what may be a JSON array as well.
    ///
    /// # Errors
    /// As for [`Reply::read`].
    pub fn read_list<T: DeserializeOwned>(&self) -> Result<T, SignallingError> {
        self.read_by(|body| serde_json::from_slice(body).ok())
    }

    fn read_by<T>(&self, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, SignallingError> {
        let Response { status, body } = match &self.result {
            Ok(response) => response,
            Err(failure) => return Err(SignallingError::unanswered(&self.place, failure.clone())),
        };
        // An error may come with any status, and then has its own code.
        match (self.dialect.refusal)(body) {
            Some(Refusal { code: Some(code), text }) => return Err(self.refused(*status, &code, text.as_deref())),
            Some(Refusal { text, .. }) if matches!(status, 400..=599) => {
                return Err(self.refused(*status, "", text.as_deref()));
            }
            _ => {}
        }
        let answer = if (200..300).contains(status) { parse(body) } else { None };
        answer.ok_or_else(|| SignallingError::unreadable(&self.place, *status, body, &self.dialect))
    }

    /// The server refuses the request with this status, or with status 200 one of its items.
    pub fn refused(&self, status: u16, code: &str, text: Option<&str>) -> SignallingError {
        SignallingError::refused(&self.place, status, code, text.unwrap_or("without a reason"), &self.dialect)
    }

    /// What it says has the right form and cannot be.
    pub fn garbage(&self) -> SignallingError {
        SignallingError::garbage(&self.place, 200)
    }

    /// Its session description cannot be used.
    pub fn description(&self, error: LinkError) -> SignallingError {
        SignallingError::description(&self.place, error)
    }
}

/// What the body of a refusal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The server's own code for it. With one, the answer is a refusal whatever its status; without, only from 400 on.
    pub code: Option<String>,
    /// What it says to a person.
    pub text: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefusalBody {
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    /// FastAPI's own: a text, or a list of what is wrong with the request.
    detail: Option<serde_json::Value>,
}

impl Refusal {
    /// The refusal in a JSON body with `errorCode` and `errorDescription`, as Cloudflare's API and farwire's broker have it, or
    /// with `detail`, as FastAPI has it and with it DimOS's hosted broker; `None`: there is none.
    pub fn parse(body: &[u8]) -> Option<Refusal> {
        let RefusalBody { error_code: code, error_description, detail } = object(body)?;
        let text = error_description.or_else(|| match detail? {
            serde_json::Value::String(text) => Some(text),
            list => list.get(0)?.get("msg")?.as_str().map(str::to_owned),
        });
        (code.is_some() || text.is_some()).then_some(Refusal { code, text })
    }
}

/// Reads a JSON object. A list in the place of one, which serde would take for the fields in their order, is none.
fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    start.filter(|byte| **byte == b'{').and_then(|_| serde_json::from_slice(body).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::SignallingErrorKind;

    /// As of a server with words of its own.
    fn own(body: &[u8]) -> Option<Refusal> {
        let body: serde_json::Value = object(body)?;
        let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
        text("kind").map(|code| Refusal { code: Some(code), text: text("message") })
    }

    #[test]
    fn a_server_refuses_in_words_of_its_own() {
        let dialect = Dialect { refusal: own, is_passing: |_, code| code == "full", ..Dialect::PLAIN };
        let read = |status, body: &str| {
            let response = Response { status, body: body.as_bytes().to_vec() };
            Reply::new("POST http://lobby.example".to_owned(), dialect, Ok(response)).read::<serde_json::Value>()
        };
        let refused = read(404, r#"{"error":{"kind":"unknown","message":"no such room"}}"#).expect_err("refused");
        assert_eq!((refused.kind(), refused.code()), (SignallingErrorKind::Refused, "unknown"));
        assert_eq!(refused.refusal_text(), "no such room");
        let full = read(400, r#"{"error":{"kind":"full"}}"#).expect_err("refused");
        assert_eq!(full.kind(), SignallingErrorKind::Later);
        let stranger = read(404, r#"{"errorCode":"x"}"#).expect_err("not the server's words");
        assert!(stranger.is_foreign());
        assert!(read(200, r#"{"room":1}"#).is_ok());
    }
}
