//! Lines that wait to be sent.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use farwire_core::signalling::{Failure, MAX_LINE, MAX_QUEUED_LINES};

/// What the holder of a stream asks of it, bounded by [`MAX_QUEUED_LINES`].
#[derive(Debug, Default)]
pub(crate) struct Outgoing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    is_closing: bool,
    /// What was asked that cannot be done, which ends the stream.
    failed: Option<Failure>,
}

/// What a stream is to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Send these bytes, a line and its end.
    Send(Vec<u8>),
    /// Nothing yet.
    Wait,
    /// Close: all is sent.
    Close,
    /// End for this reason.
    Fail(Failure),
}

impl Outgoing {
    /// Asks that a line be sent.
    pub(crate) fn push(&self, line: String) {
        let mut state = self.lock();
        let failed = if line.len() > MAX_LINE || line.contains('\n') {
            "a line to send is too long or has an end inside"
        } else if state.lines.len() >= MAX_QUEUED_LINES {
            "the server does not take what it is sent: too many lines wait"
        } else {
            return state.lines.push_back(line);
        };
        state.failed.get_or_insert_with(|| Failure::Broken(failed.to_owned()));
    }

    /// Asks that the stream be closed when all is sent.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().is_closing
    }

    /// Why the stream is to end before all is sent, if so.
    pub(crate) fn failed(&self) -> Option<Failure> {
        self.lock().failed.clone()
    }

    pub(crate) fn next(&self) -> Next {
        let mut state = self.lock();
        if let Some(failure) = &state.failed {
            return Next::Fail(failure.clone());
        }
        match state.lines.pop_front() {
            Some(line) => {
                let mut bytes = line.into_bytes();
                bytes.push(b'\n');
                Next::Send(bytes)
            }
            None if state.is_closing => Next::Close,
            None => Next::Wait,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_sent_before_the_end() {
        let outgoing = Outgoing::default();
        assert_eq!(outgoing.next(), Next::Wait);
        outgoing.push("one".to_owned());
        outgoing.close();
        assert_eq!(outgoing.next(), Next::Send(b"one\n".to_vec()));
        assert_eq!(outgoing.next(), Next::Close);
    }

    #[test]
    fn too_many_lines_are_an_end_and_no_loss() {
        let outgoing = Outgoing::default();
        (0..MAX_QUEUED_LINES).for_each(|n| outgoing.push(n.to_string()));
        assert_eq!(outgoing.failed(), None);
        outgoing.push("one more".to_owned());
        assert!(matches!(outgoing.next(), Next::Fail(Failure::Broken(_))));
    }

    #[test]
    fn what_is_no_line_is_not_sent() {
        for line in ["two\nlines".to_owned(), "x".repeat(MAX_LINE + 1)] {
            let outgoing = Outgoing::default();
            outgoing.push(line);
            assert!(matches!(outgoing.next(), Next::Fail(Failure::Broken(_))));
        }
    }
}
