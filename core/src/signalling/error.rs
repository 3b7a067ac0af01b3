//! Why signalling has not done what it should.

use std::fmt;

use super::body::{Body, BodyKind};
use super::{Dialect, Failure};
use crate::link::LinkError;

/// The longest piece of a server's text that is passed on, in characters.
const MAX_DESCRIPTION: usize = 200;

/// What kind of trouble it is, and so what may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignallingErrorKind {
    /// The server refuses, and will until a person changes something.
    Refused,
    /// The server does not have what was asked about any more: 410. A new connection may help.
    Gone,
    /// The server refuses for now: the same request may succeed later.
    Later,
    /// What was answered is none of the server's answers, or cannot be used: something else answered, such as a proxy
    /// or a captive portal.
    Unreadable,
    /// There is no answer.
    Unreachable,
}

/// Why a call to a server has not done what it should. Its text says what a person can do about it, and neither
/// repeats what a stranger's answer says nor holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SignallingError(Box<Told>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// Of what: a method and a URL, or a stream's URL.
    place: String,
    what: What,
    /// A refusal that may go away by itself.
    is_passing: bool,
    advice: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Unanswered(Failure),
    Refused { status: u16, code: String, description: String },
    Unreadable { status: u16, body: Body },
    Description(LinkError),
    Garbage { status: u16 },
}

impl SignallingError {
    /// There is no answer from `place`: a method and a URL, or a stream's URL.
    pub fn unanswered(place: &str, failure: Failure) -> SignallingError {
        SignallingError::new(place, What::Unanswered(failure), &Dialect::PLAIN)
    }

    /// The server refuses, with an HTTP status or what is nearest to it, 200 when only an item of a request is
    /// refused; `code` may be empty. Texts are cut off at 200 characters, and what cannot be printed is left out.
    pub fn refused(place: &str, status: u16, code: &str, description: &str, dialect: &Dialect) -> SignallingError {
        let printable = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect();
        let what = What::Refused { status, code: printable(code), description: printable(description) };
        SignallingError::new(place, what, dialect)
    }

    /// The answer's body is none of the server's.
    pub fn unreadable(place: &str, status: u16, body: &[u8], dialect: &Dialect) -> SignallingError {
        SignallingError::new(place, What::Unreadable { status, body: Body::of(body) }, dialect)
    }

    /// The answer's session description cannot be used.
    pub fn description(place: &str, error: LinkError) -> SignallingError {
        SignallingError::new(place, What::Description(error), &Dialect::PLAIN)
    }

    /// The answer has the right form, but what it says cannot be: an id that is none or in use, a description that is
    /// missing.
    pub fn garbage(place: &str, status: u16) -> SignallingError {
        SignallingError::new(place, What::Garbage { status }, &Dialect::PLAIN)
    }

