//! What becomes of the requests of a world.

use std::time::Duration;

use farwire_core::signalling::{Failure, Method, Request};

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The SFU answers.
    Pass,
    /// This status and body come back, and the SFU never sees the request.
    Answer(u16, String),
    /// The SFU never sees the request, and nothing comes back.
    Lost,
    /// The SFU acts on the request, but its answer is lost.
    AnswerLost,
    /// The driver reports this at once.
    Failed(Failure),
}

/// One request as it was made.
#[derive(Debug, Clone)]
pub struct HttpLog {
    /// When, since the world began.
    pub at: Duration,
    /// Which node made it.
    pub node: Node,
    /// Its method.
    pub method: Method,
    /// Its URL from `/sessions` on, without the session's id.
    pub call: String,
    /// Its body, empty without one.
    pub body: String,
    /// Whether an answer to an earlier request of the same session was still outstanding.
    pub overlaps: bool,
    /// The session in its path.
    pub session: Option<String>,
}

use crate::Node;

impl HttpLog {
    pub(crate) fn new(at: Duration, node: Node, request: &Request) -> HttpLog {
        let path = request.url.split_once("/sessions").map_or("", |(_, rest)| rest);
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (first, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_new = first == "new";
        HttpLog {
            at,
            node,
            method: request.method.clone(),
            call: if is_new { "new".into() } else { rest.to_owned() },
            body: request.body.clone().unwrap_or_default(),
            overlaps: false,
            session: (!is_new).then(|| first.to_owned()),
        }
    }
}
