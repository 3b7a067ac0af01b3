//! What a request is refused with.

use farwire_core::signalling::SignallingError;
use farwire_core::signalling::{Failure, Response};
use farwire_core::wire::cloudflare::code;
use farwire_core::wire::teleop::{Refused, code as own, path};
use serde::Serialize;

use crate::key::RobotId;
use crate::limits::{MAX_NAME, MAX_OFFER, MAX_WAITING};

/// An error of the broker's API. Its texts hold no secret and nothing of a session description.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    description: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, description: impl Into<String>) -> Refusal {
        Refusal { status, code, description: description.into() }
    }

    /// The same for keys that never were, are cut off, or are of the other kind.
    pub(crate) fn no_robot_key() -> Refusal {
        let text =
            "the X-Robot-API-Key header must hold a robot key of this broker: `farwire keys create robot` makes one";
        Refusal::new(401, code::UNAUTHORIZED, text)
    }

    pub(crate) fn no_operator_token() -> Refusal {
        let text = "the Authorization header must be \"Bearer \" and an operator token of this broker: \
                    `farwire keys create operator` makes one";
        Refusal::new(401, code::UNAUTHORIZED, text)
    }

    /// Only its holder can show a key that was good once, so only its holder learns this.
    pub(crate) fn revoked_key() -> Refusal {
        let text = "this robot key was revoked: `farwire keys create robot` makes another one";
        Refusal::new(401, own::KEY_REVOKED, text)
    }

    pub(crate) fn revoked_token() -> Refusal {
        let text = "this operator token was revoked: `farwire keys create operator` makes another one";
        Refusal::new(401, own::KEY_REVOKED, text)
    }

    /// To whoever uses a session whose robot has another one: robots take 404 for the end.
    pub(crate) fn displaced() -> Refusal {
        let text = "another robot registered with this robot's key or id, and has its place: stop one of them, or make each \
                    a key of its own with `farwire keys create robot`";
        Refusal::new(404, own::SESSION_DISPLACED, text)
    }

    pub(crate) fn robot_present() -> Refusal {
        let text = "another robot is here with this robot's key or id, and keeps its place until it is gone: stop one of \
                    them, or make each a key of its own with `farwire keys create robot`";
        Refusal::new(409, own::ROBOT_PRESENT, text)
    }

    pub(crate) fn too_many_guesses() -> Refusal {
        let text = "too many wrong keys came from this address: check the key, and try again in a second";
        Refusal::new(429, own::TOO_MANY_WRONG_KEYS, text)
    }

    pub(crate) fn other_robot(own: &RobotId) -> Refusal {
        let text = format!(
            "robot_id: this key is of robot {own}: leave robot_id out, or create a key for the other robot with \
             `farwire keys create robot`"
        );
        Refusal::new(403, own::FORBIDDEN, text)
    }

    pub(crate) fn unknown_path() -> Refusal {
        let text = format!("there is no such call: the broker's are below {}", path::SESSIONS);
        Refusal::new(404, code::NOT_FOUND, text)
    }

    /// Also for sessions of others, of which nothing is to be learnt.
    pub(crate) fn no_session() -> Refusal {
        let text = "Session not found: there is none here for you by this id: register again (robot), or list the sessions (operator)";
        Refusal::new(404, own::SESSION_NOT_FOUND, text)
    }

    pub(crate) fn body(problem: &str) -> Refusal {
        Refusal::new(422, code::DECODING_ERROR, format!("the body cannot be read: {problem}"))
    }

    pub(crate) fn long_name(field: &str, bytes: usize) -> Refusal {
        Refusal::new(422, code::DECODING_ERROR, format!("{field}: {MAX_NAME} bytes at most, and there are {bytes}"))
    }

    pub(crate) fn offer(bytes: usize) -> Refusal {
        let text = format!("sdp_offer: 1 to {MAX_OFFER} bytes are needed, and there are {bytes}");
        Refusal::new(422, code::INVALID_SESSION_DESCRIPTION, text)
    }

    pub(crate) fn no_viewer() -> Refusal {
        let text = "to: name one of those who watch this robot, which its status lists as viewers";
        Refusal::new(404, own::NO_VIEWER, text)
    }

    pub(crate) fn not_taken() -> Refusal {
        let text = "the viewer did not take the robot in time, and you go on operating it: is it farwire's?";
        Refusal::new(409, own::NO_VIEWER, text)
    }

    pub(crate) fn handed_elsewhere() -> Refusal {
        Refusal::new(409, own::SUPERSEDED, "the robot is handed over by another request")
    }

    pub(crate) fn too_many_viewers(viewers: usize) -> Refusal {
        let text = format!("{viewers} watch this robot, as many as may: wait until one of them leaves");
        Refusal::new(429, own::TOO_MANY_VIEWERS, text)
    }

    pub(crate) fn unverified() -> Refusal {
        let text = "the broker was restarted and waits for the SFU's word on this session: try again";
        Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, text)
    }

    pub(crate) fn full(robots: usize) -> Refusal {
        let text = format!("there are {robots} sessions or their remains, as many as there may be: try again later");
        Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, text)
    }

    pub(crate) fn superseded() -> Refusal {
        let text = "this ended before the SFU had answered: the robot registered again, or its key was revoked";
        Refusal::new(409, own::SUPERSEDED, text)
    }

    pub(crate) fn operated() -> Refusal {
        let text = "Session already has operator: somebody with another token: wait, or join with \"takeover\": true";
        Refusal::new(409, own::OPERATOR_PRESENT, text)
    }

    pub(crate) fn not_operator() -> Refusal {
        // DimOS's page leaves off at the first words, and farwire's clients at the code.
        let text = "Not the bound operator: you do not operate or watch this robot, or no longer: join first";
        Refusal::new(403, own::NOT_JOINED, text)
    }

    pub(crate) fn no_longer_operator() -> Refusal {
        Refusal::new(409, own::NOT_JOINED, "the robot or another operator ended this meanwhile: join again")
    }

    pub(crate) fn too_many_waiting() -> Refusal {
        let text = format!("{MAX_WAITING} requests wait for this bridge: wait for them");
        Refusal::new(429, code::RETRYABLE_TRANSIENT, text)
    }

    pub(crate) fn too_many_closing() -> Refusal {
        let text = "too many sessions of this robot are still being closed on the SFU: try again in a second";
        Refusal::new(429, code::RETRYABLE_TRANSIENT, text)
    }

    pub(crate) fn nothing_to_answer() -> Refusal {
        Refusal::new(409, own::NO_OFFER, "no offer of the broker waits for an answer: it carries no video or audio")
    }

    pub(crate) fn used_id() -> Refusal {
        let text = "the SFU gave a channel id for the second time, which robots cannot tell apart: try again";
        Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, text)
    }

    /// What the SFU's error is to the one whose request led to it. It names no URL, app or secret.
    pub(crate) fn of_sfu(error: &SignallingError) -> Refusal {
        let problem = match (error.refusal_status(), error.failure(), error.body()) {
            (Some(_), ..) => format!("the SFU refuses: {}: {}", error.code(), error.refusal_text()),
            (_, Some(Failure::Timeout(_)), _) => "the SFU does not answer in time".to_owned(),
            (_, Some(_), _) => "the SFU cannot be reached".to_owned(),
            (.., Some(body)) => format!("the SFU's URL answers {} {body}", error.status().unwrap_or_default()),
            _ => "the SFU's answer cannot be read".to_owned(),
        };
        match error.refusal_status() {
            Some(425) => Refusal::new(
                425,
                code::SESSION_ERROR,
                format!("{problem}; the robot or you are not connected yet: try again"),
            ),
            Some(400 | 406) => {
                Refusal::new(400, code::INVALID_SESSION_DESCRIPTION, format!("{problem}; check sdp_offer"))
            }
            _ if error.is_retryable() => {
                Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, format!("{problem}: try again"))
            }
            _ => Refusal::new(502, own::SFU_ERROR, format!("{problem}; whoever runs the broker has to look at it")),
        }
    }

    pub(crate) fn slow_sfu() -> Refusal {
        Refusal::new(503, code::TEMPORARILY_UNAVAILABLE, "the SFU does not answer in time: try again")
    }

    pub(crate) fn response(self) -> Response {
        json(self.status, &Refused::new(self.code, self.description))
    }
}

/// A JSON response. The API's types are plain data, so this does not fail.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Response {
    Response { status, body: serde_json::to_vec(body).unwrap_or_default() }
}