    fn new(place: &str, what: What, dialect: &Dialect) -> SignallingError {
        let is_passing = match &what {
            What::Unanswered(failure) => !matches!(failure, Failure::TooLarge | Failure::Redirected { .. }),
            What::Refused { status, code, .. } => is_passing(*status) || (dialect.is_passing)(*status, code),
            What::Unreadable { status, .. } | What::Garbage { status } => is_passing(*status),
            What::Description(_) => false,
        };
        let advice = advice(&what, dialect);
        SignallingError(Box::new(Told { place: place.to_owned(), what, is_passing, advice }))
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> SignallingErrorKind {
        match &self.0.what {
            What::Refused { status: 410, .. } => SignallingErrorKind::Gone,
            What::Refused { .. } if self.0.is_passing => SignallingErrorKind::Later,
            What::Refused { .. } => SignallingErrorKind::Refused,
            What::Unanswered(Failure::TooLarge | Failure::Redirected { .. }) => SignallingErrorKind::Unreadable,
            What::Unanswered(_) => SignallingErrorKind::Unreachable,
            What::Unreadable { .. } | What::Description(_) | What::Garbage { .. } => SignallingErrorKind::Unreadable,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.is_passing
    }

    /// Whether something else answered in the server's place, such as a captive portal or a proxy. It says nothing of
    /// what the server would have answered: not that it refuses, whatever the status.
    pub fn is_foreign(&self) -> bool {
        use Failure::{Redirected, Tls, TooLarge};
        matches!(self.0.what, What::Unreadable { .. } | What::Unanswered(Redirected { .. } | TooLarge | Tls(_)))
    }

    /// Whether the server itself refuses, and will until a person changes something.
    pub fn is_refusal(&self) -> bool {
        matches!(self.0.what, What::Refused { .. }) && !self.0.is_passing
    }

    /// Whether the server may have done what was asked although its answer did not arrive.
    pub fn is_outcome_unknown(&self) -> bool {
        use Failure::{Broken, Timeout, TooLarge};
        // What is put in the place of an answer may follow the request's arrival.
        matches!(self.0.what, What::Unreadable { .. } | What::Unanswered(Timeout(_) | Broken(_) | TooLarge))
    }

    /// Whether the server does not have the session any more.
    pub fn is_session_gone(&self) -> bool {
        self.refusal_status() == Some(410)
    }

    /// The status with which the server refuses; `None` for anything else, and for what only has such a status.
    pub fn refusal_status(&self) -> Option<u16> {
        match self.0.what {
            What::Refused { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The code with which the server refuses; empty without one, and for anything else.
    pub fn code(&self) -> &str {
        match &self.0.what {
            What::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// What the server says of its refusal; empty for anything else.
    pub fn refusal_text(&self) -> &str {
        match &self.0.what {
            What::Refused { description, .. } => description,
            _ => "",
        }
    }

    /// The status of an answer, whoever gave it.
    pub fn status(&self) -> Option<u16> {
        match self.0.what {
            What::Refused { status, .. } | What::Unreadable { status, .. } | What::Garbage { status } => Some(status),
            What::Unanswered(Failure::Redirected { status, .. }) => Some(status),
            What::Unanswered(_) | What::Description(_) => None,
        }
    }

    /// Why there is no answer, if there is none.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0.what {
            What::Unanswered(failure) => Some(failure),
            _ => None,
        }
    }

    /// What the answer's body is, if it is none of the server's.
    pub fn body(&self) -> Option<Body> {
        match self.0.what {
            What::Unreadable { body, .. } => Some(body),
            _ => None,
        }
    }
}

/// Whether an HTTP status says that the request itself may be all right.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

const DOWN: &str = "a proxy in front of the server answers like this while the server is down";

const STRANGER: &str = "check the URL, and whether a captive portal or proxy answers in the server's place";

/// What a person can do about it.
fn advice(what: &What, dialect: &Dialect) -> Option<&'static str> {
    let (status, code, is_page) = match what {
        What::Refused { status, code, .. } => (*status, Some(&**code), false),
        What::Unreadable { status, body } => (*status, None, body.kind == BodyKind::Html),
        _ => return None,
    };
    let of_provider = if is_page { None } else { (dialect.advice)(status, code) };
    of_provider.or(match (status, code) {
        (_, Some(_)) => None,
        (502..=504, None) => Some(DOWN),
        (_, None) => Some(STRANGER),
    })
}

impl fmt::Display for SignallingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { place, what, advice, .. } = &*self.0;
        write!(f, "{place}: ")?;
        match what {
            What::Unanswered(failure) => failure.fmt(f)?,
            What::Refused { status, code, description } if code.is_empty() => write!(f, "{status} {description}")?,
            What::Refused { status, code, description } => write!(f, "{status} {code}: {description}")?,
            What::Unreadable { status, body } => write!(f, "{status} {body}")?,
            What::Description(error) => error.fmt(f)?,
            What::Garbage { status } => {
                write!(f, "the answer (status {status}) has the form of this API's but cannot be used; check the URL")?;
            }
        }
        advice.map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

impl fmt::Debug for SignallingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { place, what, .. } = &*self.0;
        f.debug_struct("SignallingError").field("place", place).field("what", what).finish_non_exhaustive()
    }
}

impl std::error::Error for SignallingError {}
