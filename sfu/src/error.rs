//! What a request is refused with.

use farwire_core::signalling::Response;
use farwire_core::wire::cloudflare::{DataChannel, ErrorBody, code};
use serde::Serialize;

use crate::limits::{CALLS_PER_SECOND, MAX_DELAYED, MAX_WAITING};

/// An error of the API: for a whole request with its status, or for one item of it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    description: String,
}

impl Refusal {
    pub(crate) fn unauthorized() -> Refusal {
        Refusal::new(401, code::UNAUTHORIZED, "the Authorization header must be \"Bearer \" and this app's secret")
    }

    pub(crate) fn too_many_guesses() -> Refusal {
        let text = "too many wrong secrets came from this address: check the app's secret, and try again in a second";
        Refusal::new(429, "too_many_wrong_keys", text)
    }

    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == 401
    }

    pub(crate) fn unknown_app() -> Refusal {
        Refusal::new(404, code::NOT_FOUND, "there is no app with this id here: check the app id in the path")
    }

    pub(crate) fn unknown_path() -> Refusal {
        Refusal::new(404, code::NOT_FOUND, "there is no such call; see Cloudflare Realtime's DataChannel API")
    }

    pub(crate) fn body(problem: &str) -> Refusal {
        Refusal::new(400, code::DECODING_ERROR, &format!("the body cannot be read: {problem}"))
    }

    /// `establish` fails with the code of an unreadable body, also when it comes at the wrong time.
    pub(crate) fn establish(problem: &str) -> Refusal {
        Refusal::new(400, code::DECODING_ERROR, &format!("the transport cannot be established: {problem}"))
    }

    pub(crate) fn params(problem: &str) -> Refusal {
        Refusal::new(406, code::INVALID_PARAMS, problem)
    }

    pub(crate) fn description(problem: &str) -> Refusal {
        Refusal::new(406, code::INVALID_SESSION_DESCRIPTION, problem)
    }

    pub(crate) fn not_connected() -> Refusal {
        Refusal::new(
            425,
            code::SESSION_ERROR,
            "the session is not connected: establish it, and let ICE and DTLS finish",
        )
    }

    pub(crate) fn gone() -> Refusal {
        Refusal::new(410, code::SESSION_ERROR, "there is no such session, or it has ended: make a new one")
    }

    pub(crate) fn too_many_calls() -> Refusal {
        let problem = format!(
            "{MAX_DELAYED} calls on this session wait because there were more than {CALLS_PER_SECOND} in a second: \
             slow down and try again"
        );
        Refusal::new(429, code::RETRYABLE_TRANSIENT, &problem)
    }

    pub(crate) fn too_many_waiting() -> Refusal {
        let problem = format!("{MAX_WAITING} calls wait for this session to connect: wait for them, and try again");
        Refusal::new(429, code::RETRYABLE_TRANSIENT, &problem)
    }

    pub(crate) fn full(what: &str) -> Refusal {
        Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, what)
    }

    pub(crate) fn item(code: &'static str, problem: &str) -> Refusal {
        Refusal::new(200, code, problem)
    }

    fn new(status: u16, code: &'static str, description: &str) -> Refusal {
        Refusal { status, code, description: description.to_owned() }
    }

    /// As the answer to the whole request.
    pub(crate) fn response(self) -> Response {
        json(
            self.status,
            &ErrorBody { error_code: Some(self.code.to_owned()), error_description: Some(self.description) },
        )
    }

    /// As the answer to one item.
    pub(crate) fn on(self, item: DataChannel) -> DataChannel {
        DataChannel { error_code: Some(self.code.to_owned()), error_description: Some(self.description), ..item }
    }
}

/// A JSON response. The API's types are plain data, so this does not fail.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Response {
    Response { status, body: serde_json::to_vec(body).unwrap_or_default() }
}
