//! The answer to a request, which is given in any case.

use std::fmt;

use farwire_core::signalling::{Failure, Response};

/// Where the answer to a request goes. Dropped without one, it says that the request was given up, so that a request whose
/// thread or task panics, or never runs, is answered too.
pub struct Answer {
    to: Option<Box<To>>,
    unless_given: Failure,
}

/// What is done with an answer.
type To = dyn FnOnce(Result<Response, Failure>) + Send;

impl Answer {
    pub(crate) fn new(to: impl FnOnce(Result<Response, Failure>) + Send + 'static) -> Answer {
        Answer { to: Some(Box::new(to)), unless_given: Failure::Broken("the request was given up".to_owned()) }
    }

    /// What is said if this is dropped.
    #[must_use]
    pub fn or(mut self, failure: Failure) -> Answer {
        self.unless_given = failure;
        self
    }

    /// Answers.
    pub fn give(mut self, result: Result<Response, Failure>) {
        if let Some(to) = self.to.take() {
            to(result);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to(Err(self.unless_given.clone()));
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
